import { instructionLimitExceeded } from '../protocol/execution/system-api/canister-trap.ts';
import type { MeterPort } from '../protocol/execution/system-api/session.ts';
import type { Slice } from '../protocol/interfaces/wasm-host.ts';
import type { CanisterInstance } from './instance.ts';

/** Told at the end of each slice but the last; a promise pauses a suspendable run until it is kept. */
export type OnSliceEnd = (instructions: bigint) => void | Promise<void>;

/**
 * The instructions of a run, handed to its module slice by slice. A slice ends at the first check of
 * the module's counter after it was used up, whatever the host does then; what the check comes late
 * is taken from the next slice.
 */
export class SliceMeter implements MeterPort {
  readonly limit: bigint;
  readonly #counter: MeterPort;
  readonly #slice: bigint;
  readonly #onSliceEnd: OnSliceEnd;
  /** Not handed to the module yet. */
  #reserve: bigint;
  /** `remaining` when the current slice began. */
  #sliceStart: bigint;

  constructor(
    instance: CanisterInstance,
    limit: bigint,
    slice: Slice | undefined,
    onSliceEnd: OnSliceEnd,
  ) {
    this.limit = limit;
    this.#slice = slice === undefined || slice.instructions > limit ? limit : slice.instructions;
    this.#onSliceEnd = onSliceEnd;
    this.#reserve = limit - this.#slice;
    this.#sliceStart = limit;
    this.#counter = instance.meter(this.#slice);
    instance.onOutOfInstructions = () => this.#outOfInstructions();
  }

  remaining(): bigint {
    return this.#counter.remaining() + this.#reserve;
  }

  setRemaining(instructions: bigint): void {
    this.#counter.setRemaining(instructions - this.#reserve);
  }

  used(): bigint {
    const remaining = this.remaining();
    return remaining > 0n ? this.limit - remaining : this.limit;
  }

  #outOfInstructions(): void | Promise<void> {
    const remaining = this.remaining();
    if (remaining < 0n) {
      throw instructionLimitExceeded(this.limit);
    }
    // One charge may be worth several slices; the run stops once for them.
    const short = -this.#counter.remaining();
    const slices = short <= 0n ? 1n : (short + this.#slice - 1n) / this.#slice;
    const wanted = slices * this.#slice;
    const granted = wanted < this.#reserve ? wanted : this.#reserve;
    this.#reserve -= granted;
    this.setRemaining(remaining);
    const instructions = this.#sliceStart - remaining;
    this.#sliceStart = remaining;
    return this.#onSliceEnd(instructions);
  }
}
