import { CONSTANT_TERM, UNKNOWN_TERM } from './known-values.ts';
import type { KnownValue } from './known-values.ts';
import type { ParsedModule } from './module.ts';
import type { UnmarkedWrites } from './rewrite-context.ts';
import { truncate } from './truncate.ts';

/** What a mark at an address stands for: stores that begin in so many bytes from there. */
export const MARKED_BYTES = 128;
const WASM_PAGE_BYTES = 65_536;
/** Of the latest marks this many are looked at. */
const MARKS_SEEN = 8;
/** Accesses farther from their term than this are not remembered: nearer ones of one term cannot lie on both sides of the end of the address space. */
const MAX_REACH = 2 ** 19;
/** No access yet. */
const NOTHING = 2 ** 30;

interface Mark {
  readonly term: number;
  /** The first address that it stands for, from the term. */
  readonly from: number;
}

/**
 * Which accesses come before a place of a function on every path to it: pages that are marked already,
 * and addresses between two that were found in memory, where an access cannot trap. Memory never
 * shrinks and marks are taken at the end of a message, so neither calls nor pauses undo either.
 */
export class KnownAccesses {
  readonly #marks: Mark[] = [];
  /** For each open frame how long `marks` and `undo` were. */
  readonly #frames: number[] = [];
  /** By term: the lowest address, without its offset, and the highest end of accesses. */
  #lowest = new Int32Array(1024);
  #end = new Int32Array(1024);
  #terms = 0;
  /** Term, lowest, end as they were before. */
  readonly #undo: number[] = [];
  readonly #forgets: UnmarkedWrites | undefined;
  /** Bytes of heap that there always are. */
  readonly #minHeapBytes: number;

  constructor(memory: ParsedModule['memory'], forgets: UnmarkedWrites | undefined) {
    this.#minHeapBytes = memory === null ? 0 : Number(memory.min) * WASM_PAGE_BYTES;
    this.#forgets = forgets;
  }

  /** A function begins. */
  begin(): void {
    truncate(this.#marks, 0);
    truncate(this.#frames, 0);
    truncate(this.#undo, 0);
    this.#terms = 0;
  }

  enter(): void {
    this.#frames.push(this.#marks.length, this.#undo.length);
  }

  /** What the first half of an `if` did is not done in the second. */
  else(): void {
    this.#return(this.#frames.at(-2) ?? 0, this.#frames.at(-1) ?? 0);
  }

  /** A block ends, which branches may have left before it did anything. */
  end(): void {
    const undone = this.#frames.pop() ?? 0;
    this.#return(this.#frames.pop() ?? 0, undone);
  }

  #return(marks: number, undone: number): void {
    if (this.#forgets === 'other path') {
      return;
    }
    const undo = this.#undo;
    if (undo.length > undone) {
      for (let i = undo.length - 3; i >= undone; i -= 3) {
        const term = undo[i] as number;
        this.#lowest[term] = undo[i + 1] as number;
        this.#end[term] = undo[i + 2] as number;
      }
      truncate(undo, undone);
    }
    truncate(this.#marks, marks);
  }

  /** Whether the page of what lies at the value plus `offset` is told of by a mark. */
  isMarked({ term, distance }: KnownValue, offset: number): boolean {
    if (term === UNKNOWN_TERM) {
      return false;
    }
    const at = distance + offset;
    const last = this.#marks.length - 1;
    for (let i = last; i >= 0 && i > last - MARKS_SEEN; i -= 1) {
      const mark = this.#marks[i];
      if (mark?.term === term && at >= mark.from && at < mark.from + MARKED_BYTES) {
        return true;
      }
    }
    return false;
  }

  /** The value plus `offset` was marked, behind an access to what lies there or above. */
  mark({ term, distance }: KnownValue, offset: number): void {
    if (term !== UNKNOWN_TERM) {
      this.#marks.push({ term, from: distance + offset });
    }
  }

  /** Whether so many bytes at the value plus `offset` are in memory whatever the value is. */
  isInside({ term, distance }: KnownValue, offset: number, bytes: number): boolean {
    if (term === CONSTANT_TERM) {
      return distance >= 0 && distance + offset + bytes <= this.#minHeapBytes;
    }
    return (
      term < this.#terms &&
      distance >= (this.#lowest[term] as number) &&
      distance + offset + bytes <= (this.#end[term] as number)
    );
  }

  /** So many bytes at the value plus `offset` were in memory. */
  access({ term, distance }: KnownValue, offset: number, bytes: number): void {
    if (
      term === UNKNOWN_TERM ||
      term === CONSTANT_TERM ||
      Math.abs(distance) > MAX_REACH ||
      offset > MAX_REACH
    ) {
      return;
    }
    this.#learn(term);
    const lowest = this.#lowest[term] as number;
    const end = this.#end[term] as number;
    const reached = distance + offset + bytes;
    if (distance < lowest || reached > end) {
      this.#undo.push(term, lowest, end);
      this.#lowest[term] = Math.min(lowest, distance);
      this.#end[term] = Math.max(end, reached);
    }
  }

  #learn(term: number): void {
    if (term >= this.#lowest.length) {
      this.#lowest = grown(this.#lowest, 2 * term);
      this.#end = grown(this.#end, 2 * term);
    }
    for (; this.#terms <= term; this.#terms += 1) {
      this.#lowest[this.#terms] = NOTHING;
      this.#end[this.#terms] = -NOTHING;
    }
  }
}

function grown(old: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length);
  larger.set(old);
  return larger;
}
