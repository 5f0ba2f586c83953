import type { BranchHints } from './branch-hints.ts';
import { EDIT } from './edits.ts';
import type { Edits } from './edits.ts';
import type { Appended } from './helpers.ts';
import type { ScratchLocals } from './lowering.ts';
import { EMPTY_BLOCK, OP, VALUE_TYPE } from './opcodes.ts';
import type { CounterWrites } from './rewrite-context.ts';
import { WriteThrough, WRITES } from './write-through.ts';
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
 * global in every block that can show it, so that the count is exact at a trap, and read back after calls.
 * @upstream rs/embedders/src/wasm_utils/instrumentation.rs#injections
 */
export class Metering {
  readonly #edits: Edits;
  readonly #appended: Appended;
  readonly #hints: BranchHints;
  #open = 0;
  #lastMeter = 0;
  readonly #through: WriteThrough;
  /** Null in a function of one block: the global alone is as fast there. */
  #local: number | null = null;
  #started = false;

  constructor(
    edits: Edits,
    appended: Appended,
    hints: BranchHints,
    writes: CounterWrites | undefined,
  ) {
    this.#hints = hints;
    this.#edits = edits;
    this.#appended = appended;
    this.#through = new WriteThrough(edits, writes);
  }

  /** Opens the first block of a function. Even an empty function costs something. */
  begin(at: number): void {
    this.#open = this.#edits.add(EDIT.checkedMeter, at, 1);
    this.#through.begin(this.#open);
  }

  charge(cost: number): void {
    const { first } = this.#edits;
    first[this.#open] = (first[this.#open] as number) + cost;
  }

  /** An instruction of the open block. */
  instruction(opcode: number, cost: number): void {
    this.charge(cost);
    this.#through.see(opcode);
  }

  /** An access to memory, which is none of the instructions that `instruction` looks at. */
  mayTrap(): void {
    this.#through.mayTrap();
  }

  /** A label that the open block branches to. */
  branch(label: number): void {
    this.#through.branch(label);
  }

  /** Behind an instruction: closes the open block and opens the next one if control may go elsewhere. */
  closeBlock(at: number, opcode: number): void {
    switch (opcode) {
      case OP.block:
        this.#through.control(opcode);
        break;
      case OP.loop:
      case OP.if:
      case OP.else:
      case OP.end:
      case OP.br:
      case OP.brIf:
      case OP.brTable:
      case OP.return:
      case OP.unreachable:
        this.#through.control(opcode);
        this.#open = this.#edits.add(opcode === OP.loop ? EDIT.checkedMeter : EDIT.meter, at);
        this.#through.open(this.#open);
        break;
      default:
    }
  }

  /** Code outside of this function may have charged too. */
  counterChanged(at: number, insideLoop: boolean): void {
    this.#edits.add(EDIT.reload, at, insideLoop ? 1 : 0);
  }

  /** After the scan: decides where the counter lives. */
  finish(locals: ScratchLocals): void {
    const { kind, first, second, count } = this.#edits;
    let meters = 0;
    let unusedReload = -1;
    this.#started = false;
    for (let i = 0; i < count; i += 1) {
      if (isMeter(kind[i])) {
        const charges = (first[i] as number) > 0;
        meters += charges ? 1 : 0;
        if (charges || second[i] === WRITES.global) {
          this.#lastMeter = i;
          unusedReload = -1;
        }
      } else if (kind[i] === EDIT.reload) {
        // A block that calls costs something: without a meter in between, both are in one block.
        if (unusedReload >= 0) {
          kind[unusedReload] = EDIT.none;
        }
        unusedReload = i;
      }
    }
    this.#local = meters > 1 ? locals.index(VALUE_TYPE.i64, COUNTER_ORDINAL) : null;
  }

  emitMeter(out: ByteWriter, index: number): void {
    const { kind, first, second } = this.#edits;
    const cost = first[index] as number;
    const writes = second[index] === WRITES.global;
    if (cost > 0) {
      this.#emitCharge(out, cost, writes, kind[index] !== EDIT.meter);
    } else if (writes) {
      this.#emitWrite(out);
    }
    if (cost === 0 || kind[index] === EDIT.meter) {
      return;
    }
    out.raw([OP.i64Const, 0, OP.i64LtS]);
    this.#hints.unlikely(out);
    if (kind[index] === EDIT.leavingMeter) {
      out.raw([OP.brIf, 1]);
      return;
    }
    out.raw([OP.if, EMPTY_BLOCK]);
    this.#emitAsk(out, writes);
    this.#emitReload(out);
    out.byte(OP.end);
  }

  /** Lowers the counter, and leaves it on the stack if that is wanted. */
  #emitCharge(out: ByteWriter, cost: number, writes: boolean, wanted: boolean): void {
    const { counterGlobal } = this.#appended;
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
    if (local === null) {
      out.indexed(OP.globalSet, counterGlobal);
      if (wanted) {
        out.indexed(OP.globalGet, counterGlobal);
      }
      return;
    }
    out.indexed(writes || wanted ? OP.localTee : OP.localSet, local);
    if (writes) {
      out.indexed(OP.globalSet, counterGlobal);
      if (wanted) {
        out.indexed(OP.localGet, local);
      }
    }
  }

  #emitWrite(out: ByteWriter): void {
    if (this.#local !== null) {
      out.indexed(OP.localGet, this.#local);
      out.indexed(OP.globalSet, this.#appended.counterGlobal);
    }
  }

  #emitAsk(out: ByteWriter, written: boolean): void {
    if (!written) {
      this.#emitWrite(out);
    }
    out.indexed(OP.call, this.#appended.outOfInstructions);
  }

  /** Behind a loop with a leaving meter, see `InnermostLoops`. */
  emitAskOutside(out: ByteWriter, index: number): void {
    const { counterGlobal } = this.#appended;
    const { first, second } = this.#edits;
    const meter = first[index] as number;
    out.raw([OP.br, 2, OP.end]);
    this.#emitAsk(out, second[meter] === WRITES.global);
    out.indexed(OP.globalGet, counterGlobal);
    out.byte(OP.i64Const);
    out.signed(first[meter] as number);
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
