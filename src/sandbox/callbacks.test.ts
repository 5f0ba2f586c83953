import { beforeAll, describe, expect, it } from 'vitest';
import { apiInput, replyOf, TestCanister } from '../../tests/support/test-canister.ts';
import { compileWat } from '../../tests/support/wat.ts';
import type { SystemApiInput, WasmClosure } from '../protocol/interfaces/wasm-host.ts';
import { createSandbox } from './sandbox.ts';

/** Function 2 of the table replies with its environment and both performance counters. */
function moduleWith(memory: 'i32' | 'i64', table: string): string {
  const p = memory;
  const k = (n: number): string => `(${p}.const ${n})`;
  return `
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param ${p} ${p})))
  (import "ic0" "msg_arg_data_size" (func $size (result ${p})))
  (import "ic0" "msg_reject_code" (func $code (result i32)))
  (import "ic0" "performance_counter" (func $counter (param i32) (result i64)))
  (memory ${memory === 'i64' ? 'i64' : ''} 1)
  ${table}
  (type $callback (func (param ${p})))
  (func $answer (param $env ${p})
    (i64.store ${k(0)} ${memory === 'i64' ? '(local.get $env)' : '(i64.extend_i32_u (local.get $env))'})
    (i64.store ${k(8)} (call $counter (i32.const 0)))
    (i64.store ${k(16)} (call $counter (i32.const 1)))
    (call $append ${k(0)} ${k(24)})
    (call $reply))
  (func $wrong (param f64))
  (func $arg (param ${p}) (drop (call $size)) (call $reply))
  (func $spin (param ${p}) (loop $more (br $more)))
  (func (export "canister_update touch") (call $reply)))`;
}

const ELEMENTS = '$answer $wrong $arg $spin';
const TABLES = {
  'a 32-bit memory and table': moduleWith(
    'i32',
    `(table 9 funcref) (elem (i32.const 2) ${ELEMENTS})`,
  ),
  'a 64-bit memory and a 32-bit table': moduleWith(
    'i64',
    `(table 9 funcref) (elem (i32.const 2) ${ELEMENTS})`,
  ),
  'a 64-bit memory and table': moduleWith(
    'i64',
    `(table i64 9 funcref) (elem (i64.const 2) func ${ELEMENTS})`,
  ),
  'a 32-bit memory and a second table': moduleWith(
    'i32',
    `(table 9 funcref) (table 2 externref) (elem (i32.const 2) ${ELEMENTS})`,
  ),
};

type Context = SystemApiInput['context'];

function callback(
  canister: TestCanister,
  closure: WasmClosure,
  context: Context = 'replyCallback',
  overrides: Partial<SystemApiInput> = {},
): Uint8Array | string {
  const step = { entry: context, closure, input: apiInput(context, overrides), optional: false };
  return replyOf(canister.run({ from: 'version', version: canister.version }, [step], true));
}

const u64 = (bytes: Uint8Array | string, at: number): bigint => {
  if (typeof bytes === 'string') {
    throw new TypeError(bytes);
  }
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, true);
};

describe.each(Object.entries(TABLES))('callbacks of a module with %s', (name, text) => {
  let canister: TestCanister;
  beforeAll(async () => {
    canister = new TestCanister(createSandbox(), await compileWat(text));
    canister.install();
  });

  it('are functions of the first table, called with their environment', () => {
    const is64 = name.startsWith('a 64-bit memory');
    const env = is64 ? (1n << 63n) + 5n : 0xff_ff_ff_fen;
    expect(u64(callback(canister, { functionIndex: 2, env }), 0)).toBe(env);
  });

  it('count the instructions of the earlier messages of the call', () => {
    const { call } = apiInput('replyCallback');
    const reply = callback(canister, { functionIndex: 2, env: 0n }, 'replyCallback', {
      call: { ...call, instructionsBefore: 1_000_000n },
    });
    const [own, whole] = [u64(reply, 8), u64(reply, 16)];
    expect(own).toBeGreaterThan(0n);
    expect(whole).toBeGreaterThan(own + 1_000_000n);
    expect(whole).toBeLessThan(own + 1_001_000n);
  });

  it.each([0, 1, 6, 9, 0xff_ff_ff_ff, 2 ** 53])(
    'say when the table holds no function at %i',
    (functionIndex) => {
      expect(callback(canister, { functionIndex, env: 0n })).toBe(
        `IC0513: Canister requested to invoke a non-existent Wasm function ${functionIndex} from table 0`,
      );
    },
  );

  it('trap when the function takes something else', () => {
    expect(callback(canister, { functionIndex: 3, env: 0n })).toMatch(/^IC0502: Canister trapped/);
  });

  it('are metered like any other entry point', () => {
    canister.limit = 10_000n;
    expect(callback(canister, { functionIndex: 5, env: 0n })).toMatch(/^IC0522: /);
    canister.limit = 5_000_000_000n;
  });

  it('see the argument of a reply only', () => {
    expect(callback(canister, { functionIndex: 4, env: 0n })).toEqual(new Uint8Array(0));
    for (const [context, mode] of [
      ['rejectCallback', 'reject callback'],
      ['cleanup', 'cleanup'],
    ] as const) {
      expect(callback(canister, { functionIndex: 4, env: 0n }, context)).toBe(
        `IC0504: Canister violated contract: "ic0_msg_arg_data_size" cannot be executed in ${mode} mode`,
      );
    }
  });
});

describe('a module without a table of functions', () => {
  it.each(['', '(table 9 externref)'])('has no callbacks (%s)', async (table) => {
    const canister = new TestCanister(createSandbox(), await compileWat(moduleWith('i32', table)));
    expect(canister.compile().kind).toBe('compiled');
    canister.install();
    expect(callback(canister, { functionIndex: 0, env: 0n })).toMatch(/^IC0513: /);
    expect(replyOf(canister.update('touch'))).toEqual(new Uint8Array(0));
  });

  it('may not export what the rewriter adds for them', async () => {
    const wasm = await compileWat('(module (func (export "canister callback")))');
    expect(new TestCanister(createSandbox(), wasm).compile()).toMatchObject({
      kind: 'invalidModule',
      error: { code: 505 },
    });
  });
});
