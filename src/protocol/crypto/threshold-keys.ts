import { present } from '../../base/assert.ts';
import type { CombineOutcome, CryptoCounters, SignatureShare } from '../interfaces/crypto.ts';
import type { ThresholdTranscript } from '../types/genesis.ts';
import type { HashHex, NodeId } from '../types/ids.ts';
import type { CryptoSuite } from './suite.ts';
import { transcriptId } from './transcript-id.ts';

export type MutableCounters = { -readonly [K in keyof CryptoCounters]: number };

/** The first share of each signer. A second one from the same signer adds nothing. */
export function distinctSigners(shares: readonly SignatureShare[]): readonly SignatureShare[] {
  const first = new Map<NodeId, SignatureShare>();
  for (const share of shares) {
    if (!first.has(share.signer)) {
      first.set(share.signer, share);
    }
  }
  return [...first.values()];
}

/** Signing and checking under one threshold key. */
export interface ThresholdKey {
  readonly transcript: ThresholdTranscript;
  sign(message: Uint8Array): Uint8Array | undefined;
  verifyShare(signer: NodeId, message: Uint8Array, signature: Uint8Array): boolean;
  verify(message: Uint8Array, signature: Uint8Array): boolean;
  combine(message: Uint8Array, shares: readonly SignatureShare[]): CombineOutcome;
}

/** The node's shares of threshold keys, and every key it was asked about. */
export interface ThresholdKeys {
  of(transcript: ThresholdTranscript): ThresholdKey;
  shareOf(id: HashHex): Uint8Array | undefined;
  /** Keeps a copy of its own. */
  loadShare(id: HashHex, share: Uint8Array): void;
  /** Forgets every share but these. */
  keepShares(ids: ReadonlySet<HashHex>): void;
}

export function createThresholdKeys(suite: CryptoSuite, counters: MutableCounters): ThresholdKeys {
  const shares = new Map<HashHex, Uint8Array>();
  const keys = new WeakMap<ThresholdTranscript, ThresholdKey>();
  return {
    of: (transcript) => {
      let key = keys.get(transcript);
      if (key === undefined) {
        const id = transcriptId(transcript);
        key = createThresholdKey(suite, transcript, () => shares.get(id), counters);
        keys.set(transcript, key);
      }
      return key;
    },
    shareOf: (id) => shares.get(id),
    loadShare: (id, share) => {
      shares.set(id, share.slice());
    },
    keepShares: (ids) => {
      for (const [id, share] of shares) {
        if (!ids.has(id)) {
          share.fill(0);
          shares.delete(id);
        }
      }
    },
  };
}

function createThresholdKey(
  suite: CryptoSuite,
  transcript: ThresholdTranscript,
  ownShare: () => Uint8Array | undefined,
  counters: MutableCounters,
): ThresholdKey {
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
    sign(message) {
      const share = ownShare();
      if (share === undefined) {
        return undefined;
      }
      counters.blsSign += 1;
      return bls.sign(share, message);
    },
    verifyShare,
    verify,
    combine(message, shares) {
      const distinct = distinctSigners(shares);
      const strangers = distinct.filter((share) => !indexes.has(share.signer));
      if (strangers.length > 0 || distinct.length < transcript.threshold) {
        return { kind: 'liars', liars: strangers.map((share) => share.signer) };
      }
      counters.blsCombine += 1;
      const used = distinct.slice(0, transcript.threshold);
      const signers = used.map((share) => share.signer);
      const sum = bls.combineShares(
        used.map(({ signer, signature }) => ({
          index: present(indexes.get(signer), 'strangers were sorted out'),
          signature,
        })),
      );
      if (sum.ok && verify(message, sum.value)) {
        return { kind: 'combined', signature: sum.value, signers };
      }
      const liars = used.filter((share) => !verifyShare(share.signer, message, share.signature));
      return { kind: 'liars', liars: liars.map((share) => share.signer) };
    },
  };
}
