import { fc, test } from '@fast-check/vitest';
import { beforeAll, describe, expect, it } from 'vitest';
import { instantiate, OUT_OF_INSTRUCTIONS } from '../../../../tests/support/instrumented.ts';
import { compileMotoko } from '../../../../tests/support/motoko.ts';
import { compileWat } from '../../../../tests/support/wat.ts';
import { instrument, rewriteModule } from './instrument.ts';
import { parseModule } from './parse.ts';
import type { InstrumentedModule, RewrittenModule } from './instrument.ts';

interface Running {
  readonly exports: Record<string, (...args: unknown[]) => unknown>;
  readonly memory: WebAssembly.Memory | null;
  readonly heapBase: number;
  /** Runs an export with a budget; tells result or trap, and the instructions used. */
  run(name: string, args?: readonly unknown[], limit?: bigint): { result: unknown; used: bigint };
}

function rewritten(wasm: Uint8Array): InstrumentedModule {
  const result = instrument(wasm, { lowerMemory64: true });
  if (!result.ok) {
    throw new TypeError(result.error.message);
  }
  return result.value;
}

function start(instrumented: RewrittenModule): Running {
  const { exports, memory, counter, newStack, heapBase } = instantiate(instrumented);
  return {
    exports,
    memory,
    heapBase,
    run: (name, args = [], limit = 1_000_000_000n) => {
      counter.value = limit;
      newStack();
      let result: unknown;
      try {
        result = exports[name]?.(...args);
      } catch (trap) {
        result = (trap as Error).message;
      }
      return { result, used: limit - (counter.value as bigint) };
    },
  };
}

async function startWat(text: string): Promise<Running> {
  return start(rewriteModule(parseModule(await compileWat(text)), { lowerMemory64: true }));
}

async function refusal(text: string): Promise<string> {
  const result = instrument(await compileWat(text), { lowerMemory64: true });
  return result.ok ? 'accepted' : result.error.message;
}

describe('metering', () => {
  it('counts an empty function as 1 and blocks by their cost', async () => {
    const { run } = await startWat(`(module
      (func (export "empty"))
      (func (export "add") (param i32) (result i32) (i32.add (local.get 0) (i32.const 2)))
      (func (export "div") (param i32) (result i32) (i32.div_u (i32.const 8) (local.get 0)))
      (func (export "if") (param i32) (result i32)
        (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.add (i32.const 1) (i32.const 2)))))
      (func (export "call") (call 0) (call 0)))`);
    expect(run('empty').used).toBe(1n);
    expect(run('add', [40])).toEqual({ result: 42, used: 1n + 3n });
    expect(run('div', [2])).toEqual({ result: 4, used: 1n + 1n + 1n + 10n });
    // The counter is exact after a trap: the block was paid for on entry.
    expect(run('div', [0])).toEqual({ result: 'divide by zero', used: 13n });
    expect(run('if', [1]).used).toBe(1n + 1n + 2n + 1n);
    expect(run('if', [0]).used).toBe(1n + 1n + 2n + 3n);
    expect(run('call').used).toBe(1n + 10n + 2n);
  });

  it('stops an endless loop and an endless recursion at the limit', async () => {
    const { run } = await startWat(`(module
      (func (export "loop") (loop (br 0)))
      (func $recurse (export "recurse") (call $recurse)))`);
    for (const name of ['loop', 'recurse']) {
      const { result, used } = run(name, [], 1000n);
      expect(result).toBe(OUT_OF_INSTRUCTIONS);
      expect(used).toBeGreaterThan(1000n);
      expect(used).toBeLessThan(1010n);
    }
  });

  it('does not take a trap of the canister for the limit', async () => {
    const { run, exports } = await startWat('(module (func (export "f") unreachable))');
    expect(run('f')).toEqual({ result: 'unreachable', used: 2n });
    expect((exports['canister stop_reason'] as unknown as WebAssembly.Global).value).toBe(0);
  });

  it.each([
    ['memory.fill', '(memory.fill (i32.const 0) (i32.const 7) (local.get 0))'],
    ['memory.copy', '(memory.copy (i32.const 0) (i32.const 0) (local.get 0))'],
    ['memory.init', '(memory.init 0 (i32.const 0) (i32.const 0) (local.get 0))'],
    ['table.copy', '(table.copy (i32.const 0) (i32.const 0) (local.get 0))'],
    ['table.init', '(table.init 0 (i32.const 0) (i32.const 0) (local.get 0))'],
  ])('charges %s per byte or element before it runs', async (_name, code) => {
    const { run } = await startWat(`(module (memory 1) (table 10 funcref)
      (data "0123456789") (elem func 0 0 0 0 0 0 0 0 0 0)
      (func (export "f") (param i32) ${code}))`);
    expect(run('f', [5]).used).toBe(1n + 3n + 100n + 5n);
    // Out of bounds is paid for all the same; a negative length is a huge one.
    expect(run('f', [1_000_000]).used).toBe(104n + 1_000_000n);
    expect(run('f', [-1], 4_000n)).toEqual({
      result: OUT_OF_INSTRUCTIONS,
      used: 104n + 0xff_ff_ff_ffn,
    });
  });

  it('goes on where it was when the host gives more instructions', async () => {
    const wasm = await compileWat(`(module (memory 1)
      (func (export "loop") (param $n i32) (result i32) (local $sum i32)
        (loop
          (local.set $sum (i32.add (local.get $sum) (local.get $n)))
          (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum))
      (func (export "fill") (param i32) (result i32)
        (memory.fill (i32.const 0) (i32.const 9) (local.get 0)) (i32.load8_u (i32.const 100))))`);
    const steps: bigint[] = [];
    const running = instantiate(rewritten(wasm), () => {
      steps.push(running.counter.value as bigint);
      running.counter.value = (running.counter.value as bigint) + 1000n;
    });
    running.counter.value = 1000n;
    expect(running.exports['loop']?.(1000)).toBe(500_500);
    // 10 a turn, 1 for the function, 1 for the block behind.
    const used = 1n + 10_000n + 1n;
    expect(1000n + BigInt(steps.length) * 1000n - (running.counter.value as bigint)).toBe(used);
    expect(steps.every((left) => left < 0n && left >= -10n)).toBe(true);
    running.counter.value = 150n;
    expect(running.exports['fill']?.(500)).toBe(9);
    expect(running.counter.value).toBe(150n + 1000n - 106n - 500n);
  });

  it('costs as on the IC by kind of instruction', async () => {
    const costs: Readonly<Record<string, readonly [string, bigint]>> = {
      sqrt: ['(drop (f64.sqrt (f64.const 2)))', 8n + 2n],
      min: ['(drop (f32.min (f32.const 1) (f32.const 2)))', 18n + 3n],
      compare: ['(drop (f64.lt (f64.const 1) (f64.const 2)))', 3n + 3n],
      trunc: ['(drop (i32.trunc_f64_s (f64.const 1)))', 20n + 2n],
      truncSat: ['(drop (i32.trunc_sat_f64_s (f64.const 1)))', 20n + 2n],
      convertU: ['(drop (f64.convert_i64_u (i64.const 1)))', 16n + 2n],
      convertS: ['(drop (f64.convert_i64_s (i64.const 1)))', 3n + 2n],
      global: ['(global.set 0 (global.get 0))', 4n],
      size: ['(drop (memory.size))', 21n],
      grow: ['(drop (memory.grow (i32.const 0)))', 302n],
      load: ['(drop (i32.load (i32.const 0)))', 3n],
      indirect: ['(call_indirect (i32.const 0))', 10n + 1n + 1n],
    };
    const functions = Object.entries(costs).map(
      ([name, [code]]) => `(func (export "${name}") ${code})`,
    );
    const { run } = await startWat(`(module (memory 1) (global (mut i32) (i32.const 0))
      (table funcref (elem $nothing)) (func $nothing) ${functions.join('\n')})`);
    for (const [name, [, cost]] of Object.entries(costs)) {
      // memory.grow runs in an appended function that is not metered itself.
      expect([name, run(name).used]).toEqual([name, 1n + cost]);
    }
  });
});

describe('module shape', () => {
  it('imports its memory, exports mutable globals and defers the start function', async () => {
    const module = rewritten(
      await compileWat(`(module (memory 2 3) (data (i32.const 8) "hi")
        (global $a (mut i64) (i64.const 5)) (global i32 (i32.const 1)) (global $c (mut f32) (f32.const 1))
        (func $s (global.set $a (i64.const 9)))
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
        (start $s))`),
    );
    expect(module.memory).toEqual({ minWasmPages: 2, baseWasmPages: 16, is64: false });
    expect(module.mutableGlobals).toEqual([
      { index: 0, type: 'i64' },
      { index: 2, type: 'f32' },
    ]);
    expect(module.info.hasStart).toBe(true);
    const { exports, memory, run, heapBase } = start(module);
    const global = exports['__persistent_mutable_global_0'] as unknown as WebAssembly.Global;
    expect(global.value).toBe(5n);
    run('canister_start');
    expect(global.value).toBe(9n);
    expect(new Uint8Array(memory?.buffer ?? new ArrayBuffer(0))[heapBase + 9]).toBe(
      'i'.charCodeAt(0),
    );
    // The module's own maximum holds although the memory given to it may grow further.
    expect(run('grow', [1]).result).toBe(2);
    expect(run('grow', [1]).result).toBe(-1);
    expect(run('grow', [-1]).result).toBe(-1);
    // The bits of a NaN survive the trip through JavaScript.
    exports['__persistent_mutable_global_2 set']?.(0x7fa0_0001);
    expect(exports['__persistent_mutable_global_2 bits']?.()).toBe(0x7fa0_0001);
  });

  it('leaves a module without memory without one', async () => {
    expect(rewritten(await compileWat('(module (func))')).memory).toBeNull();
  });

  it('knows which instances cannot be reused', async () => {
    const drop = '(module (memory 1) (data "x") (func (data.drop 0)))';
    expect(rewritten(await compileWat(drop)).instanceReusable).toBe(false);
    expect(rewritten(await compileWat('(module (func))')).instanceReusable).toBe(true);
  });
});

describe('rules of the IC', () => {
  const VALID = "Canister's Wasm module is not valid: ";
  it.each([
    [
      '(module (import "ic0" "nope" (func)))',
      "Module imports function 'nope' from 'ic0' that is not exported by the runtime.",
    ],
    [
      '(module (import "env" "msg_reply" (func)))',
      'expected to be imported from one of ["ic0"] instead.',
    ],
    [
      '(module (import "ic0" "msg_reply" (func (param i32))))',
      "Expected input params [] for 'msg_reply', got [I32].",
    ],
    [
      '(module (import "ic0" "time" (func (result i32))))',
      "Expected return type [I64] for 'time', got [I32].",
    ],
    [
      '(module (import "ic0" "msg_arg_data_size" (func (result i32))) (memory i64 1))',
      "Expected return type [I64] for 'msg_arg_data_size', got [I32].",
    ],
    ['(module (import "env" "g" (global i32)))', 'Importing globals is not allowed.'],
    ['(module (import "env" "memory" (memory 1)))', 'Importing memories is not allowed.'],
    [
      '(module (func (export "canister_update a") (param i32)))',
      "Expected input params [] for 'canister_update a', got [I32].",
    ],
    [
      '(module (func (export "canister_foo")))',
      `Exporting reserved function 'canister_foo' with "canister_" prefix`,
    ],
    [
      '(module (func (export "canister_start")))',
      'Exporting reserved symbol canister_start not allowed.',
    ],
    [
      '(module (func (export "canister_update a")) (func (export "canister_query a")))',
      "Duplicate function 'a' exported multiple times",
    ],
    ['(module (memory 1) (memory 1))', 'failed with multiple memories'],
    ['(module (memory 1 2 shared))', 'threads feature'],
    [
      '(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))',
      'threads support is not enabled',
    ],
    ['(module (func $f (return_call $f)))', 'tail calls support is not enabled'],
    ['(module (tag) (func (throw 0)))', 'unsupported section 13'],
    [
      '(module (table 1 funcref) (func) (func (table.set (i32.const 0) (ref.null func))))',
      'a function at index 1 with unsupported instruction table.set.',
    ],
    [
      '(module (table 1 funcref) (func (drop (table.grow (ref.null func) (i32.const 1)))))',
      'with unsupported instruction table.grow.',
    ],
    [
      '(module (table 1 funcref) (func (table.fill (i32.const 0) (ref.null func) (i32.const 1))))',
      'with unsupported instruction table.fill.',
    ],
    [
      '(module (table 1 funcref) (func (table.copy (i32.const 0) (i32.const 0) (i32.const 1))))',
      'with unsupported instruction table.copy.',
    ],
    [
      '(module (table 1 funcref) (elem func 0) (func (table.init 0 (i32.const 0) (i32.const 0) (i32.const 1))))',
      'with unsupported instruction table.init.',
    ],
    [
      `(module (func) (func ${'(loop)'.repeat(20_001)}))`,
      'a function at index 1 with complexity 1020052 which exceeds the maximum complexity allowed 1000000.',
    ],
    ['(module (memory i64 100000))', 'exceeds the maximum number allowed 98304'],
    ['(module (global externref (ref.null extern)))', 'Unsupported global type'],
  ])('refuses %s', async (text, reason) => {
    const message = await refusal(text);
    expect(message).toContain(reason);
    expect(message.startsWith(VALID)).toBe(true);
  });

  it('reads the metadata sections and refuses bad ones', async () => {
    const base = await compileWat('(module)');
    const withSection = (name: string, content: string): Uint8Array => {
      const payload = Buffer.concat([
        Buffer.from([name.length]),
        Buffer.from(name),
        Buffer.from(content),
      ]);
      return Uint8Array.from([...base, 0, payload.length, ...payload]);
    };
    const ok = instrument(withSection('icp:public candid:service', 'service : {}'), {
      lowerMemory64: true,
    });
    expect(ok.ok && ok.value.info.customSections).toEqual([
      {
        name: 'candid:service',
        visibility: 'public',
        content: Uint8Array.from(Buffer.from('service : {}')),
      },
    ]);
    const bad = instrument(withSection('icp:secret x', ''), { lowerMemory64: true });
    expect(bad.ok).toBe(false);
  });
});

describe('any bytes', () => {
  let seeds: Uint8Array[] = [];
  beforeAll(async () => {
    seeds = [
      await compileWat(`(module (import "ic0" "msg_reply" (func)) (memory i64 1 4) (table i64 2 funcref)
        (global (mut f64) (f64.const 0)) (data (i64.const 1) "abc") (elem (i64.const 0) func 1)
        (func (export "canister_update x") (local i64)
          (loop (br_table 0 0 (i32.const 1))) (i64.store (i64.const 8) (i64.load offset=4 (i64.const 1)))
          (memory.fill (i64.const 0) (i32.const 0) (i64.const 3)) (call_indirect (i64.const 0)))
        (start 0))`),
      (await compileMotoko('persistent actor { public func f() : async () {} }')).wasm,
    ];
    // Unchanged they must be accepted, else their mutants would never reach the code.
    for (const seed of seeds) {
      rewritten(seed);
    }
  }, 60_000);

  test.prop([fc.uint8Array({ maxLength: 200 })])('never throws on noise', (noise) => {
    const framed = Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0, ...noise]);
    expect(typeof instrument(noise, { lowerMemory64: true }).ok).toBe('boolean');
    expect(typeof instrument(framed, { lowerMemory64: true }).ok).toBe('boolean');
  });

  test.prop(
    [
      fc.array(fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) }), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.nat(),
      fc.boolean(),
    ],
    { numRuns: 3000 },
  )('never throws on mutants and truncations', (edits, cut, lowerMemory64) => {
    const original = seeds[0] as Uint8Array;
    const mutant = original.slice();
    for (const { at, byte } of edits) {
      mutant[at % mutant.length] = byte;
    }
    const bytes = cut % 4 === 0 ? mutant.subarray(0, cut % mutant.length) : mutant;
    expect(typeof instrument(bytes, { lowerMemory64 }).ok).toBe('boolean');
  });

  test.prop([fc.nat(), fc.integer({ min: 0, max: 255 })], { numRuns: 60 })(
    'never throws on mutants of a real canister',
    (at, byte) => {
      const mutant = (seeds[1] as Uint8Array).slice();
      mutant[at % mutant.length] = byte;
      expect(typeof instrument(mutant, { lowerMemory64: true }).ok).toBe('boolean');
    },
  );
});
