import { trapped } from '../protocol/execution/system-api/canister-trap.ts';
import { DEEPER_EXPORT, STACK_EXPORT } from '../protocol/execution/wasm/validate.ts';

/** Bytes of stack in the rewriter's frames. */
export interface StackSize {
  /** Of a whole run: its calls nest so deep on every host of a network. */
  readonly bytes: number;
  /** At most so much of it stands on one native stack. No result depends on it. */
  readonly segmentBytes: number;
}

/**
 * Of a run's stack, on one native stack of an engine that can go on with another. Those have some
 * 950 KB in Chromium, and compiled code takes no more than the rewriter counts, unless an optimiser
 * keeps far more values across a call than the module has locals and operands.
 */
export const SEGMENT_BYTES = 512 * 1024;
/** The same for code that does. */
export const SMALL_SEGMENT_BYTES = 16 * 1024;

/** Goes on with a run's calls where `deeper` is called; may tell later when they returned. */
type Elsewhere = (deeper: () => void) => void | Promise<void>;

/**
 * The stack of an instance's run, in one piece or in several. Code counts down what is left of its
 * segment and asks for more when a call finds no room; what is left in all decides whether there is
 * any, so that the same call traps wherever segments end.
 */
export class StackSegments {
  readonly #left: WebAssembly.Global;
  readonly #deeper: () => void;
  #segmentBytes = 0;
  /** Left behind the current segment. */
  #reserve = 0;
  /** What the current segment had at first. */
  #granted = 0;
  /** Where the run left each of the segments before the current one, the first one first. */
  #exits: Error[] = [];

  constructor(exports: WebAssembly.Exports) {
    this.#left = exports[STACK_EXPORT] as WebAssembly.Global;
    this.#deeper = exports[DEEPER_EXPORT] as () => void;
  }

  /** An empty stack, before each call of an export. */
  begin({ bytes, segmentBytes }: StackSize): void {
    this.#segmentBytes = segmentBytes;
    this.#exits = [];
    this.#grant(bytes, Math.min(bytes, segmentBytes));
  }

  #grant(left: number, granted: number): void {
    this.#reserve = left - granted;
    this.#granted = granted;
    this.#left.value = granted;
  }

  /**
   * The host function `goDeeper`: continues calls `elsewhere` in a segment of their own. Throws the
   * canister's trap when no stack is left, and what those calls throw.
   */
  goDeeper(elsewhere: Elsewhere): void | Promise<void> {
    const left = this.#left.value as number;
    const reserve = this.#reserve;
    const granted = this.#granted;
    if (reserve === 0) {
      throw trapped('stack overflow');
    }
    const all = left + reserve;
    // A frame that found no room in a whole new segment tries one of twice the size.
    const wanted = left === granted ? 2 * granted : this.#segmentBytes;
    this.#grant(all, Math.min(all, wanted));
    this.#exits.push(new Error('deeper'));
    const back = (): void => {
      this.#reserve = reserve;
      this.#granted = granted;
      this.#exits.pop();
    };
    const returned = elsewhere(this.#deeper);
    if (returned === undefined) {
      return back();
    }
    return returned.then(back);
  }

  /** Of a run that trapped: the stacks of its segments but the one it trapped in, the innermost first. */
  outerStacks(): readonly Error[] {
    return this.#exits.toReversed();
  }
}
