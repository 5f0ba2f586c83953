import { fc, test } from '@fast-check/vitest';
import { beforeAll, describe, expect, it } from 'vitest';
import { instantiate } from '../../../../tests/support/instrumented.ts';
import { compileWat } from '../../../../tests/support/wat.ts';
import { rewriteModule } from './instrument.ts';
import { parseModule } from './parse.ts';

/** A kernel in WAT: `$P` is the address type, `$p` its prefix, `(WRAP x)` an address from an i32. */
const KERNELS = `
  (memory $P 1 4) (table 4 funcref) (elem (i32.const 0) func $double $square)
  (type $unary (func (param i64) (result i64)))
  (global $g (mut i64) (i64.const 3))
  (data (i32.const 16) "0123456789abcdef") (data "passive!")
  (func $double (type $unary) (i64.mul (local.get 0) (i64.const 2)))
  (func $square (type $unary) (i64.mul (local.get 0) (local.get 0)))
  (func $fib (export "fib") (param i64) (result i64)
    (if (result i64) (i64.lt_u (local.get 0) (i64.const 2)) (then (local.get 0))
      (else (i64.add (call $fib (i64.sub (local.get 0) (i64.const 1)))
                     (call $fib (i64.sub (local.get 0) (i64.const 2)))))))
  (func (export "sieve") (param i64) (result i64) (local $i i64) (local $j i64) (local $n i64)
    (local.set $i (i64.const 2))
    (block $done (loop $outer
      (br_if $done (i64.ge_u (local.get $i) (i64.const 500)))
      (if (i32.eqz (i32.load8_u offset=1000 (ADDR (local.get $i)))) (then
        (local.set $n (i64.add (local.get $n) (local.get $i)))
        (local.set $j (i64.mul (local.get $i) (i64.const 2)))
        (block $stop (loop $inner
          (br_if $stop (i64.ge_u (local.get $j) (i64.const 500)))
          (i32.store8 offset=1000 (ADDR (local.get $j)) (i32.const 1))
          (local.set $j (i64.add (local.get $j) (local.get $i)))
          (br $inner)))))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br $outer)))
    (i64.add (local.get $n) (local.get 0)))
  (func (export "switch") (param i64) (result i64)
    (block $c (block $b (block $a
      (br_table $a $b $c (i32.wrap_i64 (i64.rem_u (local.get 0) (i64.const 5)))))
      (return (i64.const 10)))
      (return (global.get $g)))
    (global.set $g (i64.add (global.get $g) (local.get 0)))
    (i64.div_s (i64.const 1000) (local.get 0)))
  (func (export "indirect") (param i64) (result i64)
    (call_indirect (type $unary) (local.get 0) (i32.wrap_i64 (local.get 0))))
  (func (export "stores") (param i64) (result i64)
    (i64.store8 (ADDR (i64.const 300)) (local.get 0))
    (f64.store (ADDR (i64.const 304)) (f64.convert_i64_s (local.get 0)))
    (f32.store offset=8 (ADDR (i64.const 304)) (f32.convert_i64_u (local.get 0)))
    (i32.store16 (ADDR (i64.const 302)) (i32.wrap_i64 (local.get 0)))
    (i64.add (i64.load (ADDR (i64.const 300))) (i64.load (ADDR (i64.const 308)))))
  (func (export "bulk") (param i64) (result i64)
    (memory.fill (ADDR (i64.const 64)) (i32.wrap_i64 (local.get 0)) (ADDR (i64.rem_u (local.get 0) (i64.const 40))))
    (memory.copy (ADDR (i64.const 70)) (ADDR (i64.const 18)) (ADDR (i64.const 9)))
    (memory.init 1 (ADDR (i64.const 90)) (i32.const 1) (i32.const 6))
    (i64.add (i64.load (ADDR (i64.const 68))) (i64.load (ADDR (i64.const 88)))))
  (func (export "grow") (param i64) (result i64)
    (i64.add (SIZE (memory.grow (ADDR (i64.rem_u (local.get 0) (i64.const 7))))) (SIZE (memory.size))))
  (func (export "load") (param i64) (result i64) (i64.load (ADDR (local.get 0))))
  (func (export "multi") (param i64) (result i64)
    (local.get 0) (local.get 0)
    (block (param i64 i64) (result i64 i64) (i64.add (i64.const 1)))
    (i64.sub))
`;

const BITS32 = KERNELS.replaceAll('(ADDR', '(i32.wrap_i64')
  .replaceAll('(SIZE', '(i64.extend_i32_s')
  .replaceAll('memory $P', 'memory');
const BITS64 = KERNELS.replaceAll('(ADDR', '(i64.or (i64.const 0)')
  .replaceAll('(SIZE', '(i64.or (i64.const 0)')
  .replaceAll('memory $P', 'memory i64')
  .replaceAll('(data (i32.const', '(data (i64.const');

const NAMES = [
  'fib',
  'sieve',
  'switch',
  'indirect',
  'stores',
  'bulk',
  'grow',
  'load',
  'multi',
] as const;

interface Kernel {
  call(name: string, argument: bigint): string;
  used(): bigint;
}

function kernelOf(exports: WebAssembly.Exports): Kernel {
  const counter = exports['canister counter_instructions'] as WebAssembly.Global | undefined;
  let used = 0n;
  return {
    call: (name, argument) => {
      if (counter !== undefined) {
        counter.value = 100_000_000_000n;
      }
      let outcome: string;
      try {
        outcome = String((exports[name] as (n: bigint) => bigint)(argument));
      } catch (trap) {
        outcome = (trap as Error).message;
      }
      used = 100_000_000_000n - ((counter?.value as bigint | undefined) ?? 0n);
      return outcome;
    },
    used: () => used,
  };
}

function plain(wasm: Uint8Array): Kernel {
  return kernelOf(new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource)).exports);
}

function rewritten(wasm: Uint8Array): Kernel {
  const module = rewriteModule(parseModule(wasm), { lowerMemory64: true });
  return kernelOf(instantiate(module).exports as WebAssembly.Exports);
}

describe('rewritten code', () => {
  let wasm32: Uint8Array;
  let wasm64: Uint8Array;
  beforeAll(async () => {
    wasm32 = await compileWat(`(module ${BITS32})`);
    wasm64 = await compileWat(`(module ${BITS64})`);
  });

  test.prop(
    [
      fc.array(
        fc.record({
          name: fc.constantFrom(...NAMES),
          argument: fc.oneof(fc.bigInt(0n, 14n), fc.bigInt(0n, 70_000n)),
        }),
        { maxLength: 12 },
      ),
    ],
    { numRuns: 150 },
  )('does what the original does, trap for trap', (calls) => {
    const before = plain(wasm32);
    const after = rewritten(wasm32);
    const lowered = rewritten(wasm64);
    for (const { name, argument } of calls) {
      const n = name === 'fib' ? argument % 15n : argument;
      const expected = before.call(name, n);
      expect([name, n, after.call(name, n)]).toEqual([name, n, expected]);
      expect([name, n, lowered.call(name, n)]).toEqual([name, n, expected]);
    }
  });

  it('charges a 64-bit access 2 and everything else as in 32 bits', () => {
    const narrow = rewritten(wasm32);
    const wide = rewritten(wasm64);
    // The 64-bit text has two more instructions, or + const, in place of one wrap per address.
    const accesses: Readonly<Record<string, readonly [bigint, bigint]>> = {
      fib: [0n, 0n],
      multi: [0n, 0n],
      load: [1n, 1n],
      stores: [6n, 6n],
    };
    for (const [name, [loadsAndStores, addresses]] of Object.entries(accesses)) {
      narrow.call(name, 9n);
      wide.call(name, 9n);
      expect([name, wide.used() - narrow.used()]).toEqual([name, loadsAndStores + addresses]);
    }
  });

  it('traps on 64-bit addresses beyond 4 GiB instead of wrapping them', async () => {
    const far =
      await compileWat(`(module (memory i64 1) (table i64 2 funcref) (elem (i64.const 0) func 0)
      (func $f (export "f"))
      (func (export "load") (param i64) (result i64) (i64.load (local.get 0)))
      (func (export "offset") (param i64) (result i64) (i64.load offset=0x100000000 (local.get 0)))
      (func (export "store") (param i64) (result i64) (i64.store (local.get 0) (i64.const 1)) (i64.const 0))
      (func (export "fill") (param i64) (result i64) (memory.fill (local.get 0) (i32.const 1) (i64.const 0)) (i64.const 0))
      (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))
      (func (export "tableGrow") (param i64) (result i64) (table.grow (ref.null func) (local.get 0)))
      (func (export "tableSize") (param i64) (result i64) (table.size))
      (func (export "indirect") (param i64) (result i64) (call_indirect (local.get 0)) (i64.const 5)))`);
    const { call } = rewritten(far);
    const beyond = 1n << 32n;
    expect(call('load', 8n)).toBe('0');
    for (const name of ['load', 'store', 'fill']) {
      expect([name, call(name, beyond + 8n)]).toEqual([name, 'memory access out of bounds']);
    }
    expect(call('offset', 0n)).toBe('memory access out of bounds');
    expect(call('grow', beyond)).toBe('-1');
    expect(call('tableGrow', beyond)).toBe('-1');
    expect(call('tableGrow', 1n)).toBe('2');
    expect(call('tableSize', 0n)).toBe('3');
    expect(call('indirect', 0n)).toBe('5');
    expect(call('indirect', beyond)).toMatch(/table.*out of bounds/);
  });
});
