import { describe, expect, it } from 'vitest';
import { codedError, err, ok } from '../../base/result.ts';
import { type CodeCacheDeps, keepCompiledCode } from './code-cache.ts';

function createPage(outcome: unknown = ok(undefined)) {
  const kept = new Map<string, string>();
  const log: string[] = [];
  const spawned = {
    worker: { terminate: () => log.push('ended') },
    control: {
      call: (_: unknown, method: string, library: string) => {
        log.push(`${method} ${library}`);
        return Promise.resolve(outcome);
      },
      exited: (reason: string) => log.push(`exited: ${reason}`),
    },
    onError: () => undefined,
  };
  const deps = (build: string): CodeCacheDeps => ({
    store: {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, value),
    },
    build,
    spawn: () => {
      log.push('spawned');
      return spawned as unknown as ReturnType<CodeCacheDeps['spawn']>;
    },
    pause: () => {
      log.push('waited');
      return Promise.resolve();
    },
  });
  return { deps, log };
}

const ONCE = ['waited', 'spawned', 'prepare noble', 'waited', 'ended'];

describe('the compiled code of node workers', () => {
  it('is loaded once more by a worker that ends, once for each build', async () => {
    const { deps, log } = createPage();
    await keepCompiledCode(deps('one'));
    expect(log).toEqual(ONCE);
    await keepCompiledCode(deps('one'));
    expect(log).toEqual(ONCE);
    await keepCompiledCode(deps('two'));
    expect(log).toEqual([...ONCE, ...ONCE]);
  });

  it('is tried again at the next visit when the worker could not load it', async () => {
    const { deps, log } = createPage(err(codedError('transport', 'CONTROL_TIMEOUT', 'no answer')));
    await keepCompiledCode(deps('one'));
    await keepCompiledCode(deps('one'));
    expect(log).toEqual([...ONCE, ...ONCE]);
  });

  it('is left alone where the browser remembers nothing', async () => {
    const { deps, log } = createPage();
    await keepCompiledCode({ ...deps('one'), store: null });
    const refusing = {
      getItem: () => {
        throw new DOMException('no storage', 'SecurityError');
      },
      setItem: () => undefined,
    };
    await keepCompiledCode({ ...deps('one'), store: refusing });
    expect(log).toEqual([]);
  });
});
