import type { HashHex, Height, NodeId, Rank, SubnetId, TimeNs } from '../types/ids.ts';

/** Past-tense facts of one node, for telemetry, checkers and tests. Ids are hex strings. */
export type TraceEvent =
  | {
      readonly kind: 'beaconAggregated';
      readonly height: Height;
      readonly hash: HashHex;
      /** The beacon it is chained to. */
      readonly parent: HashHex;
    }
  | { readonly kind: 'tapeAggregated'; readonly height: Height }
  | {
      readonly kind: 'makersRanked';
      readonly height: Height;
      readonly makers: readonly NodeId[];
      readonly committee: readonly NodeId[];
    }
  | { readonly kind: 'blockProposed'; readonly block: BlockFacts }
  | { readonly kind: 'blockValidated'; readonly block: BlockFacts }
  | {
      readonly kind: 'shareAdded';
      readonly artifact: ShareKind;
      readonly height: Height;
      readonly signer: NodeId;
      readonly hash: HashHex | null;
    }
  | {
      readonly kind: 'notarized';
      readonly height: Height;
      readonly hash: HashHex;
      readonly signers: readonly NodeId[];
    }
  | {
      readonly kind: 'finalized';
      readonly height: Height;
      readonly hash: HashHex;
      readonly signers: readonly NodeId[];
      readonly explicit: boolean;
    }
  | {
      readonly kind: 'batchDelivered';
      readonly height: Height;
      readonly hash: HashHex;
      readonly ingress: number;
    }
  | {
      readonly kind: 'executed';
      readonly height: Height;
      readonly root: HashHex;
      readonly instructions: bigint;
      readonly messages: number;
      readonly timeNs: bigint;
      readonly cycles: CyclesFacts;
    }
  /** What a round did to the stream to another subnet; told only of those that it touched. */
  | { readonly kind: 'streamAdvanced'; readonly height: Height; readonly stream: StreamFacts }
  /** Where a stream stands in the checkpoint from which a node goes on. */
  | { readonly kind: 'streamRestored'; readonly height: Height; readonly stream: StreamFacts }
  | { readonly kind: 'certified'; readonly height: Height; readonly root: HashHex }
  | { readonly kind: 'catchUpPackageMade'; readonly height: Height; readonly stateHash: HashHex }
  | {
      readonly kind: 'caughtUp';
      readonly height: Height;
      readonly from: 'checkpoint' | 'stateSync' | 'genesis';
    }
  /** How far fetching the checkpoint of a catch-up package is; told a few times a second at most. */
  | {
      readonly kind: 'stateSyncProgress';
      readonly height: Height;
      /** Chunks that are there, own ones included, of all; 0 of 0 until the manifest is there. */
      readonly chunksDone: number;
      readonly chunksTotal: number;
      /** Received so far. */
      readonly bytes: number;
      /** Peers that are asked. */
      readonly peers: number;
      /** Since the first request, by the node's clock. */
      readonly elapsedMs: number;
    }
  /** Nobody is left to ask; it starts again when a peer tells that it has the checkpoint. */
  | { readonly kind: 'stateSyncAborted'; readonly height: Height; readonly message: string }
  | {
      readonly kind: 'artifactRejected';
      readonly artifact: string;
      readonly height: Height;
      readonly from: NodeId | null;
      readonly code: string;
      readonly message: string;
    }
  | {
      readonly kind: 'packetRejected';
      readonly from: NodeId | null;
      readonly code: string;
      readonly message: string;
      /** How often this sender was counted for it so far. */
      readonly count?: number;
    }
  /** What this node caught another one at. */
  | {
      readonly kind: 'misbehaviourSeen';
      readonly code: string;
      readonly message: string;
      readonly about: NodeId;
      readonly height: Height;
      /** False where an honest node with bad luck can look the same. */
      readonly proven: boolean;
    }
  | { readonly kind: 'peerUp' | 'peerDown'; readonly peer: NodeId }
  | { readonly kind: 'canisterChanged'; readonly height: Height; readonly canister: CanisterFacts }
  | {
      readonly kind: 'messageExecuted';
      readonly height: Height;
      /** Request id of a user's call; caller, callback and height for a call between canisters. */
      readonly messageId: string;
      readonly canisterId: string;
      readonly method: string;
      readonly instructions: bigint;
      readonly outcome: string;
    }
  /** A canister called another one, in a message that ended well. Calls of itself are not told. */
  | {
      readonly kind: 'callMade';
      readonly height: Height;
      /** Of the block: what happens on several subnets can be put in order by it. */
      readonly timeNs: TimeNs;
      /** Caller and callback: the `messageId` of its answer begins with it. */
      readonly call: string;
      /** The call that it was made for, or the request id of a user's; null = a timer or heartbeat. */
      readonly parent: string | null;
      /** What the user called; null = the parent is no user's call. */
      readonly parentMethod: string | null;
      readonly caller: string;
      readonly canisterId: string;
      readonly method: string;
    }
  /** The answer reached the caller, whoever gave it. */
  | {
      readonly kind: 'callAnswered';
      readonly height: Height;
      readonly timeNs: TimeNs;
      readonly call: string;
      /** `replied`, or why it was rejected. */
      readonly outcome: string;
    }
  | {
      readonly kind: 'canisterLogged';
      readonly canisterId: string;
      readonly lines: readonly string[] /** Log index of the first line: every node reports the same lines. */;
      readonly firstIndex?: bigint;
    }
  | DkgEvent
  | { readonly kind: 'criticalError'; readonly code: string; readonly message: string };

/** The course of the distributed key generation. */
export type DkgEvent =
  /** This node dealt in the run that the summary at `height` lists. */
  | { readonly kind: 'dkgDealingMade'; readonly height: Height; readonly tag: 'low' | 'high' }
  | {
      readonly kind: 'dkgComplaintMade';
      readonly height: Height;
      readonly tag: 'low' | 'high';
      readonly dealer: NodeId;
    }
  /** The finalized block of `height` holds it. */
  | {
      readonly kind: 'dkgDealingIncluded';
      readonly height: Height;
      readonly tag: 'low' | 'high';
      readonly dealer: NodeId;
    }
  | {
      readonly kind: 'dkgComplaintIncluded';
      readonly height: Height;
      readonly tag: 'low' | 'high';
      readonly dealer: NodeId;
      readonly complainer: NodeId;
    }
  /** The summary block of `height` is final; its keys are in force from here on. */
  | {
      readonly kind: 'dkgIntervalBegan';
      readonly height: Height;
      readonly length: number;
      readonly registryVersion: number;
      /** Holders of the shares of the subnet's key in this interval. */
      readonly receivers: readonly NodeId[];
    }
  /** The summary block of `height` holds a new key for the next interval. */
  | {
      readonly kind: 'dkgTranscriptCreated';
      readonly height: Height;
      readonly tag: 'low' | 'high';
      readonly transcript: HashHex;
      readonly dealers: readonly NodeId[];
      readonly receivers: readonly NodeId[];
    }
  /** The run failed: the next interval keeps the key of this one. */
  | {
      readonly kind: 'dkgTranscriptKept';
      readonly height: Height;
      readonly tag: 'low' | 'high';
      readonly reason: string;
    }
  /** This node has its share of a key and stored it. */
  | {
      readonly kind: 'dkgShareLoaded';
      readonly height: Height;
      readonly tag: 'low' | 'high';
      readonly transcript: HashHex;
    }
  /** Neither member nor holder of a share in any interval to come: the host may stop the node. */
  | { readonly kind: 'leftSubnet'; readonly height: Height }
  /** This node was cheated and could not complain in time: it does not sign with that key. */
  | {
      readonly kind: 'dkgShareMissing';
      readonly tag: 'low' | 'high';
      readonly transcript: HashHex;
      readonly message: string;
    };

export type ShareKind =
  | 'beacon'
  | 'tape'
  | 'notarization'
  | 'finalization'
  | 'certification'
  | 'catchUpPackage';

export interface BlockFacts {
  readonly height: Height;
  readonly hash: HashHex;
  readonly parent: HashHex;
  readonly rank: Rank;
  readonly maker: NodeId;
  readonly timeNs: bigint;
  readonly ingress: number;
  readonly payloadBytes: number;
  readonly isSummary: boolean;
  readonly certifiedHeight: Height;
}

/** The stream to another subnet after a round, and how many messages the round moved. */
export interface StreamFacts {
  /** The subnet that keeps it. */
  readonly from: SubnetId;
  /** Where its messages go. */
  readonly subnetId: SubnetId;
  readonly begin: number;
  readonly end: number;
  /** Of the messages that come from there. */
  readonly signalsEnd: number;
  /** Reject signals that are kept, for messages that come from there. */
  readonly rejectSignals: number;
  /** Of the messages kept. */
  readonly bytes: number;
  /** Put onto the stream. */
  readonly enqueued: number;
  /** That came from there, and were taken or rejected. */
  readonly inducted: number;
  readonly rejected: number;
  /** Dropped because the other subnet signalled them. */
  readonly collected: number;
  /** Of the state of the other subnet that certifies the slice taken in; null = none was. */
  readonly sliceHeight: Height | null;
  /** The first few of those rejected, with the reason. */
  readonly refusals: readonly StreamRefusal[];
}

/** Why a message of another subnet was not taken. */
export interface StreamRefusal {
  readonly index: number;
  /** As the header's lists name it. */
  readonly reason: string;
}

/** Messages that wait at a canister after a round. */
export interface QueueFacts {
  /** From users and canisters, not begun. */
  readonly inputs: number;
  /** To canisters, in no stream and with no receiver yet. */
  readonly outputs: number;
  /** Its own calls that no answer came for. */
  readonly openCalls: number;
}

/**
 * All cycles of the subnet after a round: `created + received = held + inFlight + consumed + sent`.
 * Over all subnets, what was sent and not received is in streams.
 */
export interface CyclesFacts {
  /** That ever came into being here. */
  readonly created: bigint;
  /** On canisters, reserved balances included. */
  readonly held: bigint;
  /** In messages, in open calls and in their prepayments. */
  readonly inFlight: bigint;
  readonly consumed: bigint;
  /** That ever left with messages to other subnets. */
  readonly sent: bigint;
  /** That ever came, or came back, from other subnets. */
  readonly received: bigint;
}

export interface CanisterFacts {
  readonly canisterId: string;
  readonly status: 'running' | 'stopping' | 'stopped' | 'deleted';
  readonly cycles: bigint;
  readonly memoryBytes: number;
  readonly moduleHash: HashHex | null;
  readonly version: bigint;
  readonly queues: QueueFacts;
}
