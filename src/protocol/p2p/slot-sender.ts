import type { NodeId } from '../types/ids.ts';
import {
  NS_PER_MS,
  PACKET_TARGET_BYTES,
  PUSH_BELOW_BYTES,
  PUSH_SENSITIVE_BELOW_BYTES,
  RESEND_WINDOW,
  RETRY_FACTOR,
  RETRY_FIRST_MS,
  RETRY_LIMIT_MS,
} from './limits.ts';
import { NameMap } from './name-map.ts';
import type { ArtifactName, SlotUpdate } from './packet.ts';

/**
 * The sending half of abortable broadcast: a table of numbered slots, one artifact each, whose
 * newest content every peer has to learn.
 *
 * Liveness: an update is repeated with growing pauses until the peer acknowledges it; a peer that
 * comes back gets every slot again. Memory: bounded by the artifacts the pools deliver, whatever
 * peers do. Upstream: rs/p2p/consensus_manager/src/sender.rs.
 */
export interface SlotSender {
  /** Puts an artifact into a free slot; a second delivery of the same name changes nothing. */
  deliver(name: ArtifactName, bytes: Uint8Array, latencySensitive: boolean): void;
  /** Frees the slot; peers learn it when the slot is used again. */
  withdraw(name: ArtifactName): void;
  /** The artifact's bytes, while it occupies a slot. */
  bytesOf(name: ArtifactName): Uint8Array | undefined;
  /** Updates nobody has been sent yet; from now on they wait for every reachable peer's acknowledgement. */
  takeFresh(nowNs: bigint): readonly SlotUpdate[];
  /** How long the peer took teaches how long to wait for it before an update is repeated. */
  acknowledge(peer: NodeId, commitIds: readonly number[], nowNs: bigint): void;
  /** The peer knows nothing of us (any more): every slot is due again. */
  resendAll(peer: NodeId, nowNs: bigint): void;
  /** No updates are kept for a peer that is away. */
  forget(peer: NodeId): void;
  /** Updates to repeat now, bounded by the packet size. */
  takeDue(peer: NodeId, nowNs: bigint): readonly SlotUpdate[];
  /** When `takeDue` of some peer will have something. */
  nextDueNs(): bigint | null;
  readonly slotsInUse: number;
}

interface Slot {
  readonly slotId: number;
  readonly commitId: number;
  readonly name: ArtifactName;
  readonly bytes: Uint8Array;
  readonly push: boolean;
}

interface Pending {
  /** When it was first sent. */
  readonly sentNs: bigint;
  dueNs: bigint;
  backoffMs: number;
}

const FIRST_RETRY_NS = BigInt(RETRY_FIRST_MS) * NS_PER_MS;
/**
 * A peer whose answers take long (its processor is shared by forty nodes, its link is slow) is not
 * flooded with repetitions: the first pause is twice what it lately took. @playground QUIC estimates
 * round trips by itself.
 */
const PATIENCE_FACTOR = 2n;
const LONGEST_FIRST_RETRY_NS: bigint = 4_000_000_000n;

/** What a reachable peer has not acknowledged, in the order it is to be sent. */
class Unacknowledged {
  readonly pending = new Map<number, Pending>();
  private earliest: bigint | null = null;
  private stale = false;

  /** Smoothed time from the first sending of an update to its acknowledgement. */
  private answerNs = 0n;
  /** First pause before an update is repeated, and the one after it. */
  private firstPauseNs = FIRST_RETRY_NS;
  private secondPauseMs = RETRY_FIRST_MS * RETRY_FACTOR;

  /** Sent now: repeated when the peer takes longer than it is used to, and than the least pause. */
  sent(slotId: number, nowNs: bigint): void {
    this.put(slotId, nowNs, nowNs + this.firstPauseNs, this.secondPauseMs);
  }

  /** To be sent as soon as there is room. */
  due(slotId: number, nowNs: bigint): void {
    this.put(slotId, nowNs, nowNs, RETRY_FIRST_MS);
  }

  acknowledged(slotId: number, nowNs: bigint): void {
    const known = this.pending.get(slotId);
    if (known !== undefined) {
      const tookNs = nowNs - known.sentNs;
      this.learn(this.answerNs === 0n ? tookNs : (7n * this.answerNs + tookNs) / 8n);
      this.delete(slotId);
    }
  }

  private learn(answerNs: bigint): void {
    if (answerNs !== this.answerNs) {
      this.answerNs = answerNs;
      const patientNs = PATIENCE_FACTOR * answerNs;
      const pauseNs = patientNs > LONGEST_FIRST_RETRY_NS ? LONGEST_FIRST_RETRY_NS : patientNs;
      this.firstPauseNs = pauseNs > FIRST_RETRY_NS ? pauseNs : FIRST_RETRY_NS;
      this.secondPauseMs = Number(this.firstPauseNs / NS_PER_MS) * RETRY_FACTOR;
    }
  }

  private put(slotId: number, sentNs: bigint, dueNs: bigint, backoffMs: number): void {
    this.pending.set(slotId, { sentNs, dueNs, backoffMs });
    if (this.earliest === null || dueNs < this.earliest) {
      this.earliest = dueNs;
    }
  }

  delete(slotId: number): void {
    const known = this.pending.get(slotId);
    if (known !== undefined) {
      this.pending.delete(slotId);
      this.stale ||= known.dueNs === this.earliest;
    }
  }

  /** The entry was repeated and is due again later. */
  postpone(pending: Pending, nowNs: bigint): void {
    pending.dueNs = nowNs + BigInt(pending.backoffMs) * NS_PER_MS;
    pending.backoffMs = Math.min(pending.backoffMs * RETRY_FACTOR, RETRY_LIMIT_MS);
    this.stale = true;
  }

  /** The earliest time at which something is due; kept until the entry it stems from changes. */
  nextDueNs(): bigint | null {
    if (this.stale) {
      this.stale = false;
      this.earliest = null;
      for (const { dueNs } of this.pending.values()) {
        if (this.earliest === null || dueNs < this.earliest) {
          this.earliest = dueNs;
        }
      }
    }
    return this.earliest;
  }
}

/** What an update costs on the wire besides the artifact. */
const UPDATE_OVERHEAD_BYTES = 64;
const NO_UPDATES: readonly SlotUpdate[] = [];

function updateOf(slot: Slot): SlotUpdate {
  const { slotId, commitId, name } = slot;
  return { slotId, commitId, name, bytes: slot.push ? slot.bytes : null };
}

export function createSlotSender(): SlotSender {
  return new SlotTable();
}

class SlotTable implements SlotSender {
  private readonly slots = new Map<number, Slot>();
  private readonly slotByName = new NameMap<Slot>();
  private readonly slotByCommit = new Map<number, Slot>();
  private readonly unacknowledged = new Map<NodeId, Unacknowledged>();
  private readonly freeSlots: number[] = [];
  private fresh: Slot[] = [];
  private nextSlot = 0;
  private nextCommit = 1;

  get slotsInUse(): number {
    return this.slots.size;
  }

  deliver(name: ArtifactName, bytes: Uint8Array, latencySensitive: boolean): void {
    if (this.slotByName.has(name)) {
      return;
    }
    const slotId = this.freeSlots.pop() ?? this.nextSlot++;
    const commitId = this.nextCommit++;
    const pushBelow = latencySensitive ? PUSH_SENSITIVE_BELOW_BYTES : PUSH_BELOW_BYTES;
    const slot = { slotId, commitId, name, bytes, push: bytes.length < pushBelow };
    this.slots.set(slotId, slot);
    this.slotByName.set(slot);
    this.slotByCommit.set(commitId, slot);
    this.fresh.push(slot);
  }

  withdraw(name: ArtifactName): void {
    const slot = this.slotByName.get(name);
    if (slot === undefined) {
      return;
    }
    // An abort is an event of its own and takes a number too, as upstream.
    this.nextCommit += 1;
    this.slots.delete(slot.slotId);
    this.slotByName.delete(name);
    this.slotByCommit.delete(slot.commitId);
    this.freeSlots.push(slot.slotId);
    for (const waiting of this.unacknowledged.values()) {
      waiting.delete(slot.slotId);
    }
  }

  bytesOf(name: ArtifactName): Uint8Array | undefined {
    return this.slotByName.get(name)?.bytes;
  }

  takeFresh(nowNs: bigint): readonly SlotUpdate[] {
    if (this.fresh.length === 0) {
      return NO_UPDATES;
    }
    const updates: SlotUpdate[] = [];
    for (const slot of this.fresh) {
      // It may have been withdrawn since, and its slot used again.
      if (this.slots.get(slot.slotId) !== slot) {
        continue;
      }
      updates.push(updateOf(slot));
      for (const waiting of this.unacknowledged.values()) {
        waiting.sent(slot.slotId, nowNs);
      }
    }
    this.fresh = [];
    return updates;
  }

  acknowledge(peer: NodeId, commitIds: readonly number[], nowNs: bigint): void {
    const waiting = this.unacknowledged.get(peer);
    for (const commitId of commitIds) {
      const slot = this.slotByCommit.get(commitId);
      if (slot !== undefined) {
        waiting?.acknowledged(slot.slotId, nowNs);
      }
    }
  }

  resendAll(peer: NodeId, nowNs: bigint): void {
    const all = new Unacknowledged();
    for (const slotId of this.slots.keys()) {
      all.due(slotId, nowNs);
    }
    this.unacknowledged.set(peer, all);
  }

  forget(peer: NodeId): void {
    this.unacknowledged.delete(peer);
  }

  takeDue(peer: NodeId, nowNs: bigint): readonly SlotUpdate[] {
    const waiting = this.unacknowledged.get(peer);
    const nextNs = waiting?.nextDueNs() ?? null;
    if (waiting === undefined || nextNs === null || nextNs > nowNs) {
      return NO_UPDATES;
    }
    const updates: SlotUpdate[] = [];
    let size = 0;
    for (const [slotId, pending] of waiting.pending) {
      const slot = this.slots.get(slotId);
      if (slot === undefined || pending.dueNs > nowNs) {
        continue;
      }
      if (updates.length >= RESEND_WINDOW || size > PACKET_TARGET_BYTES) {
        break;
      }
      size += UPDATE_OVERHEAD_BYTES + (slot.push ? slot.bytes.length : 0);
      updates.push(updateOf(slot));
      waiting.postpone(pending, nowNs);
    }
    return updates;
  }

  nextDueNs(): bigint | null {
    let earliest: bigint | null = null;
    for (const waiting of this.unacknowledged.values()) {
      const dueNs = waiting.nextDueNs();
      if (dueNs !== null && (earliest === null || dueNs < earliest)) {
        earliest = dueNs;
      }
    }
    return earliest;
  }
}
