import { describe, expect, it } from 'vitest';
import { compileWat } from '../../../../tests/support/wat.ts';
import { fromListedGlobals, toListedGlobals } from './exported-globals.ts';
import { parseModule } from './parse.ts';

/** As compilers write them: a stack pointer of its own, constants and a variable for the outside. */
const MODULE = `
(module
  (global $stack (mut i32) (i32.const 1048576))
  (global $end i32 (i32.const -8))
  (global $half (mut f64) (f64.const 0.5))
  (global $third f32 (f32.const 0.25))
  (global $big (mut i64) (i64.const -1))
  (global $wide i64 (i64.const -2))
  (export "__heap_base" (global $wide))
  (export "big" (global $big))
  (export "third" (global $third))
  (export "__data_end" (global $end))
  (export "big again" (global $big)))`;

const i32 = (value: number) => ({ type: 'i32', bits: BigInt.asUintN(32, BigInt(value)) }) as const;
const i64 = (value: bigint) => ({ type: 'i64', bits: BigInt.asUintN(64, value) }) as const;
const HALF = { type: 'f64', bits: 0x3fe0_0000_0000_0000n } as const;
const THIRD = { type: 'f32', bits: 0x3e80_0000n } as const;
/** In the order of their indices. */
const MUTABLE = [i32(7), HALF, i64(5n)];
const LISTED = [i64(-2n), i64(5n), THIRD, i32(-8), i64(5n), i32(7), HALF];

describe('globals of a snapshot', () => {
  it('come in the order of the exports, constants too, then the variables that are not exported', async () => {
    const module = parseModule(await compileWat(MODULE));
    expect(toListedGlobals(module, MUTABLE)).toEqual(LISTED);
    expect(fromListedGlobals(module, LISTED)).toEqual(MUTABLE);
  });

  it('must be of the types of the module; what is said of constants counts for nothing', async () => {
    const module = parseModule(await compileWat(MODULE));
    expect(fromListedGlobals(module, LISTED.slice(1))).toBeUndefined();
    expect(fromListedGlobals(module, [...LISTED, i32(1)])).toBeUndefined();
    expect(fromListedGlobals(module, LISTED.with(2, i32(0)))).toBeUndefined();
    expect(fromListedGlobals(module, LISTED.with(0, i64(99n)))).toEqual(MUTABLE);
    // Of a variable that is exported twice the last word counts.
    expect(fromListedGlobals(module, LISTED.with(4, i64(6n)))).toEqual(MUTABLE.with(2, i64(6n)));
  });

  it('list constant vectors with all their bits', async () => {
    const module = parseModule(
      await compileWat(`(module
        (global $v v128 (v128.const i64x2 1 -1))
        (global $n (mut i32) (i32.const 3))
        (global $hidden v128 (v128.const i32x4 1 2 3 4))
        (export "v" (global $v)))`),
    );
    const vector = { type: 'v128', bits: (0xffff_ffff_ffff_ffffn << 64n) | 1n } as const;
    expect(toListedGlobals(module, [i32(7)])).toEqual([vector, i32(7)]);
    expect(fromListedGlobals(module, [vector, i32(8)])).toEqual([i32(8)]);
    expect(fromListedGlobals(module, [i32(8), i32(8)])).toBeUndefined();
  });

  it('are none where the module has none', async () => {
    const module = parseModule(await compileWat('(module)'));
    expect(toListedGlobals(module, [])).toEqual([]);
    expect(fromListedGlobals(module, [])).toEqual([]);
  });
});
