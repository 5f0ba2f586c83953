import { useId } from 'react';
import {
  type DidField,
  type DidInterface,
  type DidType,
  isBlob,
  resolveType,
  showType,
} from '../candid/did-types.ts';
import { chooseCase, emptyForm, type FormNode } from '../candid/form-model.ts';

type Types = DidInterface['types'];

interface ValueInputProps {
  readonly label: string;
  readonly type: DidType;
  readonly types: Types;
  readonly node: FormNode;
  readonly onChange: (node: FormNode) => void;
}

/** The field for one Candid value: as many controls as its type has parts. */
export function ValueInput({ label, type, types, node, onChange }: ValueInputProps) {
  const shape = resolveType(type, types);
  const hint = showType(type);
  switch (node.kind) {
    case 'text':
      return (
        <TextValue label={label} hint={hint} shape={shape} text={node.text} onChange={onChange} />
      );
    case 'bool':
      return (
        <label className="check">
          <input
            type="checkbox"
            checked={node.value}
            onChange={(event) => onChange({ kind: 'bool', value: event.currentTarget.checked })}
          />
          {label} <span className="muted small">{hint}</span>
        </label>
      );
    case 'opt':
      return (
        <OptValue
          label={label}
          of={innerOf(shape)}
          types={types}
          some={node.some}
          onChange={onChange}
        />
      );
    case 'vec':
      return (
        <VecValue
          label={label}
          of={innerOf(shape)}
          types={types}
          items={node.items}
          onChange={onChange}
        />
      );
    case 'record':
      return (
        <fieldset className="value-group">
          <legend>{label}</legend>
          {fieldsOf(shape).map((field) => (
            <ValueInput
              key={field.label}
              label={field.label}
              type={field.type}
              types={types}
              node={node.fields[field.label] ?? { kind: 'fixed' }}
              onChange={(child) =>
                onChange({ kind: 'record', fields: { ...node.fields, [field.label]: child } })
              }
            />
          ))}
        </fieldset>
      );
    case 'variant':
      return (
        <VariantValue
          label={label}
          fields={fieldsOf(shape)}
          types={types}
          node={node}
          onChange={onChange}
        />
      );
    case 'fixed':
      return (
        <p className="small muted">
          {label}: {hint}
        </p>
      );
  }
}

function innerOf(shape: DidType | undefined): DidType {
  return shape?.kind === 'opt' || shape?.kind === 'vec'
    ? shape.of
    : { kind: 'primitive', name: 'empty' };
}

function fieldsOf(shape: DidType | undefined): readonly DidField[] {
  return shape?.kind === 'record' || shape?.kind === 'variant' ? shape.fields : [];
}

interface TextValueProps {
  readonly label: string;
  readonly hint: string;
  readonly shape: DidType | undefined;
  readonly text: string;
  readonly onChange: (node: FormNode) => void;
}

function TextValue({ label, hint, shape, text, onChange }: TextValueProps) {
  const id = useId();
  const blob = shape !== undefined && isBlob(shape);
  const numeric = shape?.kind === 'primitive' && /^(?:nat|int)/u.test(shape.name);
  return (
    <div className="value">
      <label htmlFor={id}>
        {label} <span className="muted small">{blob ? 'blob, text or 0x hex' : hint}</span>
      </label>
      <input
        id={id}
        className="input mono"
        inputMode={numeric ? 'numeric' : 'text'}
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => onChange({ kind: 'text', text: event.currentTarget.value })}
      />
    </div>
  );
}

interface InnerProps {
  readonly label: string;
  readonly of: DidType;
  readonly types: Types;
  readonly onChange: (node: FormNode) => void;
}

function OptValue({
  label,
  of,
  types,
  some,
  onChange,
}: InnerProps & { readonly some: FormNode | null }) {
  return (
    <fieldset className="value-group">
      <legend className="visually-hidden">{label}</legend>
      <label className="check">
        <input
          type="checkbox"
          checked={some !== null}
          onChange={(event) =>
            onChange({
              kind: 'opt',
              some: event.currentTarget.checked ? emptyForm(of, types) : null,
            })
          }
        />
        {label} is given <span className="muted small">opt {showType(of)}</span>
      </label>
      {some === null ? null : (
        <ValueInput
          label={label}
          type={of}
          types={types}
          node={some}
          onChange={(child) => onChange({ kind: 'opt', some: child })}
        />
      )}
    </fieldset>
  );
}

function VecValue(props: InnerProps & { readonly items: readonly FormNode[] }) {
  const { label, of, types, items, onChange } = props;
  const replace = (next: readonly FormNode[]): void => onChange({ kind: 'vec', items: next });
  return (
    <fieldset className="value-group">
      <legend>
        {label} <span className="muted small">vec {showType(of)}</span>
      </legend>
      {items.map((item, index) => (
        <div className="value-item" key={index}>
          <ValueInput
            label={`${label}[${index}]`}
            type={of}
            types={types}
            node={item}
            onChange={(child) => replace(items.with(index, child))}
          />
          <button
            type="button"
            className="button"
            aria-label={`Remove ${label}[${index}]`}
            onClick={() => replace(items.toSpliced(index, 1))}
          >
            −
          </button>
        </div>
      ))}
      <button
        type="button"
        className="button"
        onClick={() => replace([...items, emptyForm(of, types)])}
      >
        + Add an item
      </button>
    </fieldset>
  );
}

interface VariantProps {
  readonly label: string;
  readonly fields: readonly DidField[];
  readonly types: Types;
  readonly node: FormNode & { readonly kind: 'variant' };
  readonly onChange: (node: FormNode) => void;
}

function VariantValue({ label, fields, types, node, onChange }: VariantProps) {
  const id = useId();
  const field = fields.find((candidate) => candidate.label === node.chosen);
  const unit = field?.type.kind === 'primitive' && field.type.name === 'null';
  return (
    <fieldset className="value-group">
      <legend className="visually-hidden">{label}</legend>
      <div className="value">
        <label htmlFor={id}>
          {label} <span className="muted small">variant</span>
        </label>
        <select
          id={id}
          className="input"
          value={node.chosen}
          onChange={(event) => {
            const chosen = fields.find(
              (candidate) => candidate.label === event.currentTarget.value,
            );
            if (chosen !== undefined) {
              onChange(chooseCase(chosen, types));
            }
          }}
        >
          {fields.map((candidate) => (
            <option key={candidate.label}>{candidate.label}</option>
          ))}
        </select>
      </div>
      {field === undefined || unit ? null : (
        <ValueInput
          label={field.label}
          type={field.type}
          types={types}
          node={node.inner}
          onChange={(inner) => onChange({ ...node, inner })}
        />
      )}
    </fieldset>
  );
}
