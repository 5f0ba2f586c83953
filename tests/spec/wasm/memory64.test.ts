import { setFlagsFromString } from 'node:v8';
import { fc, test } from '@fast-check/vitest';
import { beforeAll, describe, expect, it } from 'vitest';
import type { UnmarkedWrites } from '../../../src/protocol/execution/wasm/rewrite-context.ts';
import type { RewrittenModule } from '../../../src/protocol/execution/wasm/instrument.ts';
import { rewriteModule } from '../../../src/protocol/execution/wasm/instrument.ts';
import type { ParsedModule } from '../../../src/protocol/execution/wasm/module.ts';
import { parseModule } from '../../../src/protocol/execution/wasm/parse.ts';
import { compileWat } from '../../support/wat.ts';
import { MarkOracle } from './mark-oracle.ts';
import type { Subject } from './subjects.ts';
import { instantiateOriginal, instantiateRewritten } from './subjects.ts';
import { causeOf } from './world.ts';

/**
 * A 64-bit memory as it is, as the rewriter makes it and as it lowers it: contents, results, traps and
 * marks. Node before 24 has such memories on request only; nothing else in `npm test` runs them unlowered.
 */

const MEMORY64 = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 5, 3, 1, 4, 1);
if (!WebAssembly.validate(MEMORY64)) {
  setFlagsFromString('--experimental-wasm-memory64');
}

/** Below and above the offset that marks leave out of account, and beyond any heap. */
const OFFSETS = ['0', '3', '127', '128', '5000', '0xffffffff', '0x100000000', '0x7fffffffffffffff'];
const STORES: Readonly<Record<string, string>> = {
  'i32.store': '(i32.wrap_i64 (local.get 1))',
  'i32.store8': '(i32.wrap_i64 (local.get 1))',
  'i32.store16': '(i32.wrap_i64 (local.get 1))',
  'i64.store': '(local.get 1)',
  'i64.store8': '(local.get 1)',
  'i64.store16': '(local.get 1)',
  'i64.store32': '(local.get 1)',
  'f32.store': '(f32.reinterpret_i32 (i32.wrap_i64 (local.get 1)))',
  'f64.store': '(f64.reinterpret_i64 (local.get 1))',
  'v128.store': '(i64x2.splat (local.get 1))',
};
const LANE_STORES = ['v128.store8_lane', 'v128.store64_lane'];
const LOADS: Readonly<Record<string, string>> = {
  'i64.load': '',
  'i64.load8_s': '',
  'i64.load32_u': '',
  'i32.load16_s': 'i64.extend_i32_s',
  'f64.load': 'i64.reinterpret_f64',
  'v128.load': 'i64x2.extract_lane 1',
  'v128.load64_splat': 'i64x2.extract_lane 0',
};

const functions: string[] = [];
const names: string[] = [];
function define(name: string, body: string): void {
  names.push(name);
  functions.push(
    `(func (export "${name}") (param i64 i64 i64) (result i64) ${body} (i64.const 0))`,
  );
}
for (const offset of OFFSETS) {
  for (const [store, value] of Object.entries(STORES)) {
    define(`${store} ${offset}`, `(${store} offset=${offset} (local.get 0) ${value})`);
  }
  for (const store of LANE_STORES) {
    define(
      `${store} ${offset}`,
      `(${store} offset=${offset} 1 (local.get 0) (i64x2.splat (local.get 1)))`,
    );
  }
  for (const [load, made] of Object.entries(LOADS)) {
    define(`${load} ${offset}`, `(local.get 0) ${load} offset=${offset} ${made} (return)`);
  }
}
define('fill', '(memory.fill (local.get 0) (i32.wrap_i64 (local.get 1)) (local.get 2))');
define('copy', '(memory.copy (local.get 0) (local.get 1) (local.get 2))');
define(
  'init',
  '(memory.init 0 (local.get 0) (i32.wrap_i64 (local.get 1)) (i32.wrap_i64 (local.get 2)))',
);
define('grow', '(return (memory.grow (i64.rem_u (local.get 2) (i64.const 3))))');
define('size', '(return (memory.size))');

const TEXT = `(module (memory i64 2 4) (data "0123456789abcdef0123456789ABCDEF") (data (i64.const 65530) "active")
${functions.join('\n')})`;

type Call = readonly [name: string, first: bigint, second: bigint, third: bigint];
type Outcome = bigint | string;

let module: ParsedModule;
beforeAll(async () => {
  module = parseModule(await compileWat(TEXT));
});

const rewritings = new Map<string, RewrittenModule>();
function subjectOf(lowers: boolean, unmarked?: UnmarkedWrites): Subject {
  const key = `${lowers} ${unmarked}`;
  const rewriting =
    rewritings.get(key) ??
    rewriteModule(module, {
      lowerMemory64: lowers,
      ...(unmarked === undefined ? {} : { unmarked }),
    });
  rewritings.set(key, rewriting);
  expect(rewriting.memory?.is64).toBe(!lowers);
  return instantiateRewritten(module, rewriting, {}).subject;
}

function run(subject: Subject, [name, ...args]: Call): Outcome {
  subject.prepare();
  try {
    return (subject.exports[name] as (...args: bigint[]) => bigint)(...args);
  } catch (error) {
    return causeOf(error);
  }
}

const PAGE = 4096n;
/** Around the ends of pages and of the memory, and beyond 32 bits, where an address could wrap into the heap. */
const addresses = fc.oneof(
  { weight: 16, arbitrary: edge(fc.bigInt(0n, 33n).map((page) => page * PAGE)) },
  { weight: 3, arbitrary: edge(fc.constantFrom(65_536n, 131_072n, 262_144n)) },
  { weight: 2, arbitrary: edge(fc.constantFrom(1n << 31n, 1n << 32n, 1n << 63n, 1n << 64n)) },
  // What the rewriter adds to an address must not carry it round.
  { weight: 1, arbitrary: fc.bigInt(0n, 0x20_0000n).map((back) => (1n << 64n) - 1n - back) },
);
function edge(around: fc.Arbitrary<bigint>): fc.Arbitrary<bigint> {
  return fc
    .tuple(around, fc.bigInt(-140n, 20n))
    .map(([at, by]) => BigInt.asUintN(64, at + by < 0n ? 0n : at + by));
}
const lengths = fc.oneof(
  { weight: 3, arbitrary: fc.bigInt(0n, 40n) },
  { weight: 2, arbitrary: edge(fc.constantFrom(PAGE, 3n * PAGE, 65_536n)) },
  { weight: 1, arbitrary: addresses },
);
const [far, near] = [true, false].map((isFar) =>
  names.filter((name) => /0x/.test(name) === isFar && / /.test(name)),
) as [string[], string[]];
const chosen = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...near) },
  { weight: 3, arbitrary: fc.constantFrom('fill', 'copy', 'init', 'grow', 'size') },
  { weight: 1, arbitrary: fc.constantFrom(...far) },
);
const calls = fc.array(
  fc.tuple(chosen, addresses, fc.oneof(addresses, fc.bigInt(0n, 30n)), lengths),
  { minLength: 1, maxLength: 30 },
);

describe('a 64-bit memory', () => {
  test.prop([calls], { numRuns: 60 })(
    'is the same raw, rewritten and lowered, and no write goes unmarked',
    (program) => {
      const plain = instantiateOriginal(module, {}).subject;
      const wide = subjectOf(false);
      const lowered = subjectOf(true);
      for (const call of program) {
        const expected = run(plain, call);
        for (const subject of [wide, lowered]) {
          const oracle = new MarkOracle(subject);
          oracle.begin();
          expect([...call, run(subject, call)]).toEqual([...call, expected]);
          expect([...call, oracle.end().missed]).toEqual([...call, []]);
        }
        expect([...call, wide.used()]).toEqual([...call, lowered.used()]);
      }
      const memory = Buffer.from(plain.memory() ?? []);
      expect(memory.equals(wide.memory() ?? new Uint8Array(0))).toBe(true);
      expect(memory.equals(lowered.memory() ?? new Uint8Array(0))).toBe(true);
    },
  );

  it.each([
    ['f64.store', ['f64.store 0', 8000n, 1n << 62n, 0n]],
    ['v128.store', ['v128.store 128', 8000n, 77n, 0n]],
    ['bulk', ['fill', 8000n, 7n, 9000n]],
    ['bulk', ['copy', 20_000n, 65_530n, 6n]],
    ['bulk', ['init', 20_000n, 0n, 6n]],
  ] as const)('is seen to change when %s goes unmarked', (mutant, call) => {
    for (const [unmarked, missed] of [
      [undefined, false],
      [mutant, true],
    ] as const) {
      const subject = subjectOf(false, unmarked);
      const oracle = new MarkOracle(subject);
      oracle.begin();
      expect(run(subject, call)).toBe(0n);
      const { wrote, missed: found } = oracle.end();
      expect(wrote).toBe(true);
      expect(found.length > 0).toBe(missed);
    }
  });

  it('marks each page that a straddling store reaches, or the one before it', () => {
    const subject = subjectOf(false);
    for (const name of Object.keys(STORES)) {
      for (let back = 0n; back <= 17n; back += 1n) {
        const oracle = new MarkOracle(subject);
        oracle.begin();
        expect(run(subject, [`${name} 127`, 3n * PAGE - back - 127n, ~back, 0n])).toBe(0n);
        expect([name, back, oracle.end()]).toEqual([name, back, { wrote: true, missed: [] }]);
        // What follows overwrites it, so that each store changes something.
        run(subject, ['fill', 3n * PAGE - 40n, 0n, 80n]);
      }
    }
  });
});
