import { describe, expect, it } from 'vitest';
import {
  FETCH_TIMEOUT_MS,
  MAX_FETCH_REPLY_BYTES,
  MAX_OPEN_FETCHES,
} from '../protocol/limits/fetch.ts';
import type { HttpReply, NodeInput } from '../protocol/node/node-io.ts';
import type { NodeId } from '../protocol/types/ids.ts';
import { createEventQueue } from './event-queue.ts';
import { createNodeFetches, type FetchEvent } from './node-fetches.ts';

const NS_PER_MS = 1_000_000;
const DELAY_MS = 20;
const [CLIENT, SERVER] = ['aa' as NodeId, 'bb' as NodeId];
const REPLY: HttpReply = { status: 200, contentType: 'application/cbor', body: new Uint8Array(9) };
const REQUEST = { method: 'POST', path: '/api/v1/streams', body: new Uint8Array(5) };

/** Two nodes and the link between them; the server answers at once, unless told otherwise. */
function twoNodes() {
  const queue = createEventQueue<FetchEvent>();
  const running = new Set([CLIENT, SERVER]);
  const got: [NodeId, number, NodeInput][] = [];
  let nowNs = 0;
  let requests = 0;
  const world = { lose: (_message: number): boolean => false, reply: REPLY as HttpReply | null };
  let sent = 0;
  const fetches = createNodeFetches<NodeId>({
    nowNs: () => nowNs,
    nodeOf: (id) => ([CLIENT, SERVER].includes(id) ? id : undefined),
    idOf: (node) => node,
    isRunning: (node) => running.has(node),
    nextRequestId: () => {
      requests += 1;
      return requests;
    },
    give: (node, input) => {
      if (running.has(node)) {
        got.push([node, nowNs / NS_PER_MS, input]);
        if (input.kind === 'httpRequest' && world.reply !== null) {
          fetches.answered(input.requestId, world.reply);
        }
      }
    },
    send: () => {
      sent += 1;
      return world.lose(sent)
        ? { arrivalsNs: [], dropped: 'loss' }
        : { arrivalsNs: [nowNs + DELAY_MS * NS_PER_MS], dropped: null };
    },
    schedule: (atNs, event) => {
      queue.schedule(atNs, event);
    },
  });
  return {
    world,
    begin: (to = SERVER, body = REQUEST.body) => {
      fetches.begin(CLIENT, { operationId: 7, to, request: { ...REQUEST, body } });
    },
    stop: (node: NodeId) => {
      running.delete(node);
      fetches.stopped(node);
    },
    run: (untilMs: number) => {
      for (let next = queue.nextNs(); next !== undefined && next <= untilMs * NS_PER_MS; ) {
        nowNs = next;
        const event = queue.pop();
        if (event !== undefined) {
          fetches.happen(event);
        }
        next = queue.nextNs();
      }
      nowNs = untilMs * NS_PER_MS;
    },
    /** When and with what the client was answered. */
    answers: () =>
      got.flatMap(([node, atMs, input]) =>
        node === CLIENT && input.kind === 'fetched' ? [[atMs, input.reply?.status ?? null]] : [],
      ),
    served: () => got.filter(([node]) => node === SERVER).map(([, , input]) => input),
  };
}

describe('requests between nodes of different subnets', () => {
  it('take the latency of the link there and back, and name who asks', () => {
    const { begin, run, answers, served } = twoNodes();
    begin();
    run(1000);
    expect(answers()).toEqual([[2 * DELAY_MS, 200]]);
    expect(served()).toEqual([
      { kind: 'httpRequest', requestId: 1, request: REQUEST, from: CLIENT },
    ]);
  });

  it('are sent again when the link loses them, later each time', () => {
    const { world, begin, run, answers } = twoNodes();
    world.lose = (message) => message === 1 || message === 2 || message === 4;
    begin();
    run(9000);
    // 200 and 400 ms until the request gets through, 200 until the reply does.
    expect(answers()).toEqual([[200 + 400 + DELAY_MS + 200 + DELAY_MS, 200]]);
  });

  it('are answered by nobody when nothing comes in time', () => {
    const { world, begin, run, answers, served } = twoNodes();
    world.reply = null;
    begin();
    run(2 * FETCH_TIMEOUT_MS);
    expect(answers()).toEqual([[FETCH_TIMEOUT_MS, null]]);
    expect(served().at(-1)).toEqual({ kind: 'httpCancelled', requestId: 1 });
    world.lose = () => true;
    begin();
    run(4 * FETCH_TIMEOUT_MS);
    expect(answers().at(-1)).toEqual([3 * FETCH_TIMEOUT_MS, null]);
  });

  it('end when the server ends, and are forgotten when the client does', () => {
    const first = twoNodes();
    first.world.reply = null;
    first.begin();
    first.run(50);
    first.stop(SERVER);
    first.run(60_000);
    expect(first.answers()).toEqual([[50, null]]);
    first.begin();
    first.run(70_000);
    expect(first.answers().at(-1)).toEqual([60_000 + DELAY_MS, null]);
    const second = twoNodes();
    second.world.reply = null;
    second.begin();
    second.run(50);
    second.stop(CLIENT);
    second.run(60_000);
    expect(second.answers()).toEqual([]);
    expect(second.served().at(-1)?.kind).toBe('httpCancelled');
  });

  it('are refused at once beyond their bounds: strangers, itself, size, number', () => {
    const { world, begin, run, answers } = twoNodes();
    begin('cc' as NodeId);
    begin(CLIENT);
    begin(SERVER, new Uint8Array(1024 * 1024));
    expect(answers()).toEqual([
      [0, null],
      [0, null],
      [0, null],
    ]);
    world.reply = null;
    for (let count = 0; count <= MAX_OPEN_FETCHES; count += 1) {
      begin();
    }
    expect(answers()).toHaveLength(4);
    run(FETCH_TIMEOUT_MS);
    world.reply = { ...REPLY, body: new Uint8Array(MAX_FETCH_REPLY_BYTES + 1) };
    begin();
    run(FETCH_TIMEOUT_MS + 100);
    expect(answers().at(-1)).toEqual([FETCH_TIMEOUT_MS + DELAY_MS, null]);
  });
});
