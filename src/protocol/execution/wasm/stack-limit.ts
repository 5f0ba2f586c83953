import { present } from '../../../base/assert.ts';
import type { BranchHints } from './branch-hints.ts';
import type { Appended } from './helpers.ts';
import { FRAME_BYTES, FRAME_SLOT_BYTES, LEAF_FRAME_BYTES, MAX_FRAME_BYTES } from './limits.ts';
import type { ScratchLocals } from './lowering.ts';
import type { ParsedModule } from './module.ts';
import { EMPTY_BLOCK, OP, VALUE_TYPE } from './opcodes.ts';
import { typeAt } from './validate.ts';
import type { ByteWriter } from './writer.ts';

/** Ordinal of the local that holds the stack left below this function. */
const STACK_ORDINAL = 101;
/** A frame that finds no room anywhere. */
const MORE_THAN_ANY_STACK = 2 ** 30;

/**
 * Counts the stack in bytes of a frame that no tier of no engine exceeds, so that recursion ends at
 * the same call everywhere, before the native stack does. A function that calls others takes its
 * frame at entry and tells its callees what is left; leaving needs no code, as every caller tells
 * its next callee anew. One that finds no room asks for another stack, see `StackHops`.
 */
export class StackLimit {
  readonly #module: ParsedModule;
  readonly #appended: Appended;
  readonly #hints: BranchHints;
  #function = 0;
  #frame = 0;
  #local: number | null = null;
  #checks = false;

  constructor(module: ParsedModule, appended: Appended, hints: BranchHints) {
    this.#hints = hints;
    this.#module = module;
    this.#appended = appended;
  }

  /**
   * After the scan.
   * @param index of the function among the module's own
   * @param slots parameters, locals and operands, 8 bytes each
   */
  finish(index: number, slots: number, calls: boolean, locals: ScratchLocals): void {
    const frame = FRAME_BYTES + FRAME_SLOT_BYTES * slots;
    this.#function = index;
    this.#frame = frame > MAX_FRAME_BYTES ? MORE_THAN_ANY_STACK : frame;
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
    out.raw([OP.i32Const, 0, OP.i32LtS]);
    this.#hints.unlikely(out);
    out.raw([OP.if, EMPTY_BLOCK]);
    this.#emitHop(out);
    out.byte(OP.end);
  }

  /** Never on the hot path: calls itself on another stack and returns what that call returns. */
  #emitHop(out: ByteWriter): void {
    const { hops } = this.#appended;
    const typeIndex = present(this.#module.functions[this.#function], 'a body has a function');
    const { params } = typeAt(this.#module, typeIndex);
    out.byte(OP.i32Const);
    out.signed(hops.firstTarget + this.#function);
    out.indexed(OP.globalSet, hops.targetGlobal);
    params.forEach((_, param) => out.indexed(OP.localGet, param));
    out.indexed(OP.call, present(hops.hopOfType.get(typeIndex), 'every own type has a hop'));
    out.byte(OP.return);
  }

  emitBeforeCall(out: ByteWriter): void {
    if (this.#local !== null) {
      out.indexed(OP.localGet, this.#local);
      out.indexed(OP.globalSet, this.#appended.stackGlobal);
    }
  }
}
