import type { QueryStatsReport } from '../types/query-stats.ts';
import type {
  CanisterId,
  DurationMs,
  HashHex,
  Height,
  MessageId,
  NodeId,
  PrincipalId,
  RegistryVersion,
  SubnetId,
  TimeNs,
} from '../types/ids.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import type { StreamSlice } from '../replicated-state/streams.ts';
import type { CallerInfo } from './wasm-host.ts';

/** The seams between consensus, message routing and execution inside one node. */

/** A user's call after its envelope was checked; the raw envelope travels in blocks and is checked by every node. */
export interface SignedIngress {
  readonly messageId: MessageId;
  /** The CBOR envelope as the user sent it. */
  readonly envelope: Uint8Array;
  readonly sender: PrincipalId;
  readonly canisterId: CanisterId;
  /** Equals `canisterId` except for the management canister. */
  readonly effectiveCanisterId: PrincipalId;
  readonly methodName: string;
  readonly arg: Uint8Array;
  readonly nonce: Uint8Array | null;
  readonly ingressExpiryNs: TimeNs;
  /** Of the caller, if a canister vouches for it. */
  readonly callerInfo?: CallerInfo | undefined;
}

/** The batch of one finalized block, in order to message routing. */
export interface Batch {
  readonly height: Height;
  readonly timeNs: TimeNs;
  /** SHA-256 of the random tape of this height, 32 bytes. */
  readonly randomness: Uint8Array;
  readonly ingress: readonly SignedIngress[];
  readonly registryVersion: RegistryVersion;
  /** Summary heights demand a full state hash (checkpoint). */
  readonly requiresFullStateHash: boolean;
  readonly blockMaker: NodeId;
  /** Those of lower rank, whose turn it was before; absent = none. */
  readonly failedBlockMakers?: readonly NodeId[];
  readonly queryStats?: QueryStatsReport;
  /** Slices of streams from other subnets, one each at most, checked. */
  readonly xnet?: readonly InductedSlice[];
  /** At `registryVersion`; absent = the network is this subnet alone. */
  readonly topology?: NetworkTopology;
}

export interface InductedSlice {
  readonly from: SubnetId;
  /** Of the other subnet's state that certifies it. */
  readonly certifiedHeight: Height;
  readonly slice: StreamSlice;
}

/** Three-way validation: `undecided` is retried, `invalid` blames the maker. */
export type Validation =
  | { readonly kind: 'valid' }
  | { readonly kind: 'invalid'; readonly code: string; readonly message: string }
  | { readonly kind: 'undecided'; readonly code: string };

/** Payload section seen by consensus as opaque envelopes. */
export interface BatchPayload {
  readonly ingress: readonly Uint8Array[];
  /** The queries that the block's maker answered in an epoch that is over. */
  readonly queryStats?: QueryStatsReport;
  /** Certified slices of other subnets' streams, ascending by subnet. */
  readonly xnet?: readonly XNetSlice[];
}

export interface XNetSlice {
  readonly from: SubnetId;
  /** An encoded certified stream slice. */
  readonly slice: Uint8Array;
}

export interface ValidationContext {
  readonly certifiedHeight: Height;
  readonly registryVersion: RegistryVersion;
  readonly timeNs: TimeNs;
}

/** Builds and checks block payloads; implemented by `protocol/ingress`. `past` are payloads from certifiedHeight+1 to the parent. */
export interface PayloadBuilder {
  build(context: ValidationContext, past: readonly BatchPayload[]): BatchPayload;
  validate(
    payload: BatchPayload,
    context: ValidationContext,
    past: readonly BatchPayload[],
  ): Validation;
}

/** What consensus reads of the replicated state. */
export interface StateReader {
  latestStateHeight(): Height;
  latestCertifiedHeight(): Height;
  /** Root hash of the certified-state tree of an executed, not yet purged height. */
  stateRootAt(height: Height): HashHex | undefined;
  /** Full-state hash of a checkpoint, for the catch-up package. */
  checkpointHashAt(height: Height): HashHex | undefined;
}

export interface DelayBudget {
  readonly unitDelayMs: DurationMs;
  readonly initialNotaryDelayMs: DurationMs;
}
