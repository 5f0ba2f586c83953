import { describe, expect, it } from 'vitest';
import { createPrng } from '../../base/prng.ts';
import { decodeUtf8, encodeUtf8 } from '../../base/utf8.ts';
import { FETCH_TIMEOUT_MS, MAX_OPEN_FETCHES } from '../../protocol/limits/fetch.ts';
import type { HttpReply, HttpRequest } from '../../protocol/node/node-io.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import { PERFECT_LINK } from '../../wire/network-spec.ts';
import { withRate } from '../clock/network-clock.ts';
import { createManualClock } from '../clock/testing/manual-clock.ts';
import { createLinkTable } from '../transport/link-table.ts';
import { createMemoryChannelHub } from '../transport/memory-channel.ts';
import { openSubnetLinks } from './subnet-links.ts';

const START_MS = 1_700_000_000_000;
const [A, B, C] = ['0a', '0b', '0c'] as unknown as readonly [NodeId, NodeId, NodeId];

type Serve = (from: NodeId, request: HttpRequest) => HttpReply | 'silence';

const text = (body: string): HttpReply => ({
  status: 200,
  contentType: 'text/plain',
  body: encodeUtf8(body),
});
const ask = (path = '/api/v1/streams'): HttpRequest => ({
  method: 'GET',
  path,
  body: new Uint8Array(),
});

/** A and B are of different subnets; what each is asked is noted. */
function createSubject(serve: Serve = () => text('hello')) {
  const hub = createMemoryChannelHub();
  const { clock, scheduler, nowMs, moveTo, take } = createManualClock(START_MS);
  const run = (ms: number): void => {
    const endMs = nowMs() + ms;
    hub.flush();
    for (let next = take(endMs); next; next = take(endMs)) {
      moveTo(Math.max(nowMs(), next.dueMs));
      next.task();
      hub.flush();
    }
    moveTo(endMs);
  };
  const asked: string[] = [];
  const withdrawn: string[] = [];
  const rejected: string[] = [];
  let lives = 0;
  const start = (nodeId: NodeId, strangers: readonly NodeId[]) => {
    lives += 1;
    const links = createLinkTable(createPrng(nodeId), BigInt(START_MS) * 1_000_000n);
    const subnetLinks = openSubnetLinks({
      networkId: 'n',
      nodeId,
      strangers,
      connectionId: String(lives).padStart(16, '0'),
      openChannel: hub.open,
      links,
      clock,
      scheduler,
      firstId: 1_000 * lives,
      serve: (from, request, onReply) => {
        asked.push(`${nodeId} by ${from}: ${request.path}`);
        const reply = serve(from, request);
        if (reply !== 'silence') {
          onReply(reply);
        }
        return () => withdrawn.push(`${nodeId} by ${from}`);
      },
      onDropped: () => undefined,
      onRejected: (from, { code }) => rejected.push(`${from}: ${code}`),
    });
    const fetch = (to: NodeId, request = ask()) => {
      const outcome: { reply?: HttpReply | null; calls: number } = { calls: 0 };
      subnetLinks.fetch(to, request, (reply) => {
        outcome.reply = reply;
        outcome.calls += 1;
      });
      return outcome;
    };
    return { ...subnetLinks, links, fetch };
  };
  const setRate = (rate: number): void => {
    clock.apply(withRate(clock.setting(), rate, nowMs()));
    scheduler.rearm();
  };
  return { hub, start, run, setRate, asked, withdrawn, rejected };
}

function createPair(serve?: Serve) {
  const subject = createSubject(serve);
  return { ...subject, a: subject.start(A, [B]), b: subject.start(B, [A]) };
}

describe('requests between nodes of different subnets', () => {
  it('are answered by the node asked, which is told who asks', () => {
    const { a, run, asked } = createPair((from, { path }) => text(`${from} ${path}`));
    const outcome = a.fetch(B, ask('/api/v1/stream/x?begin=1'));
    expect(outcome.calls).toBe(0);
    run(10);
    expect(decodeUtf8(outcome.reply?.body ?? new Uint8Array())).toBe('0a /api/v1/stream/x?begin=1');
    expect(outcome.reply?.status).toBe(200);
    run(2 * FETCH_TIMEOUT_MS);
    expect(asked).toEqual(['0b by 0a: /api/v1/stream/x?begin=1']);
    expect(outcome.calls).toBe(1);
  });

  it('bring large replies through the port between the two', () => {
    const body = new Uint8Array(5 * 1024 * 1024).fill(7);
    const { hub, a, b, run, rejected } = createPair(() => ({ ...text(''), body }));
    const overheard: number[] = [];
    hub.open('xnet/n/0a').listen((data) => overheard.push((data as Uint8Array).length));
    const [aPort, bPort] = hub.openPort();
    a.connect(B, aPort);
    b.connect(A, bPort);
    const outcome = a.fetch(B);
    run(10);
    expect(outcome.reply?.body.length).toBe(body.length);
    expect(overheard).toEqual([]);
    expect(rejected).toEqual([]);
  });

  it('travel with the delay of each way', () => {
    const { a, b, run } = createPair();
    b.links.set(A, { ...PERFECT_LINK, delayMs: 100 });
    a.links.set(B, { ...PERFECT_LINK, delayMs: 300 });
    const outcome = a.fetch(B);
    run(399);
    expect(outcome.calls).toBe(0);
    run(2);
    expect(outcome.reply?.status).toBe(200);
  });

  it('are repeated when packets are lost, and served once', () => {
    const { a, b, run, asked } = createPair();
    a.links.set(B, { ...PERFECT_LINK, cut: true });
    const outcome = a.fetch(B);
    run(500);
    expect(asked.length).toBe(1);
    a.links.set(B, PERFECT_LINK);
    run(1_000);
    expect(outcome.reply?.status).toBe(200);
    b.links.set(A, { ...PERFECT_LINK, duplicatePercent: 100 });
    const doubled = a.fetch(B);
    run(500);
    expect(doubled.calls).toBe(1);
    expect(asked.length).toBe(2);
  });

  it('end without a reply when the link is cut, a partition lies between, or nobody answers', () => {
    for (const trouble of ['cut', 'partition', 'silence'] as const) {
      const { a, b, run, withdrawn } = createPair(() =>
        trouble === 'silence' ? trouble : text(''),
      );
      if (trouble === 'cut') {
        b.links.set(A, { ...PERFECT_LINK, cut: true });
      } else if (trouble === 'partition') {
        b.links.setReachable(new Set());
      }
      const outcome = a.fetch(B);
      run(FETCH_TIMEOUT_MS - 1);
      expect(outcome.calls).toBe(0);
      run(2);
      expect(outcome).toEqual({ reply: null, calls: 1 });
      run(FETCH_TIMEOUT_MS);
      expect(withdrawn).toEqual(trouble === 'silence' ? ['0b by 0a'] : []);
    }
  });

  it('stand still while the clock does', () => {
    const { a, run, setRate } = createPair();
    setRate(0);
    const outcome = a.fetch(B);
    run(10 * FETCH_TIMEOUT_MS);
    expect(outcome.calls).toBe(0);
    // Not at once live: that would jump over the deadline, as a machine that slept does.
    setRate(0.5);
    run(5);
    expect(outcome.reply?.status).toBe(200);
  });

  it('end at once when the node asked is ended, and with it what it had asked', () => {
    const { a, b, run, withdrawn } = createPair(() => 'silence');
    const outcome = a.fetch(B);
    const other = b.fetch(A);
    run(10);
    a.peerGone(B);
    expect(outcome).toEqual({ reply: null, calls: 1 });
    expect(withdrawn).toEqual(['0a by 0b']);
    expect(other.calls).toBe(0);
  });

  it('of a former life are nobody’s: a late reply ends nothing', () => {
    const { start, run, a, b } = createPair();
    a.links.set(B, { ...PERFECT_LINK, delayMs: 500 });
    const lost = a.fetch(B);
    run(100);
    const reborn = start(A, [B]);
    reborn.links.set(B, { ...PERFECT_LINK, cut: true });
    const fresh = reborn.fetch(B);
    run(300);
    expect(fresh.calls).toBe(0);
    run(FETCH_TIMEOUT_MS);
    expect(fresh).toEqual({ reply: null, calls: 1 });
    expect(lost.calls).toBe(1);
    expect(b.leadsTo(A)).toBe(true);
  });

  it('are bounded: one too many ends at once, as does one to a stranger', () => {
    const { a, run, asked } = createPair(() => 'silence');
    const open = Array.from({ length: MAX_OPEN_FETCHES }, () => a.fetch(B));
    const beyond = a.fetch(B);
    const stranger = a.fetch(C);
    const large = a.fetch(B, { ...ask(), body: new Uint8Array(64 * 1024 + 1) });
    run(1);
    for (const outcome of [beyond, stranger, large]) {
      expect(outcome).toEqual({ reply: null, calls: 1 });
    }
    expect(open.every(({ calls }) => calls === 0)).toBe(true);
    expect(asked.length).toBe(MAX_OPEN_FETCHES);
  });

  it('of a node that asks without end are refused by name; others are served', () => {
    const subject = createSubject((from) => (from === A ? 'silence' : text('')));
    const b = subject.start(B, [A, C]);
    // Two lives of one node: each keeps its own bound, the server keeps its own.
    const [one, two] = [subject.start(A, [B]), subject.start(A, [B])];
    for (let i = 0; i < MAX_OPEN_FETCHES; i += 1) {
      one.fetch(B);
      two.fetch(B);
    }
    subject.run(10);
    expect(subject.asked.length).toBe(MAX_OPEN_FETCHES);
    expect(new Set(subject.rejected)).toEqual(new Set(['0a: TOO_MANY_FETCHES']));
    const other = subject.start(C, [B]).fetch(B);
    subject.run(10);
    expect(other.reply?.status).toBe(200);
    expect(b.leadsTo(C)).toBe(true);
  });

  it('of nobody, or of bytes that mean nothing, are refused by name', () => {
    const { hub, run, asked, rejected } = createPair();
    hub.open('xnet/n/0b').post(Uint8Array.of(1, 2, 3));
    run(1);
    expect(rejected.length).toBe(1);
    expect(asked).toEqual([]);
  });
});
