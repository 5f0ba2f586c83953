import { assert } from '../../base/assert.ts';
import { createLru } from '../../base/lru.ts';
import { createFeldmanScheme } from '../dkg/feldman/feldman.ts';
import { createNodeDkg } from '../dkg/node-dkg.ts';
import type {
  CombineOutcome,
  CryptoCounters,
  NodeCrypto,
  SignatureShare,
  ThresholdTag,
  ThresholdTranscripts,
} from '../interfaces/crypto.ts';
import type { DkgScheme } from '../interfaces/dkg.ts';
import type { NodeSecrets, SubnetGenesis, ThresholdTranscript } from '../types/genesis.ts';
import type { NodeId } from '../types/ids.ts';
import { unwrapBls, unwrapEd25519, wrapBls } from './der.ts';
import type { CryptoSuite } from './suite.ts';
import {
  createThresholdKeys,
  distinctSigners,
  type MutableCounters,
  type ThresholdKeys,
} from './threshold-keys.ts';
import { transcriptId } from './transcript-id.ts';

/** Aggregated keys of signer sets seen lately: a committee rarely has more than a few dozen. */
const MAX_CACHED_SIGNER_SETS = 64;

/** A node's crypto that also tells how much it was used. */
export interface MeteredNodeCrypto extends NodeCrypto {
  counters(): CryptoCounters;
}

/** The place of a signer that has none. */
const STRANGER = 0xff_ff;

interface Committee {
  readonly nodeKeys: ReadonlyMap<NodeId, Uint8Array>;
  readonly committeeKeys: ReadonlyMap<NodeId, Uint8Array>;
}

function committeeOf(genesis: SubnetGenesis): Committee {
  const nodeKeys = new Map<NodeId, Uint8Array>();
  const committeeKeys = new Map<NodeId, Uint8Array>();
  for (const node of [...genesis.nodes, ...genesis.spareNodes]) {
    const raw = unwrapEd25519(node.nodePublicKeyDer);
    assert(raw.ok, 'node keys of a genesis are Ed25519');
    nodeKeys.set(node.nodeId, raw.value);
    committeeKeys.set(node.nodeId, node.committeePublicKey);
  }
  return { nodeKeys, committeeKeys };
}

/** The aggregated key of a set of signers; undefined when one is unknown or named twice. */
function createSetKeys(
  { bls }: CryptoSuite,
  { committeeKeys }: Committee,
): (signers: readonly NodeId[]) => Uint8Array | undefined {
  const sets = createLru<Uint8Array>(MAX_CACHED_SIGNER_SETS);
  const places = new Map([...committeeKeys.keys()].map((signer, place) => [signer, place]));
  return (signers) => {
    // Short names for the cache: those of the signers joined are half a kilobyte.
    const name = String.fromCharCode(
      ...signers.map((signer) => places.get(signer) ?? STRANGER).sort((a, b) => a - b),
    );
    const known = sets.get(name);
    if (known !== undefined) {
      return known;
    }
    const keys = signers.flatMap((signer) => committeeKeys.get(signer) ?? []);
    if (keys.length !== signers.length || new Set(signers).size !== signers.length) {
      return undefined;
    }
    const aggregated = bls.aggregatePublicKeys(keys);
    if (!aggregated.ok) {
      return undefined;
    }
    sets.set(name, aggregated.value);
    return aggregated.value;
  };
}

function createMulti(
  suite: CryptoSuite,
  committee: Committee,
  secrets: NodeSecrets,
  counters: MutableCounters,
) {
  const { bls } = suite;
  const setKey = createSetKeys(suite, committee);
  const verifyShare = (signer: NodeId, message: Uint8Array, signature: Uint8Array): boolean => {
    counters.blsVerify += 1;
    const key = committee.committeeKeys.get(signer);
    return key !== undefined && bls.verify(key, message, signature);
  };
  const verify = (
    message: Uint8Array,
    signers: readonly NodeId[],
    signature: Uint8Array,
  ): boolean => {
    counters.blsVerify += 1;
    const key = signers.length === 0 ? undefined : setKey(signers);
    return key !== undefined && bls.verify(key, message, signature);
  };
  return {
    sign(message: Uint8Array): Uint8Array {
      counters.blsSign += 1;
      return bls.sign(secrets.committeeSecretKey, message);
    },
    verifyShare,
    verify,
    combine(
      message: Uint8Array,
      shares: readonly SignatureShare[],
      threshold: number,
    ): CombineOutcome {
      const distinct = distinctSigners(shares);
      const strangers = distinct.filter((share) => !committee.committeeKeys.has(share.signer));
      if (strangers.length > 0 || distinct.length < threshold || distinct.length === 0) {
        return { kind: 'liars', liars: strangers.map((share) => share.signer) };
      }
      counters.blsCombine += 1;
      const signers = distinct.map((share) => share.signer);
      const sum = bls.aggregateSignatures(distinct.map((share) => share.signature));
      if (sum.ok && verify(message, signers, sum.value)) {
        return { kind: 'combined', signature: sum.value, signers };
      }
      const liars = distinct.filter(
        (share) => !verifyShare(share.signer, message, share.signature),
      );
      return { kind: 'liars', liars: liars.map((share) => share.signer) };
    },
  };
}

/**
 * The crypto of one node of a subnet. `suite` must be the one the genesis names: a host decides
 * which suites it takes at all (`createRealSuite()`; simulations also `INSECURE_TEST_SUITE`).
 *
 * Combining is aggregate-first: one check of the combined signature; only if it fails is each share
 * checked and the liars named. Shares of unknown signers count as lies; too few shares give an
 * empty list of liars. A threshold combination uses (and judges) the first `threshold` shares only.
 * Node keys and committee keys are those of all registered nodes; threshold keys are those of the
 * genesis until `bind` names others.
 *
 * @param options.entropy unpredictable bytes of the host. Without them the node deals keys from its
 *   own secrets alone: repeatable, as simulations need it.
 */
export function createNodeCrypto(
  genesis: SubnetGenesis,
  secrets: NodeSecrets,
  suite: CryptoSuite,
  options: { readonly entropy?: Uint8Array; readonly dkgScheme?: DkgScheme } = {},
): MeteredNodeCrypto {
  assert(suite.name === genesis.cryptoName, 'the crypto suite is the one the genesis names');
  const counters: MutableCounters = {
    blsSign: 0,
    blsVerify: 0,
    blsCombine: 0,
    ed25519Sign: 0,
    ed25519Verify: 0,
  };
  const committee = committeeOf(genesis);
  const { nodeId } = secrets;
  const multi = createMulti(suite, committee, secrets, counters);
  const keys = createThresholdKeys(suite, counters);
  loadFirstShares(keys, genesis, secrets);
  const fixed = {
    nodeId,
    subnetPublicKeyDer: wrapBls(genesis.highTranscript.publicKey),
    signBasic(message: Uint8Array): Uint8Array {
      counters.ed25519Sign += 1;
      return suite.basic.sign(secrets.nodeSecretKey, message);
    },
    verifyBasic(signer: NodeId, message: Uint8Array, signature: Uint8Array): boolean {
      counters.ed25519Verify += 1;
      const key = committee.nodeKeys.get(signer);
      return key !== undefined && suite.basic.verify(key, message, signature);
    },
    verifySubnetSignature(
      publicKeyDer: Uint8Array,
      message: Uint8Array,
      signature: Uint8Array,
    ): boolean {
      counters.blsVerify += 1;
      const key = unwrapBls(publicKeyDer);
      return key.ok && suite.bls.verify(key.value, message, signature);
    },
    signMulti: multi.sign,
    verifyMultiShare: multi.verifyShare,
    combineMulti: multi.combine,
    verifyMulti: multi.verify,
    dkg: createNodeDkg(
      options.dkgScheme ?? createFeldmanScheme(suite),
      secrets,
      keys,
      options.entropy,
    ),
    shareOf: (transcript: ThresholdTranscript) => keys.shareOf(transcriptId(transcript)),
    loadShare: keys.loadShare,
    keepShares: keys.keepShares,
    counters: () => ({ ...counters }),
  };
  return bindKeys(fixed, keys, { low: genesis.lowTranscript, high: genesis.highTranscript });
}

type Unbound = Omit<
  MeteredNodeCrypto,
  | 'bind'
  | 'at'
  | 'hasThresholdKeys'
  | 'signThreshold'
  | 'verifyThresholdShare'
  | 'combineThreshold'
  | 'verifyThreshold'
  | 'thresholdOf'
>;

function bindKeys(
  fixed: Unbound,
  keys: ThresholdKeys,
  { low, high }: ThresholdTranscripts,
): MeteredNodeCrypto {
  const of = (tag: ThresholdTag) => keys.of(tag === 'low' ? low : high);
  const bound: MeteredNodeCrypto = {
    ...fixed,
    bind: (transcripts) => bindKeys(fixed, keys, transcripts),
    at: () => bound,
    hasThresholdKeys: true,
    signThreshold: (tag, message) => of(tag).sign(message),
    verifyThresholdShare: (tag, signer, message, signature) =>
      of(tag).verifyShare(signer, message, signature),
    combineThreshold: (tag, message, shares) => of(tag).combine(message, shares),
    verifyThreshold: (tag, message, signature) => of(tag).verify(message, signature),
    thresholdOf: (tag) => of(tag).transcript.threshold,
  };
  return bound;
}

function loadFirstShares(keys: ThresholdKeys, genesis: SubnetGenesis, secrets: NodeSecrets): void {
  for (const [transcript, share] of [
    [genesis.lowTranscript, secrets.lowShare],
    [genesis.highTranscript, secrets.highShare],
  ] as const) {
    if (share !== null) {
      keys.loadShare(transcriptId(transcript), share);
    }
  }
}
