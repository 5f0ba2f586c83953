import type { Edits } from './edits.ts';
import { OP } from './opcodes.ts';
import type { CounterWrites } from './rewrite-context.ts';

/** By opcode: 1 if the instruction can trap, run other code or leave the function; branches are looked at by label. */
const tells = new Uint8Array(256).fill(1);

function silent(...ranges: readonly (readonly [first: number, last: number])[]): void {
  for (const [first, last] of ranges) {
    tells.fill(0, first, last + 1);
  }
}

silent([0x01, 0x05], [0x0b, 0x0e]); // nop, block, loop, if, else; end, br, br_if, br_table
silent([0x1a, 0x1c], [0x20, 0x24]); // drop, select; locals and globals
silent([0x41, 0x6c], [0x71, 0x7e], [0x83, 0xa7]); // constants, comparisons, arithmetic without div and rem
silent([0xac, 0xad], [0xb2, 0xc4], [0xd0, 0xd2]); // conversions without truncations, references

/** What the meter edit of a block is told, in its column `second`. */
export const WRITES = {
  /** Only the local knows what the block costs. */
  nothing: 0,
  /** Something in the block can show the counter: the global must have it before. */
  global: 1,
} as const;

/** Paths into what follows a frame, on which the global was not told the latest charges. */
const BEHIND_END = 1;
/** Of an `if` without `else` so far: the path around it. */
const AROUND_THEN = 2;

/**
 * Finds the blocks whose charge must reach the counter's global: those with an instruction that can
 * trap, call, or leave the function. Nobody sees the counter in others, a later block of the path
 * writes it. A block that costs nothing writes what its predecessors left behind, if they may have.
 */
export class WriteThrough {
  readonly #edits: Edits;
  readonly #frames: number[] = [];
  #open = 0;
  /** The global may lack charges when the open block begins. */
  #behind = false;

  readonly #mode: CounterWrites | undefined;

  constructor(edits: Edits, mode: CounterWrites | undefined) {
    this.#edits = edits;
    this.#mode = mode;
  }

  /** A function begins with the block whose meter is `open`. */
  begin(open: number): void {
    this.#frames.length = 0;
    this.#frames.push(0);
    this.#behind = false;
    this.open(open);
  }

  /** Notes what an instruction of the open block may show; labels of branches come by `branch`. */
  see(opcode: number): void {
    if (opcode === OP.return || (opcode === OP.end && this.#frames.length === 1)) {
      this.#leave();
    } else if (tells[opcode] === 1 && this.#mode !== 'not before traps') {
      this.#tell();
    }
  }

  #leave(): void {
    if (this.#mode !== 'not before leaving') {
      this.#tell();
    }
  }

  #tell(): void {
    const { first, second } = this.#edits;
    if ((first[this.#open] as number) > 0 || this.#behind) {
      second[this.#open] = WRITES.global;
    }
  }

  /** Whether the global may lack charges at this place. */
  #isBehind(): boolean {
    const { first, second } = this.#edits;
    if (second[this.#open] === WRITES.global) {
      return false;
    }
    return (first[this.#open] as number) > 0 || this.#behind;
  }

  /** A branch of the open block. */
  branch(label: number): void {
    const target = this.#frames.length - 1 - label;
    if (target <= 0) {
      this.#leave();
    } else if (this.#isBehind()) {
      this.#frames[target] = (this.#frames[target] as number) | BEHIND_END;
    }
  }

  /** Behind an instruction that opens or closes a frame or a block, before the next block is open. */
  control(opcode: number): void {
    const frames = this.#frames;
    const top = frames.length - 1;
    switch (opcode) {
      case OP.block:
        frames.push(0);
        return;
      case OP.loop:
        frames.push(0);
        // What comes back from the end of the loop is not known yet.
        this.#behind = true;
        return;
      case OP.if:
        this.#behind = this.#isBehind();
        frames.push(this.#behind ? AROUND_THEN : 0);
        return;
      case OP.else: {
        const paths = frames[top] ?? 0;
        frames[top] = this.#isBehind() ? BEHIND_END : paths & BEHIND_END;
        this.#behind = (paths & AROUND_THEN) !== 0;
        return;
      }
      case OP.end: {
        const paths = frames.pop() ?? 0;
        this.#behind = this.#isBehind() || paths !== 0;
        return;
      }
      default:
        this.#behind = this.#isBehind();
    }
  }

  /** The next block begins. */
  open(meter: number): void {
    this.#open = meter;
    if (this.#mode === 'in every block' && this.#frames.length > 0) {
      this.#edits.second[meter] = WRITES.global;
    }
  }
}
