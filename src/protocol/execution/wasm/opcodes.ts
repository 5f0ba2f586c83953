import { EDIT } from './edits.ts';

/**
 * What the rewriter knows of each instruction: the shape of its immediates and its cost in
 * instructions. @upstream rs/embedders/src/wasm_utils/instrumentation.rs#instruction_to_cost
 */

export const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  drop: 0x1a,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  tableGet: 0x25,
  tableSet: 0x26,
  firstLoad: 0x28,
  i64Load: 0x29,
  lastLoad: 0x35,
  firstStore: 0x36,
  i32Store8: 0x3a,
  lastStore: 0x3e,
  memorySize: 0x3f,
  memoryGrow: 0x40,
  i32Const: 0x41,
  i64Const: 0x42,
  f32Const: 0x43,
  f64Const: 0x44,
  i32Eqz: 0x45,
  i32Eq: 0x46,
  i32LtS: 0x48,
  i32GeU: 0x4f,
  i64Eqz: 0x50,
  i64Eq: 0x51,
  i64LtS: 0x53,
  i64LtU: 0x54,
  i64GtU: 0x56,
  i64GeU: 0x5a,
  f32Eq: 0x5b,
  f64Eq: 0x61,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Or: 0x72,
  i32ShrU: 0x76,
  i64Add: 0x7c,
  i64Sub: 0x7d,
  i64Shl: 0x86,
  i64ShrU: 0x88,
  i32WrapI64: 0xa7,
  i64ExtendI32S: 0xac,
  i64ExtendI32U: 0xad,
  i32ReinterpretF32: 0xbc,
  i64ReinterpretF64: 0xbd,
  f32ReinterpretI32: 0xbe,
  f64ReinterpretI64: 0xbf,
  refNull: 0xd0,
  refIsNull: 0xd1,
  refFunc: 0xd2,
  prefixFc: 0xfc,
  prefixFd: 0xfd,
} as const;

/** Block type without parameters and results. */
export const EMPTY_BLOCK = 0x40;

/** Second opcode after the 0xfd prefix, of the instructions that the rewriter inserts. */
export const SIMD = {
  v128Const: 0x0c,
  i64x2Splat: 0x12,
  i64x2ExtractLane: 0x1d,
  i64x2ReplaceLane: 0x1e,
  f32x4Eq: 0x41,
  f64x2Eq: 0x47,
  bitselect: 0x52,
} as const;

/** Second opcode after the 0xfc prefix. */
export const FC = {
  i64TruncSatF64U: 7,
  lastTruncSat: 7,
  memoryInit: 8,
  dataDrop: 9,
  memoryCopy: 10,
  memoryFill: 11,
  tableInit: 12,
  elemDrop: 13,
  tableCopy: 14,
  tableGrow: 15,
  tableSize: 16,
  tableFill: 17,
} as const;

export const VALUE_TYPE = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  funcref: 0x70,
  externref: 0x6f,
} as const;

/** Shape of the bytes behind an opcode. */
export const IMMEDIATE = {
  refused: 0,
  none: 1,
  blockType: 2,
  index: 3,
  brTable: 4,
  callIndirect: 5,
  memarg: 6,
  leb: 7,
  bytes4: 8,
  bytes8: 9,
  selectTypes: 10,
  byte: 11,
} as const;

export const immediates = new Uint8Array(256);
/** Cost by opcode; loads and stores of 64-bit memories cost one more. */
export const costs = new Uint16Array(256);

function define(first: number, last: number, immediate: number, cost: number): void {
  immediates.fill(immediate, first, last + 1);
  costs.fill(cost, first, last + 1);
}

function reprice(cost: number, ...opcodes: readonly number[]): void {
  for (const opcode of opcodes) {
    costs[opcode] = cost;
  }
}

define(0x00, 0x01, IMMEDIATE.none, 1); // unreachable, nop
define(0x02, 0x03, IMMEDIATE.blockType, 0); // block, loop
define(0x04, 0x04, IMMEDIATE.blockType, 2); // if
define(0x05, 0x05, IMMEDIATE.none, 0); // else
define(0x0b, 0x0b, IMMEDIATE.none, 0); // end
define(0x0c, 0x0d, IMMEDIATE.index, 2); // br, br_if
define(0x0e, 0x0e, IMMEDIATE.brTable, 2);
define(0x0f, 0x0f, IMMEDIATE.none, 1); // return
define(0x10, 0x10, IMMEDIATE.index, 5); // call
define(0x11, 0x11, IMMEDIATE.callIndirect, 10);
define(0x1a, 0x1b, IMMEDIATE.none, 1); // drop, select
define(0x1c, 0x1c, IMMEDIATE.selectTypes, 1);
define(0x20, 0x22, IMMEDIATE.index, 1); // local.get, set, tee
define(0x23, 0x24, IMMEDIATE.index, 2); // global.get, set
define(0x25, 0x26, IMMEDIATE.index, 5); // table.get, set
define(0x28, 0x3e, IMMEDIATE.memarg, 1); // loads and stores
define(0x3f, 0x3f, IMMEDIATE.byte, 20); // memory.size
define(0x40, 0x40, IMMEDIATE.byte, 300); // memory.grow
define(0x41, 0x42, IMMEDIATE.leb, 1); // i32.const, i64.const
define(0x43, 0x43, IMMEDIATE.bytes4, 1);
define(0x44, 0x44, IMMEDIATE.bytes8, 1);
define(0x45, 0x5a, IMMEDIATE.none, 1); // integer comparisons
define(0x5b, 0x66, IMMEDIATE.none, 3); // float comparisons
define(0x67, 0x8a, IMMEDIATE.none, 1); // integer arithmetic
define(0x8b, 0xa6, IMMEDIATE.none, 2); // float arithmetic, repriced below
define(0xa7, 0xbf, IMMEDIATE.none, 1); // conversions, repriced below
define(0xc0, 0xc4, IMMEDIATE.none, 1); // sign extension
define(0xd0, 0xd0, IMMEDIATE.byte, 1); // ref.null
define(0xd1, 0xd1, IMMEDIATE.none, 5); // ref.is_null
define(0xd2, 0xd2, IMMEDIATE.index, 130); // ref.func

reprice(10, 0x6d, 0x6e, 0x6f, 0x70, 0x7f, 0x80, 0x81, 0x82); // div, rem
reprice(1, 0x8b, 0x8c, 0x99, 0x9a); // abs, neg
reprice(5, 0x91); // f32.sqrt
reprice(8, 0x9f); // f64.sqrt
reprice(3, 0x95); // f32.div
reprice(5, 0xa3); // f64.div
reprice(18, 0x96, 0x97, 0xa4, 0xa5); // min, max
reprice(2, 0x98); // f32.copysign
reprice(3, 0xa6); // f64.copysign
reprice(20, 0xa8, 0xa9, 0xaa, 0xab, 0xae, 0xaf, 0xb0, 0xb1); // trunc
reprice(3, 0xb2, 0xb4, 0xb7, 0xb9); // convert signed
reprice(16, 0xb3, 0xb5, 0xb8, 0xba); // convert unsigned

/** Operands taken and given by opcode, where that does not depend on immediates. */
export const pops = new Uint8Array(256);
export const pushes = new Uint8Array(256);

function arity(first: number, last: number, taken: number, given: number): void {
  pops.fill(taken, first, last + 1);
  pushes.fill(given, first, last + 1);
}

arity(0x1a, 0x1a, 1, 0); // drop
arity(0x1b, 0x1c, 3, 1); // select
arity(0x20, 0x20, 0, 1); // local.get
arity(0x21, 0x21, 1, 0); // local.set
arity(0x22, 0x22, 1, 1); // local.tee
arity(0x23, 0x23, 0, 1); // global.get
arity(0x24, 0x24, 1, 0); // global.set
arity(0x25, 0x25, 1, 1); // table.get
arity(0x26, 0x26, 2, 0); // table.set
arity(0x28, 0x35, 1, 1); // loads
arity(0x36, 0x3e, 2, 0); // stores
arity(0x3f, 0x3f, 0, 1); // memory.size
arity(0x40, 0x40, 1, 1); // memory.grow
arity(0x41, 0x44, 0, 1); // constants
arity(0x45, 0x45, 1, 1); // i32.eqz
arity(0x46, 0x4f, 2, 1); // i32 comparisons
arity(0x50, 0x50, 1, 1); // i64.eqz
arity(0x51, 0x66, 2, 1); // other comparisons
arity(0x67, 0x69, 1, 1); // i32 clz, ctz, popcnt
arity(0x6a, 0x78, 2, 1); // i32 arithmetic
arity(0x79, 0x7b, 1, 1);
arity(0x7c, 0x8a, 2, 1); // i64 arithmetic
arity(0x8b, 0x91, 1, 1); // f32 abs … sqrt
arity(0x92, 0x98, 2, 1); // f32 add … copysign
arity(0x99, 0x9f, 1, 1);
arity(0xa0, 0xa6, 2, 1);
arity(0xa7, 0xc4, 1, 1); // conversions, sign extension
arity(0xd0, 0xd0, 0, 1); // ref.null
arity(0xd1, 0xd1, 1, 1); // ref.is_null
arity(0xd2, 0xd2, 0, 1); // ref.func

/** By opcode: the shape in which an instruction's result can be any NaN (an `EDIT` kind). */
export const nanSource = new Uint8Array(256);
/** By opcode: the shape of operands of which it matters only whether they are NaN. */
export const nanSink = new Uint8Array(256);

nanSource.fill(EDIT.nanF32, 0x8d, 0x98); // f32 ceil … max
nanSource.fill(EDIT.nanF64, 0x9b, 0xa6); // f64 ceil … max
nanSource[0xb6] = EDIT.nanF32; // demote
nanSource[0xbb] = EDIT.nanF64; // promote
nanSink.fill(EDIT.nanF32, 0x5b, 0x61); // f32 comparisons
nanSink.fill(EDIT.nanF64, 0x61, 0x67);
nanSink.fill(EDIT.nanF32, 0x8d, 0x98);
nanSink.fill(EDIT.nanF64, 0x9b, 0xa6);
nanSink.fill(EDIT.nanF32, 0xa8, 0xaa); // i32.trunc_f32
nanSink.fill(EDIT.nanF64, 0xaa, 0xac);
nanSink.fill(EDIT.nanF32, 0xae, 0xb0); // i64.trunc_f32
nanSink.fill(EDIT.nanF64, 0xb0, 0xb2);
nanSink[0xb6] = EDIT.nanF64;
nanSink[0xbb] = EDIT.nanF32;

/** The same for the saturating truncations behind 0xfc. */
export const fcNanSink: readonly number[] = [
  EDIT.nanF32,
  EDIT.nanF32,
  EDIT.nanF64,
  EDIT.nanF64,
  EDIT.nanF32,
  EDIT.nanF32,
  EDIT.nanF64,
  EDIT.nanF64,
];

/** Operands taken and given by the instructions behind 0xfc. */
export const fcPops: readonly number[] = [1, 1, 1, 1, 1, 1, 1, 1, 3, 0, 3, 3, 3, 0, 3, 2, 0, 3];
export const fcPushes: readonly number[] = [1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0];

/** Cost of the instructions behind the 0xfc prefix, by second opcode. */
export const fcCosts: readonly number[] = [
  20,
  20,
  20,
  20,
  20,
  20,
  20,
  20, // trunc_sat
  100,
  300,
  100,
  100, // memory.init, data.drop, memory.copy, memory.fill
  100,
  300,
  100,
  300,
  100,
  100, // table.init, elem.drop, table.copy, table.grow, table.size, table.fill
];

/** Which index immediates an 0xfc instruction has. */
export const fcIndexCounts: readonly number[] = [
  0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1,
];
