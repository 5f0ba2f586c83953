import { compareText } from '../../base/bytes.ts';
import { bytesToHex } from '../../base/hex.ts';
import { sha256 } from '../crypto/sha256.ts';
import type { StateRequest, StateResponse } from '../p2p/packet.ts';
import { missingChunks, manifestHash, restoreCheckpoint } from '../state-manager/checkpoint.ts';
import type { Checkpoint } from '../state-manager/checkpoint.ts';
import type { ReplicatedState } from '../replicated-state/replicated-state.ts';
import type { HashHex, Height, NodeId } from '../types/ids.ts';

/**
 * Fetches the checkpoint that a catch-up package vouches for from peers, chunk by chunk.
 *
 * Liveness: a chunk that one reachable honest peer holds is fetched; a peer that fails or lies is
 * asked for nothing more. Security: manifest and chunks are checked against the package's state
 * hash before use. Upstream: rs/p2p/state_sync_manager.
 */
export interface StateSync {
  /** Starts, or goes on if the same target is already being fetched. */
  begin(target: StateTarget): void;
  cancel(): void;
  readonly target: StateTarget | null;
  onResponse(from: NodeId, response: StateResponse): void;
  /** New requests; repeats those that were not answered in time. */
  poll(nowNs: bigint, peersUp: readonly NodeId[]): readonly OutgoingRequest[];
  /** The complete state, once. */
  takeState(): ReplicatedState | undefined;
  nextTimeoutNs(): bigint | null;
}

export interface StateTarget {
  readonly height: Height;
  readonly root: HashHex;
}

export interface OutgoingRequest {
  readonly to: NodeId;
  readonly request: StateRequest;
}

/** @upstream 10 downloads in flight per peer, time-out 10 s; packets may be lost here. */
const MAX_OPEN_REQUESTS = 16;
const TIMEOUT_NS = 2_000_000_000n;
/** A peer is left out for this sync after so many refusals, wrong or late answers. */
const MAX_FAULTS_PER_PEER = 8;
/** Chunks of one checkpoint that are kept while it is fetched (128 MiB of pages). */
const MAX_CHUNKS = 1 << 15;
const MANIFEST = 'manifest';

interface OpenRequest {
  readonly to: NodeId;
  readonly deadlineNs: bigint;
}

export interface StateSyncConfig {
  readonly chooseIndex: (n: number) => number;
  /** Chunks the node has anyway, from its own checkpoints. */
  readonly ownChunk: (hash: HashHex) => Uint8Array | undefined;
  readonly onFault: (from: NodeId, code: string, message: string) => void;
}

export function createStateSync(config: StateSyncConfig): StateSync {
  return new StateSyncDownload(config);
}

class StateSyncDownload implements StateSync {
  target: StateTarget | null = null;
  private readonly config: StateSyncConfig;
  private manifest: Uint8Array | null = null;
  private chunks = new Map<HashHex, Uint8Array>();
  private open = new Map<string, OpenRequest>();
  private faults = new Map<NodeId, number>();
  private state: ReplicatedState | undefined;

  constructor(config: StateSyncConfig) {
    this.config = config;
  }

  begin(target: StateTarget): void {
    if (this.target?.height === target.height && this.target.root === target.root) {
      return;
    }
    // Chunks of an older target are content-addressed: what is still needed is found again.
    const { chunks } = this;
    this.cancel();
    this.chunks = chunks;
    this.target = target;
  }

  cancel(): void {
    this.target = null;
    this.manifest = null;
    this.chunks = new Map();
    this.open = new Map();
    this.faults = new Map();
    this.state = undefined;
  }

  onResponse(from: NodeId, response: StateResponse): void {
    const { target } = this;
    if (target === null || response.height !== target.height || response.root !== target.root) {
      return;
    }
    const key = response.chunk ?? MANIFEST;
    if (this.open.get(key)?.to !== from) {
      return;
    }
    this.open.delete(key);
    if (response.bytes === null) {
      this.blame(from, 'STATE_NOT_HELD', 'the peer does not hold that checkpoint');
    } else if (response.chunk === null) {
      this.takeManifest(from, response.bytes, target);
    } else {
      this.takeChunk(from, response.chunk as HashHex, response.bytes);
    }
  }

  poll(nowNs: bigint, peersUp: readonly NodeId[]): readonly OutgoingRequest[] {
    const { target } = this;
    if (target === null || this.state !== undefined) {
      return [];
    }
    for (const [key, request] of [...this.open]) {
      if (request.deadlineNs <= nowNs) {
        this.open.delete(key);
        this.blame(request.to, 'STATE_CHUNK_LATE', 'the peer did not answer in time');
      }
    }
    const wanted = this.wanted(target);
    const requests: OutgoingRequest[] = [];
    for (const key of wanted) {
      const to = this.choosePeer(peersUp);
      if (this.open.size >= MAX_OPEN_REQUESTS || to === undefined) {
        break;
      }
      if (!this.open.has(key)) {
        this.open.set(key, { to, deadlineNs: nowNs + TIMEOUT_NS });
        const { height, root } = target;
        requests.push({ to, request: { height, root, chunk: key === MANIFEST ? null : key } });
      }
    }
    return requests;
  }

  takeState(): ReplicatedState | undefined {
    const { state } = this;
    if (state !== undefined) {
      this.cancel();
    }
    return state;
  }

  nextTimeoutNs(): bigint | null {
    let earliest: bigint | null = null;
    for (const { deadlineNs } of this.open.values()) {
      earliest = earliest === null || deadlineNs < earliest ? deadlineNs : earliest;
    }
    return earliest;
  }

  private readonly chunk = (hash: HashHex): Uint8Array | undefined =>
    this.chunks.get(hash) ?? this.config.ownChunk(hash);

  /** What is missing now; restores the state when nothing is. */
  private wanted(target: StateTarget): readonly string[] {
    if (this.manifest === null) {
      return [MANIFEST];
    }
    const missing = missingChunks(this.manifest, this.chunk);
    if (missing.length > 0) {
      return missing;
    }
    const restored = restoreCheckpoint(target.root, this.manifest, this.chunk);
    if (restored.ok && restored.value.height === target.height) {
      this.state = restored.value;
    } else {
      // Every chunk has its hash, so the subnet itself signed something we cannot read.
      const message = restored.ok ? 'the checkpoint is of another height' : restored.error.message;
      this.config.onFault('' as NodeId, 'STATE_UNREADABLE', message);
      this.cancel();
    }
    return [];
  }

  private takeManifest(from: NodeId, bytes: Uint8Array, target: StateTarget): void {
    if (manifestHash(bytes) === target.root) {
      this.manifest = bytes;
    } else {
      this.blame(from, 'STATE_MANIFEST_WRONG', 'the manifest does not have the signed hash');
    }
  }

  private takeChunk(from: NodeId, hash: HashHex, bytes: Uint8Array): void {
    if (bytesToHex(sha256(bytes)) !== hash) {
      this.blame(from, 'STATE_CHUNK_WRONG', 'a chunk does not have its hash');
    } else if (this.chunks.size < MAX_CHUNKS) {
      this.chunks.set(hash, bytes);
    }
  }

  private blame(peer: NodeId, code: string, message: string): void {
    this.faults.set(peer, (this.faults.get(peer) ?? 0) + 1);
    this.config.onFault(peer, code, message);
  }

  private choosePeer(peersUp: readonly NodeId[]): NodeId | undefined {
    const faultsOf = (peer: NodeId): number => this.faults.get(peer) ?? 0;
    const usable = peersUp.filter((peer) => faultsOf(peer) < MAX_FAULTS_PER_PEER);
    if (usable.length === 0) {
      // All failed: start over rather than wait for ever.
      this.faults = new Map();
    }
    const candidates = usable.toSorted(compareText);
    return candidates.length === 0
      ? undefined
      : candidates[this.config.chooseIndex(candidates.length)];
  }
}

/** Answers a peer's request from the own checkpoints. */
export function answerStateRequest(
  request: StateRequest,
  checkpoint: Checkpoint | undefined,
): StateResponse {
  const held = checkpoint !== undefined && checkpoint.hash === request.root;
  const bytes = !held
    ? undefined
    : request.chunk === null
      ? checkpoint.manifest
      : checkpoint.chunks.get(request.chunk as HashHex);
  return { ...request, bytes: bytes ?? null };
}
