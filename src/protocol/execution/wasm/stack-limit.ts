import type { Appended } from './helpers.ts';
import { FRAME_BYTES, FRAME_SLOT_BYTES, LEAF_FRAME_BYTES } from './limits.ts';
import type { ScratchLocals } from './lowering.ts';
import { EMPTY_BLOCK, OP, VALUE_TYPE } from './opcodes.ts';
import type { ByteWriter } from './writer.ts';

/** Ordinal of the local that holds the stack left below this function. */
const STACK_ORDINAL = 101;

/**
 * Counts the stack in bytes of a frame that no tier of no engine exceeds, so that recursion ends at
 * the same call everywhere, before the native stack does. A function that calls others takes its
 * frame at entry and tells its callees what is left; leaving needs no code, as every caller tells
 * its next callee anew.
 */
export class StackLimit {
  readonly #appended: Appended;
  #frame = 0;
  #local: number | null = null;
  #checks = false;

  constructor(appended: Appended) {
    this.#appended = appended;
  }

  /** After the scan. `slots`: parameters, locals and operands, 8 bytes each. */
  finish(slots: number, calls: boolean, locals: ScratchLocals): void {
    this.#frame = FRAME_BYTES + FRAME_SLOT_BYTES * slots;
    // What a leaf may take without asking is part of the reserve below the budget.
    this.#checks = calls || this.#frame > LEAF_FRAME_BYTES;
    this.#local = calls ? locals.index(VALUE_TYPE.i32, STACK_ORDINAL) : null;
  }

  emitEnter(out: ByteWriter): void {
    if (!this.#checks) {
      return;
    }
    out.indexed(OP.globalGet, this.#appended.stackGlobal);
    out.byte(OP.i32Const);
    out.signed(this.#frame);
    out.byte(OP.i32Sub);
    if (this.#local !== null) {
      out.indexed(OP.localTee, this.#local);
    }
    out.raw([OP.i32Const, 0, OP.i32LtS, OP.if, EMPTY_BLOCK]);
    out.indexed(OP.call, this.#appended.stackOverflow);
    out.byte(OP.end);
  }

  emitBeforeCall(out: ByteWriter): void {
    if (this.#local !== null) {
      out.indexed(OP.localGet, this.#local);
      out.indexed(OP.globalSet, this.#appended.stackGlobal);
    }
  }
}
