import { MARKED_PAGE_SHIFT } from '../../../src/protocol/execution/wasm/heap-layout.ts';
import { STRADDLE_BYTES } from '../../../src/protocol/execution/wasm/memory-access.ts';
import type { Subject } from './subjects.ts';
import { firstUnequal } from './values.ts';

const PAGE_BYTES = 1 << MARKED_PAGE_SHIFT;

function firstChange(before: Uint8Array, after: Uint8Array, from: number, to: number): number {
  for (let at = from; at < to; at += 1) {
    if (after[at] !== (before[at] ?? 0)) {
      return at;
    }
  }
  return -1;
}

/** In each page the first address that changed although neither the page is marked nor a marked one reaches it. */
function missedBy(marks: Uint8Array, before: Uint8Array, after: Uint8Array): number[] {
  const missed: number[] = [];
  for (let page = 0; page * PAGE_BYTES < after.length; page += 1) {
    if (marks[page] !== 0) {
      continue;
    }
    const reached = page > 0 && marks[page - 1] !== 0 ? STRADDLE_BYTES : 0;
    const at = firstChange(
      before,
      after,
      page * PAGE_BYTES + reached,
      Math.min(after.length, (page + 1) * PAGE_BYTES),
    );
    if (at >= 0) {
      missed.push(at);
    }
  }
  return missed;
}

/** Holds the marks of written pages against a comparison of the whole memory. */
export class MarkOracle {
  readonly #subject: Subject;
  #before = new Uint8Array(0);

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  /** In front of a call: everything counts as saved. */
  begin(): void {
    this.#before = this.#subject.memory()?.slice() ?? new Uint8Array(0);
    this.#subject.marks()?.fill(0);
  }

  /** Behind a call, trapped or not: whether it wrote, and the addresses that no mark tells of. */
  end(): { readonly wrote: boolean; readonly missed: readonly number[] } {
    const after = this.#subject.memory();
    const marks = this.#subject.marks();
    if (after === null || marks === null) {
      return { wrote: false, missed: [] };
    }
    const { length } = this.#before;
    const wrote =
      firstUnequal(this.#before, after.subarray(0, length), 0) >= 0 ||
      after.subarray(length).some((byte) => byte !== 0);
    return { wrote, missed: wrote ? missedBy(marks, this.#before, after) : [] };
  }
}
