import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileWat } from '../../../tests/support/wat.ts';
import type { SandboxRequest } from '../../protocol/interfaces/wasm-host.ts';
import type { HashHex } from '../../protocol/types/ids.ts';
import { ModuleCache } from '../../sandbox/module-cache.ts';
import { createSandbox } from '../../sandbox/sandbox.ts';
import type { PortLike } from '../gateway/messages.ts';
import type { ModuleAnswer, ModuleAsk } from './messages.ts';
import { createModuleBroker } from './module-broker.ts';
import { createSharedModules } from './shared-modules.ts';

const hashOf = (bytes: Uint8Array): HashHex =>
  createHash('sha256').update(bytes).digest('hex') as HashHex;

/** Two ends; what crosses is copied as between threads. */
function portPair<A, B>(): readonly [PortLike<A, B>, PortLike<B, A>] {
  let toFirst: (message: A) => void = () => undefined;
  let toSecond: (message: B) => void = () => undefined;
  const later = <T>(deliver: () => (message: T) => void, message: T): void => {
    const copy = structuredClone(message);
    queueMicrotask(() => deliver()(copy));
  };
  return [
    {
      post: (message) => later(() => toSecond, message),
      listen: (handler) => (toFirst = handler),
      close: () => (toFirst = () => undefined),
    },
    {
      post: (message) => later(() => toFirst, message),
      listen: (handler) => (toSecond = handler),
      close: () => (toSecond = () => undefined),
    },
  ];
}

/** Counts what really gets compiled. */
class CountingCache extends ModuleCache {
  compiled = 0;

  override compile(hash: HashHex, wasm: Uint8Array): ReturnType<ModuleCache['compile']> {
    this.compiled += this.get(hash) === undefined ? 1 : 0;
    return super.compile(hash, wasm);
  }
}

function createSubject() {
  const brokerCache = new CountingCache();
  const broker = createModuleBroker({
    cache: brokerCache,
    hashOf: (bytes) => Promise.resolve(hashOf(bytes)),
  });
  const asks: ModuleAsk[] = [];
  let tasks: (() => void)[] = [];
  const openSandbox = (isServed = true) => {
    const [mine, theirs] = portPair<ModuleAnswer, ModuleAsk>();
    if (isServed) {
      broker.serve(theirs);
    }
    const cache = new CountingCache();
    const shared = createSharedModules({
      cache,
      broker: {
        ...mine,
        post: (ask) => {
          asks.push(ask);
          mine.post(ask);
        },
      },
      timers: {
        set: (_delayMs, task) => {
          tasks.push(task);
          return task;
        },
        clear: (handle) => {
          tasks = tasks.filter((task) => task !== handle);
        },
      },
    });
    const sandbox = createSandbox({ moduleCache: cache });
    const handle = async (request: SandboxRequest) => {
      await shared.supply(request);
      return sandbox.handle(request);
    };
    return { cache, shared, handle };
  };
  const fireTimers = (): void => {
    for (const task of [...tasks]) {
      task();
    }
  };
  return { brokerCache, asks, openSandbox, fireTimers, timers: () => tasks.length };
}

describe('modules shared within a tab', () => {
  let wasm: Uint8Array;
  let other: Uint8Array;
  const compile = (module: Uint8Array, moduleHash = hashOf(module)): SandboxRequest => ({
    kind: 'compile',
    moduleHash,
    wasm: module,
  });

  beforeAll(async () => {
    wasm = await compileWat('(module (memory 1) (func (export "canister_update a")))');
    other = await compileWat('(module (memory 1) (func (export "canister_update b")))');
  });

  it('are compiled once, and every sandbox knows what they export', async () => {
    const { brokerCache, openSandbox, timers } = createSubject();
    const sandboxes = [openSandbox(), openSandbox(), openSandbox()];
    const replies = await Promise.all(sandboxes.map(({ handle }) => handle(compile(wasm))));
    for (const reply of replies) {
      expect(reply).toMatchObject({ kind: 'compiled', info: { exports: ['canister_update a'] } });
    }
    expect(brokerCache.compiled).toBe(1);
    expect(sandboxes.map(({ cache }) => cache.compiled)).toEqual([0, 0, 0]);
    expect(timers()).toBe(0);
  });

  it('are asked for once by each sandbox, and found by hash alone when another had them compiled', async () => {
    const { asks, openSandbox } = createSubject();
    const [first, second] = [openSandbox(), openSandbox()];
    await first.handle(compile(wasm));
    await first.handle(compile(wasm));
    expect(asks.length).toBe(1);
    const run = { kind: 'run', moduleHash: hashOf(wasm) } as SandboxRequest;
    await second.shared.supply(run);
    expect(asks.at(-1)?.wasm).toBeNull();
    expect(second.cache.get(hashOf(wasm))?.ok).toBe(true);
  });

  it('stay unknown under a hash that is not theirs', async () => {
    const { brokerCache, openSandbox } = createSubject();
    const liar = openSandbox();
    // The liar harms itself only: it compiles what it was given.
    expect(await liar.handle(compile(wasm, hashOf(other)))).toMatchObject({ kind: 'compiled' });
    expect(brokerCache.get(hashOf(other))).toBeUndefined();
    const honest = await openSandbox().handle(compile(other));
    expect(honest).toMatchObject({ kind: 'compiled', info: { exports: ['canister_update b'] } });
  });

  it('that are invalid are refused alike, and looked at once', async () => {
    const { brokerCache, openSandbox } = createSubject();
    const broken = wasm.slice(0, -3);
    const own = createSandbox().handle(compile(broken));
    expect(own.kind).toBe('invalidModule');
    expect(await openSandbox().handle(compile(broken))).toEqual(own);
    expect(await openSandbox().handle(compile(broken))).toEqual(own);
    expect(brokerCache.compiled).toBe(1);
  });

  it('are compiled by the sandbox itself when nobody answers, and nobody is asked again', async () => {
    const { asks, openSandbox, fireTimers } = createSubject();
    const sandbox = openSandbox(false);
    const waiting = sandbox.handle(compile(wasm));
    fireTimers();
    expect(await waiting).toMatchObject({ kind: 'compiled' });
    expect(sandbox.cache.compiled).toBe(1);
    expect(await sandbox.handle(compile(other))).toMatchObject({ kind: 'compiled' });
    expect(asks.length).toBe(1);
  });

  it('are compiled by the sandbox itself when the broker cannot', async () => {
    const { brokerCache, openSandbox } = createSubject();
    brokerCache.compile = () => {
      throw new RangeError('out of memory');
    };
    const sandbox = openSandbox();
    expect(await sandbox.handle(compile(wasm))).toMatchObject({ kind: 'compiled' });
    expect(sandbox.cache.compiled).toBe(1);
  });
});
