import { type CodedError, codedError } from '../../base/result.ts';
import type { NetworkClock } from '../clock/network-clock.ts';
import type { Scheduler } from '../clock/scheduler.ts';
import type { ChannelLike, OpenChannel, TransportChannels } from './channel-like.ts';
import {
  decodeFrame,
  encodeFrame,
  type Frame,
  type FrameErrorCode,
  MAX_FRAME_BYTES,
  MAX_PACKETS_PER_FRAME,
} from './frame.ts';
import type { DropCause, LinkTable } from './link-table.ts';

export type TransportErrorCode =
  | FrameErrorCode
  | 'UNKNOWN_SENDER'
  | 'SENDER_MISMATCH'
  | 'INBOX_OVERFLOW';
export type TransportError = CodedError<TransportErrorCode>;

export interface TransportDeps {
  readonly channels: TransportChannels;
  readonly nodeId: string;
  /** Every node that may be spoken to, those that are added later included; frames of anyone else are refused. */
  readonly members: ReadonlySet<string>;
  /** 16 hex digits, new for each start of the node. */
  readonly connectionId: string;
  readonly openChannel: OpenChannel;
  readonly links: LinkTable;
  readonly clock: NetworkClock;
  readonly scheduler: Scheduler;
  onPacket(from: string, bytes: Uint8Array): void;
  /** The link conditions took a packet. */
  onDropped(from: string, cause: DropCause): void;
  onRejected(from: string | null, error: TransportError): void;
}

export interface TransportCounters {
  readonly framesSent: number;
  readonly bytesSent: number;
  readonly packetsReceived: number;
  readonly packetsDropped: number;
  readonly framesRejected: number;
}

export interface Transport {
  /**
   * Sends large packets to and takes them from this peer through its own port from now on. A port of
   * the same peer from before it restarted is closed.
   */
  connect(peerId: string, port: ChannelLike): void;
  /** Queues a packet for a node or, where there is a channel for it, for 'all'; it leaves with the next `flush`, in one frame with the others. */
  send(to: string, bytes: Uint8Array): void;
  flush(): void;
  counters(): TransportCounters;
  close(): void;
}

interface Peer {
  connectionId: string;
  /** Highest sequence number seen, per lane: channels have no common order. */
  readonly latest: [subnet: number, inbox: number, mesh: number];
}

const SUBNET_LANE = 0;
const INBOX_LANE = 1;
const MESH_LANE = 2;
type Lane = typeof SUBNET_LANE | typeof INBOX_LANE | typeof MESH_LANE;

/**
 * Packets that wait for their link delay or for a paused clock; beyond it the newest is dropped,
 * as a full router does.
 */
const MAX_DELAYED_PACKETS = 4_096;
const MAX_DELAYED_BYTES = 64 * 1024 * 1024;
/**
 * Larger packets go through the port of their receiver: a channel copies them for every listener and
 * through another process. Between two workers in Chromium, 64 packets of 1 MiB took 366–605 ms over
 * a channel and 36–42 ms over a port.
 */
export const MAX_CHANNEL_PACKET_BYTES = 64 * 1024;
/** Room for the frame header and the length prefixes. */
const FRAME_MARGIN_BYTES = 8 * 1024;

/**
 * Bytes between nodes over channels and ports; knows nothing of what they mean. While the clock is paused nothing is delivered: arrived packets wait for the clock to go on.
 */
export function createTransport(deps: TransportDeps): Transport {
  const { channels } = deps;
  const commonChannel = channels.all === null ? undefined : deps.openChannel(channels.all);
  const inboxOf = (nodeId: string): ChannelLike => deps.openChannel(channels.inboxOf(nodeId));
  const inbox = inboxOf(deps.nodeId);
  const { members } = deps;
  const outboxes = new Map<string, ChannelLike>();
  const mesh = new Map<string, ChannelLike>();
  const outgoing = new Map<string, Uint8Array[]>();
  const receiver = createReceiver(deps, members);
  const sent = { frames: 0, bytes: 0 };
  let sequenceNumber = 0;

  commonChannel?.listen((data) => receiver.take(SUBNET_LANE, null, data));
  inbox.listen((data) => receiver.take(INBOX_LANE, null, data));

  const channelTo = (to: string): ChannelLike => {
    const known = to === 'all' ? commonChannel : outboxes.get(to);
    if (known !== undefined) {
      return known;
    }
    const opened = inboxOf(to);
    outboxes.set(to, opened);
    return opened;
  };

  const post = (channel: ChannelLike, packets: readonly Uint8Array[]): void => {
    sequenceNumber += 1;
    const { nodeId: sender, connectionId } = deps;
    const bytes = encodeFrame({ sender, connectionId, sequenceNumber, packets });
    sent.frames += 1;
    sent.bytes += bytes.length;
    channel.post(bytes);
  };
  /** To each receiver that has a port through it, to the others through their inbox. */
  const postLarge = (to: string, packet: Uint8Array): void => {
    for (const peerId of to === 'all' ? members : [to]) {
      if (peerId !== deps.nodeId) {
        post(mesh.get(peerId) ?? channelTo(peerId), [packet]);
      }
    }
  };

  return {
    connect: (peerId, port) => {
      if (peerId === deps.nodeId || !members.has(peerId)) {
        port.close();
        return;
      }
      mesh.get(peerId)?.close();
      mesh.set(peerId, port);
      port.listen((data) => receiver.take(MESH_LANE, peerId, data));
    },
    send: (to, bytes) => {
      if (to === 'all' ? commonChannel === undefined : to === deps.nodeId || !members.has(to)) {
        return;
      }
      const queue = outgoing.get(to);
      if (queue === undefined) {
        outgoing.set(to, [bytes]);
      } else {
        queue.push(bytes);
      }
    },
    flush: () => {
      for (const [to, queued] of outgoing) {
        for (const packets of splitIntoFrames(queued.filter((packet) => !isLarge(packet)))) {
          post(channelTo(to), packets);
        }
        for (const packet of queued.filter(isLarge)) {
          postLarge(to, packet);
        }
      }
      outgoing.clear();
    },
    counters: () => ({
      framesSent: sent.frames,
      bytesSent: sent.bytes,
      ...receiver.counters(),
    }),
    close: () => {
      commonChannel?.close();
      inbox.close();
      for (const outbox of [...outboxes.values(), ...mesh.values()]) {
        outbox.close();
      }
    },
  };
}

interface Receiver {
  /** @param peerId whose port brought it; null for a channel, where anybody may post */
  take(lane: Lane, peerId: string | null, data: unknown): void;
  counters(): Omit<TransportCounters, 'framesSent' | 'bytesSent'>;
}

function createReceiver(deps: TransportDeps, members: ReadonlySet<string>): Receiver {
  const peers = new Map<string, Peer>();
  const count = { packetsReceived: 0, packetsDropped: 0, framesRejected: 0 };
  const delayed = { packets: 0, bytes: 0 };
  /** Packets of a sender that wait: a later one must not be handed over before them. */
  const waitingOf = new Map<string, number>();

  const reject = (from: string | null, error: TransportError): void => {
    count.framesRejected += 1;
    deps.onRejected(from, error);
  };
  const deliver = (from: string, bytes: Uint8Array): void => {
    count.packetsReceived += 1;
    deps.onPacket(from, bytes);
  };
  const changeWaiting = (from: string, by: 1 | -1, bytes: number): void => {
    delayed.packets += by;
    delayed.bytes += by * bytes;
    waitingOf.set(from, (waitingOf.get(from) ?? 0) + by);
  };
  const deliverAt = (dueNs: bigint, from: string, bytes: Uint8Array): void => {
    if (
      delayed.packets >= MAX_DELAYED_PACKETS ||
      delayed.bytes + bytes.length > MAX_DELAYED_BYTES
    ) {
      count.packetsDropped += 1;
      const message = `${delayed.packets} packets already wait for their delay`;
      deps.onRejected(from, codedError('limit', 'INBOX_OVERFLOW', message));
      return;
    }
    changeWaiting(from, 1, bytes.length);
    deps.scheduler.at(dueNs, () => {
      changeWaiting(from, -1, bytes.length);
      deliver(from, bytes);
    });
  };
  const takePacket = (from: string, bytes: Uint8Array): void => {
    const nowNs = deps.clock.nowNs();
    const verdict = deps.links.judge(from, nowNs, bytes.length);
    if (verdict.kind === 'drop') {
      count.packetsDropped += 1;
      deps.onDropped(from, verdict.cause);
      return;
    }
    for (const dueNs of verdict.arrivalsNs) {
      const isDue = dueNs <= nowNs && !deps.clock.isPaused();
      if (isDue && (waitingOf.get(from) ?? 0) === 0) {
        deliver(from, bytes);
      } else {
        deliverAt(dueNs, from, bytes);
      }
    }
  };

  return {
    take: (lane, peerId, data) => {
      const decoded = decodeFrame(data);
      if (!decoded.ok) {
        reject(peerId, decoded.error);
        return;
      }
      const frame = decoded.value;
      if (!members.has(frame.sender) || frame.sender === deps.nodeId) {
        const message = `${frame.sender} is not another node of these links`;
        reject(peerId, codedError('trust', 'UNKNOWN_SENDER', message));
        return;
      }
      if (peerId !== null && peerId !== frame.sender) {
        const message = `the port of ${peerId} brought a frame in the name of ${frame.sender}`;
        reject(peerId, codedError('trust', 'SENDER_MISMATCH', message));
        return;
      }
      const peer = peerOf(peers, frame);
      if (frame.sequenceNumber <= peer.latest[lane]) {
        count.packetsDropped += frame.packets.length;
        return;
      }
      peer.latest[lane] = frame.sequenceNumber;
      for (const packet of frame.packets) {
        takePacket(frame.sender, packet);
      }
    },
    counters: () => ({ ...count }),
  };
}

/** The state of a sender; a new connection id means that it restarted and counts from one again. */
function peerOf(peers: Map<string, Peer>, frame: Frame): Peer {
  const known = peers.get(frame.sender);
  if (known !== undefined && known.connectionId === frame.connectionId) {
    return known;
  }
  const fresh: Peer = {
    connectionId: frame.connectionId,
    latest: [0, 0, 0],
  };
  peers.set(frame.sender, fresh);
  return fresh;
}

function isLarge(packet: Uint8Array): boolean {
  return packet.length > MAX_CHANNEL_PACKET_BYTES;
}

function splitIntoFrames(packets: readonly Uint8Array[]): readonly (readonly Uint8Array[])[] {
  const frames: Uint8Array[][] = [];
  let current: Uint8Array[] = [];
  let bytes = 0;
  for (const packet of packets) {
    const tooLarge = bytes + packet.length > MAX_FRAME_BYTES - FRAME_MARGIN_BYTES;
    if (current.length > 0 && (tooLarge || current.length >= MAX_PACKETS_PER_FRAME)) {
      frames.push(current);
      current = [];
      bytes = 0;
    }
    current.push(packet);
    bytes += packet.length;
  }
  return current.length > 0 ? [...frames, current] : frames;
}
