import { describe, expect, it } from 'vitest';
import { compileWat } from '../../../../tests/support/wat.ts';
import { rewriteModule } from './instrument.ts';
import { OP } from './opcodes.ts';
import { parseModule } from './parse.ts';
import { ByteReader } from './reader.ts';

interface Hint {
  readonly opcode: number | undefined;
  readonly value: number;
}

/** By function index: what the hints of a module point at. */
function hintsOf(wasm: Uint8Array): Map<number, Hint[]> {
  const module = parseModule(wasm);
  const section = module.customSections.find(({ name }) => name === 'metadata.code.branch_hint');
  const found = new Map<number, Hint[]>();
  const reader = new ByteReader(section?.payload ?? new Uint8Array(0));
  if (section !== undefined) {
    expect(reader.name()).toBe(section.name);
  }
  const functions = section === undefined ? 0 : reader.u32();
  for (let i = 0; i < functions; i += 1) {
    const index = reader.u32();
    const body = module.bodies[index - module.imports.length];
    const hints = Array.from({ length: reader.u32() }, () => {
      const opcode = module.bytes[(body?.start ?? Number.NaN) + reader.u32()];
      expect(reader.byte()).toBe(1);
      return { opcode, value: reader.byte() };
    });
    found.set(index, hints);
  }
  expect(reader.done).toBe(true);
  return found;
}

const NOT_TAKEN = 0;
const unlikelyIf = { opcode: OP.if, value: NOT_TAKEN };
const unlikelyBranch = { opcode: OP.brIf, value: NOT_TAKEN };

describe('hints for branches that are hardly ever taken', () => {
  it('point at the checks of counter and stack, by function behind the imports', async () => {
    const wasm = await compileWat(`(module
      (import "ic0" "time" (func $time (result i64)))
      (func $leaf (param i32) (result i32) (local.get 0))
      (func $calls (param i32) (result i32) (local i64 i64 f32)
        (loop $again
          (drop (call $leaf (local.get 0)))
          (br_if $again (local.get 0)))
        (if (local.get 0) (then (nop)))
        (call $leaf (i32.const 1)))
      (func $spins (param i32)
        (loop $again (br_if $again (local.get 0)))))`);
    const { wasm: rewritten } = rewriteModule(parseModule(wasm), { lowerMemory64: false });
    const hints = hintsOf(rewritten);
    expect(hints.get(1)).toEqual([unlikelyIf]);
    expect(hints.get(2)).toEqual([unlikelyIf, unlikelyIf, unlikelyIf]);
    expect(hints.get(3)).toEqual([unlikelyIf, unlikelyBranch]);
    expect([...hints.keys()]).toEqual([1, 2, 3]);
  });

  it('are left out where there is nothing to hint', async () => {
    const wasm = await compileWat('(module (global i32 (i32.const 0)))');
    const { wasm: rewritten } = rewriteModule(parseModule(wasm), { lowerMemory64: false });
    expect(hintsOf(rewritten).size).toBe(0);
  });
});
