import { describe, expect, it } from 'vitest';
import { instantiate, STACK_OVERFLOW } from '../../../../tests/support/instrumented.ts';
import { compileWat } from '../../../../tests/support/wat.ts';
import { rewriteModule } from './instrument.ts';
import { SMALL_STACK_BYTES } from './limits.ts';
import { parseModule } from './parse.ts';

const LIMIT = 1_000_000_000n;

async function startWat(text: string) {
  const module = rewriteModule(parseModule(await compileWat(text)), { lowerMemory64: true });
  const { exports, counter, newStack } = instantiate(module);
  const run = (name: string, args: readonly unknown[] = []): { result: unknown; used: bigint } => {
    counter.value = LIMIT;
    newStack();
    let result: unknown;
    try {
      result = exports[name]?.(...args);
    } catch (trap) {
      result = (trap as Error).message;
    }
    return { result, used: LIMIT - (counter.value as bigint) };
  };
  return { exports, run };
}

describe('stack, vectors and NaNs', () => {
  it('ends recursion at the same depth whatever the engine makes of it', async () => {
    const { run, exports } = await startWat(`(module
      (global $depth (export "depth") (mut i32) (i32.const 0))
      (func $plain (export "plain") (global.set $depth (i32.add (global.get $depth) (i32.const 1))) (call $plain))
      (func $wide (export "wide") (local i64 i64 i64 v128)
        (global.set $depth (i32.add (global.get $depth) (i32.const 1))) (call $wide)))`);
    const depth = exports['depth'] as unknown as WebAssembly.Global;
    expect(run('plain').result).toBe(STACK_OVERFLOW);
    // 80 bytes, and two operands of 8.
    expect(depth.value).toBe(Math.floor(SMALL_STACK_BYTES / 96));
    depth.value = 0;
    expect(run('wide').result).toBe(STACK_OVERFLOW);
    expect(depth.value).toBe(Math.floor(SMALL_STACK_BYTES / 152));
    // What the first call used is free again in the next.
    depth.value = 0;
    expect(run('plain').result).toBe(STACK_OVERFLOW);
    expect(depth.value).toBe(Math.floor(SMALL_STACK_BYTES / 96));
  });

  it('makes NaNs of arithmetic canonical and leaves bits that were only moved', async () => {
    const { run } = await startWat(`(module
      (func (export "add") (param i64 i64) (result i64)
        (i64.reinterpret_f64 (f64.add (f64.reinterpret_i64 (local.get 0)) (f64.reinterpret_i64 (local.get 1)))))
      (func (export "chain") (param i64 i64) (result i64)
        (i64.reinterpret_f64 (f64.mul (f64.sqrt (f64.neg (f64.add (f64.reinterpret_i64 (local.get 0)) (f64.const 1)))) (f64.reinterpret_i64 (local.get 1)))))
      (func (export "copysign") (param i64 i64) (result i64)
        (i64.reinterpret_f64 (f64.copysign (f64.add (f64.reinterpret_i64 (local.get 0)) (f64.const 1)) (f64.reinterpret_i64 (local.get 1)))))
      (func (export "branch") (param i64 i64) (result i64)
        (i64.reinterpret_f64 (block (result f64)
          (f64.add (f64.reinterpret_i64 (local.get 0)) (f64.const 1))
          (br_if 0 (i32.wrap_i64 (local.get 1)))
          (f64.const 1) (f64.add))))
      (func (export "demote") (param i64) (result i32)
        (i32.reinterpret_f32 (f32.demote_f64 (f64.reinterpret_i64 (local.get 0)))))
      (func (export "move") (param i64) (result i64) (local f64)
        (local.set 1 (f64.reinterpret_i64 (local.get 0))) (i64.reinterpret_f64 (local.get 1)))
      (func (export "vector") (param i64 i64) (result i64)
        (i64x2.extract_lane 1 (f32x4.mul (f32x4.add (i64x2.splat (local.get 0)) (i64x2.splat (local.get 1))) (f32x4.splat (f32.const 1)))))
      (func (export "vector64") (param i64 i64) (result i64)
        (i64x2.extract_lane 0 (f32x4.abs (f64x2.sub (i64x2.splat (local.get 0)) (i64x2.splat (local.get 1)))))))`);
    const nan = 0x7ff8_0000_0000_0000n;
    const odd = -0x0007_0000_0000_1234n;
    expect(run('add', [odd, 0n]).result).toBe(nan);
    expect(run('add', [0n, odd]).result).toBe(nan);
    expect(run('chain', [odd, 0n]).result).toBe(nan);
    expect(BigInt.asUintN(64, run('copysign', [odd, -1n]).result as bigint)).toBe(
      0xfff8_0000_0000_0000n,
    );
    expect(run('branch', [odd, 1n]).result).toBe(nan);
    expect(run('branch', [odd, 0n]).result).toBe(nan);
    expect(run('demote', [odd]).result).toBe(0x7fc0_0000);
    expect(run('move', [odd]).result).toBe(odd);
    expect(run('vector', [odd, 1n]).result).toBe(0x7fc0_0000_7fc0_0000n);
    expect(run('vector64', [odd, 1n]).result).toBe(nan);
  });

  it('charges vectors as on the IC', async () => {
    const costs: Readonly<Record<string, readonly [string, bigint]>> = {
      div: ['(drop (f64x2.div (local.get 0) (local.get 0)))', 12n + 3n],
      sqrt: ['(drop (f64x2.sqrt (local.get 0)))', 14n + 2n],
      max: ['(drop (f64x2.max (local.get 0) (local.get 0)))', 5n + 3n],
      popcnt: ['(drop (i8x16.popcnt (local.get 0)))', 3n + 2n],
      mul: ['(drop (i64x2.mul (local.get 0) (local.get 0)))', 4n + 3n],
      add: ['(drop (i32x4.add (local.get 0) (local.get 0)))', 1n + 3n],
      ltu: ['(drop (i16x8.lt_u (local.get 0) (local.get 0)))', 2n + 3n],
      shift: ['(drop (i8x16.shr_s (local.get 0) (i32.const 1)))', 3n + 3n],
      trunc: ['(drop (i32x4.trunc_sat_f32x4_u (local.get 0)))', 4n + 2n],
      store: ['(v128.store (i32.const 0) (local.get 0))', 1n + 2n],
    };
    const functions = Object.entries(costs).map(
      ([name, [code]]) => `(func (export "${name}") (local v128) ${code})`,
    );
    const { run } = await startWat(`(module (memory 1) ${functions.join('')})`);
    for (const [name, [, cost]] of Object.entries(costs)) {
      expect([name, run(name).used]).toEqual([name, 1n + cost]);
    }
  });
});
