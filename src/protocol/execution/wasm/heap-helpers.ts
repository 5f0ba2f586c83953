import type { HeapLayout } from './heap-layout.ts';
import { MARKED_PAGE_SHIFT } from './heap-layout.ts';
import type { Appended, HelperFunction } from './helpers.ts';
import { functionBody, STOP_REASON, stopCode } from './helpers.ts';
import { EMPTY_BLOCK, FC, OP, VALUE_TYPE } from './opcodes.ts';
import type { ByteWriter } from './writer.ts';

/** Appended functions that grow the heap and that prepare bulk operations on it. */

const { i32, i64 } = VALUE_TYPE;
const MINUS_ONE = 0x7f;
const WASM_PAGE_SHIFT = 16;

function constant(w: ByteWriter, opcode: number, value: number): void {
  w.byte(opcode);
  w.signed(value);
}

function asI64(w: ByteWriter, wide: boolean): void {
  if (!wide) {
    w.byte(OP.i64ExtendI32U);
  }
}

/**
 * Whether memory may grow depends on limits only, never on the host: when the engine refuses what
 * the limits allow, the module stops with `hostMemoryExhausted` instead of seeing -1.
 */
function growBody(layout: HeapLayout, appended: Appended): Uint8Array {
  const { is64, wide, baseWasmPages, maxHeapWasmPages } = layout;
  const lowered = is64 && !wide;
  return functionBody(
    (w) => {
      w.raw([OP.localGet, 0]);
      asI64(w, is64);
      constant(w, OP.i64Const, maxHeapWasmPages + baseWasmPages);
      w.raw([OP.memorySize, 0]);
      asI64(w, wide);
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
      stopCode(w, appended, STOP_REASON.hostMemoryExhausted);
      w.raw([OP.end, OP.call]);
      w.u32(appended.memoryGrew);
      w.raw([OP.localGet, 1]);
      constant(w, is64 ? OP.i64Const : OP.i32Const, baseWasmPages);
      w.byte(is64 ? OP.i64Sub : OP.i32Sub);
    },
    [is64 ? i64 : i32],
  );
}

/**
 * (address, length i64) → where the range begins in the memory; traps when it leaves the heap: the
 * native operation behind could not tell, as an address may wrap around into it when shifted.
 */
function rangeBody({ wide, base }: HeapLayout, appended: Appended, marks: boolean): Uint8Array {
  const addressLocal = 0;
  const lengthLocal = 1;
  const firstLocal = 2;
  const heapLocal = 3;
  const narrow = (w: ByteWriter): void => {
    if (!wide) {
      w.byte(OP.i32WrapI64);
    }
  };
  return functionBody(
    (w) => {
      w.raw([OP.memorySize, 0]);
      asI64(w, wide);
      constant(w, OP.i64Const, WASM_PAGE_SHIFT);
      w.byte(OP.i64Shl);
      constant(w, OP.i64Const, base);
      w.raw([OP.i64Sub, OP.localTee, heapLocal, OP.localGet, lengthLocal, OP.i64LtU]);
      w.raw([OP.localGet, addressLocal]);
      asI64(w, wide);
      w.raw([OP.localTee, firstLocal, OP.localGet, heapLocal, OP.localGet, lengthLocal]);
      w.raw([OP.i64Sub, OP.i64GtU, OP.i32Or, OP.if, EMPTY_BLOCK]);
      w.indexed(OP.call, appended.memoryFault);
      w.byte(OP.end);
      if (marks) {
        const shift = (): void => {
          constant(w, OP.i64Const, MARKED_PAGE_SHIFT);
          w.byte(OP.i64ShrU);
        };
        w.raw([OP.localGet, lengthLocal, OP.i64Eqz, OP.i32Eqz, OP.if, EMPTY_BLOCK]);
        w.raw([OP.localGet, firstLocal]);
        shift();
        w.raw([OP.localTee, heapLocal]);
        narrow(w);
        w.raw([OP.i32Const, 1, OP.localGet, firstLocal, OP.localGet, lengthLocal, OP.i64Add]);
        w.raw([OP.i64Const, MINUS_ONE, OP.i64Add]);
        shift();
        w.raw([OP.localGet, heapLocal, OP.i64Sub, OP.i64Const, 1, OP.i64Add]);
        narrow(w);
        w.raw([OP.prefixFc, FC.memoryFill, 0, OP.end]);
      }
      w.raw([OP.localGet, addressLocal]);
      constant(w, wide ? OP.i64Const : OP.i32Const, base);
      w.byte(wide ? OP.i64Add : OP.i32Add);
    },
    [i64, i64],
  );
}

/** Operands of a bulk operation, checked, marked and moved to where the heap begins. */
function bulkBody(appended: Appended, second: number, wide: boolean): Uint8Array {
  return functionBody((w) => {
    const length = (): void => {
      w.raw([OP.localGet, 2]);
      asI64(w, wide && second !== FC.memoryInit);
    };
    w.raw([OP.localGet, 0]);
    length();
    w.indexed(OP.call, appended.markRange);
    w.raw([OP.localGet, 1]);
    if (second === FC.memoryCopy) {
      length();
      w.indexed(OP.call, appended.readRange);
    }
    w.raw([OP.localGet, 2]);
  });
}

/** The heap's helpers, in the order of `heapHelperIndices`. */
export function heapHelpers(
  layout: HeapLayout,
  appended: Appended,
  marksBulk: boolean,
): HelperFunction[] {
  const address = layout.is64 ? i64 : i32;
  const native = layout.wide ? i64 : i32;
  const same = (...types: readonly number[]): HelperFunction['type'] => ({
    params: types,
    results: types,
  });
  const range: HelperFunction['type'] = { params: [native, i64], results: [native] };
  const helper = (type: HelperFunction['type'], body: Uint8Array): HelperFunction => ({
    type,
    exportName: null,
    body,
  });
  return [
    helper(same(address), growBody(layout, appended)),
    helper(range, rangeBody(layout, appended, marksBulk)),
    helper(range, rangeBody(layout, appended, false)),
    helper(same(native, i32, native), bulkBody(appended, FC.memoryFill, layout.wide)),
    helper(same(native, native, native), bulkBody(appended, FC.memoryCopy, layout.wide)),
    helper(same(native, i32, i32), bulkBody(appended, FC.memoryInit, layout.wide)),
  ];
}

export function heapHelperIndices(
  first: number,
): Pick<Appended, 'grow' | 'markRange' | 'readRange' | 'bulkFill' | 'bulkCopy' | 'bulkInit'> {
  return {
    grow: first,
    markRange: first + 1,
    readRange: first + 2,
    bulkFill: first + 3,
    bulkCopy: first + 4,
    bulkInit: first + 5,
  };
}
