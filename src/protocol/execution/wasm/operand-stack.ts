import { NO_VARIABLE, UNKNOWN_TERM } from './known-values.ts';
import type { KnownValue } from './known-values.ts';
import { ModuleFault } from './reader.ts';

/** The operand was not made by an instruction that waits for its consumer. */
export const NO_PRODUCER = -1;

/** An operand as a known value, and a variable that held it, or something near it, when it was pushed. */
export interface KnownOperand extends KnownValue {
  variable: number;
}

interface Frame {
  /** Height of the operand stack below the block's own operands. */
  readonly base: number;
  readonly params: number;
  readonly results: number;
  readonly loop: boolean;
  /** Behind a branch: operands may be popped that nobody pushed. */
  unreachable: boolean;
}

/**
 * The heights of operand and control stack while a function is scanned, and for each operand which
 * edit made it and what is known of it. Types are the engine's to check; only the counts matter here. Throws `ModuleFault`
 * when an operand or a label is missing.
 */
export class OperandStack {
  readonly #producers: number[] = [];
  readonly #terms: number[] = [];
  readonly #distances: number[] = [];
  readonly #variables: number[] = [];
  #frames: Frame[] = [];
  #height = 0;
  #maxHeight = 0;
  #loops = 0;

  /** Starts a function with so many results. */
  begin(results: number): void {
    this.#height = 0;
    this.#maxHeight = 0;
    this.#loops = 0;
    this.#frames = [{ base: 0, params: 0, results, loop: false, unreachable: false }];
  }

  get maxHeight(): number {
    return this.#maxHeight;
  }

  /** Whether code at this place can run again within one call. */
  get insideLoop(): boolean {
    return this.#loops > 0;
  }

  /** Blocks open, the function's own included. */
  get depth(): number {
    return this.#frames.length;
  }

  #frame(): Frame {
    const frame = this.#frames[this.#frames.length - 1];
    if (frame === undefined) {
      throw new ModuleFault('operators remaining after end of function');
    }
    return frame;
  }

  /** The producer of the operand taken from the top. */
  pop(): number {
    const frame = this.#frame();
    if (this.#height > frame.base) {
      this.#height -= 1;
      return this.#producers[this.#height] as number;
    }
    if (!frame.unreachable) {
      throw new ModuleFault('type mismatch: nothing on the stack');
    }
    return NO_PRODUCER;
  }

  /** What is known of the operand below so many others, in `into`. */
  look(others: number, into: KnownOperand): void {
    const index = this.#height - 1 - others;
    if (index < this.#frame().base) {
      into.term = UNKNOWN_TERM;
      into.variable = NO_VARIABLE;
      return;
    }
    into.term = this.#terms[index] as number;
    into.distance = this.#distances[index] as number;
    into.variable = this.#variables[index] as number;
  }

  drop(count: number): void {
    if (count === 0) {
      return;
    }
    const frame = this.#frame();
    const left = this.#height - count;
    if (left < frame.base && !frame.unreachable) {
      throw new ModuleFault('type mismatch: nothing on the stack');
    }
    this.#height = left < frame.base ? frame.base : left;
  }

  push(producer: number): void {
    this.#place(producer, UNKNOWN_TERM, 0, NO_VARIABLE);
  }

  pushKnown({ term, distance, variable }: KnownOperand): void {
    this.#place(NO_PRODUCER, term, distance, variable);
  }

  #place(producer: number, term: number, distance: number, variable: number): void {
    this.#producers[this.#height] = producer;
    this.#terms[this.#height] = term;
    this.#distances[this.#height] = distance;
    this.#variables[this.#height] = variable;
    this.#height += 1;
    if (this.#height > this.#maxHeight) {
      this.#maxHeight = this.#height;
    }
  }

  pushMany(count: number): void {
    for (let i = 0; i < count; i += 1) {
      this.push(NO_PRODUCER);
    }
  }

  enter(params: number, results: number, loop: boolean): void {
    this.drop(params);
    this.#frame();
    this.#frames.push({ base: this.#height, params, results, loop, unreachable: false });
    this.#loops += loop ? 1 : 0;
    this.pushMany(params);
  }

  else(): void {
    const frame = this.#frame();
    this.drop(frame.results);
    this.#height = frame.base;
    frame.unreachable = false;
    this.pushMany(frame.params);
  }

  end(): void {
    const frame = this.#frame();
    this.drop(frame.results);
    this.#frames.pop();
    this.#loops -= frame.loop ? 1 : 0;
    this.#height = frame.base;
    if (this.#frames.length > 0) {
      this.pushMany(frame.results);
    }
  }

  /** A branch that may be taken carries the top operands away and leaves them as well. */
  branchIf(label: number): void {
    const target = this.#frames.at(-1 - label);
    if (target === undefined) {
      throw new ModuleFault(`unknown label: branch depth ${label} too large`);
    }
    const carried = target.loop ? target.params : target.results;
    const lowest = Math.max(this.#frame().base, this.#height - carried);
    for (let i = lowest; i < this.#height; i += 1) {
      this.#producers[i] = NO_PRODUCER;
    }
  }

  /** Nothing behind this instruction is reached by falling through. */
  leave(): void {
    const frame = this.#frame();
    this.#height = frame.base;
    frame.unreachable = true;
  }
}
