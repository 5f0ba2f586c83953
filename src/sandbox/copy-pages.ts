import type { DirtyPage } from '../protocol/interfaces/wasm-host.ts';
import { PAGE_BYTES } from '../protocol/interfaces/wasm-host.ts';
import { LEAF_PAGES } from '../protocol/replicated-state/page-map.ts';

/** An allocation costs as much as to copy two pages, and is shared by so many. */
const PAGES_PER_BUFFER = 16;

/**
 * Copies of pages of a memory that begins at `base` of `source`. Pages near each other are views of
 * one buffer, which belongs to one leaf of a page map alone.
 * @param indices ascending
 */
export function copyPages(
  source: ArrayBuffer,
  base: number,
  indices: readonly number[],
): DirtyPage[] {
  const copies: DirtyPage[] = [];
  for (let first = 0; first < indices.length; ) {
    const end = endOfBuffer(indices, first);
    const buffer = copyOf(source, base, indices, first, end);
    for (let i = first; i < end; i += 1) {
      const bytes = new Uint8Array(buffer, (i - first) * PAGE_BYTES, PAGE_BYTES);
      copies.push({ index: indices[i] as number, bytes });
    }
    first = end;
  }
  return copies;
}

function endOfBuffer(indices: readonly number[], first: number): number {
  const leafEnd = Math.floor((indices[first] as number) / LEAF_PAGES + 1) * LEAF_PAGES;
  const most = Math.min(first + PAGES_PER_BUFFER, indices.length);
  let end = first + 1;
  while (end < most && (indices[end] as number) < leafEnd) {
    end += 1;
  }
  return end;
}

/** The pages `first` to `end` of the list one behind the other. */
function copyOf(
  source: ArrayBuffer,
  base: number,
  indices: readonly number[],
  first: number,
  end: number,
): ArrayBuffer {
  const count = end - first;
  const start = indices[first] as number;
  const at = base + start * PAGE_BYTES;
  if ((indices[end - 1] as number) - start === count - 1) {
    return source.slice(at, at + count * PAGE_BYTES);
  }
  const target = new Uint8Array(count * PAGE_BYTES);
  for (let i = 0; i < count; i += 1) {
    const from = base + (indices[first + i] as number) * PAGE_BYTES;
    target.set(new Uint8Array(source, from, PAGE_BYTES), i * PAGE_BYTES);
  }
  return target.buffer;
}
