import { NS_PER_MS } from '../limits/consensus.ts';
import type { NodeRecord, SubnetGenesis } from '../types/genesis.ts';
import type { DurationMs, NodeId, RegistryVersion, TimeNs } from '../types/ids.ts';
import type { SubnetRecord } from '../types/registry.ts';
import type { LocalRegistry } from './local-registry.ts';
import { genesisRecord } from './registry-change.ts';

/** What a node knows of the registry. Versions have no gaps. */
export interface RegistryReader {
  newest(): SubnetRecord;
  /** Undefined for a version that has not reached this node. */
  recordAt(version: RegistryVersion): SubnetRecord | undefined;
  /**
   * The newest version that this node has known long enough to expect it at its peers: what block
   * makers put into the context of blocks.
   */
  stableVersion(nowNs: TimeNs, ageMs: DurationMs): RegistryVersion;
  /** All registered nodes, members or not. */
  readonly nodes: ReadonlyMap<NodeId, NodeRecord>;
}

export interface RegistryClient extends RegistryReader {
  /** Takes versions that follow the newest known one; older and later ones are ignored. True when something was new. */
  apply(records: readonly SubnetRecord[], nowNs: TimeNs): boolean;
}

/**
 * A node's copy of the registry.
 * @param records versions after the genesis that are known at the start, and long so.
 * Upstream: rs/registry/client,
 * rs/consensus/src/consensus/block_maker.rs#get_stable_registry_version.
 */
export function createRegistryClient(
  genesis: SubnetGenesis,
  records: readonly SubnetRecord[] = [],
): RegistryClient {
  const known: { readonly record: SubnetRecord; readonly sinceNs: TimeNs }[] = [
    { record: genesisRecord(genesis), sinceNs: 0n },
  ];
  const newest = () => known[known.length - 1] as (typeof known)[number];
  const apply: RegistryClient['apply'] = (delta, nowNs) => {
    const before = known.length;
    for (const record of delta) {
      if (record.version === newest().record.version + 1) {
        known.push({ record, sinceNs: nowNs });
      }
    }
    return known.length > before;
  };
  apply(records, 0n);
  return {
    nodes: new Map([...genesis.nodes, ...genesis.spareNodes].map((node) => [node.nodeId, node])),
    newest: () => newest().record,
    recordAt: (version) => known[version - genesis.registryVersion]?.record,
    stableVersion: (nowNs, ageMs) => {
      const before = nowNs - BigInt(ageMs) * NS_PER_MS;
      const stable = known.findLast(({ sinceNs }) => sinceNs <= before);
      return stable?.record.version ?? genesis.registryVersion;
    },
    apply,
  };
}

/** The reader of one subnet's nodes over a copy of the whole network's registry. */
export interface NetworkRegistryClient extends RegistryReader {
  /** To be called whenever versions may have come. True when something was new. */
  note(nowNs: TimeNs): boolean;
}

/**
 * Every version of the registry is one of the subnet's record, whether that changed or not. Versions
 * from before the subnet was added have none.
 * @param local what it holds now is known long enough
 */
export function createNetworkRegistryClient(
  genesis: SubnetGenesis,
  local: LocalRegistry,
): NetworkRegistryClient {
  const first = genesis.registryVersion;
  /** Since when the versions after the first ones are known. */
  const sinceNs: TimeNs[] = [];
  const atStart = Math.max(first, local.version());
  const recordAt = (version: RegistryVersion): SubnetRecord | undefined =>
    version === first ? genesisRecord(genesis) : local.recordAt(genesis.subnetId, version);
  const newestVersion = (): RegistryVersion => atStart + sinceNs.length;
  return {
    nodes: new Map([...genesis.nodes, ...genesis.spareNodes].map((node) => [node.nodeId, node])),
    newest: () => recordAt(newestVersion()) ?? genesisRecord(genesis),
    recordAt: (version) => (version < first ? undefined : recordAt(version)),
    stableVersion: (nowNs, ageMs) => {
      const before = nowNs - BigInt(ageMs) * NS_PER_MS;
      return atStart + sinceNs.filter((since) => since <= before).length;
    },
    note: (nowNs) => {
      const known = newestVersion();
      for (let version = known + 1; version <= local.version(); version += 1) {
        sinceNs.push(nowNs);
      }
      return newestVersion() > known;
    },
  };
}
