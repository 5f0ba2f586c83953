import type { Edits } from './edits.ts';
import { OP } from './opcodes.ts';
import type { CounterWrites } from './rewrite-context.ts';
import { truncate } from './truncate.ts';

/** By opcode: 1 if the instruction can trap, run other code or leave the function; branches are looked at by label. */
const tells = new Uint8Array(256).fill(1);

function silent(...ranges: readonly (readonly [first: number, last: number])[]): void {
  for (const [first, last] of ranges) {
    tells.fill(0, first, last + 1);
  }
}

silent([0x01, 0x05], [0x0b, 0x0e]); // nop, block, loop, if, else; end, br, br_if, br_table
silent([0x1a, 0x1c], [0x20, 0x24]); // drop, select; locals and globals
silent([0x28, 0x3e]); // loads and stores, which are told of by `mayTrap`
silent([0x41, 0x6c], [0x71, 0x7e], [0x83, 0xa7]); // constants, comparisons, arithmetic without div and rem
silent([0xac, 0xad], [0xb2, 0xc4], [0xd0, 0xd2]); // conversions without truncations, references

/** What the meter edit of a block is told, in its column `second`. */
export const WRITES = {
  /** Only the local knows what the block costs. */
  nothing: 0,
  /** Something in the block can show the counter: the global must have it before. */
  global: 1,
} as const;

/** Meters of blocks that only the local was told of, and from which control comes to a place. */
type Sources = number[];

/** In a list of sources: what comes back from the end of a loop, which is not known yet. */
const UNKNOWN = -1;

/** What reaches the end of a frame without having been written, and what goes around the first half of an `if`. */
interface Frame {
  end: Sources;
  around: Sources;
}

/** Both lists in one; neither is to be used any more. */
function joined(a: Sources, b: Sources): Sources {
  const isLonger = a.length >= b.length;
  const longer = isLonger ? a : b;
  for (const source of isLonger ? b : a) {
    longer.push(source);
  }
  return longer;
}

/**
 * Finds the blocks whose charge must reach the counter's global: those with an instruction that can
 * trap, call, or leave the function. Nobody sees the counter in others, a later block of the path
 * writes it. Where a block that costs nothing shows the counter, those that control comes from write it;
 * the block does so itself at the head of a loop.
 */
export class WriteThrough {
  readonly #edits: Edits;
  readonly #frames: Frame[] = [];
  #open = 0;
  /** Whose charges the global may lack when the open block begins. */
  #behind: Sources = [];

  readonly #mode: CounterWrites | undefined;

  constructor(edits: Edits, mode: CounterWrites | undefined) {
    this.#edits = edits;
    this.#mode = mode;
  }

  /** A function begins with the block whose meter is `open`. */
  begin(open: number): void {
    truncate(this.#frames, 0);
    this.#frames.push({ end: [], around: [] });
    this.#behind = [];
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

  /** An access to memory may be outside of it. */
  mayTrap(): void {
    if (this.#mode !== 'not before traps') {
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
    if ((first[this.#open] as number) > 0) {
      second[this.#open] = WRITES.global;
      return;
    }
    for (const source of this.#behind) {
      second[source === UNKNOWN ? this.#open : source] = WRITES.global;
    }
    this.#behind = [];
  }

  /** Takes the blocks whose charges the global may lack at this place, the open one's included. */
  #taken(): Sources {
    const { first, second } = this.#edits;
    if ((first[this.#open] as number) > 0) {
      return second[this.#open] === WRITES.global ? [] : [this.#open];
    }
    const behind = this.#behind;
    this.#behind = [];
    return behind;
  }

  /** A branch of the open block. */
  branch(label: number): void {
    const target = this.#frames.length - 1 - label;
    const frame = this.#frames[target];
    if (target <= 0 || frame === undefined) {
      this.#leave();
    } else {
      // A block with a branch costs something: this is its own charge, or nothing.
      frame.end = joined(frame.end, this.#taken());
    }
  }

  /** Behind an instruction that opens or closes a frame or a block, before the next block is open. */
  control(opcode: number): void {
    const frames = this.#frames;
    const frame = frames.at(-1);
    switch (opcode) {
      case OP.block:
        frames.push({ end: [], around: [] });
        return;
      case OP.loop:
        frames.push({ end: [], around: [] });
        this.#behind = joined(this.#taken(), [UNKNOWN]);
        return;
      case OP.if:
        frames.push({ end: [], around: this.#taken() });
        this.#behind = this.#taken();
        return;
      case OP.else:
        if (frame !== undefined) {
          frame.end = joined(frame.end, this.#taken());
          this.#behind = frame.around;
          frame.around = [];
        }
        return;
      case OP.end:
        frames.pop();
        this.#behind = joined(joined(frame?.end ?? [], frame?.around ?? []), this.#taken());
        return;
      default:
        this.#behind = this.#taken();
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
