import type { Result } from '../../base/result.ts';
import type { CodedError } from '../../base/result.ts';
import type { DelayBudget } from '../../protocol/interfaces/replica.ts';
import type { NodeStatus } from '../../protocol/node/node-io.ts';
import type { NodeSecrets, SubnetGenesis } from '../../protocol/types/genesis.ts';
import type { HashHex, Height, NodeId } from '../../protocol/types/ids.ts';
import type { SubnetRecord } from '../../protocol/types/registry.ts';
import type { MaliciousBehaviour } from '../../protocol/types/malicious.ts';
import type { LinkConditions } from '../../wire/network-spec.ts';
import type { NodeConditions } from '../../wire/node-conditions.ts';
import type { ArtifactReference, NodeLoad, SignatureBackendChoice } from '../../wire/network.ts';
import type { StorageError, StoredRecord } from '../storage/storage-port.ts';
import type { TelemetryBatch } from '../../wire/telemetry.ts';
import type { ClockSetting } from '../clock/network-clock.ts';

export type SignatureLibrary = SignatureBackendChoice['library'];

/** What can change while a node runs. */
export interface NodeWorld {
  /** Registry versions after the genesis of a subnet that is alone, ascending. */
  readonly registry: readonly SubnetRecord[];
  readonly clock: ClockSetting;
  readonly delays: DelayBudget;
  readonly links: NodeLinks;
  readonly conditions: NodeConditions;
  readonly behaviours: readonly MaliciousBehaviour[];
}

/** Everything a node worker needs to start; structured-cloneable, the ports are transferred. */
export interface NodeStart extends NodeWorld {
  readonly networkId: string;
  readonly genesis: SubnetGenesis;
  readonly secrets: NodeSecrets;
  /** Of the root subnet. */
  readonly rootKeyDer: Uint8Array;
  /** Encoded versions of the network's registry that the page knows; none where a subnet is alone. */
  readonly registryDeltas: readonly Uint8Array[];
  /** All registered nodes of other subnets. */
  readonly neighbours: readonly NodeId[];
  /** The same for all nodes of the network. */
  readonly signatureLibrary: SignatureLibrary;
  /** What only the nodes of the tab share, when they tell each other valid signatures. */
  readonly memoSecret?: Uint8Array;
  /** Greater at each start of this node. */
  readonly incarnation: number;
  /** Seeds choices that need no secrecy. */
  readonly seed: string;
  readonly sandboxes: SandboxShare;
  /** One port to each node that runs already; nodes that start later bring theirs. */
  readonly mesh: readonly (readonly [peerId: NodeId, port: MessagePort])[];
  readonly telemetryPort: MessagePort;
  /** Takes one port for each sandbox, to the tab's compiler of modules. */
  readonly modulesPort: MessagePort;
  readonly gatewayPort: MessagePort;
}

/** What one node may have of the tab to run its canisters. */
export interface SandboxShare {
  /** 1–4. */
  readonly workers: number;
  /** Wasm memories that each of them may hold. */
  readonly memoriesPerWorker: number;
  /** Stack of a canister's calls, the same for all nodes of the network. */
  readonly stackBytes: number;
}

/** The links that end at one node. */
export interface NodeLinks {
  readonly conditions: readonly (readonly [from: NodeId, conditions: LinkConditions])[];
  /** Nodes on this side of a partition; null = no partition. */
  readonly reachable: readonly NodeId[] | null;
}

export type NodeStartErrorCode = 'INSECURE_CRYPTO_REFUSED' | 'ALREADY_STARTED' | 'STORAGE_FAILED';
export type NodeStartError = CodedError<NodeStartErrorCode>;

/** One way, from the node worker to the page. */
export type NodeMessage =
  | { readonly kind: 'batch'; readonly batch: TelemetryBatch }
  /** The last word of a worker that cannot go on. */
  | {
      readonly kind: 'fatal';
      readonly reason: string;
      /** Its disk is without what was damaged; peers have the rest. */
      readonly startAgain: boolean;
    };

export interface NodeReport {
  readonly status: NodeStatus;
  readonly load: NodeLoad;
}

export interface StepOutcome {
  readonly height: Height;
  /** Network time at which this node stopped. */
  readonly timeNs: bigint;
}

/** What the page may ask of a node worker. */
export interface NodeControl {
  /** Begins to load the library that `start` will name: a head start while keys are dealt. */
  prepare(library: SignatureLibrary): void;
  start(config: NodeStart): Promise<Result<void, NodeStartError>>;
  /** All of it at once: the newest, after a start that took its time. */
  setWorld(world: NodeWorld): void;
  setClock(setting: ClockSetting): void;
  setDelays(delays: DelayBudget): void;
  /** New registry versions of a subnet that is alone, ascending. */
  applyRegistry(records: readonly SubnetRecord[]): void;
  /** Puts versions into the node's registry store: see the input `registryRecovery`. */
  recoverRegistry(deltas: readonly Uint8Array[]): void;
  /** Encoded registry versions after `version` that the node has. */
  registrySince(version: number): readonly Uint8Array[];
  /** The network has one more subnet, with these nodes. */
  addNeighbours(nodeIds: readonly NodeId[]): void;
  setLinks(links: NodeLinks): void;
  setConditions(conditions: NodeConditions): void;
  setMalicious(behaviours: readonly MaliciousBehaviour[]): void;
  /** A peer (re)started: this port leads to it from now on. Taken before `start` is done as well. */
  connectPeer(port: MessagePort, peerId: NodeId): void;
  /** A node of another subnet was ended: what is asked of it stays unanswered. */
  peerGone(peerId: NodeId): void;
  /** Runs with this clock until the node has finalized `height`, then pauses its own clock. */
  runUntilFinalized(setting: ClockSetting, height: Height): Promise<StepOutcome>;
  report(): NodeReport;
  /** Everything on the node's disk, as it is now; records of `known` keys without their values. */
  readDisk(known?: ReadonlySet<string>): Promise<Result<readonly StoredRecord[], StorageError>>;
  /** The artifact as the node's pool holds it, encoded; null when it does not. */
  findArtifact(reference: ArtifactReference): Uint8Array | null;
  findBlockHeight(hash: HashHex): Height | null;
}
