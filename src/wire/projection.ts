import type { BlockFacts, CanisterFacts, StreamFacts } from '../protocol/interfaces/trace.ts';
import type { HashHex, Height, NodeId } from '../protocol/types/ids.ts';
import type { MaliciousBehaviour } from '../protocol/types/malicious.ts';
import type {
  ClockReading,
  NodeHeights,
  NodeRunState,
  Topology,
  TopologyNode,
  TopologySubnet,
} from './network.ts';
import type { LinkConditions } from './network-spec.ts';
import { HEALTHY_NODE, type NodeConditions } from './node-conditions.ts';
import type { BootStage, PacketContent } from './telemetry.ts';

/** What the page shows, folded from telemetry. Immutable: unchanged parts keep their identity. */

export type BlockState = 'proposed' | 'notarized' | 'finalized' | 'dead';

export interface BlockView {
  readonly facts: BlockFacts;
  readonly state: BlockState;
  /** Signers of the aggregate once it exists, else of the shares seen so far. */
  readonly notarizedBy: readonly NodeId[];
  readonly finalizedBy: readonly NodeId[];
  /** Network time, ns. */
  readonly firstSeenNs: bigint;
  readonly finalizedNs: bigint | null;
  /** Nodes that validated it. */
  readonly validatedBy: readonly NodeId[];
}

export interface HeightView {
  readonly height: Height;
  readonly makers: readonly NodeId[];
  readonly committee: readonly NodeId[];
  readonly beacon: HashHex | null;
  readonly hasTape: boolean;
  /** By rank, then by hash. */
  readonly blocks: readonly BlockView[];
  /** Roots reported by node; more than one distinct value is divergence. */
  readonly roots: Readonly<Record<string, HashHex>>;
  readonly certified: boolean;
  /** The subnet signed a catch-up package of this height. */
  readonly hasCatchUpPackage: boolean;
}

/** Shape, text and colour of a node follow from this. */
export type NodeCondition = NodeRunState | 'catchingUp';

export interface NodeView {
  readonly nodeId: NodeId;
  readonly label: string;
  /** Position among all nodes of the network. */
  readonly index: number;
  readonly condition: NodeCondition;
  readonly reason: string | null;
  readonly heights: NodeHeights;
  readonly stateRoot: { readonly height: Height; readonly root: HashHex } | null;
  /** Rank at the height being worked on; null = not a block maker there. */
  readonly rank: number | null;
  readonly inCommittee: boolean;
  readonly peersDown: readonly NodeId[];
  /** What the world does to it. */
  readonly world: NodeConditions;
  /** The rules it breaks; none = honest. */
  readonly behaviours: readonly MaliciousBehaviour[];
  readonly rejectedArtifacts: number;
  readonly rejectedPackets: number;
  readonly criticalErrors: number;
  readonly droppedFacts: number;
  /** Of the subnet, by the newest registry version; the others are spare or on their way out. */
  readonly isMember: boolean;
  /** How far it is with fetching a checkpoint; null = it fetches none. */
  readonly sync: SyncView | null;
  /** What others caught it at or refused from it; bounded, one entry a rule. */
  readonly caught: readonly CaughtView[];
}

export interface SyncView {
  readonly height: Height;
  /** 0 of 0 until the manifest is there. */
  readonly chunksDone: number;
  readonly chunksTotal: number;
  readonly bytes: number;
  readonly peers: number;
  /** Since its first request. */
  readonly elapsedMs: number;
}

export interface CaughtView {
  /** The rule, as honest nodes report it. */
  readonly code: string;
  readonly message: string;
  /** False where an honest node with bad luck can look the same. */
  readonly proven: boolean;
  /** How often, by the node that caught it. */
  readonly counts: Readonly<Record<string, number>>;
}

/** A link whose conditions were changed since the start, with what they are now. */
export interface LinkView {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly conditions: LinkConditions;
}

/** Packets of the newest batch of a sender; the overlay turns them into moving dots. */
export interface FlightView {
  readonly id: number;
  readonly from: NodeId;
  readonly to: NodeId | 'all';
  readonly content: PacketContent;
  readonly count: number;
  readonly bytes: number;
  readonly atNs: bigint;
}

export type FeedSeverity = 'info' | 'good' | 'warning' | 'error';

export interface FeedEntry {
  readonly id: number;
  readonly atNs: bigint;
  readonly severity: FeedSeverity;
  readonly text: string;
  readonly height: Height | null;
  readonly nodeId: NodeId | null;
  /** Set where repetitions change the entry instead of making more of them. */
  readonly repeated?: RepeatedView;
}

export interface RepeatedView {
  /** Same key and soon enough: the same news. */
  readonly key: string;
  readonly sinceNs: bigint;
  /** How often, by who told it. */
  readonly counts: Readonly<Record<string, number>>;
}

export type KeyTag = 'low' | 'high';

/** One run of the distributed key generation. */
export interface KeyRunView {
  /** Dealt by themselves. */
  readonly dealt: readonly NodeId[];
  /** Whose dealings stand in final blocks. */
  readonly included: readonly NodeId[];
  readonly complaints: readonly { readonly dealer: NodeId; readonly complainer: NodeId }[];
}

/** What the summary block that began the interval says of the key of the next one. */
export type KeyResultView =
  | { readonly kind: 'created'; readonly transcript: HashHex; readonly dealers: number }
  | { readonly kind: 'kept'; readonly reason: string };

/** The DKG interval that the newest final block belongs to. */
export interface IntervalView {
  /** Of its summary block; 0 = genesis. */
  readonly height: Height;
  /** Data blocks; the next summary block is at height + length + 1. */
  readonly length: number;
  readonly registryVersion: number;
  /** Who holds shares of the subnet's key. */
  readonly receivers: readonly NodeId[];
  readonly runs: Readonly<Record<KeyTag, KeyRunView>>;
  readonly results: Readonly<Record<KeyTag, KeyResultView | null>>;
}

export interface RegistryView {
  readonly version: number;
  readonly members: readonly NodeId[];
  readonly isHalted: boolean;
  readonly haltAtCatchUpPackage: boolean;
  /** The subnet's final height when the version was made. */
  readonly madeAt: Height;
}

/** A change of a canister that nodes told of. */
export interface CanisterChangeView {
  readonly height: Height;
  readonly change: 'seen' | 'code' | 'status';
  /** As it was after the change. */
  readonly moduleHash: HashHex | null;
  readonly status: CanisterFacts['status'];
}

export interface CanisterView {
  readonly facts: CanisterFacts;
  /** Newest last, bounded: since the page looks. */
  readonly changes: readonly CanisterChangeView[];
  /** Newest last, bounded. */
  readonly logs: readonly string[];
  /** Index of the next log line: lines below it are known from another node. */
  readonly nextLogIndex: bigint;
}

export interface MessageView {
  readonly messageId: string;
  readonly canisterId: string;
  readonly method: string;
  readonly height: Height;
  readonly outcome: string;
  readonly instructions: bigint;
}

/** The subnet's stream to another one, as its newest state has it. */
export interface StreamView {
  readonly facts: StreamFacts;
  /** Of that state. */
  readonly height: Height;
  /** The newest slice of the reverse stream that was taken in; null = none since the page looks. */
  readonly lastSlice: {
    readonly height: Height;
    readonly certifiedHeight: Height;
    readonly messages: number;
  } | null;
  /** Rounds that moved messages or signals, newest last, bounded. */
  readonly moves: readonly StreamMoveView[];
  /** Messages of the other subnet that this one did not take, newest last, bounded. */
  readonly refusals: readonly StreamRefusalView[];
}

export interface StreamMoveView
  extends Pick<StreamFacts, 'enqueued' | 'inducted' | 'rejected' | 'collected'> {
  readonly height: Height;
}

export interface StreamRefusalView {
  readonly height: Height;
  /** In the reverse stream. */
  readonly index: number;
  readonly reason: string;
}

/** A call that a canister of this subnet made. */
export interface CallView {
  /** Caller and callback. */
  readonly call: string;
  /** The call or the user's request that it was made for; null = a timer or heartbeat. */
  readonly parent: string | null;
  /** What the user called; null = the parent is no user's call. */
  readonly parentMethod: string | null;
  readonly caller: string;
  readonly canisterId: string;
  readonly method: string;
  /** Of the caller's subnet, as is that of the answer. */
  readonly height: Height;
  /** Of that block: calls of several subnets are put in order by it. */
  readonly timeNs: bigint;
  /** Null until the caller has it. */
  readonly answer: {
    readonly height: Height;
    readonly timeNs: bigint;
    readonly outcome: string;
  } | null;
}

/** One subnet of a network: what is told of others is not in here. */
export interface NetworkProjection {
  /** Of the whole network. */
  readonly topology: Topology;
  /** The subnet shown, by its place in the topology. */
  readonly subnetIndex: number;
  readonly bootStage: BootStage | null;
  readonly bootDetail: string;
  readonly clock: Pick<ClockReading, 'rate' | 'paused' | 'pace'> | null;
  readonly atNs: bigint;
  readonly nodes: readonly NodeView[];
  /** The last `KEPT_HEIGHTS` heights, ascending. */
  readonly heights: readonly HeightView[];
  readonly notarizedHeight: Height;
  readonly finalizedHeight: Height;
  readonly certifiedHeight: Height;
  readonly catchUpHeight: Height;
  /** Blocks finalized per second of network time over the kept heights; null until two are known. */
  readonly blocksPerSecond: number | null;
  /** Mean time from first sight of a block to its finalization over the kept heights, ms. */
  readonly finalityMs: number | null;
  readonly flights: readonly FlightView[];
  readonly feed: readonly FeedEntry[];
  readonly canisters: readonly CanisterView[];
  readonly messages: readonly MessageView[];
  /** Newest last, bounded. */
  readonly calls: readonly CallView[];
  /** To each other subnet that it has exchanged something with, ascending by id. */
  readonly streams: readonly StreamView[];
  /** Broken protocol rules; empty is the promise of the product. */
  readonly violations: readonly string[];
  readonly partitions: readonly (readonly NodeId[])[];
  readonly links: readonly LinkView[];
  readonly interval: IntervalView;
  /** Null until the registry is changed. */
  readonly registry: RegistryView | null;
  readonly nextId: number;
}

export const KEPT_HEIGHTS = 60;
export const KEPT_FEED_ENTRIES = 200;
export const KEPT_FLIGHTS = 120;
export const KEPT_MESSAGES = 50;
/** Changes kept of a canister: as many as a canister's own history keeps. */
export const KEPT_CHANGES = 20;
export const KEPT_CALLS = 60;
/** Rounds of a stream, and refusals. */
export const KEPT_MOVES = 12;
export const KEPT_LOG_LINES = 200;
export const KEPT_CANISTERS = 200;
const NO_HEIGHTS: NodeHeights = {
  notarized: 0,
  finalized: 0,
  executed: 0,
  certified: 0,
  catchUpPackage: 0,
};

export const NO_RUN: KeyRunView = { dealt: [], included: [], complaints: [] };

function initialNode({ nodeId, label, index }: TopologyNode, isMember: boolean): NodeView {
  return {
    nodeId,
    label,
    index,
    condition: isMember ? 'starting' : 'stopped',
    reason: null,
    heights: NO_HEIGHTS,
    stateRoot: null,
    rank: null,
    inCommittee: false,
    peersDown: [],
    world: HEALTHY_NODE,
    behaviours: [],
    rejectedArtifacts: 0,
    rejectedPackets: 0,
    criticalErrors: 0,
    droppedFacts: 0,
    isMember,
    sync: null,
    caught: [],
  };
}

function initialInterval(subnet: TopologySubnet | undefined): IntervalView {
  return {
    height: 0,
    length: subnet?.dkgIntervalLength ?? 0,
    registryVersion: 1,
    receivers: subnet?.nodes.map(({ nodeId }) => nodeId) ?? [],
    runs: { low: NO_RUN, high: NO_RUN },
    results: { low: null, high: null },
  };
}

/** @param subnetIndex of the subnet to show */
export function initialProjection(topology: Topology, subnetIndex = 0): NetworkProjection {
  const subnet = topology.subnets[subnetIndex];
  return {
    topology,
    subnetIndex,
    bootStage: null,
    bootDetail: '',
    clock: null,
    atNs: 0n,
    nodes: [
      ...(subnet?.nodes ?? []).map((node) => initialNode(node, true)),
      ...(subnet?.spareNodes ?? []).map((node) => initialNode(node, false)),
    ],
    heights: [],
    notarizedHeight: 0,
    finalizedHeight: 0,
    certifiedHeight: 0,
    catchUpHeight: 0,
    blocksPerSecond: null,
    finalityMs: null,
    flights: [],
    feed: [],
    canisters: [],
    messages: [],
    calls: [],
    streams: [],
    violations: [],
    partitions: [],
    links: [],
    interval: initialInterval(subnet),
    registry: null,
    nextId: 1,
  };
}
