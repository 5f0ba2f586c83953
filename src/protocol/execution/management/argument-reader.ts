import { err, ok, type Result } from '../../../base/result.ts';
import type { CanisterId, PrincipalId } from '../../types/ids.ts';
import { ErrorCode, type UserError } from '../user-error.ts';
import {
  blobField,
  boolField,
  fieldOf,
  natField,
  principalField,
  required,
  variantField,
  vecField,
  type VariantCase,
} from './candid-fields.ts';
import { candidHash, decodeCandid, type CandidError, type CandidValue } from './candid-value.ts';

/** Thrown by readers of this folder, caught in `readArgument`. */
class Refused {
  readonly error: UserError;
  constructor(error: UserError) {
    this.error = error;
  }
}

function unwrap<T>(result: Result<T, CandidError>): T {
  if (!result.ok) {
    return malformed(result.error.message);
  }
  return result.value;
}

/** Ends the reading: the argument is not what the method takes. */
export function malformed(reason: string): never {
  return refuse(ErrorCode.invalidManagementPayload, `Error decoding candid: ${reason}`);
}

/** Ends the reading with an error of its own. */
export function refuse(code: number, message: string): never {
  throw new Refused({ code, message });
}

/** Typed access to a record; whatever is missing or of another type ends the reading. */
export class ArgumentReader {
  readonly value: CandidValue;

  constructor(value: CandidValue) {
    this.value = value;
  }

  nat(name: string): bigint {
    return unwrap(required(natField(this.value, name), name));
  }

  optionalNat(name: string): bigint | undefined {
    return unwrap(natField(this.value, name));
  }

  /** A nat64. */
  nat64(name: string): bigint {
    const value = this.nat(name);
    return value < 1n << 64n ? value : malformed(`field ${name} exceeds 64 bits`);
  }

  text(name: string): string {
    const value = fieldOf(this.value, name);
    return value?.kind === 'text' ? value.value : malformed(`field ${name} is not a text`);
  }

  blob(name: string): Uint8Array {
    return unwrap(required(blobField(this.value, name), name));
  }

  optionalBlob(name: string): Uint8Array | undefined {
    return unwrap(blobField(this.value, name));
  }

  optionalBool(name: string): boolean | undefined {
    return unwrap(boolField(this.value, name));
  }

  principal(name: string): PrincipalId {
    return unwrap(required(principalField(this.value, name), name));
  }

  optionalPrincipal(name: string): PrincipalId | undefined {
    return unwrap(principalField(this.value, name));
  }

  canisterId(name = 'canister_id'): CanisterId {
    return this.principal(name) as CanisterId;
  }

  optionalList(name: string): readonly CandidValue[] | undefined {
    return unwrap(vecField(this.value, name));
  }

  list(name: string): readonly CandidValue[] {
    return this.optionalList(name) ?? malformed(`field ${name} is missing`);
  }

  variant<const Name extends string>(name: string, cases: readonly Name[]): VariantCase<Name> {
    return unwrap(required(variantField(this.value, name, cases), name));
  }

  optionalVariant<const Name extends string>(
    name: string,
    cases: readonly Name[],
  ): VariantCase<Name> | undefined {
    return unwrap(variantField(this.value, name, cases));
  }

  /** The record in a field; one without fields when it is absent. */
  optionalRecord(name: string): ArgumentReader | undefined {
    const value = fieldOf(this.value, name);
    return value === undefined ? undefined : new ArgumentReader(value);
  }
}

/** Which of the named cases a value is. */
export function variantOf<const Name extends string>(
  value: CandidValue,
  cases: readonly Name[],
): VariantCase<Name> {
  const fields = new Map([[candidHash('value'), value]]);
  return new ArgumentReader({ kind: 'record', fields }).variant('value', cases);
}

/** Reads the single record that a method takes. Never throws on any bytes; errors are IC0408 unless the reader says otherwise. */
export function readArgument<T>(
  arg: Uint8Array,
  read: (record: ArgumentReader) => T,
): Result<T, UserError> {
  try {
    const record = unwrap(decodeCandid(arg))[0];
    return record?.kind === 'record'
      ? ok(read(new ArgumentReader(record)))
      : malformed('the argument is not a record');
  } catch (failure) {
    if (failure instanceof Refused) {
      return err(failure.error);
    }
    throw failure;
  }
}
