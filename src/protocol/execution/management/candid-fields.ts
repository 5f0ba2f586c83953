import { codedError, err, ok, type Result } from '../../../base/result.ts';
import type { PrincipalId } from '../../types/ids.ts';
import { candidHash, type CandidError, type CandidValue } from './candid-value.ts';

/** Typed access to decoded Candid records. An absent field and `null` both read as undefined. */

type Field<T> = Result<T | undefined, CandidError>;

function wrongType<T>(name: string, expected: string): Result<T, CandidError> {
  return err(codedError('input', 'MALFORMED_CANDID', `field ${name} is not ${expected}`));
}

/** The value under `name`, options removed (`T` is a subtype of `opt T`). */
export function fieldOf(record: CandidValue, name: string): CandidValue | undefined {
  if (record.kind !== 'record') {
    return undefined;
  }
  let value = record.fields.get(candidHash(name));
  if (value?.kind === 'opt') {
    value = value.value ?? undefined;
  }
  return value === undefined || value.kind === 'null' ? undefined : value;
}

export function natField(record: CandidValue, name: string): Field<bigint> {
  const value = fieldOf(record, name);
  if (value === undefined) {
    return ok(undefined);
  }
  return value.kind === 'number' && value.value >= 0n ? ok(value.value) : wrongType(name, 'a nat');
}

export function boolField(record: CandidValue, name: string): Field<boolean> {
  const value = fieldOf(record, name);
  if (value === undefined) {
    return ok(undefined);
  }
  return value.kind === 'bool' ? ok(value.value) : wrongType(name, 'a bool');
}

export function principalField(record: CandidValue, name: string): Field<PrincipalId> {
  const value = fieldOf(record, name);
  if (value === undefined) {
    return ok(undefined);
  }
  return value.kind === 'principal' ? ok(value.value) : wrongType(name, 'a principal');
}

export function blobField(record: CandidValue, name: string): Field<Uint8Array> {
  const value = fieldOf(record, name);
  if (value === undefined) {
    return ok(undefined);
  }
  if (value.kind === 'vec' && value.items.length === 0) {
    return ok(new Uint8Array(0));
  }
  return value.kind === 'blob' ? ok(value.value) : wrongType(name, 'a blob');
}

/** Elements of a vector field, in order. */
export function vecField(record: CandidValue, name: string): Field<readonly CandidValue[]> {
  const value = fieldOf(record, name);
  if (value === undefined) {
    return ok(undefined);
  }
  return value.kind === 'vec' ? ok(value.items) : wrongType(name, 'a vector');
}

export interface VariantCase<Name extends string> {
  readonly name: Name;
  readonly value: CandidValue;
}

/** Which of the named cases a variant field has. */
export function variantField<const Name extends string>(
  record: CandidValue,
  name: string,
  cases: readonly Name[],
): Field<VariantCase<Name>> {
  const value = fieldOf(record, name);
  if (value === undefined) {
    return ok(undefined);
  }
  const found = value.kind === 'variant' && cases.find((label) => candidHash(label) === value.tag);
  if (value.kind !== 'variant' || found === false || found === undefined) {
    return wrongType(name, `one of ${cases.join(', ')}`);
  }
  return ok({ name: found, value: value.value });
}

/** Makes an absent field an error. */
export function required<T>(field: Field<T>, name: string): Result<T, CandidError> {
  if (!field.ok) {
    return field;
  }
  return field.value === undefined
    ? err(codedError('input', 'MALFORMED_CANDID', `field ${name} is missing`))
    : ok(field.value);
}
