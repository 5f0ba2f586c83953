import { EDIT } from './edits.ts';

/**
 * The vector instructions, by the opcode behind the 0xfd prefix; relaxed ones are not among them.
 * Costs: @upstream rs/embedders/src/wasm_utils/instrumentation.rs#instruction_to_cost
 */

/** Shape of the bytes behind the opcode. */
export const SIMD_FORM = {
  refused: 0,
  none: 1,
  load: 2,
  store: 3,
  loadLane: 4,
  storeLane: 5,
  lane: 6,
  bytes16: 7,
} as const;

export const simdForms = new Uint8Array(256);
export const simdCosts = new Uint8Array(256).fill(1);
export const simdPops = new Uint8Array(256);
export const simdPushes = new Uint8Array(256);
/** As `nanSource` and `nanSink` of the scalar instructions. */
export const simdNanSource = new Uint8Array(256);
export const simdNanSink = new Uint8Array(256);

function define(first: number, last: number, form: number, taken: number, given: number): void {
  simdForms.fill(form, first, last + 1);
  simdPops.fill(taken, first, last + 1);
  simdPushes.fill(given, first, last + 1);
}

function each(table: Uint8Array, value: number, ...opcodes: readonly number[]): void {
  for (const opcode of opcodes) {
    table[opcode] = value;
  }
}

define(0, 10, SIMD_FORM.load, 1, 1);
define(11, 11, SIMD_FORM.store, 2, 0);
define(12, 12, SIMD_FORM.bytes16, 0, 1); // v128.const
define(13, 13, SIMD_FORM.bytes16, 2, 1); // i8x16.shuffle
define(14, 14, SIMD_FORM.none, 2, 1); // i8x16.swizzle
define(15, 20, SIMD_FORM.none, 1, 1); // splat
define(21, 34, SIMD_FORM.lane, 1, 1); // extract_lane
define(35, 81, SIMD_FORM.none, 2, 1); // comparisons, and … xor
define(82, 82, SIMD_FORM.none, 3, 1); // bitselect
define(83, 83, SIMD_FORM.none, 1, 1); // any_true
define(84, 87, SIMD_FORM.loadLane, 2, 1);
define(88, 91, SIMD_FORM.storeLane, 2, 0);
define(92, 93, SIMD_FORM.load, 1, 1); // load_zero
define(94, 255, SIMD_FORM.none, 2, 1);
each(simdPops, 2, 23, 26, 28, 30, 32, 34); // replace_lane

const UNARY = [
  77, 94, 95, 96, 97, 98, 99, 100, 103, 104, 105, 106, 116, 117, 122, 124, 125, 126, 127, 128, 129,
  131, 132, 135, 136, 137, 138, 148, 160, 161, 163, 164, 167, 168, 169, 170, 192, 193, 195, 196,
  199, 200, 201, 202, 224, 225, 227, 236, 237, 239, 248, 249, 250, 251, 252, 253, 254, 255,
];
each(simdPops, 1, ...UNARY);

const HOLES = [
  154, 162, 165, 166, 175, 176, 178, 179, 180, 187, 194, 197, 198, 207, 208, 210, 211, 212, 226,
  238,
];
each(simdForms, SIMD_FORM.refused, ...HOLES);

// lt_u and gt_u, shifts, wide multiplications, float operations …
each(simdCosts, 2, 38, 40, 48, 50, 58, 60, 109, 125, 139, 140, 141, 157, 159, 171, 172, 173, 181);
each(simdCosts, 2, 188, 189, 190, 191, 203, 205, 103, 104, 105, 106, 116, 117, 122, 148, 224, 225);
each(simdCosts, 2, 228, 229, 230, 236, 237, 240, 241, 242, 248, 252);
each(simdCosts, 3, 13, 98, 107, 108, 127, 204, 253);
each(simdCosts, 4, 213, 232, 233, 244, 249, 251);
each(simdCosts, 5, 227, 245);
each(simdCosts, 10, 231);
each(simdCosts, 12, 243);
each(simdCosts, 14, 239);

const F32X4_ARITHMETIC = [103, 104, 105, 106, 227, 228, 229, 230, 231, 232, 233];
const F64X2_ARITHMETIC = [116, 117, 122, 148, 239, 240, 241, 242, 243, 244, 245];
each(simdNanSource, EDIT.nanF32x4, ...F32X4_ARITHMETIC, 94); // 94 demotes
each(simdNanSource, EDIT.nanF64x2, ...F64X2_ARITHMETIC, 95); // 95 promotes
// Comparisons and saturating truncations too see only whether a lane is NaN.
each(simdNanSink, EDIT.nanF32x4, ...F32X4_ARITHMETIC, 95, 65, 66, 67, 68, 69, 70, 248, 249);
each(simdNanSink, EDIT.nanF64x2, ...F64X2_ARITHMETIC, 94, 71, 72, 73, 74, 75, 76, 252, 253);
