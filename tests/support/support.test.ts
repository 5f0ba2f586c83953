import { describe, expect, it } from 'vitest';
import { compileMotoko } from './motoko.ts';
import { compileWat } from './wat.ts';

describe('test toolchain', () => {
  it('assembles WebAssembly text', async () => {
    const wasm = await compileWat('(module (memory i64 1))');
    expect([...wasm]).toEqual([0, 97, 115, 109, 1, 0, 0, 0, 5, 3, 1, 4, 1]);
  });

  it('compiles Motoko and reports errors', async () => {
    const source = 'persistent actor { var n = 0; public func inc() : async Nat { n += 1; n } }';
    const { wasm, candid } = await compileMotoko(source);
    expect([...wasm.subarray(0, 4)]).toEqual([0, 97, 115, 109]);
    expect(candid).toContain('inc: () -> (nat)');
    await expect(compileMotoko('persistent actor { let x : Nat = "text" }')).rejects.toThrow(
      /M0\d\d\d/,
    );
  }, 60_000);
});
