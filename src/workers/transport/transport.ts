import { type CodedError, codedError } from '../../base/result.ts';
import type { NetworkClock } from '../clock/network-clock.ts';
import type { Scheduler } from '../clock/scheduler.ts';
import {
  type ChannelLike,
  inboxChannelName,
  type OpenChannel,
  subnetChannelName,
} from './channel-like.ts';
import {
  decodeFrame,
  encodeFrame,
  type Frame,
  type FrameErrorCode,
  MAX_FRAME_BYTES,
  MAX_PACKETS_PER_FRAME,
} from './frame.ts';
import type { DropCause, LinkTable } from './link-table.ts';

export type TransportErrorCode = FrameErrorCode | 'UNKNOWN_SENDER' | 'INBOX_OVERFLOW';
export type TransportError = CodedError<TransportErrorCode>;

export interface TransportDeps {
  readonly networkId: string;
  readonly subnetId: string;
  readonly nodeId: string;
  /** Every node of the subnet; frames of anyone else are refused. */
  readonly members: readonly string[];
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
  /** Queues a packet for a node or for 'all'; it leaves with the next `flush`, in one frame with the others. */
  send(to: string, bytes: Uint8Array): void;
  flush(): void;
  counters(): TransportCounters;
  close(): void;
}

interface Peer {
  connectionId: string;
  /** Highest sequence number seen, per lane: the two channels have no common order. */
  readonly latest: [subnet: number, inbox: number];
  /** Delivery time of the last delayed packet: a link keeps its order when its delay shrinks. */
  lastDeliveryNs: bigint;
}

const NS_PER_MS = 1_000_000;
/**
 * Packets that wait for their link delay or for a paused clock; beyond it the newest is dropped,
 * as a full router does.
 */
const MAX_DELAYED_PACKETS = 4_096;
/** Room for the frame header and the length prefixes. */
const FRAME_MARGIN_BYTES = 8 * 1024;

/**
 * Bytes between the nodes of one subnet over channels; knows nothing of what they mean. While the
 * clock is paused nothing is delivered: arrived packets wait for the clock to go on.
 */
export function createTransport(deps: TransportDeps): Transport {
  const subnetChannel = deps.openChannel(subnetChannelName(deps.networkId, deps.subnetId));
  const inboxOf = (nodeId: string): ChannelLike =>
    deps.openChannel(inboxChannelName(deps.networkId, deps.subnetId, nodeId));
  const inbox = inboxOf(deps.nodeId);
  const members = new Set(deps.members);
  const outboxes = new Map<string, ChannelLike>();
  const outgoing = new Map<string, Uint8Array[]>();
  const receiver = createReceiver(deps, members);
  const sent = { frames: 0, bytes: 0 };
  let sequenceNumber = 0;

  subnetChannel.listen((data) => receiver.take(0, data));
  inbox.listen((data) => receiver.take(1, data));

  const channelTo = (to: string): ChannelLike => {
    const known = to === 'all' ? subnetChannel : outboxes.get(to);
    if (known !== undefined) {
      return known;
    }
    const opened = inboxOf(to);
    outboxes.set(to, opened);
    return opened;
  };

  return {
    send: (to, bytes) => {
      if (to !== 'all' && (to === deps.nodeId || !members.has(to))) {
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
        for (const packets of splitIntoFrames(queued)) {
          sequenceNumber += 1;
          const { nodeId: sender, connectionId } = deps;
          const bytes = encodeFrame({ sender, connectionId, sequenceNumber, packets });
          sent.frames += 1;
          sent.bytes += bytes.length;
          channelTo(to).post(bytes);
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
      subnetChannel.close();
      inbox.close();
      for (const outbox of outboxes.values()) {
        outbox.close();
      }
    },
  };
}

interface Receiver {
  take(lane: 0 | 1, data: unknown): void;
  counters(): Omit<TransportCounters, 'framesSent' | 'bytesSent'>;
}

function createReceiver(deps: TransportDeps, members: ReadonlySet<string>): Receiver {
  const peers = new Map<string, Peer>();
  const count = { packetsReceived: 0, packetsDropped: 0, framesRejected: 0 };
  let delayed = 0;

  const reject = (from: string | null, error: TransportError): void => {
    count.framesRejected += 1;
    deps.onRejected(from, error);
  };
  const deliver = (from: string, bytes: Uint8Array): void => {
    count.packetsReceived += 1;
    deps.onPacket(from, bytes);
  };
  const deliverAt = (dueNs: bigint, from: string, bytes: Uint8Array): void => {
    if (delayed >= MAX_DELAYED_PACKETS) {
      count.packetsDropped += 1;
      deps.onRejected(
        from,
        codedError('limit', 'INBOX_OVERFLOW', `${delayed} packets already wait for their delay`),
      );
      return;
    }
    delayed += 1;
    deps.scheduler.at(dueNs, () => {
      delayed -= 1;
      deliver(from, bytes);
    });
  };
  const takePacket = (peer: Peer, from: string, bytes: Uint8Array): void => {
    const verdict = deps.links.judge(from);
    if (verdict.kind === 'drop') {
      count.packetsDropped += 1;
      deps.onDropped(from, verdict.cause);
      return;
    }
    const nowNs = deps.clock.nowNs();
    for (const delayMs of verdict.delaysMs) {
      let dueNs = nowNs + BigInt(Math.round(delayMs * NS_PER_MS));
      if (!verdict.reordered) {
        dueNs = dueNs > peer.lastDeliveryNs ? dueNs : peer.lastDeliveryNs;
        peer.lastDeliveryNs = dueNs;
      }
      if (dueNs <= nowNs && !deps.clock.isPaused()) {
        deliver(from, bytes);
      } else {
        deliverAt(dueNs, from, bytes);
      }
    }
  };

  return {
    take: (lane, data) => {
      const decoded = decodeFrame(data);
      if (!decoded.ok) {
        reject(null, decoded.error);
        return;
      }
      const frame = decoded.value;
      if (!members.has(frame.sender) || frame.sender === deps.nodeId) {
        const message = `${frame.sender} is not another node of this subnet`;
        reject(null, codedError('trust', 'UNKNOWN_SENDER', message));
        return;
      }
      const peer = peerOf(peers, frame);
      if (frame.sequenceNumber <= peer.latest[lane]) {
        count.packetsDropped += frame.packets.length;
        return;
      }
      peer.latest[lane] = frame.sequenceNumber;
      for (const packet of frame.packets) {
        takePacket(peer, frame.sender, packet);
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
    latest: [0, 0],
    lastDeliveryNs: known?.lastDeliveryNs ?? 0n,
  };
  peers.set(frame.sender, fresh);
  return fresh;
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
  frames.push(current);
  return frames;
}
