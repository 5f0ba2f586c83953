import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPrng } from '../../base/prng.ts';
import { type LinkConditions, PERFECT_LINK } from '../../wire/network-spec.ts';
import { withRate } from '../clock/network-clock.ts';
import { createManualClock } from '../clock/testing/manual-clock.ts';
import { inboxChannelName, subnetChannelName, subnetChannels } from './channel-like.ts';
import { decodeFrame, encodeFrame, type Frame } from './frame.ts';
import { createLinkTable, type DropCause } from './link-table.ts';
import { createMemoryChannelHub } from './memory-channel.ts';
import { openMeshPort } from './mesh-port.ts';
import { createTransport, MAX_CHANNEL_PACKET_BYTES } from './transport.ts';

const START_MS = 1_700_000_000_000;
const NODES = ['0a', '0b', '0c'];
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

function createSubject(seed = 'links') {
  const hub = createMemoryChannelHub();
  const { clock, scheduler, nowMs, moveTo, take } = createManualClock(START_MS);
  const advance = (ms: number): void => {
    moveTo(nowMs() + ms);
    for (let due = take(nowMs()); due; due = take(nowMs())) {
      due.task();
    }
  };
  const start = (nodeId: string, connectionId = '0000000000000001') => {
    const received: string[] = [];
    const rejected: string[] = [];
    const dropped: DropCause[] = [];
    const links = createLinkTable(createPrng(seed).fork(nodeId), BigInt(START_MS) * 1_000_000n);
    const transport = createTransport({
      channels: subnetChannels('n', 's'),
      nodeId,
      members: new Set(NODES),
      connectionId,
      openChannel: hub.open,
      links,
      clock,
      scheduler,
      onPacket: (from, packet) => received.push(`${from}:${packet[0]}`),
      onRejected: (from, error) => rejected.push(`${from}:${error.code}`),
      onDropped: (_, cause) => dropped.push(cause),
    });
    return { transport, received, rejected, dropped, links };
  };
  const setRate = (rate: number): void => {
    clock.apply(withRate(clock.setting(), rate, nowMs()));
    scheduler.rearm();
  };
  /** Two started nodes with a port between them, and packets of the size that uses the medium. */
  const startPair = (size: number) => {
    const [a, b] = [start('0a'), start('0b')];
    const [aPort, bPort] = hub.openPort();
    a.transport.connect('0b', aPort);
    b.transport.connect('0a', bPort);
    const packet = (value: number): Uint8Array => new Uint8Array(size).fill(value);
    const send = (...values: readonly number[]): void => {
      for (const value of values) {
        a.transport.send('0b', packet(value));
      }
      a.transport.flush();
      hub.flush();
    };
    return { a, b, packet, send };
  };
  return { hub, start, startPair, advance, setRate };
}

/** What is small travels on a channel, what is large through a port: the same must hold for both. */
const MEDIA = [
  ['channel', 1],
  ['port', MAX_CHANNEL_PACKET_BYTES + 1],
] as const;

const link = (conditions: Partial<LinkConditions>): LinkConditions => ({
  ...PERFECT_LINK,
  ...conditions,
});

describe('transport', () => {
  it('brings a broadcast to every other node and a directed packet to one', () => {
    const { hub, start } = createSubject();
    const [a, b, c] = NODES.map((node) => start(node));
    a?.transport.send('all', bytes(1));
    a?.transport.send('0b', bytes(2));
    hub.flush();
    expect(b?.received, 'nothing leaves before flush').toEqual([]);
    a?.transport.flush();
    hub.flush();
    expect(b?.received).toEqual(['0a:1', '0a:2']);
    expect(c?.received).toEqual(['0a:1']);
    expect(a?.received).toEqual([]);
  });

  it('packs everything for one receiver into one frame, in order', () => {
    const { hub, start } = createSubject();
    const [a, b] = [start('0a'), start('0b')];
    for (let i = 0; i < 100; i += 1) {
      a.transport.send('0b', bytes(i));
    }
    a.transport.flush();
    hub.flush();
    expect(a.transport.counters().framesSent).toBe(1);
    expect(b.received).toEqual(Array.from({ length: 100 }, (_, i) => `0a:${i}`));
  });

  it('splits what does not fit into one frame', () => {
    const { hub, start } = createSubject();
    const [a, b] = [start('0a'), start('0b')];
    for (let i = 0; i < 3; i += 1) {
      a.transport.send('0b', new Uint8Array(5 * 1024 * 1024));
    }
    a.transport.flush();
    hub.flush();
    expect(a.transport.counters().framesSent).toBe(3);
    expect(b.received.length).toBe(3);
  });

  it('takes a frame once, and again from one after its sender restarted', () => {
    const { hub, start } = createSubject();
    const b = start('0b');
    const channel = hub.open(inboxChannelName('n', 's', '0b'));
    const frame = (connectionId: string, sequenceNumber: number): Frame => ({
      sender: '0a',
      connectionId,
      sequenceNumber,
      packets: [bytes(sequenceNumber)],
    });
    for (const sent of [
      frame('0000000000000001', 5),
      frame('0000000000000001', 5),
      frame('0000000000000001', 4),
      frame('0000000000000002', 1),
    ]) {
      channel.post(encodeFrame(sent));
    }
    hub.flush();
    expect(b.received).toEqual(['0a:5', '0a:1']);
    expect(b.transport.counters().packetsDropped).toBe(2);
  });

  it('refuses and counts frames of strangers and garbage', () => {
    const { hub, start } = createSubject();
    const b = start('0b');
    const channel = hub.open(subnetChannelName('n', 's'));
    const connectionId = '0000000000000001';
    channel.post(encodeFrame({ sender: 'ff', connectionId, sequenceNumber: 1, packets: [] }));
    channel.post(bytes(9, 9, 9));
    hub.flush();
    expect(b.rejected).toEqual(['null:UNKNOWN_SENDER', 'null:UNKNOWN_FRAME_VERSION']);
    expect(b.transport.counters().framesRejected).toBe(2);
  });

  it('takes no more from a port of before the peer restarted', () => {
    const { hub, startPair } = createSubject();
    const { a, b, send } = startPair(MAX_CHANNEL_PACKET_BYTES + 1);
    send(1);
    const [aPort, bPort] = hub.openPort();
    b.transport.connect('0a', bPort);
    send(2);
    expect(b.received, 'the old end leads nowhere').toEqual(['0a:1']);
    a.transport.connect('0b', aPort);
    send(3);
    expect(b.received).toEqual(['0a:1', '0a:3']);
  });

  it('sends large packets to all through ports, and through the inbox where there is none', () => {
    const { hub, start, startPair } = createSubject();
    const { a, b, packet } = startPair(MAX_CHANNEL_PACKET_BYTES + 1);
    const c = start('0c');
    const overheard: unknown[] = [];
    hub.open(inboxChannelName('n', 's', '0b')).listen((data) => overheard.push(data));
    a.transport.send('all', packet(7));
    a.transport.flush();
    hub.flush();
    expect([b.received, c.received]).toEqual([['0a:7'], ['0a:7']]);
    expect(overheard, 'the port, not the inbox').toEqual([]);
  });

  it('refuses a frame that came through the port of another, and garbage from a port', () => {
    const { hub, start } = createSubject();
    const b = start('0b');
    const [own, far] = hub.openPort();
    b.transport.connect('0a', own);
    const connectionId = '0000000000000001';
    far.post(encodeFrame({ sender: '0c', connectionId, sequenceNumber: 1, packets: [bytes(1)] }));
    far.post(bytes(1, 2));
    hub.flush();
    expect(b.received).toEqual([]);
    expect(b.rejected).toEqual(['0a:SENDER_MISMATCH', '0a:TRUNCATED_FRAME']);
  });
});

describe.each(MEDIA)('link conditions on a %s', (_, size) => {
  it('delays by the link and keeps its order when the delay shrinks', () => {
    const { startPair, advance } = createSubject();
    const { b, send } = startPair(size);
    b.links.set('0a', link({ delayMs: 50 }));
    send(1);
    b.links.set('0a', link({ delayMs: 0 }));
    send(2);
    advance(49);
    expect(b.received).toEqual([]);
    advance(1);
    expect(b.received).toEqual(['0a:1', '0a:2']);
  });

  it('drops by loss, cut and partition, each with its cause, in one direction only', () => {
    const { hub, startPair } = createSubject();
    const { a, b, packet, send } = startPair(size);
    const exchange = (): void => {
      b.transport.send('0a', packet(2));
      b.transport.flush();
      hub.flush();
      send(1);
    };
    b.links.set('0a', link({ cut: true }));
    exchange();
    b.links.set('0a', link({ lossPercent: 100 }));
    exchange();
    b.links.set('0a', PERFECT_LINK);
    b.links.setReachable(new Set(['0c']));
    exchange();
    expect(b.dropped).toEqual(['cut', 'loss', 'partition']);
    expect(b.received).toEqual([]);
    expect(a.received.length).toBe(3);
    b.links.setReachable(null);
    exchange();
    expect(b.received).toEqual(['0a:1']);
  });

  it('loses about the given share of packets', () => {
    const { startPair } = createSubject('loss seed 7');
    const { b, send } = startPair(size);
    b.links.set('0a', link({ lossPercent: 30 }));
    send(...Array.from({ length: 500 }, () => 1));
    expect(b.received.length).toBeGreaterThan(310);
    expect(b.received.length).toBeLessThan(390);
  });

  it('duplicates and reorders when the link says so', () => {
    const { startPair, advance } = createSubject();
    const { b, send } = startPair(size);
    b.links.set('0a', link({ duplicatePercent: 100 }));
    send(1);
    expect(b.received).toEqual(['0a:1', '0a:1']);
    b.links.set('0a', link({ reorderPercent: 100 }));
    send(2);
    b.links.set('0a', PERFECT_LINK);
    send(3);
    advance(1000);
    expect(b.received.slice(2)).toEqual(['0a:3', '0a:2']);
  });

  it('takes as long as the bandwidth says', () => {
    const { startPair, advance } = createSubject();
    const { b, send } = startPair(size);
    // As many kilobits per second as a packet has bits: each takes a millisecond.
    b.links.set('0a', link({ bandwidthKbps: size * 8 }));
    send(1, 2, 3);
    expect(b.received).toEqual([]);
    advance(1);
    expect(b.received).toEqual(['0a:1']);
    advance(2);
    expect(b.received).toEqual(['0a:1', '0a:2', '0a:3']);
  });

  it('delivers nothing while the clock is paused, everything in order when it goes on', () => {
    const { startPair, advance, setRate } = createSubject();
    const { b, send } = startPair(size);
    setRate(0);
    send(0);
    send(1);
    send(2);
    advance(1000);
    expect(b.received).toEqual([]);
    setRate(1);
    advance(1);
    expect(b.received).toEqual(['0a:0', '0a:1', '0a:2']);
  });
});

describe('what waits for its delay', () => {
  it.each([
    ['packets', 1, 4_096],
    ['bytes', 4 * 1024 * 1024, 16],
  ])('is bounded in %s', (_, size, bound) => {
    const { startPair, setRate } = createSubject();
    const { b, send } = startPair(size);
    setRate(0);
    send(...Array.from({ length: bound }, () => 1));
    expect(b.rejected).toEqual([]);
    send(1);
    expect(b.rejected).toEqual(['0a:INBOX_OVERFLOW']);
  });
});

describe('mesh port', () => {
  it('moves bytes through a real port without keeping a copy', async () => {
    const { port1, port2 } = new MessageChannel();
    const [near, far] = [openMeshPort(port1), openMeshPort(port2)];
    const arrived = new Promise((resolve) => far.listen(resolve));
    const sent = bytes(1, 2, 3);
    near.post(sent);
    expect(sent.length, 'its buffer went away').toBe(0);
    expect(await arrived).toEqual(bytes(1, 2, 3));
    near.close();
    far.close();
  });
});

describe('frame', () => {
  const hex = (length: number) =>
    fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((value) => Buffer.from(value).toString('hex'));
  const frames: fc.Arbitrary<Frame> = fc.record({
    sender: fc.integer({ min: 1, max: 29 }).chain(hex),
    connectionId: hex(8),
    sequenceNumber: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    packets: fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }),
  });

  it('survives encoding', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        expect(decodeFrame(encodeFrame(frame))).toEqual({ ok: true, value: frame });
      }),
    );
  });

  it('gives a typed error for every truncation and every extension', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        const encoded = encodeFrame(frame);
        for (let length = 0; length < encoded.length; length += 1) {
          expect(decodeFrame(encoded.slice(0, length)).ok, `cut to ${length}`).toBe(false);
        }
        const longer = new Uint8Array(encoded.length + 1);
        longer.set(encoded);
        expect(decodeFrame(longer)).toMatchObject({ ok: false, error: { code: 'TRAILING_BYTES' } });
      }),
      { numRuns: 30 },
    );
  });

  it('never throws on anything', () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.uint8Array({ maxLength: 200 })), (data) => {
        expect(typeof decodeFrame(data).ok).toBe('boolean');
      }),
    );
  });

  it('refuses a length that claims more than there is without reading it', () => {
    const encoded = encodeFrame({
      sender: '0a',
      connectionId: '0000000000000001',
      sequenceNumber: 1,
      packets: [bytes(1, 2, 3)],
    });
    new DataView(encoded.buffer).setUint32(encoded.length - 7, 0xffff_ffff);
    expect(decodeFrame(encoded)).toMatchObject({ ok: false, error: { code: 'PACKET_TOO_LARGE' } });
  });
});
