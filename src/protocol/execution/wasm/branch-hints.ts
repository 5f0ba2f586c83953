import { ByteWriter } from './writer.ts';

/** Name of the custom section that engines look for; it stands before the code. */
const SECTION_NAME = 'metadata.code.branch_hint';
const NOT_TAKEN = 0;

/**
 * Tells the engine which branches are hardly ever taken, so that it puts what stands there out of the way
 * and keeps values in registers on the other path. The meaning of the code does not depend on it.
 * @upstream WebAssembly branch hinting, phase 5: Chrome 137, Firefox 148, Safari 16
 */
export class BranchHints {
  readonly #functions = new ByteWriter(4096);
  readonly #hints = new ByteWriter(256);
  #functionCount = 0;
  #count = 0;

  /** The `if` or `br_if` that comes next is hardly ever taken. @param code of the function, from its local declarations on */
  unlikely(code: ByteWriter): void {
    this.#count += 1;
    this.#hints.u32(code.length);
    this.#hints.raw([1, NOT_TAKEN]);
  }

  /** A function is written; functions come in order. */
  endFunction(index: number): void {
    if (this.#count === 0) {
      return;
    }
    this.#functions.u32(index);
    this.#functions.u32(this.#count);
    this.#functions.raw(this.#hints.view());
    this.#functionCount += 1;
    this.#count = 0;
    this.#hints.clear();
  }

  /** What the custom section holds, its name included; null without hints. */
  section(): Uint8Array | null {
    if (this.#functionCount === 0) {
      return null;
    }
    const writer = new ByteWriter(this.#functions.length + 64);
    writer.name(SECTION_NAME);
    writer.u32(this.#functionCount);
    writer.raw(this.#functions.view());
    return writer.view();
  }
}
