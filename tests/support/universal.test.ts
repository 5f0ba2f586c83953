import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { replyOf, TestCanister } from './test-canister.ts';
import { answer, answerInt, op, program, type Code } from './universal.ts';
import { opNames, universalWasm } from './universal-module.ts';

describe.each([false, true])('universal canister, memory64 %s', (memory64) => {
  const install = async (): Promise<TestCanister> => {
    const canister = new TestCanister(createSandbox(), await universalWasm({ memory64 }));
    expect(canister.compile()).toMatchObject({ kind: 'compiled', info: { memory64 } });
    expect(canister.install().outcome).toEqual({ ok: true });
    return canister;
  };
  const run = (canister: TestCanister, ...parts: Code[]): string => {
    const reply = replyOf(canister.update('update', { arg: program(...parts).bytes }));
    return typeof reply === 'string' ? reply : Buffer.from(reply).toString('latin1');
  };

  it('computes with numbers and blobs', async () => {
    const canister = await install();
    const sum = op('sub', op('mul', op('add', 2, 3), 7), op('div', 9, 2));
    expect(run(canister, answer(op('slice', op('int_to_blob', sum), 0, 1)))).toBe('\u001f');
    const text = op('concat', op('concat', 'a', op('bytes', 0x62, 3)), op('slice', 'xcdx', 1, 2));
    expect(run(canister, answer(text))).toBe('abbbcd');
    expect(run(canister, answerInt(op('blob_to_int', op('int_to_blob', op('size', 'four')))))).toBe(
      '\u0004\0\0\0\0\0\0\0',
    );
    const less = [op('less', 1, 2), op('less', 2, 1), op('equal', 3, 3)];
    expect(
      run(canister, ...less, answer(op('int_to_blob', op('add', op('add'), op('mul', 2, 0))))),
    ).toBe('\u0001\0\0\0\0\0\0\0');
  });

  it('runs nested programs, and keeps one blob, its heap and stable memory between messages', async () => {
    const canister = await install();
    run(
      canister,
      op('global_set', 'x'),
      op('repeat', 3, program(op('global_append', 'y'))),
      op('reply'),
    );
    run(
      canister,
      op('run_if', 0, program(op('unreachable'))),
      op('run_if', 1, program(op('reply'))),
    );
    run(canister, op('stable_grow', 1), op('stable_write', 70, 'kept'), op('reply'));
    const both = op('concat', op('global'), op('stable_read', 70, 4));
    expect(run(canister, answer(both))).toBe('xyyykept');
    expect(run(canister, op('touch', 300), answerInt(op('memory_size')))).toMatch(/^.\0{7}$/);
  });

  it('traps where it must', async () => {
    const canister = await install();
    expect(run(canister, op('trap', 'why'))).toMatch(/^IC0503: .*'why'$/);
    expect(run(canister, op('unreachable'))).toMatch(/^IC0502/);
    expect(run(canister, op('drop_int'))).toMatch(/^IC0502/);
    expect(run(canister, { code: [255] })).toMatch(/^IC0502/);
  });
});

describe('op codes', () => {
  it('are all described, and nothing else is', () => {
    const readme = readFileSync('canisters/universal/README.md', 'utf8');
    const described = [...readme.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    expect(described).toEqual(opNames());
  });
});
