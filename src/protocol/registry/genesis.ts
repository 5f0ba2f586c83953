import { assert } from '../../base/assert.ts';
import { compareText } from '../../base/bytes.ts';
import { createPrng } from '../../base/prng.ts';
import type { Prng } from '../../base/prng.ts';
import { codedError, err, ok } from '../../base/result.ts';
import type { CodedError, Result } from '../../base/result.ts';
import { unwrapEd25519, wrapBls, wrapEd25519 } from '../crypto/der.ts';
import { ED25519_KEY_BYTES } from '../crypto/ed25519.ts';
import { nodeIdOfKey, subnetIdOfKey } from '../crypto/principal.ts';
import { drawScalar, evaluatePolynomial, scalarToBytes } from '../crypto/scalars.ts';
import type { CryptoSuite } from '../crypto/suite.ts';
import { proveReceiverKey, verifyReceiverKey } from '../dkg/feldman/receiver-key.ts';
import type {
  DealtSubnet,
  NodeRecord,
  NodeSecrets,
  SubnetGenesis,
  SubnetParameters,
  ThresholdTranscript,
} from '../types/genesis.ts';
import type { NodeId, RegistryVersion, TimeNs } from '../types/ids.ts';
import { faultsTolerated } from './committee.ts';
import { GENESIS_REGISTRY_VERSION } from './registry-change.ts';

/**
 * Trusted-dealer genesis: one place draws all keys, where the IC runs a distributed key generation
 * between nodes that never see each other's secrets. Everything derives from the seed, so a seed
 * names a network; for the same reason its keys protect nothing.
 */
export const MAX_SUBNET_NODES = 40;
/** Canister ids of an initial subnet range (replica: CANISTER_IDS_PER_SUBNET). */
export const CANISTER_IDS_PER_SUBNET = 1n << 20n;

export interface SubnetDealSpec {
  readonly seed: string;
  /** Position of the subnet in the network; 0 is the root subnet and owns the first canister range. */
  readonly index: number;
  /** 1 … 40. */
  readonly nodes: number;
  /** Nodes that are registered but join later, if ever; none unless given. With `nodes` at most 40. */
  readonly spareNodes?: number;
  readonly parameters: SubnetParameters;
  /** Of a subnet that is added later; else the first. */
  readonly registryVersion?: RegistryVersion;
  readonly genesisTimeNs: TimeNs;
}

interface DealtNode {
  readonly record: NodeRecord;
  readonly nodeSecretKey: Uint8Array;
  readonly committeeSecretKey: Uint8Array;
  readonly dkgSecretKey: Uint8Array;
}

function dealNode(prng: Prng, suite: CryptoSuite): DealtNode {
  const nodeSecretKey = prng.fork('node key').bytes(ED25519_KEY_BYTES);
  const committeeSecretKey = scalarToBytes(drawScalar(prng.fork('committee key')));
  const dkgSecretKey = scalarToBytes(drawScalar(prng.fork('dkg key')));
  const nodePublicKeyDer = wrapEd25519(suite.basic.publicKey(nodeSecretKey));
  const nodeId = nodeIdOfKey(nodePublicKeyDer);
  return {
    record: {
      nodeId,
      nodePublicKeyDer,
      committeePublicKey: suite.bls.publicKey(committeeSecretKey),
      committeeKeyPop: suite.bls.provePossession(committeeSecretKey),
      dkgPublicKey: suite.bls.publicKey(dkgSecretKey),
      dkgKeyPop: proveReceiverKey(suite.bls, nodeId, dkgSecretKey),
    },
    nodeSecretKey,
    committeeSecretKey,
    dkgSecretKey,
  };
}

interface DealtTranscript {
  readonly transcript: ThresholdTranscript;
  readonly shares: readonly Uint8Array[];
}

/** Shamir sharing of a random key; a share of zero would not be a key and is drawn again. */
function dealTranscript(
  prng: Prng,
  suite: CryptoSuite,
  tag: ThresholdTranscript['tag'],
  threshold: number,
  receivers: readonly NodeId[],
): DealtTranscript {
  for (;;) {
    const polynomial = Array.from({ length: threshold }, () => drawScalar(prng));
    const values = receivers.map((_, index) => evaluatePolynomial(polynomial, BigInt(index) + 1n));
    if (values.includes(0n)) {
      continue;
    }
    const coefficients = polynomial.map((scalar) => suite.bls.publicKey(scalarToBytes(scalar)));
    const publicKey = coefficients[0] as Uint8Array;
    return {
      transcript: { tag, threshold, receivers, publicKey, coefficients },
      shares: values.map(scalarToBytes),
    };
  }
}

/** Deals one subnet's keys. Deterministic in the spec and the suite. */
export function dealSubnet(spec: SubnetDealSpec, suite: CryptoSuite): DealtSubnet {
  const { nodes: n, index, spareNodes = 0 } = spec;
  assert(Number.isInteger(n) && n >= 1, 'a subnet has 1 to 40 nodes');
  assert(spareNodes >= 0 && n + spareNodes <= MAX_SUBNET_NODES, 'at most 40 nodes are registered');
  assert(Number.isInteger(index) && index >= 0, 'a subnet has a natural index');
  const prng = createPrng(spec.seed).fork(`subnet ${String(index)}`);
  const dealNodes = (first: number, count: number): readonly DealtNode[] =>
    Array.from({ length: count }, (_, i) =>
      dealNode(prng.fork(`node ${String(first + i)}`), suite),
    ).sort((a, b) => compareText(a.record.nodeId, b.record.nodeId));
  const dealt = dealNodes(0, n);
  const spare = dealNodes(n, spareNodes);
  const receivers = dealt.map((node) => node.record.nodeId);
  const f = faultsTolerated(n);
  const low = dealTranscript(prng.fork('low'), suite, 'low', f + 1, receivers);
  const high = dealTranscript(prng.fork('high'), suite, 'high', n - f, receivers);
  const firstCanister = BigInt(index) * CANISTER_IDS_PER_SUBNET;
  const genesis: SubnetGenesis = {
    subnetId: subnetIdOfKey(wrapBls(high.transcript.publicKey)),
    registryVersion: spec.registryVersion ?? GENESIS_REGISTRY_VERSION,
    parameters: spec.parameters,
    nodes: dealt.map((node) => node.record),
    spareNodes: spare.map((node) => node.record),
    lowTranscript: low.transcript,
    highTranscript: high.transcript,
    genesisTimeNs: spec.genesisTimeNs,
    canisterRanges: [[firstCanister, firstCanister + CANISTER_IDS_PER_SUBNET - 1n]],
    cryptoName: suite.name,
  };
  const secrets = [...dealt, ...spare].map(
    (node, i): NodeSecrets => ({
      nodeId: node.record.nodeId,
      nodeSecretKey: node.nodeSecretKey,
      committeeSecretKey: node.committeeSecretKey,
      dkgSecretKey: node.dkgSecretKey,
      lowShare: low.shares[i] ?? null,
      highShare: high.shares[i] ?? null,
    }),
  );
  return { genesis, secrets };
}

export type GenesisError = CodedError<'INVALID_GENESIS'>;

function transcriptFault(
  genesis: SubnetGenesis,
  tag: 'low' | 'high',
  threshold: number,
): string | undefined {
  const transcript = tag === 'low' ? genesis.lowTranscript : genesis.highTranscript;
  const receivers = genesis.nodes.map((node) => node.nodeId);
  if (transcript.tag !== tag || transcript.threshold !== threshold) {
    return `the ${tag} transcript has the wrong threshold`;
  }
  if (transcript.coefficients.length !== threshold) {
    return `the ${tag} transcript has not one coefficient for each share needed`;
  }
  return transcript.receivers.join() === receivers.join()
    ? undefined
    : `the ${tag} transcript is not for the nodes of the subnet`;
}

function nodeFault(node: NodeRecord, suite: CryptoSuite): string | undefined {
  if (
    !unwrapEd25519(node.nodePublicKeyDer).ok ||
    nodeIdOfKey(node.nodePublicKeyDer) !== node.nodeId
  ) {
    return `node ${node.nodeId} does not match its key`;
  }
  if (!suite.bls.verifyPossession(node.committeePublicKey, node.committeeKeyPop)) {
    return `node ${node.nodeId} does not prove possession of its committee key`;
  }
  return verifyReceiverKey(suite.bls, node)
    ? undefined
    : `node ${node.nodeId} does not prove possession of its DKG key`;
}

function listFault(nodes: readonly NodeRecord[], suite: CryptoSuite): string | undefined {
  for (const [i, node] of nodes.entries()) {
    const previous = nodes[i - 1];
    if (previous !== undefined && compareText(previous.nodeId, node.nodeId) >= 0) {
      return 'its nodes are not sorted by id';
    }
    const fault = nodeFault(node, suite);
    if (fault !== undefined) {
      return fault;
    }
  }
  return undefined;
}

function genesisFault(genesis: SubnetGenesis, suite: CryptoSuite): string | undefined {
  const n = genesis.nodes.length;
  if (genesis.cryptoName !== suite.name) {
    return `it uses ${genesis.cryptoName}, this host ${suite.name}`;
  }
  if (n < 1 || n + genesis.spareNodes.length > MAX_SUBNET_NODES) {
    return 'a subnet has 1 to 40 nodes';
  }
  const nodesFault = listFault(genesis.nodes, suite) ?? listFault(genesis.spareNodes, suite);
  if (nodesFault !== undefined) {
    return nodesFault;
  }
  const f = faultsTolerated(n);
  const fault = transcriptFault(genesis, 'low', f + 1) ?? transcriptFault(genesis, 'high', n - f);
  if (fault !== undefined) {
    return fault;
  }
  return genesis.subnetId === subnetIdOfKey(wrapBls(genesis.highTranscript.publicKey))
    ? undefined
    : 'the subnet id is not that of its key';
}

/** Checks that the public half of a genesis is consistent: ids of keys, proofs of possession, thresholds. */
export function validateGenesis(
  genesis: SubnetGenesis,
  suite: CryptoSuite,
): Result<null, GenesisError> {
  const fault = genesisFault(genesis, suite);
  return fault === undefined
    ? ok(null)
    : err(codedError('trust', 'INVALID_GENESIS', `Invalid subnet genesis: ${fault}.`));
}
