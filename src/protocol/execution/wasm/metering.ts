import { EDIT } from './edits.ts';
import type { Edits } from './edits.ts';
import type { Appended } from './helpers.ts';
import type { ScratchLocals } from './lowering.ts';
import { EMPTY_BLOCK, OP, VALUE_TYPE } from './opcodes.ts';
import type { ByteWriter } from './writer.ts';

/** Ordinal of the local that holds the counter; others of its type are for shuffling operands. */
const COUNTER_ORDINAL = 100;

function isMeter(kind: number | undefined): boolean {
  return kind === EDIT.meter || kind === EDIT.checkedMeter || kind === EDIT.leavingMeter;
}

/**
 * Charges each basic block on entry, as the IC does: function start, behind `loop` and `if`, behind
 * every `else`, `end`, `br`, `br_if`, `br_table`, `return` and `unreachable`; the counter is
 * compared with zero only at function start and loop heads. What is charged is the IC's to the
 * instruction; only where the counter lives differs: in a local that is written through to the
 * global for every block, so that the count is exact at a trap, and read back after calls.
 * @upstream rs/embedders/src/wasm_utils/instrumentation.rs#injections
 */
export class Metering {
  readonly #edits: Edits;
  readonly #appended: Appended;
  #open = 0;
  #lastMeter = 0;
  /** Null in a function of one block: the global alone is as fast there. */
  #local: number | null = null;
  #started = false;

  constructor(edits: Edits, appended: Appended) {
    this.#edits = edits;
    this.#appended = appended;
  }

  /** Opens the first block of a function. Even an empty function costs something. */
  begin(at: number): void {
    this.#open = this.#edits.add(EDIT.checkedMeter, at, 1);
  }

  /** Closes the open block and opens the next. */
  openBlock(at: number, checked: boolean): void {
    this.#open = this.#edits.add(checked ? EDIT.checkedMeter : EDIT.meter, at);
  }

  charge(cost: number): void {
    const { first } = this.#edits;
    first[this.#open] = (first[this.#open] as number) + cost;
  }

  /** Code outside of this function may have charged too. */
  counterChanged(at: number, insideLoop: boolean): void {
    this.#edits.add(EDIT.reload, at, insideLoop ? 1 : 0);
  }

  /** After the scan: decides where the counter lives. */
  finish(locals: ScratchLocals): void {
    const { kind, first, count } = this.#edits;
    let meters = 0;
    this.#started = false;
    for (let i = 0; i < count; i += 1) {
      if (isMeter(kind[i]) && (first[i] as number) > 0) {
        meters += 1;
        this.#lastMeter = i;
      }
    }
    this.#local = meters > 1 ? locals.index(VALUE_TYPE.i64, COUNTER_ORDINAL) : null;
  }

  emitMeter(out: ByteWriter, index: number): void {
    const cost = this.#edits.first[index] as number;
    if (cost === 0) {
      return;
    }
    const { counterGlobal, outOfInstructions } = this.#appended;
    const local = this.#local;
    if (local !== null && this.#started) {
      out.indexed(OP.localGet, local);
    } else {
      out.indexed(OP.globalGet, counterGlobal);
    }
    this.#started = true;
    out.byte(OP.i64Const);
    out.signed(cost);
    out.byte(OP.i64Sub);
    if (local !== null) {
      out.indexed(OP.localTee, local);
    }
    out.indexed(OP.globalSet, counterGlobal);
    const kind = this.#edits.kind[index];
    if (kind === EDIT.meter) {
      return;
    }
    if (local === null) {
      out.indexed(OP.globalGet, counterGlobal);
    } else {
      out.indexed(OP.localGet, local);
    }
    out.raw([OP.i64Const, 0, OP.i64LtS]);
    if (kind === EDIT.leavingMeter) {
      out.raw([OP.brIf, 1]);
      return;
    }
    out.raw([OP.if, EMPTY_BLOCK]);
    out.indexed(OP.call, outOfInstructions);
    this.#emitReload(out);
    out.byte(OP.end);
  }

  /** Behind a loop with a leaving meter, see `InnermostLoops`. */
  emitAskOutside(out: ByteWriter, index: number): void {
    const { counterGlobal, outOfInstructions } = this.#appended;
    const { first } = this.#edits;
    out.raw([OP.br, 2, OP.end]);
    out.indexed(OP.call, outOfInstructions);
    out.indexed(OP.globalGet, counterGlobal);
    out.byte(OP.i64Const);
    out.signed(first[first[index] as number] as number);
    out.byte(OP.i64Add);
    if (this.#local === null) {
      out.indexed(OP.globalSet, counterGlobal);
    } else {
      out.indexed(OP.localSet, this.#local);
    }
    out.raw([OP.br, 0, OP.end, OP.end]);
  }

  emitReload(out: ByteWriter, index: number): void {
    if (this.#edits.first[index] === 1 || index < this.#lastMeter) {
      this.#emitReload(out);
    }
  }

  #emitReload(out: ByteWriter): void {
    if (this.#local !== null) {
      out.indexed(OP.globalGet, this.#appended.counterGlobal);
      out.indexed(OP.localSet, this.#local);
    }
  }
}
