import { describe, expect, it } from 'vitest';
import type { SandboxReply, SandboxRequest } from '../../protocol/interfaces/wasm-host.ts';
import type { CanisterId, HashHex } from '../../protocol/types/ids.ts';
import type { SandboxClient } from './sandbox-client.ts';
import { createSandboxPool } from './sandbox-pool.ts';

const abort = (canister: string): SandboxRequest => ({
  kind: 'abort',
  canisterId: canister as CanisterId,
});
const forget = (canister: string): SandboxRequest => ({
  kind: 'forget',
  canisterId: canister as CanisterId,
});
const compile = (hash: string): SandboxRequest => ({
  kind: 'compile',
  moduleHash: hash as HashHex,
  wasm: new Uint8Array(),
});

interface FakeClient extends SandboxClient {
  readonly asked: string[];
  answerAll(): void;
  closed: boolean;
}

function fakeClient(): FakeClient {
  let open: ((reply: SandboxReply) => void)[] = [];
  const asked: string[] = [];
  return {
    asked,
    closed: false,
    request: (request, onReply) => {
      asked.push(request.kind === 'compile' ? request.moduleHash : request.canisterId);
      open.push(onReply);
    },
    running: () => (asked.length > 0 ? 1 : 0),
    answerAll: () => {
      const due = open;
      open = [];
      for (const onReply of due) {
        onReply({ kind: 'aborted' });
      }
    },
    close() {
      this.closed = true;
    },
  };
}

function createSubject(workers: number) {
  const clients = Array.from({ length: workers }, fakeClient);
  const pool = createSandboxPool(clients);
  const replies: string[] = [];
  const ask = (request: SandboxRequest): void =>
    pool.request(request, (reply) => replies.push(reply.kind));
  return { clients, pool, replies, ask, asked: () => clients.map(({ asked }) => asked) };
}

describe('a pool of sandboxes', () => {
  it('deals canisters evenly and sends all requests of a canister to the same worker', () => {
    const { ask, asked } = createSubject(2);
    for (const canister of ['a', 'b', 'c', 'a', 'b', 'd', 'c']) {
      ask(abort(canister));
    }
    expect(asked()).toEqual([
      ['a', 'c', 'a', 'c'],
      ['b', 'b', 'd'],
    ]);
  });

  it('asks the next worker without waiting for the first', () => {
    const { clients, ask, replies } = createSubject(2);
    ask(abort('a'));
    ask(abort('b'));
    clients[1]?.answerAll();
    expect(replies).toEqual(['aborted']);
  });

  it('gives the place of a forgotten canister to a new one', () => {
    const { clients, ask, asked } = createSubject(2);
    ask(abort('a'));
    ask(abort('b'));
    ask(forget('b'));
    clients[1]?.answerAll();
    ask(abort('c'));
    expect(asked()).toEqual([['a'], ['b', 'b', 'c']]);
  });

  it('compiles with the worker that has least to do', () => {
    const { clients, ask, asked } = createSubject(2);
    ask(abort('a'));
    ask(compile('first'));
    clients[0]?.answerAll();
    ask(compile('second'));
    expect(asked()).toEqual([['a', 'second'], ['first']]);
  });

  it('starts workers only when they are needed, and closes all', () => {
    const { clients, pool, ask } = createSubject(4);
    expect(pool.running()).toBe(0);
    ask(abort('a'));
    ask(abort('b'));
    ask(abort('a'));
    expect(pool.running()).toBe(2);
    pool.close();
    expect(clients.map(({ closed }) => closed)).toEqual([true, true, true, true]);
  });
});
