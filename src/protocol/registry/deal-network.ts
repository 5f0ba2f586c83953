import { present } from '../../base/assert.ts';
import { createPrng } from '../../base/prng.ts';
import { wrapBls, wrapEd25519 } from '../crypto/der.ts';
import { ED25519_KEY_BYTES, ed25519Backend } from '../crypto/ed25519.ts';
import { selfAuthenticatingId } from '../crypto/principal.ts';
import type { CryptoSuite } from '../crypto/suite.ts';
import { subnetParametersFor, type SubnetTiming } from '../node/subnet-parameters.ts';
import type { DealtSubnet, LimitsPreset, SubnetKind } from '../types/genesis.ts';
import type { PrincipalId, RegistryVersion, TimeNs } from '../types/ids.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import { dealSubnet } from './genesis.ts';
import { genesisTopology } from './network-topology.ts';
import { encodeDelta } from './records/changelog.ts';
import { genesisBatch } from './records/genesis-batch.ts';
import { GENESIS_REGISTRY_VERSION } from './registry-change.ts';

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

/** Who may change a network's registry. */
export interface RegistryOperator {
  readonly principal: PrincipalId;
  readonly publicKeyDer: Uint8Array;
  readonly secretKey: Uint8Array;
}

/** All that a host needs to start the nodes of a network. */
export interface DealtNetwork {
  /** In the order of the spec. */
  readonly subnets: readonly DealtSubnet[];
  readonly topology: NetworkTopology;
  /** The registry's first version, encoded; none where the subnet is alone and no system subnet. */
  readonly registryDeltas: readonly Uint8Array[];
  readonly operator: RegistryOperator;
  /** The root subnet's key: what certificates of all subnets are checked with. */
  readonly rootKeyDer: Uint8Array;
}

/**
 * Deals the keys of all subnets. Subnet k owns the canister ids from k·2^20 on. What a subnet is
 * dealt does not depend on the others, so one more of them changes no key.
 */
export function dealNetwork(spec: NetworkDealSpec, suite: CryptoSuite): DealtNetwork {
  const subnets = spec.subnets.map((shape, index) => dealShape(spec, { shape, index }, suite));
  const genesis = subnets.map((subnet) => subnet.genesis);
  const root = present(genesis[0], 'a network has a root subnet');
  const operator = dealOperator(spec.seed);
  const mutations = genesisBatch(genesis, operator.principal);
  return {
    subnets,
    topology: genesisTopology(genesis),
    registryDeltas: hasRegistry(spec.subnets)
      ? [encodeDelta({ version: GENESIS_REGISTRY_VERSION, mutations })]
      : [],
    operator,
    rootKeyDer: wrapBls(root.highTranscript.publicKey),
  };
}

/** The registry is a service of the root subnet, if that is the IC's: a system subnet. */
export function hasRegistry(subnets: readonly Pick<SubnetShape, 'type'>[]): boolean {
  return subnets[0]?.type === 'system';
}

export interface LateSubnet {
  readonly shape: SubnetShape;
  /** Position among all subnets of the network, those that were added earlier included. */
  readonly index: number;
  /** That its records will be written in. */
  readonly registryVersion: RegistryVersion;
  /** Of its first block. */
  readonly genesisTimeNs: TimeNs;
}

/** Deals the keys of a subnet that is added to a network that runs. */
export function dealLateSubnet(
  spec: Omit<NetworkDealSpec, 'genesisTimeNs'>,
  late: LateSubnet,
  suite: CryptoSuite,
): DealtSubnet {
  return dealShape({ ...spec, genesisTimeNs: late.genesisTimeNs }, late, suite);
}

function dealShape(
  { seed, timing, limits, genesisTimeNs }: NetworkDealSpec,
  { shape, index, registryVersion }: Pick<LateSubnet, 'shape' | 'index'> & Partial<LateSubnet>,
  suite: CryptoSuite,
): DealtSubnet {
  return dealSubnet(
    {
      seed,
      index,
      nodes: shape.nodes,
      spareNodes: shape.spareNodes ?? 0,
      parameters: subnetParametersFor(shape.type, timing, limits),
      ...(registryVersion !== undefined && { registryVersion }),
      genesisTimeNs,
    },
    suite,
  );
}

/** From the seed, like all keys: whoever knows the seed is the operator. */
function dealOperator(seed: string): RegistryOperator {
  const secretKey = createPrng(seed).fork('registry operator').bytes(ED25519_KEY_BYTES);
  const publicKeyDer = wrapEd25519(ed25519Backend.publicKey(secretKey));
  return { principal: selfAuthenticatingId(publicKeyDer), publicKeyDer, secretKey };
}
