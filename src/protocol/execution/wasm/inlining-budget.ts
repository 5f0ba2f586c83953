/**
 * V8 grants a module less inlining the smaller the share of its functions below 50 bytes is: all of
 * it from one half on, a tenth below a quarter, as then the toolchain has inlined already.
 * @upstream v8 src/wasm/inlining-tree.h#BudgetScaleFactor, src/wasm/module-decoder-impl.h#kSmallFunctionThreshold
 */
const SMALL_FUNCTION_BYTES = 50;

/** The size of a body with its length in front, which takes one byte here. */
const SMALL_SIZED_BODY_BYTES = SMALL_FUNCTION_BYTES + 1;

/**
 * Counts the functions that are written, and how many empty ones must follow so that half of all are
 * small. What the rewriter inserts makes functions large that the toolchain left small, and the engine
 * would no longer inline the small ones that are left.
 */
export class InliningBudget {
  #all = 0;
  #small = 0;

  /** A function was written. @param sizedBytes of its body, with the length in front */
  add(sizedBytes: number): void {
    this.#all += 1;
    this.#small += sizedBytes < SMALL_SIZED_BODY_BYTES ? 1 : 0;
  }

  get emptyFunctions(): number {
    return Math.max(0, this.#all - 2 * this.#small);
  }
}
