import { compareText } from '../../base/bytes.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import type { NodeId } from '../types/ids.ts';
import {
  ACK_DELAY_NS,
  BACKLOG_PAUSE_NS,
  BYTES_PER_WORK,
  HELLO_EVERY_NS,
  MAX_ACKS_PER_PACKET,
  MAX_PULLS_PER_PACKET,
  MAX_STATE_MESSAGES_PER_PACKET,
  PEER_DOWN_AFTER_NS,
  PULL_ANSWER_PAUSE_NS,
  RECONSIDER_EVERY_NS,
  WORK_OF_ARTIFACT,
  WORK_OF_PACKET,
  WORK_OF_UPDATE,
} from './limits.ts';
import { Elapsed } from './elapsed.ts';
import type { Gossip, GossipConfig, GossipOutput, GossipPacket } from './gossip-interface.ts';
import { findAck, hasDirect, newPeer, NO_PARTS, splitUpdates, takeDirect } from './peer.ts';
import type { Peer } from './peer.ts';
import { emptyPacket } from './packet.ts';
import type {
  ArtifactName,
  Packet,
  PulledArtifact,
  SlotUpdate,
  StateAdvert,
  StateRequest,
  StateResponse,
} from './packet.ts';
import { encodePacket } from './packet-codec.ts';
import { Penalties } from './penalties.ts';
import type { PeerPenalties } from './penalties.ts';
import { createSlotReceiver } from './slot-receiver.ts';
import type { AcceptOutcome, CollectedParts, SlotReceiver } from './slot-receiver.ts';
import { createSlotSender } from './slot-sender.ts';
import type { SlotSender } from './slot-sender.ts';

export type { Gossip, GossipConfig, GossipOutput, GossipPacket } from './gossip-interface.ts';

/** Milliseconds since 1970, as hosts number lives, times this stay safe integers. */
const CONNECTIONS_PER_LIFE = 4096;
const NO_PACKETS: readonly Packet[] = [];
const NO_FACTS: readonly TraceEvent[] = [];

export function createGossip(config: GossipConfig): Gossip {
  return new GossipNode(config);
}

class GossipNode implements Gossip {
  private readonly config: GossipConfig;
  private readonly sender: SlotSender = createSlotSender();
  private readonly receiver: SlotReceiver;
  private readonly peers: ReadonlyMap<NodeId, Peer>;
  /** The same ones: each step goes through them several times. */
  private readonly peerList: readonly Peer[];
  private readonly penalties = new Penalties();
  private trace: TraceEvent[] = [];
  /** Times are kept as elapsed nanoseconds. */
  private readonly clock = new Elapsed();
  private lastStepNs = 0;
  private helloAtNs = 0;
  private reconsiderAtNs = 0;
  private bouncerChanged = false;
  /** Made when it is asked for; null after a change. */
  private up: readonly NodeId[] | null = null;
  private reconnects = 0;

  constructor(config: GossipConfig) {
    this.config = config;
    this.receiver = createSlotReceiver({
      ...config,
      accept: (name, bytes, from, parts) => this.accept(name, bytes, from, parts),
    });
    const others = config.peers.filter((id) => id !== config.nodeId).toSorted(compareText);
    this.peerList = others.map(newPeer);
    this.peers = new Map(this.peerList.map((peer) => [peer.id, peer]));
  }

  get connection(): number {
    return this.config.incarnation * CONNECTIONS_PER_LIFE + this.reconnects;
  }

  reconnect(nowNs: bigint): void {
    // The last id of this life is kept; the next life has larger ones.
    this.reconnects = Math.min(this.reconnects + 1, CONNECTIONS_PER_LIFE - 1);
    for (const peer of this.peerList) {
      if (peer.up) {
        this.sender.resendAll(peer.id, nowNs);
      }
    }
    this.helloAtNs = this.clock.at(nowNs);
  }

  deliver(name: ArtifactName, bytes: Uint8Array, latencySensitive: boolean): void {
    this.sender.deliver(name, bytes, latencySensitive);
  }

  withdraw(name: ArtifactName): void {
    this.sender.withdraw(name);
  }

  receive(from: NodeId, bytes: Uint8Array, nowNs: bigint): void {
    const peer = this.peers.get(from);
    if (peer === undefined) {
      this.penalties.add(null, 'PACKET_FROM_STRANGER', 'the sender is no member of the subnet');
    } else if (peer.rest === null && peer.inbox.isEmpty && peer.inbox.hasCredit) {
      this.open(peer, bytes, nowNs);
    } else if (!peer.inbox.push(bytes)) {
      this.penalties.add(from, 'BACKLOG_FULL', 'the peer says more than its share');
    }
  }

  penaltiesOf(peer: NodeId): PeerPenalties {
    return this.penalties.of(peer);
  }

  sendStateAdverts(to: NodeId, adverts: readonly StateAdvert[]): void {
    const peer = this.peers.get(to);
    if (peer !== undefined) {
      peer.stateAdverts = adverts.slice(0, MAX_STATE_MESSAGES_PER_PACKET);
    }
  }

  sendStateRequest(to: NodeId, request: StateRequest): void {
    const peer = this.peers.get(to);
    if (peer !== undefined && peer.stateRequests.length < MAX_STATE_MESSAGES_PER_PACKET) {
      peer.stateRequests.push(request);
    }
  }

  sendStateResponse(to: NodeId, response: StateResponse): void {
    const peer = this.peers.get(to);
    if (peer !== undefined && peer.stateResponses.length < MAX_STATE_MESSAGES_PER_PACKET) {
      peer.stateResponses.push(response);
    }
  }

  reconsider(): void {
    this.bouncerChanged = true;
  }

  peersUp(): readonly NodeId[] {
    this.up ??= this.peerList.filter((peer) => peer.up).map((peer) => peer.id);
    return this.up;
  }

  flush(nowNs: bigint): GossipOutput {
    const elapsedNs = this.clock.at(nowNs);
    this.workOffBacklogs(nowNs);
    this.checkPeers(elapsedNs);
    this.pull(nowNs);
    const packets: GossipPacket[] = [];
    for (const packet of this.broadcast(nowNs)) {
      packets.push({ to: 'all', packet, bytes: encodePacket(packet) });
    }
    const dueNs = this.sender.nextDueNs();
    const isDue = dueNs !== null && dueNs <= nowNs;
    for (const peer of this.peerList) {
      if (isDue || hasDirect(peer)) {
        for (const packet of this.direct(peer, nowNs)) {
          packets.push({ to: peer.id, packet, bytes: encodePacket(packet) });
        }
      }
    }
    this.lastStepNs = elapsedNs;
    return {
      packets,
      vanished: this.receiver.takeVanished(),
      trace: this.takeTrace(),
      nextWakeNs: this.nextWake(),
    };
  }

  private takeTrace(): readonly TraceEvent[] {
    const refusals = this.penalties.takeTrace();
    if (this.trace.length === 0 && refusals.length === 0) {
      return NO_FACTS;
    }
    const trace = [...this.trace, ...refusals];
    this.trace = [];
    return trace;
  }

  /** The credit of the next step; whoever has more to be read than that waits on. */
  private workOffBacklogs(nowNs: bigint): void {
    for (const peer of this.peerList) {
      peer.inbox.refill();
      this.readRest(peer, nowNs);
      while (peer.rest === null && peer.inbox.hasCredit && !peer.inbox.isEmpty) {
        this.open(peer, peer.inbox.shift() as Uint8Array, nowNs);
      }
    }
  }

  private open(peer: Peer, bytes: Uint8Array, nowNs: bigint): void {
    peer.inbox.charge(WORK_OF_PACKET + bytes.length / BYTES_PER_WORK);
    const decoded = this.config.decodePacket(bytes);
    if (!decoded.ok) {
      this.penalties.add(peer.id, decoded.error.code, decoded.error.message);
      return;
    }
    if (decoded.value.incarnation < peer.incarnation) {
      // A late packet of an earlier life of the peer: not a fault of anybody.
      return;
    }
    peer.lastHeardNs = this.clock.at(nowNs);
    this.connect(peer, decoded.value.incarnation, nowNs);
    this.readHead(peer, decoded.value, nowNs);
    const { updates, pulled } = decoded.value;
    peer.rest = { updates, pulled, next: 0 };
    this.readRest(peer, nowNs);
  }

  private accept(
    name: ArtifactName,
    bytes: Uint8Array,
    from: NodeId,
    parts: CollectedParts,
  ): AcceptOutcome {
    const work = WORK_OF_ARTIFACT + (this.config.workOf?.(name) ?? 0);
    this.peers.get(from)?.inbox.charge(work + bytes.length / BYTES_PER_WORK);
    const outcome = this.config.accept(name, bytes, from, parts);
    if (outcome === false) {
      this.penalties.count(from, 'ARTIFACT_REFUSED');
    }
    return outcome;
  }

  /** A peer that comes back, or starts again, knows nothing of us and we nothing of it. */
  private connect(peer: Peer, incarnation: number, nowNs: bigint): void {
    const restarted = peer.incarnation !== incarnation;
    if (restarted) {
      this.receiver.forget(peer.id);
      peer.incarnation = incarnation;
      peer.ourSession += 1;
      peer.theirSession = -1;
      peer.acksDue = [];
    }
    if (restarted || !peer.up) {
      this.sender.resendAll(peer.id, nowNs);
      // Answer at once, so that the peer hears of us without waiting for the next hello.
      this.helloAtNs = this.clock.at(nowNs);
    }
    if (!peer.up) {
      peer.up = true;
      this.up = null;
      this.trace.push({ kind: 'peerUp', peer: peer.id });
    }
  }

  private disconnect(peer: Peer): void {
    peer.up = false;
    this.up = null;
    peer.rest = null;
    peer.inbox.clear();
    peer.ourSession += 1;
    peer.acksDue = [];
    peer.ackAtNs = null;
    peer.pulls = [];
    peer.asked = [];
    this.sender.forget(peer.id);
    this.receiver.forget(peer.id);
    this.trace.push({ kind: 'peerDown', peer: peer.id });
  }

  private readRest(peer: Peer, nowNs: bigint): void {
    const { rest } = peer;
    if (rest === null) {
      return;
    }
    const { updates, pulled } = rest;
    const count = updates.length + pulled.length;
    while (rest.next < count && peer.inbox.hasCredit) {
      const at = rest.next;
      rest.next += 1;
      if (at < updates.length) {
        this.readUpdate(peer, updates[at] as SlotUpdate, nowNs);
      } else {
        const { name, bytes } = pulled[at - updates.length] as PulledArtifact;
        this.receiver.pulled(peer.id, name, bytes);
      }
    }
    if (rest.next >= count) {
      peer.rest = null;
    }
  }

  private readUpdate(peer: Peer, update: SlotUpdate, nowNs: bigint): void {
    peer.inbox.charge(WORK_OF_UPDATE);
    if (this.receiver.update(peer.id, update)) {
      peer.acksDue.push(update.commitId);
      peer.ackAtNs ??= this.clock.at(nowNs) + ACK_DELAY_NS;
    } else {
      this.penalties.add(peer.id, 'SLOT_TABLE_FULL', 'the peer uses more slots than it may');
    }
  }

  private readHead(peer: Peer, packet: Packet, nowNs: bigint): void {
    this.readSessions(peer, packet, nowNs);
    const ack = findAck(peer, packet.acks, this.config.nodeId);
    if (ack?.incarnation === this.connection) {
      this.sender.acknowledge(peer.id, ack.commitIds, nowNs);
    }
    for (const name of packet.pulls) {
      if (peer.asked.length < MAX_PULLS_PER_PACKET) {
        peer.asked.push(name);
      }
    }
    if (packet.stateAdverts.length > 0) {
      this.config.onStateAdverts(peer.id, packet.stateAdverts);
    }
    for (const request of packet.stateRequests) {
      this.config.onStateRequest(peer.id, request);
    }
    for (const response of packet.stateResponses) {
      this.config.onStateResponse(peer.id, response);
    }
  }

  private bytesOf(name: ArtifactName): Uint8Array | null {
    return this.sender.bytesOf(name) ?? this.config.extraBytesOf?.(name) ?? null;
  }

  private readSessions(peer: Peer, packet: Packet, nowNs: bigint): void {
    for (const { peer: about, session } of packet.sessions) {
      if (about !== this.config.nodeId || session === peer.theirSession) {
        continue;
      }
      // The first word of a peer follows the `connect` that has just queued everything for it.
      if (peer.theirSession !== -1) {
        this.sender.resendAll(peer.id, nowNs);
      }
      peer.theirSession = session;
    }
  }

  private checkPeers(nowNs: number): void {
    const limitNs = PEER_DOWN_AFTER_NS;
    // After a freeze of the host nobody could be heard: silence says nothing about the peers.
    const frozen = nowNs - this.lastStepNs > limitNs;
    for (const peer of this.peerList) {
      if (frozen) {
        peer.lastHeardNs = nowNs;
      }
      if (peer.up && nowNs - peer.lastHeardNs >= limitNs) {
        this.disconnect(peer);
      }
    }
  }

  private pull(nowNs: bigint): void {
    const elapsedNs = this.clock.at(nowNs);
    const timeoutNs = this.receiver.nextTimeoutNs();
    const timedOut = timeoutNs !== null && timeoutNs <= nowNs;
    if (this.bouncerChanged || timedOut || elapsedNs >= this.reconsiderAtNs) {
      this.receiver.reconsider(nowNs);
      this.reconsiderAtNs = elapsedNs + RECONSIDER_EVERY_NS;
      this.bouncerChanged = false;
    }
    for (const [peerId, names] of this.receiver.takePulls(nowNs)) {
      this.peers.get(peerId)?.pulls.push(...names);
    }
  }

  /** Acks of all peers ride in whatever goes to all; the receivers pick their own. */
  private takeAcks(): Packet['acks'] {
    const acks: Packet['acks'][number][] = [];
    for (const peer of this.peerList) {
      if (peer.acksDue.length > 0) {
        const commitIds = peer.acksDue.splice(0, MAX_ACKS_PER_PACKET);
        acks.push({ to: peer.id, incarnation: peer.incarnation, commitIds });
      }
      peer.ackAtNs = null;
    }
    return acks;
  }

  private areAcksDue(nowNs: number): boolean {
    return this.peerList.some(({ ackAtNs }) => ackAtNs !== null && ackAtNs <= nowNs);
  }

  private broadcast(nowNs: bigint): readonly Packet[] {
    if (this.peers.size === 0) {
      return NO_PACKETS;
    }
    const elapsedNs = this.clock.at(nowNs);
    const parts = splitUpdates(this.sender.takeFresh(nowNs));
    const helloDue = elapsedNs >= this.helloAtNs;
    if (parts.length === 0 && !helloDue && !this.areAcksDue(elapsedNs)) {
      return NO_PACKETS;
    }
    const blank = emptyPacket(this.connection);
    const first = { ...blank, updates: parts[0] ?? [], acks: this.takeAcks() };
    if (helloDue) {
      this.helloAtNs = elapsedNs + HELLO_EVERY_NS;
      first.sessions = this.peerList.map((peer) => ({
        peer: peer.id,
        session: peer.ourSession,
      }));
    }
    return [first, ...parts.slice(1).map((updates) => ({ ...blank, updates }))];
  }

  private direct(peer: Peer, nowNs: bigint): readonly Packet[] {
    const parts = peer.up ? splitUpdates(this.sender.takeDue(peer.id, nowNs)) : NO_PARTS;
    if (parts.length === 0 && !hasDirect(peer)) {
      return NO_PACKETS;
    }
    const blank = emptyPacket(this.connection);
    const packets: Packet[] = parts.map((updates) => ({ ...blank, updates }));
    packets.push(...takeDirect(peer, blank, (name) => this.bytesOf(name)));
    return packets;
  }

  private nextWake(): bigint | null {
    if (this.peers.size === 0) {
      return null;
    }
    let own = this.helloAtNs;
    for (const peer of this.peerList) {
      own = Math.min(own, peer.ackAtNs ?? own);
      if (!peer.inbox.isEmpty || peer.rest !== null) {
        own = Math.min(own, this.lastStepNs + BACKLOG_PAUSE_NS);
      }
      if (peer.asked.length > 0) {
        own = Math.min(own, this.lastStepNs + PULL_ANSWER_PAUSE_NS);
      }
      if (peer.up) {
        own = Math.min(own, peer.lastHeardNs + PEER_DOWN_AFTER_NS);
      }
    }
    return earlier(
      this.clock.toNs(own),
      earlier(this.sender.nextDueNs(), this.receiver.nextTimeoutNs()),
    );
  }
}

function earlier(a: bigint | null, b: bigint | null): bigint | null {
  return a === null ? b : b === null || a < b ? a : b;
}
