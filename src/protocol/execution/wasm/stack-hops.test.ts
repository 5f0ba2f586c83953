import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { RunningModule } from '../../../../tests/support/instrumented.ts';
import { instantiate, STACK_OVERFLOW } from '../../../../tests/support/instrumented.ts';
import { compileWat } from '../../../../tests/support/wat.ts';
import { rewriteModule } from './instrument.ts';
import { parseModule } from './parse.ts';

const LIMIT = 10_000_000n;
const BYTES = 64 * 1024;

type Type = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'funcref' | 'externref';

/** One of several functions that call each other until their first parameter is zero. */
interface Recursive {
  /** Behind the depth, an i32. */
  readonly params: readonly Type[];
  readonly results: readonly Type[];
  readonly locals: readonly Type[];
  /** Which functions it calls in turn, and whether through the table. */
  readonly calls: readonly { readonly callee: number; readonly indirect: boolean }[];
  readonly store: boolean;
}

const ZERO: Readonly<Record<Type, string>> = {
  i32: 'i32.const 0',
  i64: 'i64.const 0',
  f32: 'f32.const 0',
  f64: 'f64.const 0',
  v128: 'v128.const i64x2 0 0',
  funcref: 'ref.null func',
  externref: 'ref.null extern',
};

/** A value of a type that differs from call to call and from place to place; `$d` is the depth. */
function valueOf(type: Type, place: number): string {
  const number = `(i32.add (i32.mul (local.get $d) (i32.const 31)) (i32.const ${place + 1}))`;
  switch (type) {
    case 'i32':
      return number;
    case 'i64':
      return `(i64.mul (i64.extend_i32_u ${number}) (i64.const 0x100000001))`;
    case 'f32':
      // NaNs with a payload among them: a value must come through bit by bit.
      return `(f32.reinterpret_i32 (i32.or (i32.const 0x7f800000) ${number}))`;
    case 'f64':
      return `(f64.reinterpret_i64 (i64.or (i64.const 0x7ff0000000000000) (i64.extend_i32_u ${number})))`;
    case 'v128':
      return `(i32x4.splat ${number})`;
    case 'funcref':
      return `(table.get $t (i32.rem_u ${number} (i32.const 3)))`;
    case 'externref':
      return 'ref.null extern';
  }
}

/** Code that makes an i64 of the bits of `value`. */
function digestOf(type: Type, value: string): string {
  switch (type) {
    case 'i32':
      return `(i64.extend_i32_u ${value})`;
    case 'i64':
      return value;
    case 'f32':
      return `(i64.extend_i32_u (i32.reinterpret_f32 ${value}))`;
    case 'f64':
      return `(i64.reinterpret_f64 ${value})`;
    case 'v128':
      return `(i64x2.extract_lane 1 ${value})`;
    default:
      return `(i64.extend_i32_u (ref.is_null ${value}))`;
  }
}

/** Mixes an i64 into the global, so that order and values of everything show in the end. */
const mixed = (digest: string): string =>
  `(global.set $seen (i64.add (i64.mul (global.get $seen) (i64.const 1099511628211)) ${digest}))`;

function functionText(all: readonly Recursive[], index: number): string {
  const { params, results, locals, calls, store } = all[index] as Recursive;
  const own = params.map((type, i) => mixed(digestOf(type, `(local.get ${i + 1})`))).join(' ');
  const callTexts = calls.map(({ callee, indirect }) => {
    const target = all[callee % all.length] as Recursive;
    const at = callee % all.length;
    const args = target.params.map((type, place) =>
      `(${valueOf(type, place)})`.replace(/^\(\((.*)\)\)$/s, '($1)'),
    );
    const depth = '(i32.sub (local.get $d) (i32.const 1))';
    const call = indirect
      ? `(call_indirect $t (type $type${at}) ${[depth, ...args].map(wrapped).join(' ')} (i32.const ${at + 1}))`
      : `(call $f${at} ${[depth, ...args].map(wrapped).join(' ')})`;
    const taken = target.results
      .map((_, i) => `(local.set $r${at}_${i})`)
      .toReversed()
      .join(' ');
    const seen = target.results.map((type, i) => mixed(digestOf(type, `(local.get $r${at}_${i})`)));
    return `${call} ${taken} ${seen.join(' ')}`;
  });
  const held = all.flatMap(({ results: types }, other) =>
    types.map((type, i) => `(local $r${other}_${i} ${type})`),
  );
  const given = results.map((type, place) => wrapped(valueOf(type, place + 7))).join(' ');
  return `(func $f${index} (type $type${index}) (param $d i32) ${params.map((type) => `(param ${type})`).join(' ')}
    ${results.map((type) => `(result ${type})`).join(' ')}
    ${locals.map((type) => `(local ${type})`).join(' ')} ${held.join(' ')}
    ${own} ${mixed('(i64.extend_i32_u (local.get $d))')}
    ${store ? '(i32.store (i32.and (i32.mul (local.get $d) (i32.const 512)) (i32.const 0xfffc)) (local.get $d))' : ''}
    (if (i32.gt_s (local.get $d) (i32.const 0)) (then ${callTexts.join('\n')}))
    ${given})`;
}

function wrapped(code: string): string {
  return code.startsWith('(') ? code : `(${code})`;
}

function moduleText(all: readonly Recursive[]): string {
  const types = all.map(
    ({ params, results }, i) =>
      `(type $type${i} (func (param i32 ${params.join(' ')}) (result ${results.join(' ')})))`,
  );
  const zeros = (all[0] as Recursive).params.map((type) => `(${ZERO[type]})`).join(' ');
  const dropped = (all[0] as Recursive).results.map(() => '(drop)').join(' ');
  return `(module ${types.join(' ')} (memory (export "memory") 1)
    (table $t ${all.length + 3} funcref)
    (elem (i32.const 1) ${all.map((_, i) => `$f${i}`).join(' ')})
    (global $seen (export "seen") (mut i64) (i64.const 7))
    ${all.map((_, i) => functionText(all, i)).join('\n')}
    (func (export "run") (param i32) (call $f0 (local.get 0) ${zeros}) ${dropped}))`;
}

const types = (most: number): fc.Arbitrary<Type[]> =>
  fc.array(fc.constantFrom<Type>('i32', 'i64', 'f32', 'f64', 'v128', 'funcref', 'externref'), {
    maxLength: most,
  });
const recursive: fc.Arbitrary<Recursive> = fc.record({
  params: types(6),
  results: types(4),
  locals: types(5),
  calls: fc.array(fc.record({ callee: fc.nat(3), indirect: fc.boolean() }), {
    minLength: 1,
    maxLength: 2,
  }),
  store: fc.boolean(),
});

interface Outcome {
  readonly trap: string | null;
  readonly used: bigint;
  readonly seen: unknown;
  readonly memory: string;
}

function outcomeOf(running: RunningModule, depth: number): Outcome {
  running.counter.value = LIMIT;
  running.newStack();
  let trap: string | null = null;
  try {
    running.exports['run']?.(depth);
  } catch (thrown) {
    trap = (thrown as Error).message;
  }
  const { buffer } = running.memory as WebAssembly.Memory;
  return {
    trap,
    used: LIMIT - (running.counter.value as bigint),
    seen: (running.exports['seen'] as unknown as WebAssembly.Global).value,
    memory: Buffer.from(buffer).toString('base64'),
  };
}

async function compare(all: readonly Recursive[], depth: number, segmentBytes: number) {
  const rewritten = rewriteModule(parseModule(await compileWat(moduleText(all))), {
    lowerMemory64: false,
  });
  const whole = instantiate(rewritten, undefined, { bytes: BYTES, segmentBytes: BYTES });
  const parts = instantiate(rewritten, undefined, { bytes: BYTES, segmentBytes });
  // Twice: what a run left behind must not reach into the next.
  for (const run of [depth, 3]) {
    const expected = outcomeOf(whole, run);
    expect(outcomeOf(parts, run)).toEqual(expected);
  }
  return { whole, parts };
}

describe('calls that go on in another segment of the stack', () => {
  test.prop(
    [
      fc.array(recursive, { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom(64, 300, 1000, 4096),
    ],
    { numRuns: 30 },
  )('change no result, count, mark or global', async (all, depth, segmentBytes) => {
    await compare(all, depth, segmentBytes);
  });

  test.prop([recursive, fc.constantFrom(200, 1000, 4096)], { numRuns: 15 })(
    'end at the same call',
    async (one, segmentBytes) => {
      const all = [{ ...one, calls: [{ callee: 0, indirect: false }] }];
      const { parts } = await compare(all, 100_000, segmentBytes);
      expect(outcomeOf(parts, 100_000).trap).toBe(STACK_OVERFLOW);
    },
  );

  it('hand every argument and result over, as many as a function can have', async () => {
    const list = Array.from({ length: 999 }, (): Type => 'i64');
    const one: Recursive = {
      params: list,
      results: list.slice(0, 900),
      locals: [],
      calls: [{ callee: 0, indirect: true }],
      store: true,
    };
    await compare([one], 3, 100);
  });
});
