import {
  addTo,
  CONSTANT_TERM,
  NO_VARIABLE,
  UNKNOWN_TERM,
  variableOfGlobal,
} from './known-values.ts';
import type { KnownValues } from './known-values.ts';
import { OP } from './opcodes.ts';
import type { KnownOperand, OperandStack } from './operand-stack.ts';
import { NO_PRODUCER } from './operand-stack.ts';

/** Follows known values through the instructions that keep them: variables, constants, sums. */
export class KnownOperands {
  readonly #stack: OperandStack;
  readonly #values: KnownValues;
  readonly #addOpcode: number;
  readonly #subOpcode: number;
  readonly #constOpcode: number;
  readonly #memory64: boolean;
  readonly #upper: KnownOperand = { term: UNKNOWN_TERM, distance: 0, variable: NO_VARIABLE };
  readonly #lower: KnownOperand = { term: UNKNOWN_TERM, distance: 0, variable: NO_VARIABLE };

  constructor(stack: OperandStack, values: KnownValues, memory64: boolean) {
    this.#stack = stack;
    this.#values = values;
    this.#memory64 = memory64;
    this.#addOpcode = memory64 ? OP.i64Add : OP.i32Add;
    this.#subOpcode = memory64 ? OP.i64Sub : OP.i32Sub;
    this.#constOpcode = memory64 ? OP.i64Const : OP.i32Const;
  }

  /** Whether this was an instruction on a local or a global; if so it is done. */
  variable(opcode: number, index: number): boolean {
    switch (opcode) {
      case OP.localGet:
        this.#get(index);
        return true;
      case OP.localSet:
        this.#set(index);
        return true;
      case OP.localTee:
        this.#set(index);
        this.#get(index);
        return true;
      case OP.globalGet:
        this.#get(variableOfGlobal(index));
        return true;
      case OP.globalSet:
        this.#set(variableOfGlobal(index));
        return true;
      default:
        return false;
    }
  }

  #get(variable: number): void {
    this.#values.read(variable);
    const operand = this.#upper;
    operand.term = this.#values.found.term;
    operand.distance = this.#values.found.distance;
    operand.variable = variable;
    this.#stack.pushKnown(operand);
  }

  #set(variable: number): void {
    this.#stack.look(0, this.#upper);
    this.#stack.drop(1);
    this.#values.write(variable, this.#upper.term, this.#upper.distance);
  }

  /** A constant of either integer type; `value` may be rounded above 2^53. */
  constant(opcode: number, value: number): void {
    const operand = this.#upper;
    const isAddress = opcode === this.#constOpcode && (!this.#memory64 || value >= 0);
    operand.term = isAddress ? CONSTANT_TERM : UNKNOWN_TERM;
    operand.distance = this.#memory64 ? value : value >>> 0;
    operand.variable = NO_VARIABLE;
    this.#stack.pushKnown(operand);
  }

  /** Whether this was a sum, or a difference, of addresses; if so it is done. */
  sum(opcode: number): boolean {
    if (opcode !== this.#addOpcode && opcode !== this.#subOpcode) {
      return false;
    }
    const stack = this.#stack;
    const upper = this.#upper;
    const lower = this.#lower;
    stack.look(0, upper);
    stack.look(1, lower);
    stack.drop(2);
    const add = opcode === this.#addOpcode;
    if (upper.term === CONSTANT_TERM && lower.term !== UNKNOWN_TERM) {
      const by = this.#signed(upper.distance);
      addTo(lower, add ? by : -by);
      stack.pushKnown(lower);
    } else if (add && lower.term === CONSTANT_TERM && upper.term !== UNKNOWN_TERM) {
      addTo(upper, this.#signed(lower.distance));
      stack.pushKnown(upper);
    } else {
      stack.push(NO_PRODUCER);
    }
    return true;
  }

  /** Constants of 32 bits are kept as addresses. */
  #signed(constant: number): number {
    return this.#memory64 ? constant : constant | 0;
  }
}
