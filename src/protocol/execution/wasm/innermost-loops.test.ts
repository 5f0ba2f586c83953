import { describe, expect, it } from 'vitest';
import { instantiate, OUT_OF_INSTRUCTIONS } from '../../../../tests/support/instrumented.ts';
import { compileWat } from '../../../../tests/support/wat.ts';
import { instrument, type InstrumentedModule } from './instrument.ts';

const PLENTY = 1n << 50n;

/** Loops that leave, return, trap, nest and yield in every way; `$i` counts turns. */
const LOOPS: Readonly<Record<string, string>> = {
  'without a result': `
    (loop $l (br_if $l (i32.lt_u (call_free) (i32.const 20))))
    (local.get $i)`,
  'with a result': `
    (i32.add (i32.const 5)
      (loop $l (result i32) (br_if $l (i32.lt_u (call_free) (i32.const 20))) (i32.mul (local.get $i) (i32.const 3))))`,
  'left with a value over two blocks': `
    (block $out (result i32)
      (block $in (result i32)
        (loop $l (result i32)
          (drop (br_if $out (i32.const 77) (i32.eq (call_free) (i32.const 9))))
          (drop (br_if $in (i32.const 33) (i32.eq (local.get $i) (local.get 0))))
          (br $l)))
      (i32.add (i32.const 1000)))`,
  'left through a table': `
    (block $c (block $b (block $a
      (loop $l
        (block $own (br_table $own $l $a $own $b $c $own (i32.and (call_free) (i32.const 7))))
        (br_if $l (i32.lt_u (local.get $i) (i32.const 40)))))
      (return (i32.add (local.get $i) (i32.const 100))))
      (return (i32.add (local.get $i) (i32.const 200))))
    (local.get $i)`,
  'that returns': `
    (loop $l (if (i32.eq (call_free) (i32.const 12)) (then (return (i32.const 4)))) (br $l))
    (unreachable)`,
  'that traps': `
    (loop $l (drop (i32.div_u (i32.const 7) (i32.sub (i32.const 11) (call_free)))) (br $l))
    (unreachable)`,
  'in loops, side by side and in branches': `
    (loop $outer
      (loop $first (br_if $first (i32.and (call_free) (i32.const 3))))
      (if (i32.and (local.get $i) (i32.const 4))
        (then (loop $second (br_if $second (i32.and (call_free) (i32.const 1)))))
        (else (loop $third (br_if $outer (i32.lt_u (call_free) (i32.const 30))))))
      (br_if $outer (i32.lt_u (local.get $i) (i32.const 60))))
    (local.get $i)`,
  'with calls beside those without': `
    (loop $outer
      (call $leaf)
      (loop $inner (br_if $inner (i32.and (call_free) (i32.const 7))))
      (br_if $outer (i32.lt_u (local.get $i) (i32.const 40))))
    (local.get $i)`,
  'with parameters': `
    (i32.const 3)
    (loop $l (param i32) (result i32)
      (i32.add (call_free))
      (br_if $l (i32.lt_u (local.get $i) (i32.const 20))))`,
  'that are empty or never reached': `
    (loop) (loop (result i32) (i32.const 4)) (drop)
    (block $b (br $b) (loop $l (br_if $b (i32.const 1)) (br $l)))
    (loop $l (br_if $l (i32.lt_u (call_free) (i32.const 5))))
    (local.get $i)`,
  'that write to memory and grow it': `
    (loop $l (i32.store (i32.mul (local.get $i) (i32.const 1000)) (call_free)) (br_if $l (i32.lt_u (local.get $i) (i32.const 30))))
    (loop $g (drop (memory.grow (i32.const 0))) (br_if $g (i32.lt_u (call_free) (i32.const 40))))
    (i32.load (i32.const 5000))`,
};

async function compiled(body: string): Promise<InstrumentedModule> {
  const turn = '(local.tee $i (i32.add (local.get $i) (i32.const 1)))';
  const wasm = await compileWat(`(module (memory 1)
    (func $leaf (loop $l (br_if $l (i32.const 0))))
    (func (export "run") (param i32) (result i32) (local $i i32) ${body.replaceAll('(call_free)', turn)}))`);
  const result = instrument(wasm, { lowerMemory64: false });
  if (!result.ok) {
    throw new TypeError(result.error.message);
  }
  return result.value;
}

interface Run {
  readonly answer: string;
  readonly used: bigint;
  /** What was used whenever more was asked for. */
  readonly asked: readonly bigint[];
}

/** Runs with `limit` instructions at first, then `refill` at a time; without refill it ends there. */
function run(module: InstrumentedModule, limit: bigint, refill: bigint | null): Run {
  let granted = limit;
  const asked: bigint[] = [];
  const running = instantiate(module, () => {
    asked.push(granted - (running.counter.value as bigint));
    if (refill === null) {
      throw new RangeError(OUT_OF_INSTRUCTIONS);
    }
    while ((running.counter.value as bigint) < 0n) {
      running.counter.value = (running.counter.value as bigint) + refill;
      granted += refill;
    }
  });
  running.counter.value = limit;
  running.newStack();
  let answer: string;
  try {
    answer = String(running.exports['run']?.(25));
  } catch (thrown) {
    answer = thrown instanceof Error ? thrown.message : String(thrown);
  }
  return { answer, used: granted - (running.counter.value as bigint), asked };
}

describe('a loop that asks for instructions outside of itself', () => {
  it.each(Object.entries(LOOPS))(
    '%s: however often it asks, nothing else changes',
    async (_, body) => {
      const module = await compiled(body);
      const whole = run(module, PLENTY, null);
      expect(whole.asked).toEqual([]);
      for (const refill of [1n, 2n, 5n, 17n, 100n]) {
        const sliced = run(module, 0n, refill);
        expect(sliced.answer).toBe(whole.answer);
        expect(sliced.used).toBe(whole.used);
        expect(sliced.asked.length).toBeGreaterThan(0);
      }
    },
  );

  it.each(Object.entries(LOOPS))(
    '%s: it ends at the first check beyond the limit',
    async (_, body) => {
      const module = await compiled(body);
      const { asked: checks } = run(module, 0n, 1n);
      for (let limit = 0n; limit < (checks.at(-1) ?? 0n); limit += 7n) {
        const ended = run(module, limit, null);
        expect(ended.answer).toBe(OUT_OF_INSTRUCTIONS);
        expect(ended.used).toBe(checks.find((used) => used > limit));
      }
    },
  );

  it('ends an endless loop', async () => {
    const module = await compiled('(loop $l (br $l)) (unreachable)');
    expect(run(module, 1000n, null).answer).toBe(OUT_OF_INSTRUCTIONS);
  });
});
