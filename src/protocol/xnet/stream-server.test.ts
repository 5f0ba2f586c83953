import { describe, expect, it } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { principalToText } from '../crypto/principal.ts';
import {
  MAX_SLICE_BYTES,
  MAX_STREAM_WAIT_MS,
  MAX_WAITING_STREAM_REQUESTS,
} from '../limits/xnet.ts';
import type { NodeId } from '../types/ids.ts';
import type { CertifiedTree } from './cut-slice.ts';
import { decodeSlice, type CertifiedSlice } from './slice-codec.ts';
import { parseStreamPath } from './stream-request.ts';
import { type ServedSlice, StreamServer } from './stream-server.ts';
import { requests, testNetwork, type TestStream } from './testing/certified-streams.ts';

const MS = 1_000_000n;
const { a, b } = testNetwork();
const RECEIVER = principalToText(b.id);
/** Node ids are not looked into here: any text serves. */
const PEER = 'node' as NodeId;

function certify(height: number, stream: TestStream): CertifiedTree {
  return a.certify(height, new Map([[b.id, stream]]));
}

const TEN: TestStream = { begin: 2, messages: requests(2, 12), signalsEnd: 4 };

interface Options {
  readonly certified?: CertifiedTree | undefined;
  readonly serve?: (honest: CertifiedSlice | 'nothing') => ServedSlice;
}

function serverOf(options: Options = {}) {
  let certified = 'certified' in options ? options.certified : certify(1, TEN);
  const server = new StreamServer({
    certified: () => certified,
    isNode: (id) => id.startsWith('node'),
    serve: options.serve ?? ((honest) => honest),
  });
  return {
    server,
    ask: (query: string, requestId = 1, from = PEER, nowNs = 0n) => {
      server.request(requestId, `/api/v1/stream/${RECEIVER}?${query}`, from, nowNs);
    },
    certify: (next: CertifiedTree, nowNs: bigint) => {
      certified = next;
      server.onCertified(nowNs);
    },
    /** Status, and of a slice the range of its messages. */
    replies: (nowNs = 0n) =>
      server.takeReplies(nowNs).map(({ requestId, reply }) => {
        const slice = reply.status === 200 ? decodeSlice(reply.body) : undefined;
        return slice?.ok === true
          ? [requestId, slice.value.messagesBegin, slice.value.messages.length]
          : [requestId, reply.status];
      }),
  };
}

describe('the server of streams', () => {
  it('XN4 cuts what a node asks for from its newest certified state', () => {
    const { ask, replies, certify: next } = serverOf();
    ask('msg_begin=2', 1);
    ask('msg_begin=5&msg_limit=3', 2);
    ask('witness_begin=4&msg_begin=6&byte_limit=1', 3);
    expect(replies()).toEqual([
      [1, 2, 10],
      [2, 5, 3],
      [3, 6, 1],
    ]);
    next(certify(2, { ...TEN, begin: 5, messages: requests(5, 12) }), 0n);
    ask('msg_begin=5', 4);
    ask('msg_begin=4', 5);
    ask('witness_begin=4&msg_begin=6', 6);
    expect(replies()).toEqual([
      [4, 5, 7],
      [5, 400],
      [6, 400],
    ]);
  });

  it('XN4 has nothing for who knows more of the stream than this node', () => {
    const { ask, replies } = serverOf();
    ask('msg_begin=13&signals_end=3');
    expect(replies()).toEqual([[1, 204]]);
  });

  it('XN4 reads each number of a question once, and none above its bound', () => {
    const read = (query: string) => parseStreamPath(`/api/v1/stream/${RECEIVER}?${query}`);
    expect(read('msg_begin=4&msg_begin=5').ok).toBe(false);
    expect(read('msg_begin=4&witness_begin=5').ok).toBe(false);
    const huge = Number.MAX_SAFE_INTEGER;
    expect(read(`byte_limit=${huge}&msg_limit=${huge}&wait=${huge}`)).toMatchObject({
      value: {
        wish: { byteLimit: MAX_SLICE_BYTES, msgLimit: 10_000 },
        waitMs: MAX_STREAM_WAIT_MS,
        signalsEnd: -1,
      },
    });
  });

  it('XN4 lists the streams that there are', () => {
    const { server } = serverOf();
    server.request(1, '/api/v1/streams', PEER, 0n);
    expect(server.takeReplies(0n)).toMatchObject([{ requestId: 1, reply: { status: 200 } }]);
  });

  it('XN4 answers nodes of the network only, and none before a state is certified', () => {
    const { ask, replies } = serverOf();
    ask('msg_begin=2', 1, 'stranger' as NodeId);
    expect(replies()).toEqual([[1, 404]]);
    const early = serverOf({ certified: undefined });
    early.ask('msg_begin=2');
    expect(early.replies()).toEqual([[1, 503]]);
    early.server.onCertified(0n);
    expect(early.server.nextTimeoutNs()).toBeNull();
  });

  it('XN8 keeps a request that finds nothing new until there is something, or its time is over', () => {
    const { server, ask, replies, certify: next } = serverOf();
    ask('msg_begin=12&signals_end=4&wait=500', 1, PEER, 10n * MS);
    expect(server.nextTimeoutNs()).toBe(510n * MS);
    expect(replies(509n * MS)).toEqual([]);
    next(certify(2, TEN), 20n * MS);
    expect(replies(20n * MS)).toEqual([]);
    next(certify(3, { ...TEN, messages: requests(2, 13) }), 30n * MS);
    expect(replies(30n * MS)).toEqual([[1, 12, 1]]);
    expect(server.nextTimeoutNs()).toBeNull();

    ask('msg_begin=13&signals_end=4&wait=500', 2, PEER, 100n * MS);
    next(certify(4, { ...TEN, messages: requests(2, 13), signalsEnd: 5 }), 110n * MS);
    expect(replies(110n * MS)).toEqual([[2, 13, 0]]);

    ask('msg_begin=13&signals_end=5&wait=500', 3, PEER, 200n * MS);
    expect(replies(700n * MS)).toEqual([[3, 204]]);
  });

  it('XN8 keeps one request of a node, for two seconds at most, and 256 in all', () => {
    const { server, ask, replies } = serverOf();
    ask('msg_begin=12&signals_end=4&wait=9999999', 1);
    expect(server.nextTimeoutNs()).toBe(BigInt(MAX_STREAM_WAIT_MS) * MS);
    ask('msg_begin=12&signals_end=4&wait=100', 2);
    expect(replies()).toEqual([[1, 204]]);
    for (let i = 0; i < MAX_WAITING_STREAM_REQUESTS + 3; i += 1) {
      ask('msg_begin=12&signals_end=4&wait=100', 10 + i, `node ${i}` as NodeId);
    }
    expect(replies()).toHaveLength(4);
    expect(replies(100n * MS)).toHaveLength(MAX_WAITING_STREAM_REQUESTS);
    expect(server.nextTimeoutNs()).toBeNull();
  });

  it('XN8 forgets a request whose asker went away', () => {
    const { server, ask, replies } = serverOf();
    ask('msg_begin=12&signals_end=4&wait=100', 1);
    server.cancel(2);
    expect(server.nextTimeoutNs()).not.toBeNull();
    server.cancel(1);
    expect(server.nextTimeoutNs()).toBeNull();
    expect(replies(999n * MS)).toEqual([]);
    ask('msg_begin=12&signals_end=4&wait=100', 3, 'node a' as NodeId);
    ask('msg_begin=12&signals_end=4&wait=900', 4, 'node b' as NodeId);
    ask('msg_begin=12&signals_end=4&wait=500', 5, 'node c' as NodeId);
    expect(server.nextTimeoutNs()).toBe(100n * MS);
    server.cancel(3);
    expect(server.nextTimeoutNs()).toBe(500n * MS);
    expect(replies(900n * MS)).toEqual([
      [4, 204],
      [5, 204],
    ]);
  });

  it('XN4 gives no more than 4 MiB whatever is asked for', () => {
    const certified = certify(1, {
      begin: 0,
      messages: requests(0, 2500, 2000),
      signalsEnd: 0,
    });
    const { server } = serverOf({ certified });
    const huge = String(Number.MAX_SAFE_INTEGER);
    const path = `/api/v1/stream/${RECEIVER}?byte_limit=${huge}&msg_limit=${huge}`;
    server.request(1, path, PEER, 0n);
    const [reply] = server.takeReplies(0n);
    const size = reply?.reply.body.length ?? 0;
    expect(size).toBeLessThanOrEqual(MAX_SLICE_BYTES);
    expect(size).toBeGreaterThan(MAX_SLICE_BYTES / 2);
  });

  it('XN4 leaves a message out when it is the witness that takes the room', () => {
    // With what is counted for their places two messages fill a slice; digests and signature come on top.
    const argBytes = MAX_SLICE_BYTES / 2 - 100;
    const messages = requests(0, 2, argBytes);
    const { server, replies } = serverOf({
      certified: certify(1, { begin: 0, messages, signalsEnd: 0 }),
    });
    server.request(1, `/api/v1/stream/${RECEIVER}`, PEER, 0n);
    expect(replies()).toEqual([[1, 0, 1]]);
  });

  it('XN8 hands out what its switches make of a slice, and keeps nothing of whom it leaves in silence', () => {
    const silent = serverOf({ serve: () => 'silence' });
    silent.ask('msg_begin=2');
    silent.ask('msg_begin=12&signals_end=4&wait=100', 2);
    expect(silent.replies(100n * MS)).toEqual([]);
    expect(silent.server.nextTimeoutNs()).toBeNull();
    const denying = serverOf({ serve: () => 'nothing' });
    denying.ask('msg_begin=2');
    expect(denying.replies()).toEqual([[1, 204]]);
  });

  const word = fc.constantFrom('msg_begin', 'witness_begin', 'byte_limit', 'wait', 'x', '', '%');
  const number = fc.oneof(fc.nat().map(String), fc.string(), fc.constant('99999999999999999'));
  test.prop([
    fc.array(
      fc.oneof(
        fc.string().map((text) => `/api/v1/stream${text}`),
        fc
          .array(fc.tuple(word, number), { maxLength: 8 })
          .map((parts) => `/api/v1/stream/${RECEIVER}?${parts.map((p) => p.join('=')).join('&')}`),
      ),
      { maxLength: 20 },
    ),
  ])('XN7 answers or keeps each request, whatever its path', (paths) => {
    const { server } = serverOf();
    paths.forEach((path, requestId) => {
      server.request(requestId, path, PEER, 0n);
    });
    const answered = server.takeReplies(BigInt(MAX_STREAM_WAIT_MS) * MS);
    expect(answered.map(({ requestId }) => requestId).toSorted((x, y) => x - y)).toEqual(
      paths.map((_, requestId) => requestId),
    );
    for (const { reply } of answered) {
      expect([200, 204, 400, 404]).toContain(reply.status);
    }
  });
});
