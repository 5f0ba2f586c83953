import type { ThresholdTranscript } from './genesis.ts';
import type { Height, NodeId, RegistryVersion } from './ids.ts';

/**
 * Distributed key generation as it stands in blocks. What a dealing contains is the scheme's own
 * matter (`interfaces/dkg.ts`); consensus moves it as opaque, bounded bytes.
 *
 * Upstream: rs/types/types/src/crypto/threshold_sig/ni_dkg.rs, rs/types/types/src/consensus/dkg.rs.
 */

export type DkgTag = 'low' | 'high';

/** Names one run: the summary that lists it and the key it makes. */
export interface DkgId {
  readonly startHeight: Height;
  readonly tag: DkgTag;
}

/** One run of an interval: who deals to whom, and which key comes out. */
export interface DkgConfig {
  readonly id: DkgId;
  /** Ascending; a dealer's position names it. */
  readonly dealers: readonly NodeId[];
  /** Ascending; receiver i gets the share at i + 1. */
  readonly receivers: readonly NodeId[];
  /** Shares needed to sign with the new key. */
  readonly threshold: number;
  /** Dealings needed: a fresh key f + 1 of the dealers', a resharing the threshold of the old key. */
  readonly collectionThreshold: number;
  readonly registryVersion: RegistryVersion;
  /** The key that is dealt anew to other receivers; null = a fresh key. */
  readonly resharing: ThresholdTranscript | null;
}

/** A dealer's contribution to one run. */
export interface DkgDealing {
  readonly id: DkgId;
  readonly dealer: NodeId;
  /** Content of the scheme, at most MAX_DEALING_BYTES. */
  readonly content: Uint8Array;
}

/** A receiver's public proof that a dealing gave it no valid share. */
export interface DkgComplaint {
  readonly id: DkgId;
  readonly dealer: NodeId;
  readonly complainer: NodeId;
  readonly content: Uint8Array;
}

/**
 * A key with all that a receiver needs to find its share: what was dealt to it stands in the
 * dealings. Upstream: rs/types/types/src/crypto/threshold_sig/ni_dkg.rs#NiDkgTranscript.
 */
export interface DkgTranscript {
  readonly key: ThresholdTranscript;
  /** Null for the first keys of a subnet, which no run made. */
  readonly config: DkgConfig | null;
  /** The dealings that the key is made of, in order of dealers. */
  readonly dealings: readonly DkgDealing[];
}

/** The keys that sign in one interval. */
export interface DkgTranscripts {
  readonly low: DkgTranscript;
  readonly high: DkgTranscript;
}
