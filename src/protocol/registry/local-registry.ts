import { assert } from '../../base/assert.ts';
import type { NodeId, RegistryVersion, SubnetId } from '../types/ids.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import type { SubnetGenesis } from '../types/genesis.ts';
import type { SubnetRecord } from '../types/registry.ts';
import {
  applyDelta,
  decodeDelta,
  EMPTY_REGISTRY,
  type RegistryDelta,
  type RegistryError,
  type RegistrySnapshot,
} from './records/changelog.ts';
import { genesisIn, subnetRecordIn, subnetsOf, topologyIn } from './records/snapshot-views.ts';
import { err, ok, type Result } from '../../base/result.ts';

/** Versions whose topology is kept: blocks act on one of the last few. */
const KEPT_TOPOLOGIES = 64;

/** A reader's copy of the network's registry: a node's local store, or a host's. */
export interface LocalRegistry {
  version(): RegistryVersion;
  /** Undefined for a version that has not come, or is long past. */
  topologyAt(version: RegistryVersion): NetworkTopology | undefined;
  newestTopology(): NetworkTopology;
  /** Undefined when the newest version has no such subnet. */
  recordOf(subnetId: SubnetId): SubnetRecord | undefined;
  genesisOf(subnetId: SubnetId): SubnetGenesis | undefined;
  subnets(): readonly SubnetId[];
  rootNodes(): readonly NodeId[];
  snapshot(): RegistrySnapshot;
  /** Takes the next version. Errors as `applyDelta`; nothing changes then. */
  apply(delta: RegistryDelta): Result<null, RegistryError>;
}

/**
 * @param encoded deltas from version 1 on, at least one: of the genesis, and what was stored. The
 *   first that does not follow, and all after it, are left out.
 */
export function createLocalRegistry(encoded: readonly Uint8Array[]): LocalRegistry {
  let snapshot = EMPTY_REGISTRY;
  const topologies = new Map<RegistryVersion, NetworkTopology>();
  const apply = (delta: RegistryDelta): Result<null, RegistryError> => {
    const next = applyDelta(snapshot, delta);
    if (!next.ok) {
      return next;
    }
    const topology = topologyIn(next.value);
    if (!topology.ok) {
      return err(topology.error);
    }
    snapshot = next.value;
    topologies.set(snapshot.version, topology.value);
    topologies.delete(snapshot.version - KEPT_TOPOLOGIES);
    return ok(null);
  };
  for (const bytes of encoded) {
    const delta = decodeDelta(bytes);
    if (!delta.ok || !apply(delta.value).ok) {
      break;
    }
  }
  const newestTopology = (): NetworkTopology => {
    const newest = topologies.get(snapshot.version);
    assert(newest !== undefined, 'a registry begins with the version of the genesis');
    return newest;
  };
  newestTopology();
  return {
    version: () => snapshot.version,
    topologyAt: (version) => topologies.get(version),
    newestTopology,
    recordOf: (subnetId) => valueOf(subnetRecordIn(snapshot, subnetId)),
    genesisOf: (subnetId) => valueOf(genesisIn(snapshot, subnetId)),
    subnets: () => valueOf(subnetsOf(snapshot)) ?? [],
    rootNodes: () => {
      const { rootSubnetId, subnets } = newestTopology();
      return subnets.find(({ subnetId }) => subnetId === rootSubnetId)?.nodes ?? [];
    },
    snapshot: () => snapshot,
    apply,
  };
}

function valueOf<T>(result: Result<T, RegistryError>): T | undefined {
  return result.ok ? result.value : undefined;
}
