import { assert } from '../../base/assert.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { SubnetGenesis } from '../types/genesis.ts';
import type { NodeId, RegistryVersion, SubnetId } from '../types/ids.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import type { SubnetRecord } from '../types/registry.ts';
import {
  applyDelta,
  decodeDelta,
  EMPTY_REGISTRY,
  type RegistryDelta,
  type RegistryError,
  type RegistrySnapshot,
} from './records/changelog.ts';
import { SUBNET_RECORD_PREFIX, TOPOLOGY_PREFIXES } from './records/keys.ts';
import { genesisIn, subnetRecordIn, subnetsOf, topologyIn } from './records/snapshot-views.ts';

/** A reader's copy of the network's registry: a node's local store, or a host's. */
export interface LocalRegistry {
  version(): RegistryVersion;
  /** Undefined for a version that has not come. */
  topologyAt(version: RegistryVersion): NetworkTopology | undefined;
  newestTopology(): NetworkTopology;
  /** Undefined when that version has not come, or has no such subnet. */
  recordAt(subnetId: SubnetId, version: RegistryVersion): SubnetRecord | undefined;
  /** What a subnet starts from; undefined when there is none. */
  genesisOf(subnetId: SubnetId): SubnetGenesis | undefined;
  subnets(): readonly SubnetId[];
  rootNodes(): readonly NodeId[];
  snapshot(): RegistrySnapshot;
  /** Encoded, as they were applied: that of version v at v − 1. */
  deltas(): readonly Uint8Array[];
  /**
   * Takes an encoded delta. Errors as `decodeDelta` and `applyDelta`, and what the new version does
   * not tell; nothing changes then.
   */
  apply(encoded: Uint8Array): Result<RegistryDelta, RegistryError>;
}

/** What consensus and message routing ask of one version. Versions that say the same share it. */
interface VersionView {
  readonly topology: NetworkTopology;
  readonly records: ReadonlyMap<SubnetId, SubnetRecord>;
}

/**
 * @param encoded deltas from version 1 on, at least one: of the genesis, and what was stored. The
 *   first that does not follow, and all after it, are left out.
 */
export function createLocalRegistry(encoded: readonly Uint8Array[]): LocalRegistry {
  let snapshot = EMPTY_REGISTRY;
  const taken: Uint8Array[] = [];
  const views: VersionView[] = [];
  const viewAt = (version: RegistryVersion): VersionView | undefined => views[version - 1];
  const apply: LocalRegistry['apply'] = (bytes) => {
    const delta = decodeDelta(bytes);
    const next = delta.ok ? applyDelta(snapshot, delta.value) : delta;
    if (!delta.ok || !next.ok) {
      return err((next as { readonly error: RegistryError }).error);
    }
    const view = viewOf(next.value, delta.value, views.at(-1));
    if (!view.ok) {
      return view;
    }
    snapshot = next.value;
    taken.push(bytes);
    views.push(view.value);
    return delta;
  };
  for (const bytes of encoded) {
    if (!apply(bytes).ok) {
      break;
    }
  }
  const newest = (): VersionView => {
    const view = views.at(-1);
    assert(view !== undefined, 'a registry begins with the version of the genesis');
    return view;
  };
  newest();
  return {
    version: () => snapshot.version,
    topologyAt: (version) => viewAt(version)?.topology,
    newestTopology: () => newest().topology,
    recordAt: (subnetId, version) => {
      const record = viewAt(version)?.records.get(subnetId);
      return record && { ...record, version };
    },
    genesisOf: (subnetId) => valueOf(genesisIn(snapshot, subnetId)),
    subnets: () => valueOf(subnetsOf(snapshot)) ?? [],
    rootNodes: () => {
      const { rootSubnetId, subnets } = newest().topology;
      return subnets.find(({ subnetId }) => subnetId === rootSubnetId)?.nodes ?? [];
    },
    snapshot: () => snapshot,
    deltas: () => taken,
    apply,
  };
}

function viewOf(
  snapshot: RegistrySnapshot,
  { mutations }: RegistryDelta,
  before: VersionView | undefined,
): Result<VersionView, RegistryError> {
  const touches = (prefixes: readonly string[]): boolean =>
    before === undefined ||
    mutations.some(({ key }) => prefixes.some((prefix) => key.startsWith(prefix)));
  if (before !== undefined && !touches(TOPOLOGY_PREFIXES)) {
    return ok(before);
  }
  const read = topologyIn(snapshot);
  if (!read.ok) {
    return read;
  }
  const topology = read.value;
  const records = new Map<SubnetId, SubnetRecord>();
  for (const { subnetId } of topology.subnets) {
    const known = before?.records.get(subnetId);
    const record =
      known === undefined || touches([SUBNET_RECORD_PREFIX])
        ? subnetRecordIn(snapshot, subnetId)
        : ok(known);
    if (!record.ok) {
      return record;
    }
    records.set(subnetId, record.value);
  }
  return ok({ topology, records });
}

function valueOf<T>(result: Result<T, RegistryError>): T | undefined {
  return result.ok ? result.value : undefined;
}
