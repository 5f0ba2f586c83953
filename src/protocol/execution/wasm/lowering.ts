import type { Appended } from './helpers.ts';
import { EMPTY_BLOCK, FC, OP, VALUE_TYPE } from './opcodes.ts';
import type { ByteWriter } from './writer.ts';

/**
 * Code for running 64-bit memories and tables on an engine that has only 32-bit ones: an i64
 * address below 2^32 is wrapped, any other traps as out of bounds. Heaps above 4 GiB are beyond it.
 */

const { i64 } = VALUE_TYPE;

/** An operand of an instruction: an address to lower, or a value of a type to keep. */
export type Operand = 'memory' | 'table' | number;

/** Locals appended to one function for shuffling operands. */
export class ScratchLocals {
  readonly types: number[] = [];
  readonly #first: number;
  readonly #slots = new Map<number, number>();

  constructor(first: number) {
    this.#first = first;
  }

  /** The index of scratch local number `ordinal` of a type. */
  index(type: number, ordinal: number): number {
    const key = ordinal * 256 + type;
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = this.#first + this.types.length;
      this.types.push(type);
      this.#slots.set(key, slot);
    }
    return slot;
  }
}

export class Lowering {
  readonly #writer: ByteWriter;
  readonly #locals: ScratchLocals;
  readonly #appended: Appended;

  constructor(writer: ByteWriter, locals: ScratchLocals, appended: Appended) {
    this.#writer = writer;
    this.#locals = locals;
    this.#appended = appended;
  }

  /** Narrows the address on top of the stack. */
  #narrow(kind: 'memory' | 'table'): void {
    const address = this.#locals.index(i64, 0);
    this.#writer.indexed(OP.localTee, address);
    this.#writer.byte(OP.i64Const);
    this.#writer.signed(0xff_ff_ff_ff);
    this.#writer.raw([OP.i64GtU, OP.if, EMPTY_BLOCK]);
    this.#writer.indexed(
      OP.call,
      kind === 'memory' ? this.#appended.memoryFault : this.#appended.tableFault,
    );
    this.#writer.byte(OP.end);
    this.#writer.indexed(OP.localGet, address);
    this.#writer.byte(OP.i32WrapI64);
  }

  /** Narrows every address among the operands on the stack, deepest first in the list. */
  operands(...operands: readonly Operand[]): void {
    const deepest = operands.findIndex((operand) => typeof operand === 'string');
    if (deepest < 0) {
      return;
    }
    const saved: number[] = [];
    const used = new Map<number, number>([[i64, 1]]);
    for (let i = operands.length - 1; i > deepest; i -= 1) {
      const operand = operands[i] as Operand;
      const type = typeof operand === 'string' ? i64 : operand;
      const ordinal = used.get(type) ?? 0;
      used.set(type, ordinal + 1);
      const local = this.#locals.index(type, ordinal);
      saved.push(local);
      this.#writer.indexed(OP.localSet, local);
    }
    this.#narrow(operands[deepest] as 'memory' | 'table');
    for (const operand of operands.slice(deepest + 1)) {
      this.#writer.indexed(OP.localGet, saved.pop() as number);
      if (typeof operand === 'string') {
        this.#narrow(operand);
      }
    }
  }

  tableSize(table: number): void {
    this.#writer.raw([OP.prefixFc, FC.tableSize]);
    this.#writer.u32(table);
    this.#writer.byte(OP.i64ExtendI32U);
  }

  /** A wish for 2^32 or more elements must fail with -1, not trap: it is passed on as 2^32 - 1. */
  tableGrow(table: number): void {
    const count = this.#locals.index(i64, 0);
    this.#writer.indexed(OP.localSet, count);
    this.#writer.raw([OP.i32Const, 0x7f]);
    this.#writer.indexed(OP.localGet, count);
    this.#writer.byte(OP.i32WrapI64);
    this.#writer.indexed(OP.localGet, count);
    this.#writer.byte(OP.i64Const);
    this.#writer.signed(0xff_ff_ff_ff);
    this.#writer.raw([OP.i64GtU, OP.select, OP.prefixFc, FC.tableGrow]);
    this.#writer.u32(table);
    this.#writer.byte(OP.i64ExtendI32S);
  }
}
