import { instructionLimitExceeded } from '../protocol/execution/system-api/canister-trap.ts';
import type { MeterPort } from '../protocol/execution/system-api/session.ts';
import type { Slice } from '../protocol/interfaces/wasm-host.ts';
import type { CanisterInstance } from './instance.ts';

/** Some 10 to 20 milliseconds of a run. */
export const BREATH_INSTRUCTIONS = 20_000_000n;

/** What a host does in the middle of a run; a promise suspends a suspendable run until it is kept. */
export interface SliceHooks {
  /** Told at the end of each slice but the last. */
  readonly onSliceEnd: (instructions: bigint) => void | Promise<void>;
  /** Called so often within slices that the host can serve others; changes nothing of the run. */
  readonly breather?: {
    readonly everyInstructions: bigint;
    readonly onBreath: () => void | Promise<void>;
  };
}

/**
 * The instructions of a run, handed to its module slice by slice. A slice ends at the first check of
 * the module's counter after it was used up, whatever the host does then; what the check comes late
 * is taken from the next slice.
 */
export class SliceMeter implements MeterPort {
  readonly limit: bigint;
  readonly #counter: MeterPort;
  readonly #slice: bigint;
  readonly #hooks: SliceHooks;
  /** Of later slices. */
  #reserve: bigint;
  /** Of this slice, not handed to the module yet. */
  #rest = 0n;
  /** `remaining` when the current slice began. */
  #sliceStart: bigint;

  constructor(
    instance: CanisterInstance,
    limit: bigint,
    slice: Slice | undefined,
    hooks: SliceHooks,
  ) {
    this.limit = limit;
    this.#slice = slice === undefined || slice.instructions > limit ? limit : slice.instructions;
    this.#hooks = hooks;
    this.#reserve = limit - this.#slice;
    this.#sliceStart = limit;
    this.#counter = instance.meter(0n);
    instance.onOutOfInstructions = () => this.#outOfInstructions();
    this.#handOver(this.#slice);
  }

  remaining(): bigint {
    return this.#counter.remaining() + this.#rest + this.#reserve;
  }

  setRemaining(instructions: bigint): void {
    this.#counter.setRemaining(instructions - this.#rest - this.#reserve);
  }

  take(instructions: number): boolean {
    return this.#counter.take(instructions) || this.remaining() >= 0n;
  }

  used(): bigint {
    const remaining = this.remaining();
    return remaining > 0n ? this.limit - remaining : this.limit;
  }

  /** Gives the module what is left of the slice, or as much of it as it may use without a breath. */
  #handOver(left: bigint): void {
    const most = this.#hooks.breather?.everyInstructions ?? left;
    const given = left < most ? left : most;
    this.#rest = left - given;
    this.#counter.setRemaining(given);
  }

  #outOfInstructions(): void | Promise<void> {
    const left = this.#counter.remaining() + this.#rest;
    if (left >= 0n) {
      this.#handOver(left);
      return this.#hooks.breather?.onBreath();
    }
    const remaining = left + this.#reserve;
    if (remaining < 0n) {
      throw instructionLimitExceeded(this.limit);
    }
    // One charge may be worth several slices; the run stops once for them.
    const slices = (this.#slice - left - 1n) / this.#slice;
    const wanted = slices * this.#slice;
    const granted = wanted < this.#reserve ? wanted : this.#reserve;
    this.#reserve -= granted;
    this.#handOver(left + granted);
    const instructions = this.#sliceStart - remaining;
    this.#sliceStart = remaining;
    return this.#hooks.onSliceEnd(instructions);
  }
}
