import { MAX_HEAP32_WASM_PAGES, MAX_HEAP64_WASM_PAGES } from './limits.ts';
import type { FunctionType, ParsedModule } from './module.ts';
import { FC, OP, VALUE_TYPE } from './opcodes.ts';
import { CALLBACK_EXPORT, COUNTER_EXPORT, GLOBAL_EXPORT_PREFIX, STOP_EXPORT } from './validate.ts';
import { ByteWriter } from './writer.ts';

/** Values of the exported global `canister stop_reason`. */
export const STOP_REASON = {
  none: 0,
  /** The host could not give memory that the limits allow: not the canister's fault. */
  hostMemoryExhausted: 2,
  /** A callback names a function that the table does not hold. */
  functionNotFound: 3,
} as const;

/** Functions and globals that the rewriter appends, by their index in the rewritten module. */
export interface Appended {
  readonly counterGlobal: number;
  readonly stopGlobal: number;
  /** The table of functions that the host fills; see `HOST_FUNCTION`. */
  readonly hostTable: number;
  /** () → (): asks the host for more instructions; it raises the counter or throws. */
  readonly outOfInstructions: number;
  /** (n) → n: subtracts n from the counter and asks for more when it fell below zero. */
  readonly charge32: number;
  readonly charge64: number;
  /** memory.grow within the module's and the IC's limits, in the original's address type. */
  readonly grow: number;
  /** () → (): traps as an access outside of memory. */
  readonly memoryFault: number;
  /** () → (): traps as an access outside of a table. */
  readonly tableFault: number;
}

/** Slots of the exported table `canister host_functions`, each of type () → (). */
export const HOST_FUNCTION = { outOfInstructions: 0 } as const;
export const HOST_FUNCTION_COUNT = 1;

export interface HelperFunction {
  readonly type: FunctionType;
  readonly exportName: string | null;
  /** Body with its local declarations, without size. */
  readonly body: Uint8Array;
}

const { i32, i64 } = VALUE_TYPE;
const EMPTY_BLOCK = 0x40;
const MINUS_ONE = 0x7f;
/** More than any limit allows; what is charged beyond it makes no difference. */
const MAX_CHARGE = 2 ** 52;

function body(code: (w: ByteWriter) => void, locals: readonly number[] = []): Uint8Array {
  const writer = new ByteWriter(64);
  writer.u32(locals.length);
  for (const type of locals) {
    writer.raw([1, type]);
  }
  code(writer);
  writer.byte(OP.end);
  return writer.toBytes();
}

function indexed(w: ByteWriter, opcode: number, index: number): void {
  w.byte(opcode);
  w.u32(index);
}

function stop(w: ByteWriter, appended: Appended, reason: number): void {
  w.raw([OP.i32Const, reason]);
  indexed(w, OP.globalSet, appended.stopGlobal);
  w.byte(OP.unreachable);
}

/** A table and not an import: imports stand first, so one more would renumber every function. */
function outOfInstructionsBody(appended: Appended, typeIndex: number): Uint8Array {
  return body((w) => {
    w.raw([OP.i32Const, HOST_FUNCTION.outOfInstructions, OP.callIndirect]);
    w.u32(typeIndex);
    w.u32(appended.hostTable);
  });
}

/** Saturating: a length of 2^63 or more must not wrap the counter around to a positive value. */
function chargeBody(appended: Appended): Uint8Array {
  return body((w) => {
    indexed(w, OP.globalGet, appended.counterGlobal);
    w.raw([OP.localGet, 0, OP.i64Const]);
    w.signed(MAX_CHARGE);
    w.raw([OP.localGet, 0, OP.i64Const]);
    w.signed(MAX_CHARGE);
    w.raw([OP.i64LtU, OP.select, OP.i64Sub]);
    indexed(w, OP.globalSet, appended.counterGlobal);
    indexed(w, OP.globalGet, appended.counterGlobal);
    w.raw([OP.i64Const, 0, OP.i64LtS, OP.if, EMPTY_BLOCK]);
    indexed(w, OP.call, appended.outOfInstructions);
    w.raw([OP.end, OP.localGet, 0]);
  });
}

function maxHeapPages(module: ParsedModule): number {
  const limit = module.memory?.is64 === true ? MAX_HEAP64_WASM_PAGES : MAX_HEAP32_WASM_PAGES;
  const declared = module.memory?.max ?? null;
  return declared === null || declared > BigInt(limit) ? limit : Number(declared);
}

/**
 * Whether memory may grow depends on limits only, never on the host: when the engine refuses what
 * the limits allow, the module stops with `hostMemoryExhausted` instead of seeing -1.
 */
function growBody(module: ParsedModule, appended: Appended, lowered: boolean): Uint8Array {
  const is64 = module.memory?.is64 === true;
  const wide = (w: ByteWriter): void => {
    if (!is64 || lowered) {
      w.byte(OP.i64ExtendI32U);
    }
  };
  return body(
    (w) => {
      w.raw([OP.localGet, 0]);
      if (!is64) {
        w.byte(OP.i64ExtendI32U);
      }
      w.byte(OP.i64Const);
      w.signed(maxHeapPages(module));
      w.raw([OP.memorySize, 0]);
      wide(w);
      w.raw([OP.i64Sub, OP.i64GtU, OP.if, EMPTY_BLOCK]);
      w.raw([is64 ? OP.i64Const : OP.i32Const, MINUS_ONE, OP.return, OP.end, OP.localGet, 0]);
      if (lowered) {
        w.byte(OP.i32WrapI64);
      }
      w.raw([OP.memoryGrow, 0]);
      if (lowered) {
        w.byte(OP.i64ExtendI32S);
      }
      w.raw([OP.localTee, 1, is64 ? OP.i64Const : OP.i32Const, MINUS_ONE]);
      w.raw([is64 ? OP.i64Eq : OP.i32Eq, OP.if, EMPTY_BLOCK]);
      stop(w, appended, STOP_REASON.hostMemoryExhausted);
      w.raw([OP.end, OP.localGet, 1]);
    },
    [is64 ? i64 : i32],
  );
}

function memoryFaultBody(module: ParsedModule, lowered: boolean): Uint8Array {
  return body((w) => {
    if (module.memory !== null && lowered) {
      // Beyond 4 GiB whatever the size of the memory is.
      w.raw([OP.i32Const, MINUS_ONE, OP.i64Load, 0]);
      w.u32(0xff_ff_ff_ff);
      w.byte(OP.drop);
    }
    w.byte(OP.unreachable);
  });
}

function tableFaultBody(module: ParsedModule, lowered: boolean): Uint8Array {
  return body((w) => {
    if (module.tables.length > 0 && lowered) {
      w.raw([OP.i32Const, MINUS_ONE, OP.tableGet, 0, OP.drop]);
    }
    w.byte(OP.unreachable);
  });
}

/** Exported accessors of the bits of float globals: a NaN would lose its bits on the way through JS. */
function floatAccessors(module: ParsedModule): HelperFunction[] {
  const accessors: HelperFunction[] = [];
  module.globals.forEach(({ valueType, mutable }, index) => {
    const single = valueType === VALUE_TYPE.f32;
    if (!mutable || (!single && valueType !== VALUE_TYPE.f64)) {
      return;
    }
    const bits = single ? i32 : i64;
    accessors.push({
      type: { params: [], results: [bits] },
      exportName: `${GLOBAL_EXPORT_PREFIX}${index} bits`,
      body: body((w) => {
        indexed(w, OP.globalGet, index);
        w.byte(single ? OP.i32ReinterpretF32 : OP.i64ReinterpretF64);
      }),
    });
    accessors.push({
      type: { params: [bits], results: [] },
      exportName: `${GLOBAL_EXPORT_PREFIX}${index} set`,
      body: body((w) => {
        w.raw([OP.localGet, 0, single ? OP.f32ReinterpretI32 : OP.f64ReinterpretI64]);
        indexed(w, OP.globalSet, index);
      }),
    });
  });
  return accessors;
}

/** Calls a function of the first table with the environment of a callback. */
function callbackBody(
  module: ParsedModule,
  appended: Appended,
  lowered: boolean,
  typeIndex: number,
): Uint8Array {
  const wideIndex = module.tables[0]?.is64 === true && !lowered;
  const tableIndex = (w: ByteWriter): void => {
    w.raw([OP.localGet, 0]);
    if (wideIndex) {
      w.byte(OP.i64ExtendI32U);
    }
  };
  const stopIf = (w: ByteWriter, condition: readonly number[]): void => {
    w.raw([...condition, OP.if, EMPTY_BLOCK]);
    stop(w, appended, STOP_REASON.functionNotFound);
    w.byte(OP.end);
  };
  return body((w) => {
    tableIndex(w);
    stopIf(w, [OP.prefixFc, FC.tableSize, 0, wideIndex ? OP.i64GeU : OP.i32GeU]);
    tableIndex(w);
    stopIf(w, [OP.tableGet, 0, OP.refIsNull]);
    w.raw([OP.localGet, 1]);
    tableIndex(w);
    w.byte(OP.callIndirect);
    w.u32(typeIndex);
    w.u32(0);
  });
}

export interface HelperPlan {
  readonly appended: Appended;
  readonly functions: readonly HelperFunction[];
  /** Types that no helper has but a helper's code names; they follow the helpers' own. */
  readonly furtherTypes: readonly FunctionType[];
}

/** Lays out what is appended: indices first, as code refers to them, then the functions. */
export function planHelpers(module: ParsedModule, lowered: boolean): HelperPlan {
  const first = module.imports.length + module.functions.length;
  const hasMemory = module.memory !== null;
  const appended: Appended = {
    counterGlobal: module.globals.length,
    stopGlobal: module.globals.length + 1,
    hostTable: module.tables.length,
    outOfInstructions: first,
    charge64: first + 1,
    charge32: first + 2,
    memoryFault: first + 3,
    tableFault: first + 4,
    grow: first + 5,
  };
  const none: FunctionType = { params: [], results: [] };
  const address = module.memory?.is64 === true ? i64 : i32;
  const helper = (type: FunctionType, code: Uint8Array): HelperFunction => ({
    type,
    exportName: null,
    body: code,
  });
  const functions = [
    // The helpers' types follow the module's own; the first is () → ().
    helper(none, outOfInstructionsBody(appended, module.types.length)),
    helper({ params: [i64], results: [i64] }, chargeBody(appended)),
    helper(
      { params: [i32], results: [i32] },
      body((w) => {
        w.raw([OP.localGet, 0, OP.i64ExtendI32U]);
        indexed(w, OP.call, appended.charge64);
        w.raw([OP.drop, OP.localGet, 0]);
      }),
    ),
    helper(none, memoryFaultBody(module, lowered)),
    helper(none, tableFaultBody(module, lowered)),
    ...(hasMemory
      ? [helper({ params: [address], results: [address] }, growBody(module, appended, lowered))]
      : []),
    ...floatAccessors(module),
  ];
  if (module.tables[0]?.refType !== VALUE_TYPE.funcref) {
    return { appended, functions, furtherTypes: [] };
  }
  const typeIndex = module.types.length + functions.length + 1;
  const callback: HelperFunction = {
    type: { params: [i32, address], results: [] },
    exportName: CALLBACK_EXPORT,
    body: callbackBody(module, appended, lowered, typeIndex),
  };
  return {
    appended,
    functions: [...functions, callback],
    furtherTypes: [{ params: [address], results: [] }],
  };
}

/** Names under which the appended globals are exported. */
export const APPENDED_GLOBAL_EXPORTS: readonly string[] = [COUNTER_EXPORT, STOP_EXPORT];
