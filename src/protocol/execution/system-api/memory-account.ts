import type { EntryContext, MemoryRules } from '../../interfaces/wasm-host.ts';
import type { Cycles } from '../../types/ids.ts';
import { allocatedBytes, freezingLimit, reservationFor } from '../storage-price.ts';
import {
  insufficientCyclesInMemoryGrow,
  outOfMemory,
  reservedCyclesLimitExceeded,
  wasmMemoryLimitExceeded,
} from './canister-trap.ts';

/**
 * The memory that one message takes, as it takes it: whether the subnet has it, whether the canister
 * can still pay for it, and what must be set aside for it.
 * @upstream rs/embedders/src/wasmtime_embedder/system_api.rs#MemoryUsage
 */

/** Messages that must not freeze their canister by growing. */
const CHECKS_FREEZING: ReadonlySet<EntryContext> = new Set([
  'update',
  'heartbeat',
  'globalTimer',
  'onLowWasmMemory',
]);
/** Messages whose growth counts at once; that of an installation is settled at its end. */
const TAKES_MEMORY: ReadonlySet<EntryContext> = new Set([
  ...CHECKS_FREEZING,
  'replyCallback',
  'rejectCallback',
  'cleanup',
]);
/** Messages that must keep to the canister's own limit for its heap. */
const CHECKS_HEAP_LIMIT: ReadonlySet<EntryContext> = new Set(['update', 'init', 'start']);

export class MemoryAccount {
  readonly #rules: MemoryRules;
  readonly #context: EntryContext;
  readonly #revealsTopUp: boolean;
  #usedBytes: bigint;
  #messageBytes: bigint;
  #takenBytes = 0n;
  /** Moved from the balance to the reserved balance. */
  cyclesReserved: Cycles = 0n;

  constructor(rules: MemoryRules, context: EntryContext, revealsTopUp: boolean) {
    this.#rules = rules;
    this.#context = context;
    this.#revealsTopUp = revealsTopUp;
    this.#usedBytes = rules.usedBytes;
    this.#messageBytes = rules.messageBytes;
  }

  /** The balance that calls and burning must leave, were there so many more bytes of messages. */
  freezingLimit(moreMessageBytes = 0): Cycles {
    return freezingLimit({
      ...this.#rules,
      usedBytes: this.#usedBytes,
      messageBytes: this.#messageBytes + BigInt(moreMessageBytes),
      reservedCycles: this.#rules.reservedCycles + this.cyclesReserved,
    });
  }

  takeMessage(bytes: number): void {
    this.#messageBytes += BigInt(bytes);
  }

  /** Counts growth of the heap. Throws 539, 507, 532 or 534. */
  growHeap(oldBytes: bigint, bytes: bigint, balance: Cycles): void {
    const limit = this.#rules.wasmMemoryLimitBytes;
    if (limit !== 0n && oldBytes + bytes > limit && CHECKS_HEAP_LIMIT.has(this.#context)) {
      throw wasmMemoryLimitExceeded(oldBytes + bytes, limit);
    }
    if (!this.take(bytes, balance)) {
      throw outOfMemory();
    }
  }

  /**
   * Takes memory. Throws 532 or 534, so that a lack of cycles shows as such.
   * @returns false when the subnet has no more
   */
  take(bytes: bigint, balance: Cycles): boolean {
    const { allocationBytes, subnet } = this.#rules;
    const before = allocatedBytes(this.#usedBytes, allocationBytes);
    const usedBytes = this.#usedBytes + bytes;
    const taken = allocatedBytes(usedBytes, allocationBytes) - before;
    if (taken > 0n) {
      this.#checkFreezing(usedBytes, taken, balance);
    }
    if (TAKES_MEMORY.has(this.#context)) {
      if (this.#takenBytes + taken > subnet.freeBytes && taken > 0n) {
        return false;
      }
      this.#reserve(taken, balance);
    }
    this.#usedBytes = usedBytes;
    this.#takenBytes += taken;
    return true;
  }

  #checkFreezing(usedBytes: bigint, taken: bigint, balance: Cycles): void {
    if (!CHECKS_FREEZING.has(this.#context)) {
      return;
    }
    const limit = freezingLimit({
      ...this.#rules,
      usedBytes,
      messageBytes: this.#messageBytes,
      reservedCycles: this.#rules.reservedCycles + this.cyclesReserved,
    });
    if (balance < limit) {
      throw insufficientCyclesInMemoryGrow(taken, this.#revealed(limit - balance));
    }
  }

  #reserve(taken: bigint, balance: Cycles): void {
    const { nodeCount, allocationBytes, reservedCycles, reservedCyclesLimit, subnet } = this.#rules;
    if (allocationBytes > 0n) {
      return;
    }
    const usedBytes = subnet.usedBytes + this.#takenBytes;
    const due = reservationFor(nodeCount, { ...subnet, usedBytes }, taken);
    const requested = reservedCycles + this.cyclesReserved + due;
    if (due > 0n && requested > reservedCyclesLimit) {
      throw reservedCyclesLimitExceeded(taken, requested, reservedCyclesLimit);
    }
    if (balance < due) {
      throw insufficientCyclesInMemoryGrow(taken, this.#revealed(due - balance));
    }
    this.cyclesReserved += due;
  }

  #revealed(missing: Cycles): Cycles | null {
    return this.#revealsTopUp ? missing : null;
  }
}
