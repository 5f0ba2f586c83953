import type { HeapLayout } from './heap-layout.ts';
import type { FunctionType, ParsedModule } from './module.ts';
import { EMPTY_BLOCK, FC, OP } from './opcodes.ts';
import type { StackHops } from './stack-hops.ts';
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
  /** i32: bytes of stack left for the function that is entered. */
  readonly stackGlobal: number;
  /** The table of functions that the host fills; see `HOST_FUNCTION`. */
  readonly hostTable: number;
  /** () → (): asks the host for more instructions; it raises the counter or throws. */
  readonly outOfInstructions: number;
  /** (n) → n: subtracts n from the counter and asks for more when it fell below zero. */
  readonly charge32: number;
  readonly charge64: number;
  /** () → (): traps as an access outside of memory. */
  readonly memoryFault: number;
  /** () → (): traps as an access outside of a table. */
  readonly tableFault: number;
  /** () → (): asks the host for another stack; see `StackHops`. */
  readonly goDeeper: number;
  /** () → (): tells the host, which throws when the canister may not have so much. */
  readonly memoryGrew: number;
  /** memory.grow within the module's and the IC's limits, in the original's address type. */
  readonly grow: number;
  /** (address, length i64) → address in memory, of a range in the heap; the first marks it as written. */
  readonly markRange: number;
  readonly readRange: number;
  /** Operands of memory.fill, copy, init → the same, checked, marked and moved. */
  readonly bulkFill: number;
  readonly bulkCopy: number;
  readonly bulkInit: number;
  readonly hops: StackHops;
}

/** Slots of the exported table `canister host_functions`, each of type () → (). */
export const HOST_FUNCTION = {
  /** The counter fell below zero: raises it, or throws. */
  outOfInstructions: 0,
  /** No room on this stack: calls `DEEPER_EXPORT` on another one, or throws. */
  goDeeper: 1,
  /** The heap has grown: counts what it takes, or throws. */
  memoryGrew: 2,
} as const;
export const HOST_FUNCTION_COUNT = 3;

export interface HelperFunction {
  readonly type: FunctionType;
  readonly exportName: string | null;
  /** Body with its local declarations, without size. */
  readonly body: Uint8Array;
}

const MINUS_ONE = 0x7f;
/** More than any limit allows; what is charged beyond it makes no difference. */
const MAX_CHARGE = 2 ** 52;

/** A body with its local declarations, without size. */
export function functionBody(
  code: (w: ByteWriter) => void,
  locals: readonly number[] = [],
): Uint8Array {
  const writer = new ByteWriter(64);
  writer.u32(locals.length);
  for (const type of locals) {
    writer.raw([1, type]);
  }
  code(writer);
  writer.byte(OP.end);
  return writer.toBytes();
}

/** Code that ends the run for a `STOP_REASON`. */
export function stopCode(w: ByteWriter, appended: Appended, reason: number): void {
  w.raw([OP.i32Const, reason]);
  w.indexed(OP.globalSet, appended.stopGlobal);
  w.byte(OP.unreachable);
}

/** A table and not an import: imports stand first, so one more would renumber every function. */
export function hostCallBody(appended: Appended, slot: number, typeIndex: number): Uint8Array {
  return functionBody((w) => {
    w.raw([OP.i32Const, slot, OP.callIndirect]);
    w.u32(typeIndex);
    w.u32(appended.hostTable);
  });
}

/** Saturating: a length of 2^63 or more must not wrap the counter around to a positive value. */
export function chargeBody(appended: Appended): Uint8Array {
  return functionBody((w) => {
    w.indexed(OP.globalGet, appended.counterGlobal);
    w.raw([OP.localGet, 0, OP.i64Const]);
    w.signed(MAX_CHARGE);
    w.raw([OP.localGet, 0, OP.i64Const]);
    w.signed(MAX_CHARGE);
    w.raw([OP.i64LtU, OP.select, OP.i64Sub]);
    w.indexed(OP.globalSet, appended.counterGlobal);
    w.indexed(OP.globalGet, appended.counterGlobal);
    w.raw([OP.i64Const, 0, OP.i64LtS, OP.if, EMPTY_BLOCK]);
    w.indexed(OP.call, appended.outOfInstructions);
    w.raw([OP.end, OP.localGet, 0]);
  });
}

/** Of what the host does; it has bounded the number, and asks for more instructions itself. */
export function hostChargeBody(appended: Appended): Uint8Array {
  return functionBody((w) => {
    w.indexed(OP.globalGet, appended.counterGlobal);
    w.raw([OP.localGet, 0, OP.prefixFc, FC.i64TruncSatF64U, OP.i64Sub]);
    w.indexed(OP.globalSet, appended.counterGlobal);
    w.indexed(OP.globalGet, appended.counterGlobal);
    w.raw([OP.i64Const, 0, OP.i64LtS]);
  });
}

export function charge32Body(appended: Appended): Uint8Array {
  return functionBody((w) => {
    w.raw([OP.localGet, 0, OP.i64ExtendI32U]);
    w.indexed(OP.call, appended.charge64);
    w.raw([OP.drop, OP.localGet, 0]);
  });
}

/** Loads from beyond any memory, so that the engine says what it says of any other such access. */
export function memoryFaultBody(layout: HeapLayout | null): Uint8Array {
  return functionBody((w) => {
    if (layout !== null) {
      w.raw([layout.wide ? OP.i64Const : OP.i32Const, MINUS_ONE, OP.i64Load, 0]);
      w.u32(0xff_ff_ff_ff);
      w.byte(OP.drop);
    }
    w.byte(OP.unreachable);
  });
}

export function tableFaultBody(module: ParsedModule, lowered: boolean): Uint8Array {
  return functionBody((w) => {
    if (module.tables.length > 0 && lowered) {
      w.raw([OP.i32Const, MINUS_ONE, OP.tableGet, 0, OP.drop]);
    }
    w.byte(OP.unreachable);
  });
}

/** Calls a function of the first table with the environment of a callback. */
export function callbackBody(
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
    stopCode(w, appended, STOP_REASON.functionNotFound);
    w.byte(OP.end);
  };
  return functionBody((w) => {
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
