import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { rewriteModule } from '../../../src/protocol/execution/wasm/instrument.ts';
import { parseModule } from '../../../src/protocol/execution/wasm/parse.ts';
import type {
  CounterWrites,
  UnmarkedWrites,
} from '../../../src/protocol/execution/wasm/rewrite-context.ts';
import { compileWat } from '../../support/wat.ts';
import { MarkOracle } from './mark-oracle.ts';
import { instantiateRewritten } from './subjects.ts';

/**
 * Random programs whose addresses are sums of locals, a global and constants, near page edges and both
 * ends of memory: whatever the rewriter concludes from one access about another, pages that change are
 * marked, and the counter is right at every trap.
 */
type Base = 'p' | 'q' | 'r' | 'g' | 'constant';

interface Place {
  readonly base: Base;
  readonly by: number;
  readonly offset: number;
}

type Statement =
  | ({ readonly kind: 'store' | 'load' } & Place)
  | { readonly kind: 'move'; readonly to: Base; readonly from: Base; readonly by: number }
  | { readonly kind: 'mix'; readonly to: Base }
  | { readonly kind: 'call' | 'leave' }
  | { readonly kind: 'block' | 'loop'; readonly body: readonly Statement[] }
  | {
      readonly kind: 'if';
      readonly body: readonly Statement[];
      readonly other: readonly Statement[];
    };

const NEXT_BIT =
  '(i32.and (i32.const 1) (local.tee $x (i32.add (i32.const 7) (i32.rotl (local.get $x) (i32.const 3)))))';

function get(base: Base): string {
  return base === 'g' ? '(global.get $g)' : `(local.get $${base === 'constant' ? 'r' : base})`;
}

function set(base: Base, value: string): string {
  return base === 'g'
    ? `(global.set $g ${value})`
    : `(local.set $${base === 'constant' ? 'r' : base} ${value})`;
}

function sum(base: Base, by: number): string {
  if (base === 'constant') {
    return `(i32.const ${65_000 + by})`;
  }
  return by === 0
    ? get(base)
    : by > 0
      ? `(i32.add ${get(base)} (i32.const ${by}))`
      : `(i32.sub ${get(base)} (i32.const ${-by}))`;
}

function textOf(statements: readonly Statement[], depth: number): string {
  return statements.map((statement) => textOfOne(statement, depth)).join('\n');
}

function textOfOne(statement: Statement, depth: number): string {
  switch (statement.kind) {
    case 'store':
      return `(i64.store offset=${statement.offset} ${sum(statement.base, statement.by)} (i64.extend_i32_u ${NEXT_BIT}))`;
    case 'load':
      return `(local.set $x (i32.xor (local.get $x) (i32.load offset=${statement.offset} ${sum(statement.base, statement.by)})))`;
    case 'move':
      return set(statement.to, sum(statement.from, statement.by));
    case 'mix':
      return set(
        statement.to,
        `(i32.add ${get(statement.to)} (i32.shl ${NEXT_BIT} (i32.const 12)))`,
      );
    case 'call':
      return '(call $shift (local.get $x))';
    case 'leave':
      return `(br_if ${Math.floor(depth / 2)} ${NEXT_BIT})`;
    case 'block':
      return `(block ${textOf(statement.body, depth + 1)})`;
    case 'if':
      return `(if ${NEXT_BIT} (then ${textOf(statement.body, depth + 1)}) (else ${textOf(statement.other, depth + 1)}))`;
    case 'loop':
      return `(loop (if (i32.gt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 40)) (then (return))) ${textOf(statement.body, depth + 1)})`;
  }
}

function compile(statements: readonly Statement[]): Promise<Uint8Array> {
  return compileWat(`(module (memory 1)
    (global $g (mut i32) (i32.const 8192))
    (func $shift (param i32)
      (global.set $g (i32.and (i32.const 0x1fff8) (i32.add (global.get $g) (local.get 0)))))
    (func (export "run") (param $p i32) (param $q i32) (param $x i32) (local $r i32) (local $n i32)
      (block ${textOf(statements, 1)})))`);
}

const ADDRESSES = [3, 4090, 8192, 65_400, 65_533, 65_540, -4, -130];
const CALLS = ADDRESSES.map((p, i) => [
  p,
  ADDRESSES[(3 * i + 2) % ADDRESSES.length] as number,
  Math.imul(i + 1, 0x9e_37_79_b1),
]);

interface Outcome {
  /** For each call how it ended and what was charged until then. */
  readonly ends: readonly string[];
  readonly missed: number;
}

interface Mutant {
  readonly counterWrites?: CounterWrites;
  readonly unmarked?: UnmarkedWrites;
}

function run(wasm: Uint8Array, mutant: Mutant = {}): Outcome {
  const module = parseModule(wasm);
  const rewritten = rewriteModule(module, { lowerMemory64: false, ...mutant });
  const { subject } = instantiateRewritten(module, rewritten, {});
  const oracle = new MarkOracle(subject);
  let missed = 0;
  const ends = CALLS.map((args) => {
    oracle.begin();
    subject.prepare();
    let end = 'returned';
    try {
      (subject.exports['run'] as (...values: number[]) => void)(...args);
    } catch (trap) {
      end = (trap as Error).message;
    }
    missed += oracle.end().missed.length;
    return `${end}: ${subject.used()}`;
  });
  return { ends, missed };
}

const base = fc.constantFrom<Base>('p', 'q', 'r', 'g', 'constant');
const by = fc.constantFrom(0, 0, 4, -4, 8, 120, -130, 4096);
const { statements } = fc.letrec<{ statement: Statement; statements: Statement[] }>((tie) => ({
  statement: fc.oneof(
    { maxDepth: 3 },
    fc.record({
      kind: fc.constantFrom('store', 'load', 'store', 'load'),
      base,
      by,
      offset: fc.constantFrom(0, 0, 4, 127, 128, 300),
    }),
    fc.record({ kind: fc.constant('move'), to: base, from: base, by }),
    fc.record({ kind: fc.constant('mix'), to: base }),
    fc.record({ kind: fc.constantFrom('call', 'leave') }),
    fc.record({ kind: fc.constantFrom('block', 'loop'), body: tie('statements') }),
    fc.record({ kind: fc.constant('if'), body: tie('statements'), other: tie('statements') }),
  ) as fc.Arbitrary<Statement>,
  statements: fc.array(tie('statement'), { maxLength: 8 }),
}));

describe('accesses near each other', () => {
  test.prop([statements], { numRuns: 30 })(
    'are marked and counted as if each stood alone',
    async (program) => {
      const wasm = await compile(program);
      const { ends, missed } = run(wasm);
      expect(missed).toBe(0);
      expect(ends).toEqual(run(wasm, { counterWrites: 'in every block' }).ends);
    },
  );

  const here: Place = { base: 'p', by: 0, offset: 0 };
  const load: Statement = { kind: 'load', ...here };
  const store: Statement = { kind: 'store', ...here };

  const mix: Statement = { kind: 'mix', to: 'p' };
  const far: Statement = { kind: 'move', to: 'p', from: 'p', by: 4096 };
  const near: Statement = { kind: 'if', body: [load], other: [load] };

  it('write the counter once, and mark once', async () => {
    const one = await compile([store, { kind: 'move', to: 'q', from: 'p', by: 8 }, near, load]);
    const other = await compile([store, mix, near, load]);
    const growth = (wasm: Uint8Array): number =>
      rewriteModule(parseModule(wasm), { lowerMemory64: false }).wasm.length - wasm.length;
    expect(growth(one)).toBeLessThan(growth(other));
  });

  it.each([
    ['changed base', [load, far, near, load]],
    ['other path', [near, load]],
  ] as const satisfies readonly (readonly [UnmarkedWrites, readonly Statement[]])[])(
    'are counted wrongly by a rewriter blind to a %s',
    async (unmarked, program) => {
      const wasm = await compile(program);
      expect(run(wasm, { unmarked }).ends).not.toEqual(run(wasm).ends);
    },
  );
});
