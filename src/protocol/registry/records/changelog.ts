import { compareText } from '../../../base/bytes.ts';
import { codedError, err, ok } from '../../../base/result.ts';
import type { CodedError, Result } from '../../../base/result.ts';
import { asBytes, asText, decodeCbor, encodeCbor } from '../../crypto/cbor.ts';
import {
  MAX_REGISTRY_DELTA_BYTES,
  MAX_REGISTRY_KEY_CHARACTERS,
  MAX_REGISTRY_MUTATIONS,
  MAX_REGISTRY_VALUE_BYTES,
} from '../../limits/registry.ts';
import { FieldReader } from '../../types/field-reader.ts';
import type { RegistryVersion } from '../../types/ids.ts';

/**
 * The registry as a versioned map: every batch of mutations makes the next version, as a whole or
 * not at all. @upstream rs/registry/canister/src/registry.rs, rs/registry/transport
 */
export const MUTATIONS = ['insert', 'update', 'upsert', 'delete'] as const;
export type MutationKind = (typeof MUTATIONS)[number];

export interface RegistryMutation {
  readonly kind: MutationKind;
  readonly key: string;
  /** An encoded record; empty when the key is deleted. */
  readonly value: Uint8Array;
}

/** What one version changed. */
export interface RegistryDelta {
  readonly version: RegistryVersion;
  readonly mutations: readonly RegistryMutation[];
}

/** All records of one version. Never changed in place. */
export interface RegistrySnapshot {
  readonly version: RegistryVersion;
  readonly records: ReadonlyMap<string, Uint8Array>;
}

export const EMPTY_REGISTRY: RegistrySnapshot = { version: 0, records: new Map() };

export type RegistryErrorCode =
  | 'REGISTRY_KEY_PRESENT'
  | 'REGISTRY_KEY_ABSENT'
  | 'REGISTRY_KEY_TWICE'
  | 'REGISTRY_VERSION_GAP'
  | 'REGISTRY_DELTA_TOO_LARGE'
  | 'REGISTRY_DELTA_MALFORMED'
  | 'REGISTRY_RECORD_MALFORMED'
  | 'REGISTRY_INVARIANT_BROKEN';
export type RegistryError = CodedError<RegistryErrorCode>;

export function registryFault(
  code: RegistryErrorCode,
  message: string,
): Result<never, RegistryError> {
  return err(codedError(code === 'REGISTRY_DELTA_TOO_LARGE' ? 'limit' : 'input', code, message));
}

/** A key in an error message: from outside, so bounded. */
function named(key: string): string {
  return `“${key.slice(0, 80)}”`;
}

/**
 * The snapshot that a delta makes of its predecessor. Errors: REGISTRY_VERSION_GAP when it is not
 * the next version, REGISTRY_KEY_TWICE, REGISTRY_KEY_PRESENT on the insertion of a key that is
 * there, REGISTRY_KEY_ABSENT on the update or deletion of one that is not.
 */
export function applyDelta(
  { version, records }: RegistrySnapshot,
  delta: RegistryDelta,
): Result<RegistrySnapshot, RegistryError> {
  if (delta.version !== version + 1) {
    const message = `Version ${delta.version} does not follow version ${version}.`;
    return registryFault('REGISTRY_VERSION_GAP', message);
  }
  const next = new Map(records);
  const touched = new Set<string>();
  for (const { kind, key, value } of delta.mutations) {
    if (touched.has(key)) {
      return registryFault('REGISTRY_KEY_TWICE', `A batch changes ${named(key)} twice.`);
    }
    touched.add(key);
    const isPresent = records.has(key);
    if (kind === 'insert' && isPresent) {
      return registryFault('REGISTRY_KEY_PRESENT', `There is a record ${named(key)} already.`);
    }
    if ((kind === 'update' || kind === 'delete') && !isPresent) {
      return registryFault('REGISTRY_KEY_ABSENT', `There is no record ${named(key)}.`);
    }
    if (kind === 'delete') {
      next.delete(key);
    } else {
      next.set(key, value);
    }
  }
  return ok({ version: delta.version, records: next });
}

/** Canonical: mutations in order of their keys, so that equal changes have equal bytes. */
export function encodeDelta({ version, mutations }: RegistryDelta): Uint8Array {
  const sorted = mutations.toSorted((a, b) => compareText(a.key, b.key));
  return encodeCbor([
    version,
    sorted.map(({ kind, key, value }) => [MUTATIONS.indexOf(kind), key, value]),
  ]);
}

/** Total: bytes of a peer or a client. Keys come ascending, each once. */
export function decodeDelta(bytes: Uint8Array): Result<RegistryDelta, RegistryError> {
  if (bytes.length > MAX_REGISTRY_DELTA_BYTES) {
    const message = `A registry delta has at most ${MAX_REGISTRY_DELTA_BYTES} bytes.`;
    return registryFault('REGISTRY_DELTA_TOO_LARGE', message);
  }
  const decoded = decodeCbor(bytes, { maxBytes: MAX_REGISTRY_DELTA_BYTES, canonical: true });
  if (!decoded.ok) {
    return registryFault('REGISTRY_DELTA_MALFORMED', decoded.error.message);
  }
  const fields = new FieldReader(decoded.value);
  const version = fields.safeNat();
  const mutations: RegistryMutation[] = [];
  for (const item of fields.list(MAX_REGISTRY_MUTATIONS)) {
    const mutation = readMutation(item, mutations.at(-1)?.key);
    if (mutation === undefined) {
      return registryFault(
        'REGISTRY_DELTA_MALFORMED',
        `Mutation ${mutations.length} of a registry delta is malformed or out of order.`,
      );
    }
    mutations.push(mutation);
  }
  fields.end();
  return fields.failure === null
    ? ok({ version, mutations })
    : registryFault('REGISTRY_DELTA_MALFORMED', `A registry delta: ${fields.failure}.`);
}

function readMutation(
  item: ConstructorParameters<typeof FieldReader>[0],
  previousKey: string | undefined,
): RegistryMutation | undefined {
  const [kindCode, keyField, valueField, ...rest] = Array.isArray(item) ? item : [];
  const kind = typeof kindCode === 'number' ? MUTATIONS[kindCode] : undefined;
  const key = asText(keyField);
  const value = asBytes(valueField);
  const isWellFormed =
    rest.length === 0 &&
    kind !== undefined &&
    key !== undefined &&
    value !== undefined &&
    key.length > 0 &&
    key.length <= MAX_REGISTRY_KEY_CHARACTERS &&
    value.length <= MAX_REGISTRY_VALUE_BYTES &&
    (kind !== 'delete' || value.length === 0) &&
    (previousKey === undefined || compareText(previousKey, key) < 0);
  return isWellFormed ? { kind, key, value } : undefined;
}
