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
} as const;

export type EditKind = (typeof EDIT)[keyof typeof EDIT];

/** The edits of one function in order of position: parallel arrays, reused for every function. */
export class Edits {
  readonly at: number[] = [];
  readonly resume: number[] = [];
  readonly kind: EditKind[] = [];
  /** By kind; for bytes their range in `bytes`. */
  readonly first: number[] = [];
  readonly second: number[] = [];
  readonly bytes = new ByteWriter(4096);

  get count(): number {
    return this.at.length;
  }

  clear(): void {
    for (const column of [this.at, this.resume, this.kind, this.first, this.second]) {
      column.length = 0;
    }
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

  #push(kind: EditKind, at: number, resume: number, first: number, second: number): number {
    this.at.push(at);
    this.resume.push(resume);
    this.kind.push(kind);
    this.first.push(first);
    this.second.push(second);
    return this.at.length - 1;
  }
}
