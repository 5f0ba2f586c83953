import { bytesToHex } from '../../base/hex.ts';
import { createLru } from '../../base/lru.ts';
import { sha256 } from '../../protocol/crypto/sha256.ts';
import {
  BLS_PUBLIC_KEY_BYTES,
  BLS_SIGNATURE_BYTES,
  type CryptoSuite,
  ED25519_SIGNATURE_BYTES,
} from '../../protocol/crypto/suite.ts';
import type { HostTimers } from '../clock/scheduler.ts';
import type { ChannelLike } from '../transport/channel-like.ts';

/**
 * "Verify once per tab": a node that found a signature valid tells the other nodes of the tab, which
 * then skip the check. Off unless the spec asks for it, because a node then takes the word of
 * another worker: honest nodes only ever say what they verified, so results stay the same, but a
 * worker taken over could make all accept what it likes.
 *
 * What is told are digests over a secret of the network, key, signature and message: whoever
 * listens on the channel can neither read nor make one. Failed checks are never told.
 */
export interface VerificationMemo {
  readonly suite: CryptoSuite;
  counters(): { readonly hits: number; readonly checks: number };
}

export interface VerificationMemoDeps {
  readonly suite: CryptoSuite;
  /** Shared by all nodes of the tab, nobody else. */
  readonly secret: Uint8Array;
  readonly channel: ChannelLike;
  readonly timers: HostTimers;
}

const DIGEST_BYTES = 32;
/** Some rounds of the largest subnet. */
const MAX_REMEMBERED = 16_384;
const MAX_TOLD_AT_ONCE = 4_096;
const BLS_TAG = 1;
const BASIC_TAG = 2;
const ED25519_PUBLIC_KEY_BYTES = 32;

type Verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

export function createVerificationMemo(deps: VerificationMemoDeps): VerificationMemo {
  const { suite, channel, timers } = deps;
  const known = createLru<true>(MAX_REMEMBERED);
  const count = { hits: 0, checks: 0 };
  let untold: Uint8Array[] = [];

  const tell = (): void => {
    const told = new Uint8Array(untold.length * DIGEST_BYTES);
    for (const [i, digest] of untold.entries()) {
      told.set(digest, i * DIGEST_BYTES);
    }
    untold = [];
    channel.post(told);
  };
  const remember = (digest: Uint8Array): void => {
    known.set(bytesToHex(digest), true);
    if (untold.length < MAX_TOLD_AT_ONCE) {
      untold.push(digest);
    }
    if (untold.length === 1) {
      timers.set(0, tell);
    }
  };
  channel.listen((data) => {
    const usable = data instanceof Uint8Array && data.length <= MAX_TOLD_AT_ONCE * DIGEST_BYTES;
    for (let at = 0; usable && at + DIGEST_BYTES <= data.length; at += DIGEST_BYTES) {
      known.set(bytesToHex(data.subarray(at, at + DIGEST_BYTES)), true);
    }
  });

  /** Lengths are fixed or stated ahead, so that two different checks never hash the same bytes. */
  const memoize =
    (tag: number, keyBytes: number, signatureBytes: number, verify: Verify): Verify =>
    (publicKey, message, signature) => {
      count.checks += 1;
      if (publicKey.length !== keyBytes || signature.length !== signatureBytes) {
        return verify(publicKey, message, signature);
      }
      const head = new Uint8Array(5);
      head[0] = tag;
      new DataView(head.buffer).setUint32(1, message.length);
      const digest = sha256(deps.secret, head, publicKey, signature, message);
      if (known.get(bytesToHex(digest)) === true) {
        count.hits += 1;
        return true;
      }
      const valid = verify(publicKey, message, signature);
      if (valid) {
        remember(digest);
      }
      return valid;
    };

  const { bls, basic } = suite;
  return {
    suite: {
      ...suite,
      bls: {
        ...bls,
        verify: memoize(BLS_TAG, BLS_PUBLIC_KEY_BYTES, BLS_SIGNATURE_BYTES, bls.verify),
      },
      basic: {
        ...basic,
        verify: memoize(BASIC_TAG, ED25519_PUBLIC_KEY_BYTES, ED25519_SIGNATURE_BYTES, basic.verify),
      },
    },
    counters: () => ({ ...count }),
  };
}
