import type { NodeId } from '../types/ids.ts';
import {
  PACKET_TARGET_BYTES,
  PUSH_BELOW_BYTES,
  PUSH_SENSITIVE_BELOW_BYTES,
  RESEND_WINDOW,
} from './limits.ts';
import { Elapsed } from './elapsed.ts';
import { NameMap } from './name-map.ts';
import type { ArtifactName, SlotUpdate } from './packet.ts';
import { Unacknowledged } from './unacknowledged.ts';

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
  private readonly clock = new Elapsed();

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
    const sinceNs = this.clock.at(nowNs);
    const updates: SlotUpdate[] = [];
    for (const slot of this.fresh) {
      // It may have been withdrawn since, and its slot used again.
      if (this.slots.get(slot.slotId) !== slot) {
        continue;
      }
      updates.push(updateOf(slot));
      for (const waiting of this.unacknowledged.values()) {
        waiting.sent(slot.slotId, sinceNs);
      }
    }
    this.fresh = [];
    return updates;
  }

  acknowledge(peer: NodeId, commitIds: readonly number[], nowNs: bigint): void {
    const waiting = this.unacknowledged.get(peer);
    const sinceNs = this.clock.at(nowNs);
    for (const commitId of commitIds) {
      const slot = this.slotByCommit.get(commitId);
      if (slot !== undefined) {
        waiting?.acknowledged(slot.slotId, sinceNs);
      }
    }
  }

  resendAll(peer: NodeId, nowNs: bigint): void {
    const all = new Unacknowledged();
    const sinceNs = this.clock.at(nowNs);
    for (const slotId of this.slots.keys()) {
      all.due(slotId, sinceNs);
    }
    this.unacknowledged.set(peer, all);
  }

  forget(peer: NodeId): void {
    this.unacknowledged.delete(peer);
  }

  takeDue(peer: NodeId, nowNs: bigint): readonly SlotUpdate[] {
    const waiting = this.unacknowledged.get(peer);
    const sinceNs = this.clock.at(nowNs);
    if (waiting === undefined || waiting.nextDueNs() > sinceNs) {
      return NO_UPDATES;
    }
    const updates: SlotUpdate[] = [];
    let size = 0;
    for (let pending = waiting.first; pending !== null; pending = pending.next) {
      const slot = this.slots.get(pending.slotId);
      if (slot === undefined || pending.dueNs > sinceNs) {
        continue;
      }
      if (updates.length >= RESEND_WINDOW || size > PACKET_TARGET_BYTES) {
        break;
      }
      size += UPDATE_OVERHEAD_BYTES + (slot.push ? slot.bytes.length : 0);
      updates.push(updateOf(slot));
      waiting.postpone(pending, sinceNs);
    }
    return updates;
  }

  nextDueNs(): bigint | null {
    let earliestNs = Number.POSITIVE_INFINITY;
    for (const waiting of this.unacknowledged.values()) {
      earliestNs = Math.min(earliestNs, waiting.nextDueNs());
    }
    return this.clock.toNs(earliestNs);
  }
}
