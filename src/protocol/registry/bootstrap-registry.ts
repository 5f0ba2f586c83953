import type { Result } from '../../base/result.ts';
import { ok } from '../../base/result.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { encodeUleb128 } from '../../base/leb128.ts';
import { EMPTY_MAP, labeledMap, leaf, withEntry, type MapTree } from '../crypto/labeled-tree.ts';
import { canisterIdFromU64 } from '../crypto/principal.ts';
import type { CanisterId, PrincipalId, RegistryVersion } from '../types/ids.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import {
  applyDelta,
  decodeDelta,
  EMPTY_REGISTRY,
  type RegistryError,
  type RegistrySnapshot,
} from './records/changelog.ts';
import { checkInvariants } from './records/invariants.ts';
import { operatorKey } from './records/keys.ts';
import { OPERATOR_RECORD } from './records/records.ts';
import { readRecord } from './records/snapshot-views.ts';

/**
 * The registry before there is a registry canister: part of the root subnet's replicated state,
 * changed by calls that go through its blocks and certified as the canister's data would be. Who
 * reads it cannot tell the difference.
 * @upstream rs/registry/canister/src/{lib,certification}.rs
 */
export interface BootstrapRegistry {
  readonly snapshot: RegistrySnapshot;
  /** Encoded, that of version v at v − 1. */
  readonly deltas: readonly Uint8Array[];
  /** The same as leaves under their versions. */
  readonly byVersion: MapTree;
}

/** The one method of the bootstrap registry; its argument is an encoded delta. */
export const REGISTRY_METHOD = 'apply_mutations';

const CURRENT_VERSION = encodeUtf8('current_version');
const DELTA = encodeUtf8('delta');

/** The registry's canister id among those of the root subnet's first range. */
export function registryIdIn(range: readonly [first: bigint, last: bigint]): CanisterId {
  return canisterIdFromU64(range[1]);
}

/**
 * The bootstrap registry answers under the last canister id of the root subnet's first range, which
 * no allocation reaches; undefined on a root without ranges.
 */
export function registryCanisterId(topology: NetworkTopology): CanisterId | undefined {
  const range = topology.routingTable.find(({ subnetId }) => subnetId === topology.rootSubnetId);
  return range && registryIdIn([range.first, range.last]);
}

/** Paths of the certified tree. */
export const REGISTRY_PATHS = {
  currentVersion: [CURRENT_VERSION],
  delta: (version: RegistryVersion) => [DELTA, versionLabel(version)],
} as const;

function versionLabel(version: RegistryVersion): Uint8Array {
  const label = new Uint8Array(8);
  new DataView(label.buffer).setBigUint64(0, BigInt(version));
  return label;
}

/** Builds the registry of these deltas, the first of version 1. Errors as `appendDelta`. */
export function bootstrapRegistry(
  deltas: readonly Uint8Array[],
): Result<BootstrapRegistry, RegistryError> {
  let registry: BootstrapRegistry = { snapshot: EMPTY_REGISTRY, deltas: [], byVersion: EMPTY_MAP };
  for (const delta of deltas) {
    const next = appendDelta(registry, delta);
    if (!next.ok) {
      return next;
    }
    registry = next.value;
  }
  return ok(registry);
}

/** Errors: what does not decode, does not follow, or would break an invariant. */
export function appendDelta(
  registry: BootstrapRegistry,
  encoded: Uint8Array,
): Result<BootstrapRegistry, RegistryError> {
  const delta = decodeDelta(encoded);
  if (!delta.ok) {
    return delta;
  }
  const next = applyDelta(registry.snapshot, delta.value);
  if (!next.ok) {
    return next;
  }
  const checked = checkInvariants(next.value);
  return checked.ok
    ? ok({
        snapshot: next.value,
        deltas: [...registry.deltas, encoded],
        byVersion: withEntry(registry.byVersion, versionLabel(next.value.version), leaf(encoded)),
      })
    : checked;
}

/** What is certified: its digest is the registry's certified data. */
export function registryTree({ snapshot, byVersion }: BootstrapRegistry): MapTree {
  return labeledMap([
    [CURRENT_VERSION, leaf(encodeUleb128(BigInt(snapshot.version)))],
    [DELTA, byVersion],
  ]);
}

/** True for who may change the registry. */
export function mayChangeRegistry({ snapshot }: BootstrapRegistry, caller: PrincipalId): boolean {
  const record = readRecord(snapshot, operatorKey(caller), OPERATOR_RECORD);
  return record.ok && record.value.mayChangeRegistry;
}
