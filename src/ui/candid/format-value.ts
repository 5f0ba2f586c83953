import { Principal } from '@icp-sdk/core/principal';
import { bytesToHex } from '../../base/hex.ts';
import { type DidInterface, type DidType, isBlob, resolveType } from './did-types.ts';

type Types = DidInterface['types'];

const MAX_ITEMS = 200;
const MAX_DEPTH = 24;

/** A decoded value as Candid text; long lists and deep values end in "…". */
export function formatValue(value: unknown, type: DidType, types: Types, depth = 0): string {
  const shape = resolveType(type, types);
  if (shape === undefined || depth > MAX_DEPTH) {
    return '…';
  }
  const nested = (inner: unknown, of: DidType): string => formatValue(inner, of, types, depth + 1);
  switch (shape.kind) {
    case 'primitive':
      return shape.name === 'text' ? JSON.stringify(value) : formatScalar(value);
    case 'opt': {
      const some = Array.isArray(value) ? (value as readonly unknown[]) : [];
      return some.length === 0 ? 'null' : `opt ${nested(some[0], shape.of)}`;
    }
    case 'vec': {
      const items = Array.from(value as Iterable<unknown>);
      if (isBlob(shape)) {
        return `blob 0x${bytesToHex(Uint8Array.from(items as readonly number[]))}`;
      }
      const shown = items.slice(0, MAX_ITEMS).map((item) => nested(item, shape.of));
      return `vec { ${[...shown, ...(items.length > MAX_ITEMS ? ['…'] : [])].join('; ')} }`;
    }
    case 'record':
    case 'variant': {
      const fields = value as Readonly<Record<string, unknown>>;
      const parts = shape.fields
        .filter((field) => Object.hasOwn(fields, field.label))
        .map((field) => {
          const unit = field.type.kind === 'primitive' && field.type.name === 'null';
          return unit ? field.label : `${field.label} = ${nested(fields[field.label], field.type)}`;
        });
      return `${shape.kind} { ${parts.join('; ')} }`;
    }
    default:
      return formatScalar(value);
  }
}

function formatScalar(value: unknown): string {
  switch (typeof value) {
    case 'bigint':
      return value.toLocaleString('en-US').replaceAll(',', '_');
    case 'object':
      if (value instanceof Principal) {
        return `principal "${value.toText()}"`;
      }
      return Array.isArray(value) ? value.map(formatScalar).join('.') : 'null';
    default:
      return String(value);
  }
}
