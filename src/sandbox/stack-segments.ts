import { trapped } from '../protocol/execution/system-api/canister-trap.ts';
import { DEEPER_EXPORT, STACK_EXPORT } from '../protocol/execution/wasm/validate.ts';

/** Bytes of stack in the rewriter's frames. */
export interface StackSize {
  /** Of a whole run: its calls nest so deep on every host of a network. */
  readonly bytes: number;
  /** At most so much of it stands on one native stack. No result depends on it. */
  readonly segmentBytes: number;
}

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

  constructor(exports: WebAssembly.Exports) {
    this.#left = exports[STACK_EXPORT] as WebAssembly.Global;
    this.#deeper = exports[DEEPER_EXPORT] as () => void;
  }

  /** An empty stack, before each call of an export. */
  begin({ bytes, segmentBytes }: StackSize): void {
    this.#segmentBytes = segmentBytes;
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
    // A frame that found no room in a whole new segment gets all there is.
    this.#grant(all, left === granted ? all : Math.min(all, this.#segmentBytes));
    const back = (): void => {
      this.#reserve = reserve;
      this.#granted = granted;
    };
    const returned = elsewhere(this.#deeper);
    if (returned === undefined) {
      return back();
    }
    return returned.then(back);
  }
}
