import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { instantiate } from '../../../../tests/support/instrumented.ts';
import { compileWat } from '../../../../tests/support/wat.ts';
import { rewriteModule } from './instrument.ts';
import { parseModule } from './parse.ts';
import type { CounterWrites } from './rewrite-context.ts';

/** What a program does: it branches on bits of `$x`, which changes all the time. */
type Statement =
  | { readonly kind: 'work' | 'trap' | 'call' | 'store' | 'return' }
  | { readonly kind: 'leave' | 'table'; readonly label: number }
  | { readonly kind: 'block' | 'if' | 'loop'; readonly body: readonly Statement[] }
  | {
      readonly kind: 'else';
      readonly body: readonly Statement[];
      readonly other: readonly Statement[];
    };

const NEXT_BIT =
  '(i32.and (i32.const 3) (local.tee $x (i32.add (i32.const 7) (i32.rotl (local.get $x) (i32.const 3)))))';

function textOf(statements: readonly Statement[], depth: number): string {
  return statements.map((statement) => textOfOne(statement, depth)).join('\n');
}

function textOfOne(statement: Statement, depth: number): string {
  switch (statement.kind) {
    case 'work':
      return '(local.set $y (i32.mul (local.get $y) (i32.const 3)))';
    case 'trap':
      return `(local.set $y (i32.div_u (i32.const 9) ${NEXT_BIT}))`;
    case 'call':
      return '(local.set $y (call $leaf (local.get $y)))';
    case 'store':
      return '(i32.store (i32.shl (local.get $y) (i32.const 8)) (local.get $x))';
    case 'return':
      return `(if (i32.eqz ${NEXT_BIT}) (then (return (local.get $y))))`;
    case 'leave':
      return `(drop (br_if ${depth} (local.get $y) ${NEXT_BIT}))
        (br_if ${statement.label % Math.max(1, depth)} ${NEXT_BIT})`;
    case 'table':
      return `(block (br_table 0 ${1 + (statement.label % Math.max(1, depth))} 0 ${NEXT_BIT}))`;
    case 'block':
      return `(block ${textOf(statement.body, depth + 1)})`;
    case 'if':
      return `(if ${NEXT_BIT} (then ${textOf(statement.body, depth + 1)}))`;
    case 'else':
      return `(if ${NEXT_BIT} (then ${textOf(statement.body, depth + 1)}) (else ${textOf(statement.other, depth + 1)}))`;
    case 'loop':
      return `(loop (if (i32.gt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 60)) (then (return (i32.const -1)))) ${textOf(statement.body, depth + 1)})`;
  }
}

async function compile(statements: readonly Statement[]): Promise<Uint8Array> {
  // One block around all, so that a label always names one; its branches leave the function at its end.
  return await compileWat(`(module (memory 1)
    (func $leaf (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func (export "run") (param $x i32) (result i32) (local $y i32) (local $n i32)
      (block ${textOf(statements, 1)})
      (local.get $y)))`);
}

const ARGUMENTS = Array.from({ length: 12 }, (_, i) => Math.imul(i, 0x9e_37_79_b1));
const BUDGET = 1_000_000n;

/** For each argument the result or trap, and what was charged until then. */
function outcomes(wasm: Uint8Array, counterWrites?: CounterWrites): string[] {
  const options = counterWrites === undefined ? {} : { counterWrites };
  const { exports, counter } = instantiate(
    rewriteModule(parseModule(wasm), { lowerMemory64: true, ...options }),
  );
  return ARGUMENTS.map((argument) => {
    counter.value = BUDGET;
    let result: string;
    try {
      result = String((exports['run'] as (x: number) => number)(argument));
    } catch (trap) {
      result = (trap as Error).message;
    }
    return `${result}: ${BUDGET - (counter.value as bigint)}`;
  });
}

const { statements } = fc.letrec<{ statement: Statement; statements: Statement[] }>((tie) => ({
  statement: fc.oneof(
    { maxDepth: 4 },
    fc.record({ kind: fc.constantFrom('work', 'trap', 'call', 'store', 'return') }),
    fc.record({ kind: fc.constantFrom('leave', 'table'), label: fc.nat(5) }),
    fc.record({ kind: fc.constantFrom('block', 'if', 'loop'), body: tie('statements') }),
    fc.record({
      kind: fc.constant('else'),
      body: tie('statements'),
      other: tie('statements'),
    }),
  ) as fc.Arbitrary<Statement>,
  statements: fc.array(tie('statement'), { maxLength: 4 }),
}));

describe('the counter, written only where it can be seen', () => {
  test.prop([statements], { numRuns: 60 })(
    'shows after each end and trap what it would if every block wrote it',
    async (program) => {
      const wasm = await compile(program);
      expect(outcomes(wasm)).toEqual(outcomes(wasm, 'in every block'));
    },
  );

  it('is not written in blocks that only compute', async () => {
    const wasm = await compile([{ kind: 'else', body: [{ kind: 'work' }], other: [] }]);
    const size = (mode?: CounterWrites): number =>
      rewriteModule(parseModule(wasm), {
        lowerMemory64: true,
        ...(mode === undefined ? {} : { counterWrites: mode }),
      }).wasm.length;
    expect(size()).toBeLessThan(size('in every block'));
  });

  const programs: Readonly<Record<string, readonly Statement[]>> = {
    'not before traps': [{ kind: 'work' }, { kind: 'if', body: [{ kind: 'trap' }] }],
    'not before leaving': [{ kind: 'work' }, { kind: 'if', body: [{ kind: 'work' }] }],
  };

  it.each(['not before traps', 'not before leaving'] as const)(
    'is wrong when it is %s',
    async (mode) => {
      const wasm = await compile(programs[mode] ?? []);
      expect(outcomes(wasm, mode)).not.toEqual(outcomes(wasm, 'in every block'));
    },
  );
});
