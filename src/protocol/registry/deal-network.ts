import { wrapBls } from '../crypto/der.ts';
import type { CryptoSuite } from '../crypto/suite.ts';
import { subnetParametersFor, type SubnetTiming } from '../node/subnet-parameters.ts';
import type { DealtSubnet, LimitsPreset, SubnetKind } from '../types/genesis.ts';
import type { TimeNs } from '../types/ids.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import { present } from '../../base/assert.ts';
import { dealSubnet } from './genesis.ts';
import { genesisTopology } from './network-topology.ts';

export interface SubnetShape {
  readonly type: SubnetKind;
  readonly nodes: number;
  readonly spareNodes?: number;
}

export interface NetworkDealSpec {
  readonly seed: string;
  /** The root subnet first. */
  readonly subnets: readonly SubnetShape[];
  readonly timing: SubnetTiming;
  readonly limits: LimitsPreset;
  readonly genesisTimeNs: TimeNs;
}

/** All that a host needs to start the nodes of a network. */
export interface DealtNetwork {
  /** In the order of the spec. */
  readonly subnets: readonly DealtSubnet[];
  /** The same for every node: `NodeCoreConfig.topology`. */
  readonly topology: NetworkTopology;
  /** The root subnet's key: what certificates of all subnets are checked with. */
  readonly rootKeyDer: Uint8Array;
}

/**
 * Deals the keys of all subnets. Subnet k owns the canister ids from k·2^20 on. What a subnet is
 * dealt does not depend on the others, so one more of them changes no key.
 */
export function dealNetwork(spec: NetworkDealSpec, suite: CryptoSuite): DealtNetwork {
  const subnets = spec.subnets.map(({ type, nodes, spareNodes = 0 }, index) =>
    dealSubnet(
      {
        seed: spec.seed,
        index,
        nodes,
        spareNodes,
        parameters: subnetParametersFor(type, spec.timing, spec.limits),
        genesisTimeNs: spec.genesisTimeNs,
      },
      suite,
    ),
  );
  const root = present(subnets[0], 'a network has a root subnet');
  return {
    subnets,
    topology: genesisTopology(subnets.map(({ genesis }) => genesis)),
    rootKeyDer: wrapBls(root.genesis.highTranscript.publicKey),
  };
}
