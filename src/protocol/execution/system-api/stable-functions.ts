import { WASM_PAGE_BYTES } from '../../interfaces/wasm-host.ts';
import { memoryAccessLimitExceeded, trapped } from './canister-trap.ts';
import { DIRTY_STABLE_PAGE_COST } from './costs.ts';
import type { SystemApiFunctions } from './functions.ts';
import type { ApiSession } from './session.ts';

const KIB = 1024;
const GIB = KIB * KIB * KIB;
/** 500 GiB. @upstream rs/types/types/src/lib.rs#MAX_STABLE_MEMORY_IN_BYTES */
const MAX_STABLE_WASM_PAGES = (500 * GIB) / WASM_PAGE_BYTES;
const MAX_STABLE32_WASM_PAGES = 65_536;
/** Pages written per run. @upstream rs/config/src/embedders.rs#STABLE_MEMORY_DIRTY_PAGE_LIMIT_* */
const DIRTY_PAGE_LIMIT = {
  message: (2 * GIB) / 4096,
  upgrade: (8 * GIB) / 4096,
  query: GIB / 4096,
};

type StableNames =
  | `stable_${'grow' | 'read' | 'size' | 'write'}`
  | `stable64_${'grow' | 'read' | 'size' | 'write'}`;

function dirtyLimit(session: ApiSession): number {
  switch (session.input.context) {
    case 'preUpgrade':
    case 'postUpgrade':
    case 'init':
    case 'start':
      return DIRTY_PAGE_LIMIT.upgrade;
    case 'nonReplicatedQuery':
    case 'httpTransform':
    case 'compositeQuery':
    case 'compositeReplyCallback':
    case 'compositeRejectCallback':
    case 'compositeCleanup':
    case 'inspectMessage':
      return DIRTY_PAGE_LIMIT.query;
    default:
      return DIRTY_PAGE_LIMIT.message;
  }
}

function requireRange(session: ApiSession, offset: number, size: number): void {
  if (offset + size > session.ports.stable.wasmPages() * WASM_PAGE_BYTES) {
    throw trapped('stable memory out of bounds');
  }
}

/** Copies between the memories are native code on the IC: beyond the heap they trap. */
function heapRange(session: ApiSession, address: number, size: number): Uint8Array {
  const { heap } = session.ports;
  if (address + size > heap.size()) {
    throw trapped('heap out of bounds');
  }
  return heap.view(address, size);
}

function size32(session: ApiSession): number {
  const pages = session.ports.stable.wasmPages();
  if (pages > MAX_STABLE32_WASM_PAGES) {
    throw trapped('32 bit stable memory api used on a memory larger than 4GB');
  }
  return pages;
}

/** The old size in 64 KiB pages, or -1. */
function grow(session: ApiSession, additional: number, limit: number): number {
  const { stable } = session.ports;
  const old = stable.wasmPages();
  if (old + additional > limit || !session.takeStable(additional * WASM_PAGE_BYTES)) {
    return -1;
  }
  stable.grow(additional);
  return old;
}

function read(session: ApiSession, target: number, offset: number, size: number): void {
  requireRange(session, offset, size);
  session.ports.stable.read(offset, heapRange(session, target, size));
}

function write(session: ApiSession, offset: number, source: number, size: number): void {
  const { stable } = session.ports;
  requireRange(session, offset, size);
  const fresh = stable.write(offset, heapRange(session, source, size));
  if (stable.dirtyPages() > dirtyLimit(session)) {
    const { message, upgrade, query } = DIRTY_PAGE_LIMIT;
    throw memoryAccessLimitExceeded(
      `Exceeded the limit for the number of modified pages in the stable memory in a single execution: limit: ${message * 4} KB for regular messages, ${upgrade * 4} KB for upgrade messages and ${query * 4} KB for queries.`,
    );
  }
  session.charge(fresh * DIRTY_STABLE_PAGE_COST);
}

/** Stable memory, both widths. */
export const stableFunctions: SystemApiFunctions<StableNames> = {
  stable64_grow: (session, additional) =>
    BigInt(grow(session, Number(additional), MAX_STABLE_WASM_PAGES)),
  stable64_read: (session, target, offset, size) =>
    read(session, Number(target), Number(offset), Number(size)),
  stable64_size: (session) => BigInt(session.ports.stable.wasmPages()),
  stable64_write: (session, offset, source, size) =>
    write(session, Number(offset), Number(source), Number(size)),
  stable_grow: (session, additional) => {
    size32(session);
    return grow(session, additional, MAX_STABLE32_WASM_PAGES);
  },
  stable_read: (session, target, offset, size) => {
    size32(session);
    read(session, target, offset, size);
  },
  stable_size: (session) => size32(session),
  stable_write: (session, offset, source, size) => {
    size32(session);
    write(session, offset, source, size);
  },
};
