import type { Edits } from './edits.ts';
import { EDIT } from './edits.ts';
import { EMPTY_BLOCK, OP } from './opcodes.ts';
import type { ByteReader } from './reader.ts';
import { truncate } from './truncate.ts';

/** Labels around a wrapped loop that its branches to the outside must step over. */
const ADDED_LABELS = 3;

/**
 * Loops without calls and without loops in them are left when the counter falls below zero, instead
 * of asking for more inside: engines keep values in registers and unroll only where nothing is
 * called.
 *
 *     block T                       ;; out
 *       loop T                      ;; again
 *         block                     ;; empty
 *           loop T (charge; br_if 1 below zero) … end
 *           br 2
 *         end
 *         (ask; take back what the head charges once more)
 *         br 0
 *       end
 *     end
 *
 * Whether a loop is such a one is known at its end only: edits that wrap it are dropped if not.
 */
export class InnermostLoops {
  readonly #edits: Edits;
  /** Control depth within the loop; 0 = none is open. */
  #depth = 0;
  #meter = 0;
  readonly #wrapping: number[] = [];

  constructor(edits: Edits) {
    this.#edits = edits;
  }

  /** A function begins. */
  begin(): void {
    this.#depth = 0;
    truncate(this.#wrapping, 0);
  }

  /** Behind the type of a loop that began at `at`; its meter is the next edit. Loops around it are none. */
  enter(reader: ByteReader, at: number, params: number, depth: number): void {
    this.abandon();
    if (params > 0) {
      return;
    }
    const { bytes } = this.#edits;
    const opening = this.#edits.insert(at, at, () => {
      bytes.byte(OP.block);
      bytes.copy(reader.bytes, at + 1, reader.at);
      bytes.byte(OP.loop);
      bytes.copy(reader.bytes, at + 1, reader.at);
      bytes.raw([OP.block, EMPTY_BLOCK]);
    });
    this.#wrapping.push(opening);
    this.#depth = depth;
    this.#meter = opening + 1;
  }

  /** Something is called. */
  abandon(): void {
    if (this.#depth === 0) {
      return;
    }
    for (const edit of this.#wrapping) {
      this.#edits.kind[edit] = EDIT.none;
    }
    this.begin();
  }

  /** Labels of a branch, which stand at `[start, end)`. */
  branch(labels: readonly number[], start: number, end: number, depth: number): void {
    const own = depth - this.#depth;
    if (this.#depth === 0 || !labels.some((label) => label > own)) {
      return;
    }
    const { bytes } = this.#edits;
    const edit = this.#edits.insert(start, end, () => {
      for (const label of labels) {
        bytes.u32(label > own ? label + ADDED_LABELS : label);
      }
    });
    this.#wrapping.push(edit);
  }

  /** Behind the `end` of the block at this depth. */
  end(depth: number, at: number): void {
    if (this.#depth !== 0 && depth === this.#depth) {
      this.#edits.kind[this.#meter] = EDIT.leavingMeter;
      this.#edits.add(EDIT.askOutside, at, this.#meter);
      this.begin();
    }
  }
}
