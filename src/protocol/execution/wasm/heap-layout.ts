import { MAX_HEAP32_WASM_PAGES, MAX_HEAP64_WASM_PAGES } from './limits.ts';
import type { ParsedModule } from './module.ts';
import { ModuleFault } from './reader.ts';

const WASM_PAGE_BYTES = 65_536;
/** One byte for each 4 KiB page of the largest heap: 4 GiB, 6 GiB. */
const MARK_WASM_PAGES32 = 16;
const MARK_WASM_PAGES64 = 24;

/** log2 of the size of a page that is marked as a whole. */
export const MARKED_PAGE_SHIFT = 12;

/**
 * How the one memory of an instance is used: first a byte for each 4 KiB page of the heap, set when
 * the page is written to, then the heap. Code is rewritten so that its address 0 is `base`.
 */
export interface HeapLayout {
  /** In bytes. */
  readonly base: number;
  readonly baseWasmPages: number;
  readonly maxHeapWasmPages: number;
  /** Of the original module. */
  readonly is64: boolean;
  /** Of the rewritten one. */
  readonly wide: boolean;
}

/** Null for a module without memory. Throws `ModuleFault` when its heap does not fit. */
export function heapLayout({ memory }: ParsedModule, lowered: boolean): HeapLayout | null {
  if (memory === null) {
    return null;
  }
  const { is64 } = memory;
  const wide = is64 && !lowered;
  const baseWasmPages = wide ? MARK_WASM_PAGES64 : MARK_WASM_PAGES32;
  // Marks and a 32-bit heap share 4 GiB. The limit of a 64-bit heap does not depend on lowering:
  // where the engine cannot give what the limit allows, that is the host's fault, not a -1.
  const limit = is64 ? MAX_HEAP64_WASM_PAGES : MAX_HEAP32_WASM_PAGES;
  if (memory.min > BigInt(wide ? limit : MAX_HEAP32_WASM_PAGES)) {
    throw new ModuleFault(
      `a memory of ${memory.min} pages exceeds the ${wide ? limit : MAX_HEAP32_WASM_PAGES} pages that this host supports`,
      'rule',
    );
  }
  return {
    base: baseWasmPages * WASM_PAGE_BYTES,
    baseWasmPages,
    maxHeapWasmPages:
      memory.max === null || memory.max > BigInt(limit) ? limit : Number(memory.max),
    is64,
    wide,
  };
}
