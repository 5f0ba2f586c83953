import {
  LEAST_STATE_ADVERT_EVERY_NS,
  PROGRESS_EVERY_NS,
  SERVE_PAUSE_NS,
  STATE_ADVERT_EVERY_NS,
} from '../limits/state-sync.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import type { StateAdvert, StateRequest, StateResponse } from '../p2p/packet.ts';
import type { Checkpoint } from '../state-manager/checkpoint.ts';
import { restoreCheckpoint, type RestoredCheckpoint } from '../state-manager/restore-checkpoint.ts';
import type { StateManager } from '../state-manager/state-manager.ts';
import type { HashHex, NodeId, TimeNs } from '../types/ids.ts';
import { AdvertBook } from './advert-book.ts';
import { ChunkServer } from './chunk-server.ts';
import { startDownload, type StateDownload } from './download.ts';

/**
 * State sync of one node: tells peers of own checkpoints, serves them, and fetches the one that
 * consensus asks for, one at a time.
 *
 * Liveness: as long as a reachable honest peer keeps a checkpoint that consensus asks for, the node
 * gets it. Security: only the root of a validated catch-up package starts a download, and nothing
 * is used that does not hash to it.
 * @upstream rs/p2p/state_sync_manager
 */
export interface StateSync {
  /**
   * What consensus asks for now; null = nothing. A running download of the package before goes on:
   * its state can be replayed from; when it is two behind, it is given up.
   */
  want(target: StateAdvert | null): void;
  onAdverts(from: NodeId, adverts: readonly StateAdvert[]): void;
  onRequest(from: NodeId, request: StateRequest): void;
  onResponse(from: NodeId, response: StateResponse, nowNs: TimeNs): void;
  /** Says everything there is to say; returns the state that was asked for, once it is complete. */
  step(nowNs: TimeNs, peersUp: readonly NodeId[]): RestoredCheckpoint | undefined;
  nextWakeNs(): TimeNs | null;
}

export interface StateSyncPorts {
  readonly stateManager: Pick<StateManager, 'checkpoints' | 'checkpointAt' | 'latestCheckpoint'>;
  readonly chooseIndex: (n: number) => number;
  /** Unit delay of the network's pace, milliseconds. */
  readonly unitDelayMs: () => number;
  readonly sendAdverts: (to: NodeId, adverts: readonly StateAdvert[]) => void;
  readonly sendRequest: (to: NodeId, request: StateRequest) => void;
  readonly sendResponse: (to: NodeId, response: StateResponse) => void;
  readonly onTrace: (event: TraceEvent) => void;
}

export function createStateSync(ports: StateSyncPorts): StateSync {
  return new StateSyncNode(ports);
}

const MAINNET_UNIT_DELAY_MS = 1000n;
const NS_PER_MS = 1_000_000n;

class StateSyncNode implements StateSync {
  private readonly ports: StateSyncPorts;
  private readonly server: ChunkServer;
  private readonly book = new AdvertBook();
  private target: StateAdvert | null = null;
  private download: StateDownload | null = null;
  /** Verified chunks of downloads that did not come to their end. */
  private leftover = new Map<HashHex, Uint8Array>();
  private leftoverBytes = 0;
  /** A download for the same need came before. */
  private isResumed = false;
  private wakeNs: TimeNs | null = null;
  private advertAtNs: TimeNs = 0n;
  /** Who heard of which newest checkpoint. */
  private told = new Map<NodeId, Checkpoint | undefined>();
  /** As of the last look: the same list of the same peers, and the same checkpoint, are no news. */
  private toldTo: readonly NodeId[] | null = null;
  private toldOf: Checkpoint | undefined;
  private progressAtNs: TimeNs = 0n;
  private progressDone = -1;
  private startedNs: TimeNs = 0n;

  constructor(ports: StateSyncPorts) {
    this.ports = ports;
    this.server = new ChunkServer((height) => ports.stateManager.checkpointAt(height));
  }

  want(target: StateAdvert | null): void {
    if (target?.height === this.target?.height && target?.root === this.target?.root) {
      return;
    }
    const isNext = this.target !== null && this.download?.target === this.target;
    this.target = target;
    if (target === null || !isNext) {
      this.stop();
    }
    if (target === null) {
      this.leftover = new Map();
      this.isResumed = false;
    }
  }

  onAdverts(from: NodeId, adverts: readonly StateAdvert[]): void {
    this.book.note(from, adverts);
  }

  onRequest(from: NodeId, request: StateRequest): void {
    this.server.request(from, request);
  }

  onResponse(from: NodeId, response: StateResponse, nowNs: TimeNs): void {
    const { download } = this;
    if (
      download !== null &&
      response.height === download.target.height &&
      response.root === download.target.root
    ) {
      download.onResponse(from, response, nowNs);
    }
  }

  step(nowNs: TimeNs, peersUp: readonly NodeId[]): RestoredCheckpoint | undefined {
    this.advertise(nowNs, peersUp);
    for (const { to, response } of this.server.serve(peersUp)) {
      this.ports.sendResponse(to, response);
    }
    const restored = this.target === null ? undefined : this.fetch(this.target, nowNs, peersUp);
    const isChecking = this.download?.wanted.isChecking === true;
    this.wakeNs = isChecking ? nowNs : this.server.hasWork() ? nowNs + SERVE_PAUSE_NS : null;
    return restored;
  }

  nextWakeNs(): TimeNs | null {
    const times = [this.wakeNs, this.advertAtNs, this.download?.nextTimeoutNs() ?? null];
    return times.reduce((a, b) => (a === null || (b !== null && b < a) ? b : a), null);
  }

  private advertise(nowNs: TimeNs, peersUp: readonly NodeId[]): void {
    const newest = this.ports.stateManager.latestCheckpoint();
    const isDue = nowNs >= this.advertAtNs;
    if (!isDue && newest === this.toldOf && peersUp === this.toldTo) {
      return;
    }
    this.toldOf = newest;
    this.toldTo = peersUp;
    const isNews = peersUp.some((peer) => this.told.get(peer) !== newest);
    if (!isDue && !isNews && this.told.size === peersUp.length) {
      return;
    }
    // The state at genesis is everybody's own.
    const adverts = this.ports.stateManager
      .checkpoints()
      .filter(({ height }) => height > 0)
      .map(({ height, hash }) => ({ height, root: hash }));
    const told = new Map<NodeId, Checkpoint | undefined>();
    for (const peer of peersUp) {
      if (adverts.length > 0 && (isDue || this.told.get(peer) !== newest)) {
        this.ports.sendAdverts(peer, adverts);
      }
      told.set(peer, newest);
    }
    this.told = told;
    if (isDue) {
      const scaled =
        (STATE_ADVERT_EVERY_NS * BigInt(this.ports.unitDelayMs())) / MAINNET_UNIT_DELAY_MS;
      const everyNs = scaled < LEAST_STATE_ADVERT_EVERY_NS ? LEAST_STATE_ADVERT_EVERY_NS : scaled;
      this.advertAtNs = nowNs + (everyNs > STATE_ADVERT_EVERY_NS ? STATE_ADVERT_EVERY_NS : everyNs);
    }
  }

  private fetch(
    target: StateAdvert,
    nowNs: TimeNs,
    peersUp: readonly NodeId[],
  ): RestoredCheckpoint | undefined {
    const holders = this.book.holders(this.download?.target ?? target, peersUp);
    if (this.download === null && holders.length === 0) {
      return undefined;
    }
    this.download ??= this.start(target, nowNs);
    const { download } = this;
    holders.forEach((peer) => download.addPeer(peer));
    if (!download.isComplete) {
      for (const { to, request } of download.poll(nowNs, peersUp)) {
        this.ports.sendRequest(to, request);
      }
    }
    this.tellProgress(download, nowNs);
    if (download.isComplete) {
      return this.restore(download);
    }
    if (download.failure !== null) {
      this.abort(download.failure);
    }
    return undefined;
  }

  private start(target: StateAdvert, nowNs: TimeNs): StateDownload {
    const { chooseIndex, onTrace, stateManager } = this.ports;
    this.progressAtNs = 0n;
    this.progressDone = -1;
    // What was fetched for an older package counts from its start.
    if (!this.isResumed) {
      this.startedNs = nowNs;
      this.leftoverBytes = 0;
    }
    return startDownload(target, this.leftover, stateManager.latestCheckpoint(), {
      chooseIndex,
      onFault: (from, code, message) => {
        this.book.forget(from);
        onTrace({ kind: 'packetRejected', from, code, message });
      },
    });
  }

  /** What was fetched is kept: the next target has most of it as well. */
  private stop(): void {
    if (this.download !== null) {
      this.leftover = this.download.wanted.chunks;
      this.leftoverBytes += this.download.bytes;
      this.isResumed = true;
      this.download = null;
    }
  }

  private abort(message: string): void {
    const target = this.download?.target;
    this.stop();
    // Started again by whoever tells once more that it has the checkpoint.
    this.book.clear();
    if (target !== undefined) {
      this.ports.onTrace({ kind: 'stateSyncAborted', height: target.height, message });
    }
  }

  private restore(download: StateDownload): RestoredCheckpoint | undefined {
    const { target, wanted } = download;
    const { chunks, encodedManifest } = wanted;
    const restored = restoreCheckpoint(
      target.root as HashHex,
      encodedManifest ?? new Uint8Array(0),
      { chunk: (hash) => chunks.get(hash), isVerified: true },
    );
    if (!restored.ok || restored.value.state.height !== target.height) {
      // Every chunk has its hash, so the subnet itself signed something that cannot be read.
      this.abort(restored.ok ? 'the checkpoint is of another height' : restored.error.message);
      return undefined;
    }
    this.download = null;
    this.target = null;
    this.leftover = new Map();
    this.isResumed = false;
    return restored.value;
  }

  private tellProgress(download: StateDownload, nowNs: TimeNs): void {
    const { done, total } = download.wanted.progress;
    const isNews = done !== this.progressDone;
    if (isNews && (nowNs >= this.progressAtNs || download.isComplete)) {
      this.progressAtNs = nowNs + PROGRESS_EVERY_NS;
      this.progressDone = done;
      this.ports.onTrace({
        kind: 'stateSyncProgress',
        height: download.target.height,
        chunksDone: done,
        chunksTotal: total,
        bytes: this.leftoverBytes + download.bytes,
        peers: download.peerCount,
        elapsedMs: Number((nowNs - this.startedNs) / NS_PER_MS),
      });
    }
  }
}
