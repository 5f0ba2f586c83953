import { MAX_FUNCTION_LOCALS } from './limits.ts';
import type { UnmarkedWrites } from './rewrite-context.ts';

/** An operand that is not known to be a local's value. */
export const NO_LOCAL = -1;
/** Of the latest marks this many are looked at. */
const MARKS_SEEN = 8;

interface Mark {
  readonly local: number;
  /** Offsets of the accesses that it stands for, by `markedWindow`. */
  readonly window: number;
  readonly at: number;
}

interface Frame {
  readonly marks: number;
  readonly visibleFrom: number;
}

/**
 * Which locals hold what at a place of a function: whether one was written since its value was
 * pushed, and whether the page that it points into was marked on every path to here. Marks are
 * taken at the end of a message, so neither calls nor pauses undo them.
 */
export class KnownBases {
  /** Counts writes to locals. */
  #now = 0;
  readonly #written = new Int32Array(MAX_FUNCTION_LOCALS);
  readonly #marks: Mark[] = [];
  readonly #frames: Frame[] = [];
  #visibleFrom = 0;
  readonly #forgets: UnmarkedWrites | undefined;

  constructor(forgets: UnmarkedWrites | undefined) {
    this.#forgets = forgets;
  }

  /** A function begins. */
  begin(): void {
    this.#marks.length = 0;
    this.#frames.length = 0;
    this.#visibleFrom = 0;
  }

  /** The time of a push, for `isUnchanged`. */
  get now(): number {
    return this.#now;
  }

  write(local: number): void {
    if (this.#forgets === 'changed base') {
      return;
    }
    this.#now += 1;
    this.#written[local] = this.#now;
  }

  /** Whether the local has the value that it had then. */
  isUnchanged(local: number, then: number): boolean {
    return (this.#written[local] ?? Number.POSITIVE_INFINITY) <= then;
  }

  /** A block begins; in a loop nothing is known, as what its end writes comes back to its head. */
  enter(loop: boolean): void {
    this.#frames.push({ marks: this.#marks.length, visibleFrom: this.#visibleFrom });
    if (loop && this.#forgets !== 'other path') {
      this.#visibleFrom = this.#marks.length;
    }
  }

  /** What the first half of an `if` marked is not marked in the second. */
  else(): void {
    if (this.#forgets === 'other path') {
      return;
    }
    this.#marks.length = this.#frames.at(-1)?.marks ?? 0;
  }

  /** A block ends, which branches may have left before it marked anything. */
  end(): void {
    const frame = this.#frames.pop();
    if (this.#forgets === 'other path') {
      return;
    }
    this.#marks.length = frame?.marks ?? 0;
    this.#visibleFrom = frame?.visibleFrom ?? 0;
  }

  isMarked(local: number, window: number): boolean {
    const last = this.#marks.length - 1;
    const lowest = Math.max(this.#visibleFrom, last - MARKS_SEEN + 1);
    for (let i = last; i >= lowest; i -= 1) {
      const mark = this.#marks[i];
      if (mark?.local === local && mark.window === window) {
        return this.isUnchanged(local, mark.at);
      }
    }
    return false;
  }

  mark(local: number, window: number): void {
    this.#marks.push({ local, window, at: this.#now });
  }
}
