import { Principal } from '@icp-sdk/core/principal';
import { hexToBytes } from '../../base/hex.ts';
import { err, ok, type Result } from '../../base/result.ts';
import {
  type DidArgument,
  type DidField,
  type DidInterface,
  type DidType,
  isBlob,
  type Primitive,
  resolveType,
} from './did-types.ts';

/** What a person has typed so far, in the shape of the Candid type it is for. */
export type FormNode =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'opt'; readonly some: FormNode | null }
  | { readonly kind: 'vec'; readonly items: readonly FormNode[] }
  | { readonly kind: 'record'; readonly fields: Readonly<Record<string, FormNode>> }
  | { readonly kind: 'variant'; readonly chosen: string; readonly inner: FormNode }
  | { readonly kind: 'fixed' };

/** Where in the form the text is wrong, and what it should be. */
export interface FormError {
  readonly path: string;
  readonly message: string;
}

type Types = DidInterface['types'];

const FIXED: FormNode = { kind: 'fixed' };
/** Records that contain themselves without an `opt` have no finite value; stop there. */
const MAX_DEPTH = 24;

/** An untouched form: numbers 0, options absent, the first case of a variant. */
export function emptyForm(type: DidType, types: Types, depth = 0): FormNode {
  const shape = resolveType(type, types);
  if (shape === undefined || depth > MAX_DEPTH) {
    return FIXED;
  }
  if (isBlob(shape)) {
    return { kind: 'text', text: '' };
  }
  switch (shape.kind) {
    case 'primitive':
      return emptyPrimitive(shape.name);
    case 'opt':
      return { kind: 'opt', some: null };
    case 'vec':
      return { kind: 'vec', items: [] };
    case 'record':
      return {
        kind: 'record',
        fields: Object.fromEntries(
          shape.fields.map((field) => [field.label, emptyForm(field.type, types, depth + 1)]),
        ),
      };
    case 'variant': {
      const first = shape.fields[0];
      return first === undefined ? FIXED : chooseCase(first, types, depth + 1);
    }
    default:
      return FIXED;
  }
}

export function chooseCase(field: DidField, types: Types, depth = 0): FormNode {
  return { kind: 'variant', chosen: field.label, inner: emptyForm(field.type, types, depth) };
}

function emptyPrimitive(name: Primitive): FormNode {
  switch (name) {
    case 'bool':
      return { kind: 'bool', value: false };
    case 'null':
    case 'reserved':
    case 'empty':
      return FIXED;
    case 'text':
    case 'principal':
      return { kind: 'text', text: '' };
    default:
      return { kind: 'text', text: '0' };
  }
}

/** The value that the agent's codec takes, or the first place where the form is wrong. */
export function readForm(
  node: FormNode,
  type: DidType,
  types: Types,
  path = 'value',
): Result<unknown, FormError> {
  const shape = resolveType(type, types);
  if (node.kind === 'text' && shape !== undefined && isBlob(shape)) {
    return readBlob(node.text, path);
  }
  switch (shape?.kind) {
    case 'primitive':
      return readPrimitive(node, shape.name, path);
    case 'opt':
      if (node.kind !== 'opt' || node.some === null) {
        return ok([]);
      }
      return mapOk(readForm(node.some, shape.of, types, path), (value) => [value]);
    case 'vec':
      return readItems(node, shape.of, types, path);
    case 'record':
      return readRecord(node, shape.fields, types, path);
    case 'variant': {
      const field = shape.fields.find(
        (item) => node.kind === 'variant' && item.label === node.chosen,
      );
      if (node.kind !== 'variant' || field === undefined) {
        return err({ path, message: 'choose a case' });
      }
      const inner = readForm(node.inner, field.type, types, `${path}.${field.label}`);
      return mapOk(inner, (value) => ({ [field.label]: value }));
    }
    default:
      return err({ path, message: 'references cannot be typed into a form' });
  }
}

/** An untouched field for each argument. */
export function emptyArguments(args: readonly DidArgument[], types: Types): readonly FormNode[] {
  return args.map((argument) => emptyForm(argument.type, types));
}

export function argumentName({ name }: DidArgument, index: number): string {
  return name ?? `argument ${index + 1}`;
}

/** The values of a call's or an installation's arguments, or the first place that is wrong. */
export function readArguments(
  nodes: readonly FormNode[],
  args: readonly DidArgument[],
  types: Types,
): Result<readonly unknown[], FormError> {
  const values: unknown[] = [];
  for (const [index, argument] of args.entries()) {
    const path = argumentName(argument, index);
    const value = readForm(nodes[index] ?? FIXED, argument.type, types, path);
    if (!value.ok) {
      return value;
    }
    values.push(value.value);
  }
  return ok(values);
}

function readItems(
  node: FormNode,
  of: DidType,
  types: Types,
  path: string,
): Result<unknown, FormError> {
  const values: unknown[] = [];
  for (const [index, item] of (node.kind === 'vec' ? node.items : []).entries()) {
    const value = readForm(item, of, types, `${path}[${index}]`);
    if (!value.ok) {
      return value;
    }
    values.push(value.value);
  }
  return ok(values);
}

function readRecord(
  node: FormNode,
  fields: readonly DidField[],
  types: Types,
  path: string,
): Result<unknown, FormError> {
  const entries: (readonly [string, unknown])[] = [];
  for (const field of fields) {
    const given = node.kind === 'record' ? node.fields[field.label] : undefined;
    const value = readForm(given ?? FIXED, field.type, types, `${path}.${field.label}`);
    if (!value.ok) {
      return value;
    }
    entries.push([field.label, value.value]);
  }
  return ok(Object.fromEntries(entries));
}

function readPrimitive(node: FormNode, name: Primitive, path: string): Result<unknown, FormError> {
  if (name === 'bool') {
    return ok(node.kind === 'bool' && node.value);
  }
  const text = node.kind === 'text' ? node.text : '';
  switch (name) {
    case 'text':
      return ok(text);
    case 'null':
    case 'reserved':
      return ok(null);
    case 'empty':
      return err({ path, message: 'the type empty has no value' });
    case 'principal':
      return readPrincipal(text.trim(), path);
    case 'float32':
    case 'float64': {
      const value = Number(text.trim());
      const valid = text.trim() !== '' && !Number.isNaN(value);
      return valid ? ok(value) : err({ path, message: 'must be a number such as 1.5' });
    }
    default:
      return readInteger(text.replaceAll(/[\s_,]/gu, ''), name, path);
  }
}

function readInteger(text: string, name: Primitive, path: string): Result<unknown, FormError> {
  const signed = name.startsWith('int');
  if (!/^[+-]?\d+$/u.test(text)) {
    return err({ path, message: `must be a whole number (${name})` });
  }
  const value = BigInt(text.replace('+', ''));
  const bits = Number(name.replace(/^\D+/u, ''));
  const lowest = signed ? (bits === 0 ? value : -(2n ** BigInt(bits - 1))) : 0n;
  const highest = bits === 0 ? value : 2n ** BigInt(signed ? bits - 1 : bits) - 1n;
  if (value < lowest || value > highest) {
    const range = bits === 0 ? `${lowest} or more` : `between ${lowest} and ${highest}`;
    return err({ path, message: `must be ${range} (${name})` });
  }
  // Agents take small integers as numbers and 64-bit and unbounded ones as bigints.
  return ok(bits > 0 && bits <= 32 ? Number(value) : value);
}

function readPrincipal(text: string, path: string): Result<unknown, FormError> {
  try {
    return ok(Principal.fromText(text));
  } catch {
    return err({ path, message: 'must be a principal such as aaaaa-aa' });
  }
}

/** `0x` starts hex; anything else is the UTF-8 of the text. */
function readBlob(text: string, path: string): Result<unknown, FormError> {
  if (!text.startsWith('0x')) {
    return ok(new TextEncoder().encode(text));
  }
  const bytes = hexToBytes(text.slice(2));
  return bytes === undefined
    ? err({ path, message: 'must have an even number of hex digits after 0x' })
    : ok(bytes);
}

function mapOk<T, U>(result: Result<T, FormError>, map: (value: T) => U): Result<U, FormError> {
  return result.ok ? ok(map(result.value)) : result;
}
