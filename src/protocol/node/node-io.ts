import type { NodeCrypto } from '../interfaces/crypto.ts';
import type { DelayBudget } from '../interfaces/replica.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import type { SandboxReply, SandboxRequest } from '../interfaces/wasm-host.ts';
import type { SubnetGenesis } from '../types/genesis.ts';
import type { HashHex, Height, NodeId, RegistryVersion, SubnetId } from '../types/ids.ts';
import type { MaliciousBehaviour } from '../types/malicious.ts';
import type { SubnetRecord } from '../types/registry.ts';
import type { ArtifactQuery } from './inspection.ts';
import type { ChunkDisk } from './stored-chunks.ts';
import type { WireDecoder } from './wire-decoder.ts';

/**
 * What goes into one node and what comes out of it. Everything is structured-cloneable data; the
 * host performs effects and answers with later inputs, in any order and at any time.
 */

/** Numbers a host operation, so that its answer finds the question. Unique within one core. */
export type OperationId = number;

export type NodeInput =
  /** Bytes from a peer, as they came: hostile. `from` is what the transport vouches for. */
  | { readonly kind: 'packet'; readonly from: NodeId; readonly bytes: Uint8Array }
  /** `requestId` is the host's own number; the answer carries it. `from`: a node asks, no client. */
  | {
      readonly kind: 'httpRequest';
      readonly requestId: OperationId;
      readonly request: HttpRequest;
      readonly from?: NodeId;
    }
  /** The other node's answer to a `fetch`: hostile. Null = it could not be reached, or said nothing in time. */
  | {
      readonly kind: 'fetched';
      readonly operationId: OperationId;
      readonly reply: HttpReply | null;
    }
  /** The client went away: no answer is wanted any more. */
  | { readonly kind: 'httpCancelled'; readonly requestId: OperationId }
  | {
      readonly kind: 'sandboxReply';
      readonly operationId: OperationId;
      readonly reply: SandboxReply;
    }
  /** The write with that number, and all before it, is on the disk. */
  | { readonly kind: 'persisted'; readonly operationId: OperationId }
  /** New registry versions of a subnet that is alone, ascending; what is known already is ignored. */
  | { readonly kind: 'registryDelta'; readonly records: readonly SubnetRecord[] }
  /**
   * Encoded versions that the operator puts into the node's registry store, ascending, uncertified:
   * the way out when the root subnet makes no blocks that could certify them.
   */
  | { readonly kind: 'registryRecovery'; readonly deltas: readonly Uint8Array[] }
  /** The pace changed: delays of consensus from now on. */
  | { readonly kind: 'delaysChanged'; readonly delays: DelayBudget }
  /** Breaks these rules from now on; an empty list makes the node honest again. */
  | { readonly kind: 'malicious'; readonly behaviours: readonly MaliciousBehaviour[] };

export interface HttpRequest {
  readonly method: string;
  /** Path without origin, e.g. "/api/v2/status"; with a query only where nodes ask nodes. */
  readonly path: string;
  readonly body: Uint8Array;
}

export interface HttpReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
}

export type NodeEffect =
  /** Ask the sandbox; at most one request per lane is open at a time. */
  | {
      readonly kind: 'sandbox';
      readonly operationId: OperationId;
      readonly lane: 'replicated' | 'query';
      readonly request: SandboxRequest;
    }
  /** Ask a node of another subnet; every one ends in a `fetched`. */
  | {
      readonly kind: 'fetch';
      readonly operationId: OperationId;
      readonly to: NodeId;
      readonly subnetId: SubnetId;
      readonly request: HttpRequest;
    }
  | { readonly kind: 'httpReply'; readonly requestId: OperationId; readonly reply: HttpReply }
  /** Write all of it or nothing, then answer `persisted`. Writes are applied in order of their number. */
  | {
      readonly kind: 'persist';
      readonly operationId: OperationId;
      readonly writes: readonly StorageWrite[];
    };

/** The host's storage is an ordered map from text keys to bytes. */
export type StorageWrite =
  | { readonly op: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly op: 'delete'; readonly key: string };

export interface Transmit {
  /** 'all' = every other node of the subnet. */
  readonly to: NodeId | 'all';
  readonly bytes: Uint8Array;
  /** What the packet is about, for telemetry only: content names with counts. */
  readonly contents: readonly PacketSummary[];
}

export interface PacketSummary {
  readonly content: string;
  readonly count: number;
}

export interface NodeOutput {
  readonly transmits: readonly Transmit[];
  readonly effects: readonly NodeEffect[];
  readonly trace: readonly TraceEvent[];
  /** Step again at this network time even if nothing arrives; null = only on input. */
  readonly nextWakeNs: bigint | null;
}

export interface NodeStatus {
  readonly notarized: Height;
  readonly finalized: Height;
  readonly executed: Height;
  readonly certified: Height;
  readonly catchUpPackage: Height;
  readonly stateRoot: string | null;
  /** False while clients could not verify its answers, and so get none; always true on the root subnet. */
  readonly hasDelegation: boolean;
  readonly peersUp: readonly NodeId[];
}

export interface NodeCoreConfig {
  readonly nodeId: NodeId;
  readonly genesis: SubnetGenesis;
  /** Bound to this node's secrets; the worker host refuses any but the real one. */
  readonly crypto: NodeCrypto;
  /** DER of the root subnet's key, as clients check certificates with. */
  readonly rootKeyDer: Uint8Array;
  /** Greater than at any earlier start of this node, e.g. the start's network time in ms. */
  readonly incarnation: number;
  /** Seeds choices that need no secrecy (which peer to ask); different per node and start. */
  readonly seed: string;
  /** Everything the storage holds; empty at the first start. */
  readonly stored: readonly (readonly [key: string, value: Uint8Array])[];
  /** The storage keeps a checksum of every record: chunks of checkpoints are not hashed at the start. */
  readonly isStorageChecked?: boolean;
  /** Chunks that the storage holds beside `stored`, read when they are needed. */
  readonly storedChunks?: ChunkDisk;
  /**
   * Encoded versions of the network's registry from 1 on, up to that of the subnet's genesis at
   * least; later ones are fetched from the root. Absent = the subnet is alone, and the root.
   */
  readonly registryDeltas?: readonly Uint8Array[];
  /** Of a subnet alone: registry versions known at the start, ascending, without the genesis'. */
  readonly registry?: readonly SubnetRecord[];
  /** Reads what peers send; by itself unless the host shares one between nodes. */
  readonly decoder?: WireDecoder;
  /** Overrides the registry's delays; see `delaysChanged`. */
  readonly delays?: DelayBudget;
}

export interface NodeCore {
  /**
   * Takes inputs at a network time and returns what the host must do. Never throws on anything
   * that peers, clients or canisters send.
   * @param nowNs never smaller than before
   */
  step(nowNs: bigint, inputs: readonly NodeInput[]): NodeOutput;
  status(): NodeStatus;
  /** The artifact in the validated pool, encoded as it travels; null when it is not held. */
  findArtifact(query: ArtifactQuery): Uint8Array | null;
  /** The height of a held block; null when it is not held. */
  findBlockHeight(blockHash: HashHex): Height | null;
  /** Encoded registry versions after `version` that the node has; none where the subnet is alone. */
  registrySince(version: RegistryVersion): readonly Uint8Array[];
}
