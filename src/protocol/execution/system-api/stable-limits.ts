import { PAGE_BYTES, type EntryContext } from '../../interfaces/wasm-host.ts';
import {
  STABLE_BYTES_PER_MESSAGE,
  STABLE_BYTES_PER_QUERY,
  STABLE_BYTES_PER_UPGRADE,
} from '../../limits/memory.ts';
import { memoryAccessLimitExceeded, type CanisterTrap } from './canister-trap.ts';

/** How much of its stable memory a message may touch. @upstream rs/config/src/embedders.rs */

/** Pages written, and likewise pages read or written. */
const PAGE_LIMIT = {
  message: STABLE_BYTES_PER_MESSAGE / PAGE_BYTES,
  upgrade: STABLE_BYTES_PER_UPGRADE / PAGE_BYTES,
  query: STABLE_BYTES_PER_QUERY / PAGE_BYTES,
};

function inKib(pages: number): string {
  return `${(pages * PAGE_BYTES) / 1024} KB`;
}

/** 4 KiB pages that a message from this entry point may write, and that it may read or write. */
export function stablePageLimit(context: EntryContext): number {
  switch (context) {
    case 'init':
    case 'postUpgrade':
    case 'preUpgrade':
      return PAGE_LIMIT.upgrade;
    case 'replicatedQuery':
    case 'nonReplicatedQuery':
    case 'httpTransform':
    case 'compositeQuery':
    case 'compositeReplyCallback':
    case 'compositeRejectCallback':
    case 'compositeCleanup':
    case 'inspectMessage':
      return PAGE_LIMIT.query;
    default:
      return PAGE_LIMIT.message;
  }
}

/** IC0524 of a message that wrote too many pages. */
export function tooManyWritten(): CanisterTrap {
  const { message, upgrade, query } = PAGE_LIMIT;
  return memoryAccessLimitExceeded(
    `Exceeded the limit for the number of modified pages in the stable memory in a single execution: limit ${inKib(message)} for regular messages, ${inKib(upgrade)} for upgrade messages and ${inKib(query)} for queries.`,
  );
}

function tooManyAccessed(): CanisterTrap {
  const { message, query } = PAGE_LIMIT;
  return memoryAccessLimitExceeded(
    `Exceeded the limit for the number of accessed pages in the stable memory in a single message execution: limit ${inKib(message)} for regular messages and ${inKib(query)} for queries.`,
  );
}

/** Pages that share one piece of the bit map. */
const PAGES_PER_PIECE = 32_768;

/** The pages of stable memory that a message read or wrote. */
export class AccessedPages {
  readonly #pieces = new Map<number, Uint32Array>();
  #piece: Uint32Array = new Uint32Array(0);
  #pieceIndex = -1;
  #count = 0;
  #latest = -1;

  /** Notes that `[offset, offset + size)` is read or written. Throws 524 above `limit` pages. */
  touch(offset: number, size: number, limit: number): void {
    if (size === 0) {
      return;
    }
    const last = Math.floor((offset + size - 1) / PAGE_BYTES);
    let page = Math.floor(offset / PAGE_BYTES);
    if (page === last && page === this.#latest) {
      return;
    }
    for (; page <= last; page += 1) {
      this.#mark(page);
      if (this.#count > limit) {
        throw tooManyAccessed();
      }
    }
    this.#latest = last;
  }

  #mark(page: number): void {
    const at = Math.floor(page / PAGES_PER_PIECE);
    const piece = at === this.#pieceIndex ? this.#piece : this.#pieceAt(at);
    const within = page - at * PAGES_PER_PIECE;
    const word = within >>> 5;
    const bit = 1 << (within & 31);
    const before = piece[word] ?? 0;
    if ((before & bit) === 0) {
      piece[word] = before | bit;
      this.#count += 1;
    }
  }

  #pieceAt(at: number): Uint32Array {
    let piece = this.#pieces.get(at);
    if (piece === undefined) {
      piece = new Uint32Array(PAGES_PER_PIECE / 32);
      this.#pieces.set(at, piece);
    }
    this.#piece = piece;
    this.#pieceIndex = at;
    return piece;
  }
}
