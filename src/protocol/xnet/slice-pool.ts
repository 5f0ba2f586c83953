import { assert } from '../../base/assert.ts';
import { MAX_SLICE_BYTES, MAX_SLICE_POOL_BYTES } from '../limits/xnet.ts';
import type { StreamHeader } from '../replicated-state/streams.ts';
import type { SubnetId } from '../types/ids.ts';
import { BYTES_AROUND_MESSAGE } from './cut-slice.ts';
import type { CertifiedSlice } from './slice-codec.ts';
import { sliceRange } from './slice-witness.ts';

/** The part of a subnet's stream that waits for blocks: verified, without a gap. */
export interface PooledSlice {
  readonly certified: CertifiedSlice;
  readonly header: StreamHeader;
  readonly bytes: number;
}

/** @returns about what its encoding takes */
export function sizeOfSlice({ header, messages }: CertifiedSlice): number {
  return messages.reduce((sum, { length }) => sum + length + BYTES_AROUND_MESSAGE, header.length);
}

export function endOf({ messagesBegin, messages }: CertifiedSlice): number {
  return messagesBegin + messages.length;
}

/**
 * Verified slices, one a subnet. Messages leave it when the executed state has them, not when a
 * block includes them: another block may be finalized in its place.
 */
export class SlicePool {
  readonly #slices = new Map<SubnetId, PooledSlice>();
  #bytes = 0;

  get(from: SubnetId): PooledSlice | undefined {
    return this.#slices.get(from);
  }

  /** Replaces what is there of the subnet. */
  put(from: SubnetId, certified: CertifiedSlice, header: StreamHeader): void {
    const bytes = sizeOfSlice(certified);
    this.#bytes += bytes - (this.#slices.get(from)?.bytes ?? 0);
    this.#slices.set(from, { certified, header, bytes });
  }

  /** Bytes that may be asked of the subnet, beside what is there. */
  roomFor(from: SubnetId): number {
    const own = this.#slices.get(from)?.bytes ?? 0;
    return Math.max(0, Math.min(MAX_SLICE_BYTES - own, MAX_SLICE_POOL_BYTES - this.#bytes));
  }

  /** Drops messages that the state has: those before `index`. A slice that does not reach to it goes as a whole. */
  dropBefore(from: SubnetId, index: number): void {
    const slice = this.#slices.get(from);
    if (slice === undefined || slice.certified.messagesBegin >= index) {
      return;
    }
    if (endOf(slice.certified) < index) {
      this.#bytes -= slice.bytes;
      this.#slices.delete(from);
      return;
    }
    const rest = sliceRange(slice.certified, index, endOf(slice.certified));
    this.put(from, rest, slice.header);
    assert(this.#bytes >= 0, 'bytes of the pool add up');
  }
}
