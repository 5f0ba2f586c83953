import type { KnownBases } from './known-bases.ts';
import { NO_LOCAL } from './known-bases.ts';
import { ModuleFault } from './reader.ts';

/** The operand was not made by an instruction that waits for its consumer. */
export const NO_PRODUCER = -1;

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
 * edit made it or which local it was read from. Types are the engine's to check; only the counts matter here. Throws `ModuleFault`
 * when an operand or a label is missing.
 */
export class OperandStack {
  readonly #producers: number[] = [];
  /** The local that the operand was read from, and when. */
  readonly #locals: number[] = [];
  readonly #readAt: number[] = [];
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
    const frame = this.#frames.at(-1);
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

  /** The local that holds the operand below so many others, if it is known to. */
  localBelow(others: number, bases: KnownBases): number {
    const index = this.#height - 1 - others;
    const local = this.#locals[index];
    return index >= this.#frame().base &&
      local !== undefined &&
      local !== NO_LOCAL &&
      bases.isUnchanged(local, this.#readAt[index] as number)
      ? local
      : NO_LOCAL;
  }

  drop(count: number): void {
    for (let i = 0; i < count; i += 1) {
      this.pop();
    }
  }

  push(producer: number, local = NO_LOCAL, readAt = 0): void {
    this.#producers[this.#height] = producer;
    this.#locals[this.#height] = local;
    this.#readAt[this.#height] = readAt;
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
