import { useId } from 'react';
import { MAX_NODES_PER_SUBNET, SUBNET_KINDS, type SubnetSpec } from '../../wire/network-spec.ts';
import { typeInWords } from '../components/SubnetTabs.tsx';

/** A subnet as the form has it: a number that is being typed may be none. */
export type SubnetDraft = Required<SubnetSpec>;

export const NEW_SUBNET: SubnetDraft = { type: 'application', nodes: 4, spareNodes: 0 };

const KIND_NOTES: Readonly<Record<SubnetSpec['type'], string>> = {
  application: 'Where users’ canisters belong: they pay for what they use.',
  system: 'As the NNS’s: canisters pay nothing and have larger limits.',
  verified_application: 'As an application subnet; kept apart for what the NNS looks after.',
  fiduciary: 'An application subnet of more nodes, whose canisters pay accordingly.',
  data: 'Its canisters make no calls to others.',
};

/** What is wrong with it, in a sentence; undefined = nothing. */
export function problemOf({ nodes, spareNodes }: SubnetDraft): string | undefined {
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > MAX_NODES_PER_SUBNET) {
    return `A subnet has 1 to ${MAX_NODES_PER_SUBNET} nodes.`;
  }
  return !Number.isInteger(spareNodes) ||
    spareNodes < 0 ||
    nodes + spareNodes > MAX_NODES_PER_SUBNET
    ? `With its spare nodes a subnet has at most ${MAX_NODES_PER_SUBNET}.`
    : undefined;
}

interface SubnetFieldsProps {
  readonly draft: SubnetDraft;
  /** The first of several subnets keeps the registry: its kind is given. */
  readonly isRoot?: boolean;
  readonly onChange: (draft: SubnetDraft) => void;
}

/** Kind, nodes and spare nodes of a subnet that is to be. */
export function SubnetFields({ draft, isRoot = false, onChange }: SubnetFieldsProps) {
  const id = useId();
  return (
    <>
      <div className="subnet-fields">
        <div className="choice">
          <label htmlFor={`${id}-type`}>Kind</label>
          <select
            id={`${id}-type`}
            className="input"
            value={draft.type}
            disabled={isRoot}
            onChange={(event) => {
              const type = SUBNET_KINDS.find((kind) => kind === event.currentTarget.value);
              onChange({ ...draft, type: type ?? draft.type });
            }}
          >
            {SUBNET_KINDS.map((kind) => (
              <option key={kind} value={kind}>
                {typeInWords(kind)}
              </option>
            ))}
          </select>
        </div>
        <NumberField
          id={`${id}-nodes`}
          label="Nodes"
          min={1}
          value={draft.nodes}
          onChange={(nodes) => onChange({ ...draft, nodes })}
        />
        <NumberField
          id={`${id}-spares`}
          label="Spare nodes"
          min={0}
          value={draft.spareNodes}
          onChange={(spareNodes) => onChange({ ...draft, spareNodes })}
        />
      </div>
      <p className="muted small">{KIND_NOTES[draft.type]}</p>
    </>
  );
}

interface NumberFieldProps {
  readonly id: string;
  readonly label: string;
  readonly min: number;
  readonly value: number;
  readonly onChange: (value: number) => void;
}

function NumberField({ id, label, min, value, onChange }: NumberFieldProps) {
  return (
    <div className="choice">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className="input"
        type="number"
        min={min}
        max={MAX_NODES_PER_SUBNET}
        value={Number.isNaN(value) ? '' : value}
        onChange={(event) => onChange(event.currentTarget.valueAsNumber)}
      />
    </div>
  );
}
