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
  lastStore: 0x3e,
  memorySize: 0x3f,
  memoryGrow: 0x40,
  i32Const: 0x41,
  i64Const: 0x42,
  f32Const: 0x43,
  f64Const: 0x44,
  i32Eqz: 0x45,
  i32Eq: 0x46,
  i32GeU: 0x4f,
  i64Eq: 0x51,
  i64LtS: 0x53,
  i64LtU: 0x54,
  i64GtU: 0x56,
  i64GeU: 0x5a,
  i32Or: 0x72,
  i64Add: 0x7c,
  i64Sub: 0x7d,
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
} as const;

/** Second opcode after the 0xfc prefix. */
export const FC = {
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
