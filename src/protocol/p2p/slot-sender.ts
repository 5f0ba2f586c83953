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
import { nameKey } from './packet.ts';
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
  bytesOf(key: string): Uint8Array | undefined;
  /** Updates nobody has been sent yet; from now on they wait for every reachable peer's acknowledgement. */
  takeFresh(nowNs: bigint): SlotUpdate[];
  acknowledge(peer: NodeId, commitIds: readonly number[]): void;
  /** The peer knows nothing of us (any more): every slot is due again. */
  resendAll(peer: NodeId, nowNs: bigint): void;
  /** No updates are kept for a peer that is away. */
  forget(peer: NodeId): void;
  /** Updates to repeat now, bounded by the packet size. */
  takeDue(peer: NodeId, nowNs: bigint): SlotUpdate[];
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
  dueNs: bigint;
  backoffMs: number;
}

function updateOf(slot: Slot): SlotUpdate {
  const { slotId, commitId, name } = slot;
  return { slotId, commitId, name, bytes: slot.push ? slot.bytes : null };
}

export function createSlotSender(): SlotSender {
  return new SlotTable();
}

class SlotTable implements SlotSender {
  private readonly slots = new Map<number, Slot>();
  private readonly slotByKey = new Map<string, number>();
  private readonly slotByCommit = new Map<number, number>();
  /** Reachable peers; what each has not acknowledged, in the order it is to be sent. */
  private readonly unacknowledged = new Map<NodeId, Map<number, Pending>>();
  private readonly freeSlots: number[] = [];
  private fresh: number[] = [];
  private nextSlot = 0;
  private nextCommit = 1;

  get slotsInUse(): number {
    return this.slots.size;
  }

  deliver(name: ArtifactName, bytes: Uint8Array, latencySensitive: boolean): void {
    const key = nameKey(name);
    if (this.slotByKey.has(key)) {
      return;
    }
    const slotId = this.freeSlots.pop() ?? this.nextSlot++;
    const commitId = this.nextCommit++;
    const pushBelow = latencySensitive ? PUSH_SENSITIVE_BELOW_BYTES : PUSH_BELOW_BYTES;
    this.slots.set(slotId, { slotId, commitId, name, bytes, push: bytes.length < pushBelow });
    this.slotByKey.set(key, slotId);
    this.slotByCommit.set(commitId, slotId);
    this.fresh.push(slotId);
  }

  withdraw(name: ArtifactName): void {
    const key = nameKey(name);
    const slot = this.slots.get(this.slotByKey.get(key) ?? -1);
    if (slot === undefined) {
      return;
    }
    // An abort is an event of its own and takes a number too, as upstream.
    this.nextCommit += 1;
    this.slots.delete(slot.slotId);
    this.slotByKey.delete(key);
    this.slotByCommit.delete(slot.commitId);
    this.freeSlots.push(slot.slotId);
    for (const waiting of this.unacknowledged.values()) {
      waiting.delete(slot.slotId);
    }
  }

  bytesOf(key: string): Uint8Array | undefined {
    return this.slots.get(this.slotByKey.get(key) ?? -1)?.bytes;
  }

  takeFresh(nowNs: bigint): SlotUpdate[] {
    const updates: SlotUpdate[] = [];
    const dueNs = nowNs + BigInt(RETRY_FIRST_MS) * NS_PER_MS;
    // A slot that was freed and used again since the last call is listed twice.
    for (const slotId of new Set(this.fresh)) {
      const slot = this.slots.get(slotId);
      if (slot === undefined) {
        continue;
      }
      updates.push(updateOf(slot));
      for (const waiting of this.unacknowledged.values()) {
        waiting.set(slotId, { dueNs, backoffMs: RETRY_FIRST_MS * RETRY_FACTOR });
      }
    }
    this.fresh = [];
    return updates;
  }

  acknowledge(peer: NodeId, commitIds: readonly number[]): void {
    const waiting = this.unacknowledged.get(peer);
    for (const commitId of commitIds) {
      const slotId = this.slotByCommit.get(commitId);
      if (slotId !== undefined) {
        waiting?.delete(slotId);
      }
    }
  }

  resendAll(peer: NodeId, nowNs: bigint): void {
    const all = new Map<number, Pending>();
    for (const slotId of this.slots.keys()) {
      all.set(slotId, { dueNs: nowNs, backoffMs: RETRY_FIRST_MS });
    }
    this.unacknowledged.set(peer, all);
  }

  forget(peer: NodeId): void {
    this.unacknowledged.delete(peer);
  }

  takeDue(peer: NodeId, nowNs: bigint): SlotUpdate[] {
    const updates: SlotUpdate[] = [];
    let size = 0;
    for (const [slotId, pending] of this.unacknowledged.get(peer) ?? []) {
      const slot = this.slots.get(slotId);
      if (slot === undefined || pending.dueNs > nowNs) {
        continue;
      }
      if (updates.length >= RESEND_WINDOW || size > PACKET_TARGET_BYTES) {
        break;
      }
      size += slot.push ? slot.bytes.length + 64 : 64;
      updates.push(updateOf(slot));
      pending.dueNs = nowNs + BigInt(pending.backoffMs) * NS_PER_MS;
      pending.backoffMs = Math.min(pending.backoffMs * RETRY_FACTOR, RETRY_LIMIT_MS);
    }
    return updates;
  }

  nextDueNs(): bigint | null {
    let earliest: bigint | null = null;
    for (const waiting of this.unacknowledged.values()) {
      for (const pending of waiting.values()) {
        if (earliest === null || pending.dueNs < earliest) {
          earliest = pending.dueNs;
        }
      }
    }
    return earliest;
  }
}
