import { describe, expect, it } from 'vitest';
import { compileWat } from '../../../../tests/support/wat.ts';
import { rewriteModule } from './instrument.ts';
import { parseModule } from './parse.ts';

const SMALL_BYTES = 50;

async function sizesOfFunctions(text: string): Promise<number[]> {
  const { wasm } = rewriteModule(parseModule(await compileWat(text)), { lowerMemory64: true });
  expect(WebAssembly.validate(wasm as BufferSource)).toBe(true);
  return parseModule(wasm).bodies.map(({ start, end }) => end - start);
}

describe('the share of small functions', () => {
  const large = `(func (param i32) (result i32) ${'(local.set 0 (i32.add (local.get 0) (i32.const 7)))'.repeat(20)} (local.get 0))`;

  it('is a half when the rewriter made most functions large, so that the engine goes on inlining', async () => {
    const sizes = await sizesOfFunctions(`(module ${large.repeat(60)})`);
    const small = sizes.filter((size) => size < SMALL_BYTES).length;
    expect(small / sizes.length).toBeGreaterThanOrEqual(0.5);
    // And no more than needed.
    expect((small - 1) / (sizes.length - 1)).toBeLessThan(0.5);
  });

  it('is left as it is when most functions are small anyway', async () => {
    const few = await sizesOfFunctions('(module (func))');
    const many = await sizesOfFunctions(`(module ${'(func)'.repeat(31)})`);
    expect(many).toHaveLength(few.length + 30);
  });
});
