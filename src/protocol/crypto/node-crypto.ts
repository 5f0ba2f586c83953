import { assert, present } from '../../base/assert.ts';
import { createLru } from '../../base/lru.ts';
import type {
  CombineOutcome,
  CryptoCounters,
  NodeCrypto,
  SignatureShare,
  ThresholdTag,
} from '../interfaces/crypto.ts';
import type { NodeSecrets, SubnetGenesis, ThresholdTranscript } from '../types/genesis.ts';
import type { NodeId } from '../types/ids.ts';
import { unwrapEd25519, wrapBls } from './der.ts';
import type { CryptoSuite } from './suite.ts';

/** Aggregated keys of signer sets seen lately: a committee rarely has more than a few dozen. */
const MAX_CACHED_SIGNER_SETS = 64;

type Counters = { -readonly [K in keyof CryptoCounters]: number };

/** A node's crypto that also tells how much it was used. */
export interface MeteredNodeCrypto extends NodeCrypto {
  counters(): CryptoCounters;
}

interface Committee {
  readonly nodeKeys: ReadonlyMap<NodeId, Uint8Array>;
  readonly committeeKeys: ReadonlyMap<NodeId, Uint8Array>;
}

function committeeOf(genesis: SubnetGenesis): Committee {
  const nodeKeys = new Map<NodeId, Uint8Array>();
  const committeeKeys = new Map<NodeId, Uint8Array>();
  for (const node of genesis.nodes) {
    const raw = unwrapEd25519(node.nodePublicKeyDer);
    assert(raw.ok, 'node keys of a genesis are Ed25519');
    nodeKeys.set(node.nodeId, raw.value);
    committeeKeys.set(node.nodeId, node.committeePublicKey);
  }
  return { nodeKeys, committeeKeys };
}

/** The first share of each signer. A second one from the same signer adds nothing. */
function distinctSigners(shares: readonly SignatureShare[]): readonly SignatureShare[] {
  const first = new Map<NodeId, SignatureShare>();
  for (const share of shares) {
    if (!first.has(share.signer)) {
      first.set(share.signer, share);
    }
  }
  return [...first.values()];
}

function createMulti(
  suite: CryptoSuite,
  committee: Committee,
  secrets: NodeSecrets,
  counters: Counters,
) {
  const { bls } = suite;
  const sets = createLru<Uint8Array>(MAX_CACHED_SIGNER_SETS);
  const setKey = (signers: readonly NodeId[]): Uint8Array | undefined => {
    const name = signers.toSorted((a, b) => (a < b ? -1 : 1)).join();
    const known = sets.get(name);
    const keys = signers.flatMap((signer) => committee.committeeKeys.get(signer) ?? []);
    if (
      known !== undefined ||
      keys.length !== signers.length ||
      new Set(signers).size !== signers.length
    ) {
      return known;
    }
    const aggregated = bls.aggregatePublicKeys(keys);
    if (!aggregated.ok) {
      return undefined;
    }
    sets.set(name, aggregated.value);
    return aggregated.value;
  };
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

function createThreshold(
  suite: CryptoSuite,
  transcript: ThresholdTranscript,
  self: { readonly nodeId: NodeId; readonly share: Uint8Array },
  counters: Counters,
) {
  const { bls } = suite;
  const indexes = new Map(transcript.receivers.map((receiver, index) => [receiver, index]));
  const shareKeys = new Map<NodeId, Uint8Array>();
  const shareKey = (signer: NodeId): Uint8Array | undefined => {
    const index = indexes.get(signer);
    if (index === undefined || shareKeys.has(signer)) {
      return shareKeys.get(signer);
    }
    const key = bls.evaluatePublicShare(transcript.coefficients, index);
    if (key.ok) {
      shareKeys.set(signer, key.value);
    }
    return key.ok ? key.value : undefined;
  };
  const verifyShare = (signer: NodeId, message: Uint8Array, signature: Uint8Array): boolean => {
    counters.blsVerify += 1;
    const key = shareKey(signer);
    return key !== undefined && bls.verify(key, message, signature);
  };
  const verify = (message: Uint8Array, signature: Uint8Array): boolean => {
    counters.blsVerify += 1;
    return bls.verify(transcript.publicKey, message, signature);
  };
  return {
    transcript,
    sign(message: Uint8Array): Uint8Array | undefined {
      if (!indexes.has(self.nodeId)) {
        return undefined;
      }
      counters.blsSign += 1;
      return bls.sign(self.share, message);
    },
    verifyShare,
    verify,
    combine(message: Uint8Array, shares: readonly SignatureShare[]): CombineOutcome {
      const distinct = distinctSigners(shares);
      const strangers = distinct.filter((share) => !indexes.has(share.signer));
      if (strangers.length > 0 || distinct.length < transcript.threshold) {
        return { kind: 'liars', liars: strangers.map((share) => share.signer) };
      }
      counters.blsCombine += 1;
      const used = distinct.slice(0, transcript.threshold);
      const sum = bls.combineShares(
        used.map(({ signer, signature }) => ({
          index: present(indexes.get(signer), 'strangers were sorted out'),
          signature,
        })),
      );
      if (sum.ok && verify(message, sum.value)) {
        return {
          kind: 'combined',
          signature: sum.value,
          signers: used.map((share) => share.signer),
        };
      }
      const liars = used.filter((share) => !verifyShare(share.signer, message, share.signature));
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
 */
export function createNodeCrypto(
  genesis: SubnetGenesis,
  secrets: NodeSecrets,
  suite: CryptoSuite,
): MeteredNodeCrypto {
  assert(suite.name === genesis.cryptoName, 'the crypto suite is the one the genesis names');
  const counters: Counters = {
    blsSign: 0,
    blsVerify: 0,
    blsCombine: 0,
    ed25519Sign: 0,
    ed25519Verify: 0,
  };
  const committee = committeeOf(genesis);
  const { nodeId } = secrets;
  const multi = createMulti(suite, committee, secrets, counters);
  const low = createThreshold(
    suite,
    genesis.lowTranscript,
    { nodeId, share: secrets.lowShare },
    counters,
  );
  const high = createThreshold(
    suite,
    genesis.highTranscript,
    { nodeId, share: secrets.highShare },
    counters,
  );
  const of = (tag: ThresholdTag) => (tag === 'low' ? low : high);

  return {
    nodeId,
    subnetPublicKeyDer: wrapBls(genesis.highTranscript.publicKey),
    signBasic(message) {
      counters.ed25519Sign += 1;
      return suite.basic.sign(secrets.nodeSecretKey, message);
    },
    verifyBasic(signer, message, signature) {
      counters.ed25519Verify += 1;
      const key = committee.nodeKeys.get(signer);
      return key !== undefined && suite.basic.verify(key, message, signature);
    },
    signMulti: multi.sign,
    verifyMultiShare: multi.verifyShare,
    combineMulti: multi.combine,
    verifyMulti: multi.verify,
    signThreshold: (tag, message) => of(tag).sign(message),
    verifyThresholdShare: (tag, signer, message, signature) =>
      of(tag).verifyShare(signer, message, signature),
    combineThreshold: (tag, message, shares) => of(tag).combine(message, shares),
    verifyThreshold: (tag, message, signature) => of(tag).verify(message, signature),
    thresholdOf: (tag) => of(tag).transcript.threshold,
    counters: () => ({ ...counters }),
  };
}
