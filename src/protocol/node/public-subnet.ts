import { assert } from '../../base/assert.ts';
import { equalBytes } from '../../base/bytes.ts';
import { genesisPackage } from '../consensus/genesis-package.ts';
import { catchUpContentOf } from '../consensus/validator/catch-up-package.ts';
import type { CryptoSuite } from '../crypto/suite.ts';
import type { Interval } from '../dkg/active-intervals.ts';
import { createActiveIntervals } from '../dkg/active-intervals.ts';
import type { RegistryClient } from '../registry/registry-client.ts';
import { createRegistryClient } from '../registry/registry-client.ts';
import type { CatchUpPackage } from '../types/artifacts.ts';
import type { NodeRecord, SubnetGenesis } from '../types/genesis.ts';
import type { Height, NodeId } from '../types/ids.ts';
import type { SubnetRecord } from '../types/registry.ts';
import { catchUpSignedBytes } from '../types/signed-bytes.ts';

/**
 * What anybody outside can know of a subnet: its genesis, the registry, and the keys that catch-up
 * packages name. Trusts no node: a package counts only under the subnet's own signature.
 */
export interface PublicSubnet {
  readonly genesis: SubnetGenesis;
  readonly suite: CryptoSuite;
  /** False when the package is not signed by the subnet. */
  notePackage(cup: CatchUpPackage): boolean;
  noteRecords(records: readonly SubnetRecord[]): void;
  /** Undefined for heights of which no noted package tells: their keys can't be known any more. */
  intervalAt(height: Height): Interval | undefined;
  /** Members at a height; undefined when that can't be said. */
  membersAt(height: Height): readonly NodeId[] | undefined;
  readonly nodes: ReadonlyMap<NodeId, NodeRecord>;
}

export function createPublicSubnet(genesis: SubnetGenesis, suite: CryptoSuite): PublicSubnet {
  assert(genesis.cryptoName === suite.name, 'the suite is the one the genesis names');
  const intervals = createActiveIntervals();
  const registry: RegistryClient = createRegistryClient(genesis);
  const noted = new Set<Height>([0]);
  intervals.note(genesisPackage(genesis).block);
  const { publicKey } = genesis.highTranscript;
  return {
    genesis,
    suite,
    nodes: registry.nodes,
    notePackage: (cup) => {
      if (noted.has(cup.height)) {
        return true;
      }
      const { payload } = cup.block;
      const isOurs =
        payload.kind === 'summary' &&
        equalBytes(payload.summary.currentTranscripts.high.key.publicKey, publicKey) &&
        suite.bls.verify(publicKey, catchUpSignedBytes(catchUpContentOf(cup)), cup.signature);
      if (isOurs) {
        noted.add(cup.height);
        intervals.note(cup.block);
      }
      return isOurs;
    },
    noteRecords: (records) => {
      registry.apply(records, 0n);
    },
    intervalAt: (height) => intervals.at(height),
    membersAt: (height) => {
      const interval = intervals.at(height);
      const first = registry.recordAt(genesis.registryVersion)?.members;
      if (interval !== undefined) {
        return registry.recordAt(interval.registryVersion)?.members;
      }
      // Where membership never changed, every height has the members of the genesis.
      return everyMembership(registry, genesis).size === 1 ? first : undefined;
    },
  };
}

/** The different sets of members so far. */
function everyMembership(registry: RegistryClient, genesis: SubnetGenesis): ReadonlySet<string> {
  const sets = new Set<string>();
  const { version: newest } = registry.newest();
  for (let version = genesis.registryVersion; version <= newest; version += 1) {
    sets.add(registry.recordAt(version)?.members.join() ?? '');
  }
  return sets;
}
