import { ByteWriter } from './writer.ts';

/** What stands at a place of the rewritten code. */
export const EDIT = {
  /** Nothing after all. */
  none: 0,
  /** Bytes, in place of the original up to `resume`. */
  insert: 1,
  /** Charges for the block that begins here; `first` is the cost. */
  meter: 2,
  /** The same, and looks whether instructions are left. */
  checkedMeter: 3,
  /** The counter may have changed in a callee; `first` is 1 inside of a loop. */
  reload: 4,
  /** Function entry. */
  enter: 5,
  /** A callee needs to know how much stack is left. */
  beforeCall: 6,
  /** Bytes that make NaNs canonical, by shape of the value; `none` when the consumer makes them unnecessary. */
  nanF32: 7,
  nanF64: 8,
  nanF32x4: 9,
  nanF64x2: 10,
  /** As `checkedMeter`, at the head of a loop that is left when no instructions remain. */
  leavingMeter: 11,
  /** Where such a loop asks for more and begins again; `first` is the edit of its meter. */
  askOutside: 12,
} as const;

export type EditKind = (typeof EDIT)[keyof typeof EDIT];

const FIRST_CAPACITY = 1024;

/** The edits of one function in order of position: parallel columns, reused for every function. */
export class Edits {
  at = new Int32Array(FIRST_CAPACITY);
  resume = new Int32Array(FIRST_CAPACITY);
  kind = new Uint8Array(FIRST_CAPACITY);
  /** By kind; for bytes their range in `bytes`. */
  first = new Float64Array(FIRST_CAPACITY);
  second = new Int32Array(FIRST_CAPACITY);
  readonly bytes = new ByteWriter(4096);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  clear(): void {
    this.#count = 0;
    this.bytes.clear();
  }

  /** Adds an edit that replaces nothing; returns its index. */
  add(kind: EditKind, at: number, first = 0): number {
    return this.#push(kind, at, at, first, 0);
  }

  /** Adds what `write` appends to `bytes` at `at`, in place of the original up to `resume`. */
  insert(at: number, resume: number, write: () => void, kind: EditKind = EDIT.insert): number {
    const from = this.bytes.length;
    write();
    return this.#push(kind, at, resume, from, this.bytes.length);
  }

  /** Adds an index in place of the original one at `[at, resume)`. */
  replaceIndex(at: number, resume: number, index: number): void {
    const from = this.bytes.length;
    this.bytes.u32(index);
    this.#push(EDIT.insert, at, resume, from, this.bytes.length);
  }

  #push(kind: EditKind, at: number, resume: number, first: number, second: number): number {
    const index = this.#count;
    if (index === this.at.length) {
      this.#grow();
    }
    this.at[index] = at;
    this.resume[index] = resume;
    this.kind[index] = kind;
    this.first[index] = first;
    this.second[index] = second;
    this.#count = index + 1;
    return index;
  }

  #grow(): void {
    const capacity = 2 * this.at.length;
    this.at = grown(this.at, new Int32Array(capacity));
    this.resume = grown(this.resume, new Int32Array(capacity));
    this.kind = grown(this.kind, new Uint8Array(capacity));
    this.first = grown(this.first, new Float64Array(capacity));
    this.second = grown(this.second, new Int32Array(capacity));
  }
}

function grown<T extends { set(old: T): void }>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
