import { WASM_PAGE_BYTES } from '../../interfaces/wasm-host.ts';
import { MAX_STABLE32_BYTES, MAX_STABLE_BYTES } from '../../limits/memory.ts';
import { trapped } from './canister-trap.ts';
import { DIRTY_STABLE_PAGE_COST } from './costs.ts';
import type { SystemApiFunctions } from './functions.ts';
import type { ApiSession } from './session.ts';
import { stablePageLimit, tooManyWritten } from './stable-limits.ts';

const MAX_STABLE_WASM_PAGES = MAX_STABLE_BYTES / WASM_PAGE_BYTES;
const MAX_STABLE32_WASM_PAGES = MAX_STABLE32_BYTES / WASM_PAGE_BYTES;

type StableNames =
  | `stable_${'grow' | 'read' | 'size' | 'write'}`
  | `stable64_${'grow' | 'read' | 'size' | 'write'}`;

function requireRange(session: ApiSession, name: StableNames, offset: number, size: number): void {
  if (offset + size > session.ports.stable.wasmPages() * WASM_PAGE_BYTES) {
    throw trapped('stable memory out of bounds', name);
  }
  session.accessedStable.touch(offset, size, stablePageLimit(session.input.context));
}

/** Copies between the memories are native code on the IC: beyond the heap they trap. */
function requireHeap(session: ApiSession, name: StableNames, address: number, size: number): void {
  if (address + size > session.ports.heap.size()) {
    throw trapped('heap out of bounds', name);
  }
}

function size32(session: ApiSession, name: StableNames): number {
  const pages = session.ports.stable.wasmPages();
  if (pages > MAX_STABLE32_WASM_PAGES) {
    throw trapped('32 bit stable memory api used on a memory larger than 4GB', name);
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

function read(
  session: ApiSession,
  name: StableNames,
  target: number,
  offset: number,
  size: number,
): void {
  requireRange(session, name, offset, size);
  requireHeap(session, name, target, size);
  const { heap, stable } = session.ports;
  heap.markWritten(target, size);
  stable.read(offset, heap.memory(), heap.base + target, size);
}

function write(
  session: ApiSession,
  name: StableNames,
  offset: number,
  source: number,
  size: number,
): void {
  const { heap, stable } = session.ports;
  requireRange(session, name, offset, size);
  requireHeap(session, name, source, size);
  const fresh = stable.write(offset, heap.memory(), heap.base + source, size);
  if (fresh === 0) {
    return;
  }
  if (stable.dirtyPages() > stablePageLimit(session.input.context)) {
    throw tooManyWritten();
  }
  session.charge(fresh * DIRTY_STABLE_PAGE_COST);
}

/** Stable memory, both widths. */
export const stableFunctions: SystemApiFunctions<StableNames> = {
  stable64_grow: (session, additional) => BigInt(grow(session, additional, MAX_STABLE_WASM_PAGES)),
  stable64_read: (session, target, offset, size) =>
    read(session, 'stable64_read', target, offset, size),
  stable64_size: (session) => BigInt(session.ports.stable.wasmPages()),
  stable64_write: (session, offset, source, size) =>
    write(session, 'stable64_write', offset, source, size),
  stable_grow: (session, additional) => {
    size32(session, 'stable_grow');
    return grow(session, additional, MAX_STABLE32_WASM_PAGES);
  },
  stable_read: (session, target, offset, size) => {
    size32(session, 'stable_read');
    read(session, 'stable_read', target, offset, size);
  },
  stable_size: (session) => size32(session, 'stable_size'),
  stable_write: (session, offset, source, size) => {
    size32(session, 'stable_write');
    write(session, 'stable_write', offset, source, size);
  },
};
