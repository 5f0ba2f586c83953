/** The Candid types of an interface, as plain data: forms, values and codecs are made from these. */
export const PRIMITIVES = [
  'nat',
  'nat8',
  'nat16',
  'nat32',
  'nat64',
  'int',
  'int8',
  'int16',
  'int32',
  'int64',
  'float32',
  'float64',
  'bool',
  'text',
  'null',
  'reserved',
  'empty',
  'principal',
] as const;
export type Primitive = (typeof PRIMITIVES)[number];

export type DidType =
  | { readonly kind: 'primitive'; readonly name: Primitive }
  | { readonly kind: 'opt' | 'vec'; readonly of: DidType }
  | { readonly kind: 'record' | 'variant'; readonly fields: readonly DidField[] }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'func'; readonly signature: DidSignature }
  | { readonly kind: 'service'; readonly methods: readonly DidMethod[] };

export interface DidField {
  /** As agents name it: `_7_` for the unnamed field 7. */
  readonly label: string;
  readonly type: DidType;
}

export interface DidArgument {
  readonly name: string | undefined;
  readonly type: DidType;
}

export type MethodMode = 'update' | 'query' | 'composite_query' | 'oneway';

export interface DidSignature {
  readonly args: readonly DidArgument[];
  readonly results: readonly DidArgument[];
  readonly mode: MethodMode;
}

export interface DidMethod extends DidSignature {
  readonly name: string;
}

export interface DidInterface {
  readonly types: ReadonlyMap<string, DidType>;
  /** Arguments of installation. */
  readonly init: readonly DidArgument[];
  readonly methods: readonly DidMethod[];
}

export function isPrimitive(name: string): name is Primitive {
  return (PRIMITIVES as readonly string[]).includes(name);
}

/** Follows type names to a structural type; undefined for an unknown or circular name. */
export function resolveType(type: DidType, types: DidInterface['types']): DidType | undefined {
  let current: DidType | undefined = type;
  for (let steps = 0; current?.kind === 'name'; steps += 1) {
    if (steps > types.size) {
      return undefined;
    }
    current = types.get(current.name);
  }
  return current;
}

/** True for `vec nat8`, which people write as bytes or text. */
export function isBlob(type: DidType): boolean {
  return type.kind === 'vec' && type.of.kind === 'primitive' && type.of.name === 'nat8';
}

/** The type as Candid text, on one line. */
export function showType(type: DidType): string {
  switch (type.kind) {
    case 'primitive':
    case 'name':
      return type.name;
    case 'opt':
      return `opt ${showType(type.of)}`;
    case 'vec':
      return isBlob(type) ? 'blob' : `vec ${showType(type.of)}`;
    case 'record':
    case 'variant':
      return `${type.kind} { ${type.fields.map(showField).join('; ')} }`;
    case 'func':
      return `func ${showSignature(type.signature)}`;
    case 'service':
      return 'service';
  }
}

export function showSignature({ args, results, mode }: DidSignature): string {
  const list = (items: readonly DidArgument[]): string =>
    items
      .map(({ name, type }) => (name === undefined ? '' : `${name}: `) + showType(type))
      .join(', ');
  return `(${list(args)}) → (${list(results)})${mode === 'update' ? '' : ` ${mode}`}`;
}

function showField({ label, type }: DidField): string {
  const bare = type.kind === 'primitive' && type.name === 'null';
  return bare ? label : `${label}: ${showType(type)}`;
}
