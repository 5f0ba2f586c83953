import { present } from '../../base/assert.ts';
import {
  BUSY_PAUSE_NS,
  CHUNK_REPEAT_NS,
  CHUNK_TIMEOUT_NS,
  HASHED_BYTES_PER_STEP,
  LAST_CHUNKS_REPEAT_NS,
  MAX_CHUNK_DOWNLOADS_PER_PEER,
  MAX_LATE_CHUNKS_PER_PEER,
} from '../limits/state-sync.ts';
import type { StateAdvert, StateRequest, StateResponse } from '../p2p/packet.ts';
import type { HashHex, NodeId, TimeNs } from '../types/ids.ts';
import type { Checkpoint } from '../state-manager/checkpoint.ts';
import { WantedChunks } from './wanted-chunks.ts';

/**
 * Fetches one checkpoint from all peers that have it, 10 requests to each at a time.
 *
 * Liveness: a part that one reachable honest peer holds is fetched, whatever the others do.
 * Security: nothing counts before it has the hash that the catch-up package vouches for; a peer
 * that sends anything else is asked no more.
 * @upstream rs/p2p/state_sync_manager/src/ongoing.rs
 */
export class StateDownload {
  readonly target: StateAdvert;
  readonly wanted: WantedChunks;
  /** Bytes received that were right. */
  bytes = 0;
  private readonly config: DownloadConfig;
  private readonly peers = new Map<NodeId, Source>();
  private readonly liars = new Set<NodeId>();
  private readonly open = new Map<number, Ask[]>();
  private dead: string | null = null;

  constructor(target: StateAdvert, wanted: WantedChunks, config: DownloadConfig) {
    this.target = target;
    this.wanted = wanted;
    this.config = config;
  }

  /** A peer that says it has the checkpoint. */
  addPeer(peer: NodeId): void {
    if (!this.liars.has(peer) && !this.peers.has(peer)) {
      this.peers.set(peer, { active: 0, late: 0, pausedUntilNs: 0n });
    }
  }

  /** Peers that are asked. */
  get peerCount(): number {
    return this.peers.size;
  }

  get isComplete(): boolean {
    return this.wanted.encodedManifest !== undefined;
  }

  /** Why it cannot go on; null while it can. */
  get failure(): string | null {
    return this.dead ?? (this.peers.size === 0 ? 'no peer is left to ask' : null);
  }

  onResponse(from: NodeId, response: StateResponse, nowNs: TimeNs): void {
    const { chunk: id, bytes, busy } = response;
    const source = this.peers.get(from);
    if (source === undefined || !this.forgetAsk(id, from)) {
      return;
    }
    source.late = 0;
    if (busy) {
      source.pausedUntilNs = nowNs + BUSY_PAUSE_NS;
    } else if (bytes === null) {
      this.drop(from, 'STATE_NOT_HELD', 'the peer does not hold the checkpoint it told of');
    } else if (this.wanted.missingIds.has(id)) {
      this.take(from, id, bytes);
    }
  }

  /** New requests; those not answered in time are repeated. */
  poll(nowNs: TimeNs, peersUp: readonly NodeId[]): readonly OutgoingRequest[] {
    for (const peer of [...this.peers.keys()]) {
      if (!peersUp.includes(peer)) {
        this.removePeer(peer);
      }
    }
    this.wanted.checkOwn(HASHED_BYTES_PER_STEP);
    const repeats = this.expire(nowNs);
    const requests: OutgoingRequest[] = [];
    for (const id of [...repeats, ...this.wanted.missingIds]) {
      const asks = this.open.get(id) ?? [];
      if (asks.length > 0 && !repeats.has(id)) {
        continue;
      }
      const another = this.choosePeer(nowNs, asks);
      const to = another ?? asks[0]?.to;
      if (to === undefined) {
        break;
      }
      if (another !== undefined) {
        present(this.peers.get(another), 'a peer that was chosen').active += 1;
        this.open.set(id, [...asks, { to: another, askedNs: nowNs, repeats: 0 }]);
      }
      const { height, root } = this.target;
      requests.push({ to, request: { height, root, chunk: id } });
    }
    return requests;
  }

  nextTimeoutNs(): TimeNs | null {
    let earliest: TimeNs | null = null;
    const consider = (time: TimeNs): void => {
      earliest = earliest === null || time < earliest ? time : earliest;
    };
    for (const asks of this.open.values()) {
      for (const ask of asks) {
        consider(this.repeatAtNs(ask));
        consider(ask.askedNs + CHUNK_TIMEOUT_NS);
      }
    }
    for (const { pausedUntilNs } of this.peers.values()) {
      if (pausedUntilNs > 0n) {
        consider(pausedUntilNs);
      }
    }
    return earliest;
  }

  private take(from: NodeId, id: number, bytes: Uint8Array): void {
    const taken = this.wanted.take(id, bytes);
    if (taken.ok) {
      this.bytes += bytes.length;
      for (const { to } of this.open.get(id) ?? []) {
        this.release(to);
      }
      this.open.delete(id);
    } else if (taken.error.code === 'STATE_UNREADABLE') {
      // It has the signed hash: the subnet itself vouches for something that cannot be read.
      this.dead = taken.error.message;
    } else {
      this.liars.add(from);
      this.drop(from, taken.error.code, taken.error.message);
    }
  }

  /** After 1, 3, 7 … times the patience of the moment. */
  private repeatAtNs({ askedNs, repeats }: Ask): TimeNs {
    const isAllAsked = this.open.size >= this.wanted.missingIds.size;
    const patienceNs = isAllAsked ? LAST_CHUNKS_REPEAT_NS : CHUNK_REPEAT_NS;
    return askedNs + patienceNs * ((2n << BigInt(repeats)) - 1n);
  }

  /** Gives up what waits too long; returns what is to be asked of another peer as well. */
  private expire(nowNs: TimeNs): ReadonlySet<number> {
    const repeats = new Set<number>();
    for (const [id, asks] of [...this.open]) {
      for (const ask of [...asks]) {
        if (ask.askedNs + CHUNK_TIMEOUT_NS <= nowNs) {
          this.forgetAsk(id, ask.to);
          this.countLate(ask.to);
        } else if (this.repeatAtNs(ask) <= nowNs) {
          ask.repeats += 1;
          repeats.add(id);
        }
      }
    }
    for (const source of this.peers.values()) {
      if (source.pausedUntilNs <= nowNs) {
        source.pausedUntilNs = 0n;
      }
    }
    return repeats;
  }

  private countLate(peer: NodeId): void {
    const source = this.peers.get(peer);
    if (source !== undefined) {
      source.late += 1;
      if (source.late >= MAX_LATE_CHUNKS_PER_PEER) {
        this.drop(peer, 'STATE_CHUNK_LATE', 'the peer does not answer in time');
      }
    }
  }

  /** Drawn, those with fewer open requests more often, of those that are not asked for it already. */
  private choosePeer(nowNs: TimeNs, asks: readonly Ask[]): NodeId | undefined {
    const candidates = [...this.peers].filter(
      ([peer, { active, pausedUntilNs }]) =>
        active < MAX_CHUNK_DOWNLOADS_PER_PEER &&
        pausedUntilNs <= nowNs &&
        asks.every(({ to }) => to !== peer),
    );
    const weight = candidates.reduce(
      (sum, [, { active }]) => sum + MAX_CHUNK_DOWNLOADS_PER_PEER - active,
      0,
    );
    let drawn = weight === 0 ? 0 : this.config.chooseIndex(weight);
    for (const [peer, { active }] of candidates) {
      drawn -= MAX_CHUNK_DOWNLOADS_PER_PEER - active;
      if (drawn < 0) {
        return peer;
      }
    }
    return undefined;
  }

  private drop(peer: NodeId, code: string, message: string): void {
    this.removePeer(peer);
    this.config.onFault(peer, code, message);
  }

  private removePeer(peer: NodeId): void {
    this.peers.delete(peer);
    for (const id of [...this.open.keys()]) {
      this.forgetAsk(id, peer);
    }
  }

  /** False when the peer was not asked for it. */
  private forgetAsk(id: number, peer: NodeId): boolean {
    const asks = this.open.get(id) ?? [];
    const left = asks.filter(({ to }) => to !== peer);
    if (left.length === asks.length) {
      return false;
    }
    if (left.length === 0) {
      this.open.delete(id);
    } else {
      this.open.set(id, left);
    }
    this.release(peer);
    return true;
  }

  private release(peer: NodeId): void {
    const source = this.peers.get(peer);
    if (source !== undefined) {
      source.active -= 1;
    }
  }
}

export interface DownloadConfig {
  /** A random number from 0 to n − 1. */
  readonly chooseIndex: (n: number) => number;
  readonly onFault: (from: NodeId, code: string, message: string) => void;
}

export interface OutgoingRequest {
  readonly to: NodeId;
  readonly request: StateRequest;
}

interface Source {
  active: number;
  late: number;
  /** 0 = not paused. */
  pausedUntilNs: TimeNs;
}

interface Ask {
  readonly to: NodeId;
  readonly askedNs: TimeNs;
  /** How often it was asked for again. */
  repeats: number;
}

/** A download of the target that goes on with the chunks of an older one. */
export function startDownload(
  target: StateAdvert,
  known: Map<HashHex, Uint8Array>,
  own: Checkpoint | undefined,
  config: DownloadConfig,
): StateDownload {
  return new StateDownload(target, new WantedChunks(target.root as HashHex, known, own), config);
}
