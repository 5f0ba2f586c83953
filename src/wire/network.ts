import type { CodedError, Result } from '../base/result.ts';
import type { BlockFacts, CanisterFacts } from '../protocol/interfaces/trace.ts';
import type { LimitsPreset, SubnetKind } from '../protocol/types/genesis.ts';
import type {
  CanisterId,
  HashHex,
  Height,
  NodeId,
  PrincipalId,
  RegistryVersion,
  SubnetId,
} from '../protocol/types/ids.ts';
import type { RegistryChange, SubnetRecord } from '../protocol/types/registry.ts';
import type { MaliciousBehaviour } from '../protocol/types/malicious.ts';
import type { ForkOptions } from './fork-canister.ts';
import type { LinkConditions, NetworkSpec, Pace, SubnetSpec } from './network-spec.ts';
import type { NodeConditions } from './node-conditions.ts';
import type { TelemetryBatch } from './telemetry.ts';

/**
 * The network as an object. Both hosts of the core implement it (real time in workers, virtual
 * time in the simulator); the page, the tests, the headless server and users' scripts use nothing
 * else. Methods return `Result`: they reject or throw only when the network was closed under them.
 */
export interface Network {
  readonly spec: NetworkSpec;
  /**
   * The standard signature; speaks the IC's HTTP interface under any origin, so that
   * `HttpAgent.create({ fetch: network.fetch, rootKey: network.rootKey() })` works unchanged.
   */
  readonly fetch: FetchFunction;
  /** DER of the root subnet's BLS public key, 133 bytes. */
  rootKey(): Uint8Array;
  topology(): Topology;
  readonly faults: NetworkFaults;
  readonly registry: NetworkRegistry;
  readonly clock: NetworkClock;
  readonly events: NetworkEvents;
  readonly inspect: NetworkInspector;
  snapshot(): Promise<NetworkSnapshot>;
  /**
   * Makes a new canister with the code, heap, stable memory, certified data and chunk store of
   * another, through a snapshot of it, and answers the new id. Its settings, logs, timer and open
   * calls are not copied. Needs a network whose clock runs.
   */
  forkCanister(canisterId: CanisterId, options?: ForkOptions): NetworkResult<CanisterId>;
  /** Ends every node and frees what the network holds. Idempotent. */
  close(): Promise<void>;
}

export type FetchFunction = typeof globalThis.fetch;

export type NetworkErrorCode =
  | 'NETWORK_CLOSED'
  | 'NETWORK_IN_USE'
  | 'READ_ONLY'
  | 'NODE_UNKNOWN'
  | 'SUBNET_UNKNOWN'
  | 'NODE_ALREADY_RUNNING'
  | 'NODE_NOT_RUNNING'
  | 'NODE_START_FAILED'
  | 'STORAGE_FAILED'
  | 'NO_HEALTHY_NODE'
  | 'ARTIFACT_UNKNOWN'
  | 'CONTROL_TIMEOUT'
  | 'FORK_FAILED'
  | 'INVALID_ARGUMENT';
export type NetworkError = CodedError<NetworkErrorCode>;
export type NetworkResult<T> = Promise<Result<T, NetworkError>>;

export interface TopologyNode {
  readonly nodeId: NodeId;
  /** "Node 1" … in the order of subnets and node ids: the same name everywhere in the product. */
  readonly label: string;
  /** Position among all nodes of the network. */
  readonly index: number;
  /** The city it stands in; only with a latency preset. */
  readonly place?: string;
}

export interface TopologySubnet {
  readonly subnetId: SubnetId;
  /** As the spec names it; certificates say `application` of fiduciary and data subnets. */
  readonly type: SubnetKind;
  /** The members at the start; `Network.registry` says who they are now. */
  readonly nodes: readonly TopologyNode[];
  /** Registered nodes that are no members at the start; their numbers go on after those. */
  readonly spareNodes: readonly TopologyNode[];
  /** Faults tolerated: floor((n − 1) / 3). */
  readonly faultsTolerated: number;
  /** Shares that make a notarization or a finalization. */
  readonly notarizationThreshold: number;
  readonly dkgIntervalLength: number;
  /** The set of execution limits in force; `docs/limits.md` lists them. */
  readonly limits: LimitsPreset;
  readonly publicKeyDer: Uint8Array;
  readonly cryptoName: string;
  /** Inclusive canister id ranges, as hex. */
  readonly canisterRanges: readonly (readonly [PrincipalId, PrincipalId])[];
}

export interface Topology {
  /** The root subnet first. */
  readonly subnets: readonly TopologySubnet[];
}

/**
 * The subnet's record in the registry: what proposals to the NNS change on the IC. Where the root is
 * a system subnet, a change is a call through its consensus, and the nodes of other subnets fetch
 * the version with its certificate; else the host keeps the record and tells the nodes at once.
 * Blocks name a version after a unit delay, and it is in force from the second summary block on
 * that names it.
 */
export interface NetworkRegistry {
  /** Of a subnet's record; without an id that of the root. Throws for an unknown subnet. */
  version(subnetId?: SubnetId): RegistryVersion;
  record(subnetId?: SubnetId): SubnetRecord;
  /** Starts nodes that become members. Nodes that left stop by themselves, once nobody needs them. */
  update(change: RegistryChange, subnetId?: SubnetId): NetworkResult<RegistryVersion>;
  /**
   * Deals a new subnet, writes it into the registry by a call of the root subnet and starts its nodes.
   * It owns the next range of canister ids; others learn of it within seconds. Answers its id; the
   * fact `subnetAdded` tells watchers. Refused where the first subnet is not a system subnet.
   */
  addSubnet(spec: SubnetSpec): NetworkResult<SubnetId>;
}

export interface NetworkFaults {
  /** Ends the node at once, as a power cut does; its storage stays. */
  kill(nodeId: NodeId): NetworkResult<void>;
  /** Starts it again from its storage. */
  restart(nodeId: NodeId): NetworkResult<void>;
  /** Conditions of one direction; null = those of the spec. */
  setLink(
    from: NodeId,
    to: NodeId,
    conditions: Partial<LinkConditions> | null,
  ): NetworkResult<void>;
  /** Only nodes of one group reach each other; nodes named nowhere form a group of their own. */
  partition(groups: readonly (readonly NodeId[])[]): NetworkResult<void>;
  /**
   * What the world does to one node; absent fields are those of a healthy one, null = healthy.
   * Lasts over restarts. A node whose clock was ahead and is set right stands still until time has
   * caught up, or is restarted.
   */
  setNode(nodeId: NodeId, conditions: Partial<NodeConditions> | null): NetworkResult<void>;
  /**
   * Erases the storage of a node that does not run. It forgets what it signed: within the same key
   * interval it can contradict itself, so count it as faulty.
   */
  wipe(nodeId: NodeId): NetworkResult<void>;
  /**
   * Which rules a node breaks from now on; the empty list makes it honest again. Lasts over
   * restarts, and `heal` does not undo it. The page's words for each attack: `ATTACKS`.
   */
  setMalicious(nodeId: NodeId, behaviours: readonly MaliciousBehaviour[]): NetworkResult<void>;
  /** Undoes every partition, link setting and node condition. Killed nodes stay down. */
  heal(): NetworkResult<void>;
}

export interface ClockReading {
  /** Network time, nanoseconds since the Unix epoch; never runs back. */
  readonly timeNs: bigint;
  /** Network seconds per second of wall time; 0 = paused. */
  readonly rate: number;
  readonly paused: boolean;
  readonly pace: Pace;
}

export interface NetworkClock {
  now(): ClockReading;
  pause(): NetworkResult<void>;
  resume(): NetworkResult<void>;
  /** 0 < rate ≤ 1 slows the network; the simulator also takes rates above 1. */
  setRate(rate: number): NetworkResult<void>;
  /** Changes the delays of consensus from now on; the DKG interval stays as dealt. */
  setPace(pace: Pace): NetworkResult<void>;
  /** Runs until the next block is finalized on any subnet, then pauses. Answers its height. */
  step(): NetworkResult<Height>;
}

export interface NetworkEvents {
  /**
   * Telemetry of every node and of the host, in the order of each sender's `seq`. The listener
   * first gets what it needs to start from (one batch with the newest facts). Returns the
   * function that ends the subscription.
   */
  subscribe(listener: (batch: TelemetryBatch) => void): () => void;
}

export type InspectableKind =
  | 'block'
  | 'notarization'
  | 'finalization'
  | 'randomBeacon'
  | 'randomTape'
  | 'catchUpPackage'
  | 'certification';

/** Names one artifact; `hash` is the block hash and is needed for blocks and notarizations only. */
export interface ArtifactReference {
  readonly kind: InspectableKind;
  readonly height: Height;
  readonly hash?: HashHex;
  /** Absent = the root subnet. */
  readonly subnetId?: SubnetId;
}

export interface ArtifactDetails {
  readonly kind: InspectableKind;
  readonly height: Height;
  /** Block hash, beacon hash or state root, by kind. */
  readonly hash: HashHex | null;
  /** Empty for threshold signatures: they don't tell who took part. */
  readonly signers: readonly NodeId[];
  readonly signatureHex: string;
  /** Shares or signers needed. */
  readonly threshold: number;
  /** Bytes of the encoded artifact as it travels. */
  readonly encodedBytes: number;
  readonly heldBy: readonly NodeId[];
}

export interface IngressFacts {
  readonly messageId: string;
  readonly sender: PrincipalId;
  readonly canisterId: PrincipalId;
  readonly methodName: string;
  readonly argBytes: number;
}

export interface BlockDetails {
  readonly facts: BlockFacts;
  readonly ingress: readonly IngressFacts[];
  readonly proposal: ArtifactDetails | null;
  readonly notarization: ArtifactDetails | null;
  readonly finalization: ArtifactDetails | null;
}

/** One step of a check, in plain words. */
export interface VerificationStep {
  readonly claim: string;
  readonly holds: boolean;
}

export interface Verification {
  readonly valid: boolean;
  readonly steps: readonly VerificationStep[];
  /** The exact bytes that were signed, the key and the scheme: enough to repeat the check elsewhere. */
  readonly scheme: string;
  readonly messageHex: string;
  readonly publicKeyHex: string;
  readonly signatureHex: string;
}

/** Looks into the pools of the running nodes. `verify` runs the core's own crypto, not a node's word. */
export interface NetworkInspector {
  block(hash: HashHex): NetworkResult<BlockDetails>;
  artifact(reference: ArtifactReference): NetworkResult<ArtifactDetails>;
  verify(reference: ArtifactReference): NetworkResult<Verification>;
}

export type NodeRunState = 'starting' | 'running' | 'stopped' | 'crashed';

export interface NodeSnapshot {
  readonly nodeId: NodeId;
  readonly state: NodeRunState;
  /** Why it crashed; null otherwise. */
  readonly reason: string | null;
  readonly heights: NodeHeights;
  /** Root hash of the newest executed height. */
  readonly stateRoot: HashHex | null;
  /** What the node has cost since its start; only real hosts measure it. */
  readonly load?: NodeLoad;
}

/** Wall milliseconds since the start of a node, and what its signatures are computed with. */
export interface NodeLoad {
  /** Inside the core, crypto included. */
  readonly busyMs: number;
  /** Signing, checking and combining. */
  readonly cryptoMs: number;
  /** Library that computes BLS signatures: `mcl-bls12-381` (WebAssembly) or `noble-bls12-381`. */
  readonly blsBackend: string;
  /** Workers that run canisters for it now; they are started when needed. */
  readonly sandboxes: number;
}

export interface NodeHeights {
  readonly notarized: Height;
  readonly finalized: Height;
  readonly executed: Height;
  readonly certified: Height;
  readonly catchUpPackage: Height;
}

/** Which library computes the BLS signatures of a network, and why that one. */
export interface SignatureBackendChoice {
  readonly library: 'mcl' | 'noble';
  /** `fallback`: the other one was wanted and does not run in this browser. */
  readonly chosenBy: 'spec' | 'measurement' | 'fallback';
  /** What was measured, here or at an earlier start of this browser; null = nothing was. */
  readonly times: BackendTimes | null;
}

/** Milliseconds to sign one message and check it; null = the library does not run. */
export interface BackendTimes {
  readonly mclMs: number | null;
  readonly nobleMs: number;
}

/** Plain data: what a script or a test asks about the whole network at one moment. */
export interface NetworkSnapshot {
  readonly spec: NetworkSpec;
  readonly clock: ClockReading;
  readonly nodes: readonly NodeSnapshot[];
  /** Stack that a canister's calls may use on every node, chosen at the start; see `NetworkSpec`. */
  readonly wasmStackBytes: number;
  readonly canisters: readonly CanisterFacts[];
  /** Only of hosts that have a choice. */
  readonly signatureBackend?: SignatureBackendChoice;
}
