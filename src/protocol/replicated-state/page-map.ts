import { assert } from '../../base/assert.ts';
import type { DirtyPage } from '../interfaces/wasm-host.ts';
import { PAGE_BYTES } from '../interfaces/wasm-host.ts';

/** Pages of one leaf of the map; a change copies one leaf and the list of leaves. */
const LEAF_SHIFT = 8;
const LEAF_PAGES = 1 << LEAF_SHIFT;

type Leaf = readonly (Uint8Array | undefined)[];

function isZero(page: Uint8Array): boolean {
  for (let i = 0; i < page.length; i += 1) {
    if (page[i] !== 0) {
      return false;
    }
  }
  return true;
}

/**
 * The content of a memory as 4 KiB pages. Persistent: `with` returns a new map that shares all
 * unchanged pages with the old one, which stays as it was. Pages of zeros take no space. The bytes
 * of a page must never be written to after it was handed over.
 */
export class PageMap {
  static readonly empty: PageMap = new PageMap([], 0);

  /** Number of pages that are not all zero. */
  readonly size: number;
  readonly #leaves: readonly (Leaf | undefined)[];

  private constructor(leaves: readonly (Leaf | undefined)[], size: number) {
    this.#leaves = leaves;
    this.size = size;
  }

  /** Builds a map from pages in any order; a page of zeros is dropped. */
  static from(pages: Iterable<DirtyPage>): PageMap {
    return PageMap.empty.with(pages);
  }

  /** The page, or undefined when it is all zero. */
  get(index: number): Uint8Array | undefined {
    return this.#leaves[index >>> LEAF_SHIFT]?.[index & (LEAF_PAGES - 1)];
  }

  /** This map with the given pages replaced. */
  with(pages: Iterable<DirtyPage>): PageMap {
    const leaves = this.#leaves.slice();
    const copied = new Map<number, (Uint8Array | undefined)[]>();
    let size = this.size;
    for (const { index, bytes } of pages) {
      assert(bytes.length === PAGE_BYTES, 'a memory page has 4096 bytes');
      const leafIndex = Math.floor(index / LEAF_PAGES);
      let leaf = copied.get(leafIndex);
      if (leaf === undefined) {
        leaf = this.#leaves[leafIndex]?.slice() ?? [];
        copied.set(leafIndex, leaf);
        while (leaves.length < leafIndex) {
          leaves.push(undefined);
        }
        leaves[leafIndex] = leaf;
      }
      const slot = index % LEAF_PAGES;
      while (leaf.length < slot) {
        leaf.push(undefined);
      }
      const page = isZero(bytes) ? undefined : bytes;
      size += (page === undefined ? 0 : 1) - (leaf[slot] === undefined ? 0 : 1);
      leaf[slot] = page;
    }
    return copied.size === 0 ? this : new PageMap(leaves, size);
  }

  /** A copy of the bytes from `offset` on; the memory is zero where no page is. */
  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const start = (offset + at) % PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - start, length - at);
      const page = this.get(Math.floor((offset + at) / PAGE_BYTES));
      if (page !== undefined) {
        bytes.set(page.subarray(start, start + count), at);
      }
      at += count;
    }
    return bytes;
  }

  /** This map with bytes written from `offset` on. */
  write(offset: number, bytes: Uint8Array): PageMap {
    const changed: DirtyPage[] = [];
    for (let at = 0; at < bytes.length; ) {
      const start = (offset + at) % PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - start, bytes.length - at);
      const index = Math.floor((offset + at) / PAGE_BYTES);
      const page = this.get(index)?.slice() ?? new Uint8Array(PAGE_BYTES);
      page.set(bytes.subarray(at, at + count), start);
      changed.push({ index, bytes: page });
      at += count;
    }
    return this.with(changed);
  }

  /** The pages that are not all zero, in order of index. */
  *pages(): IterableIterator<DirtyPage> {
    for (let i = 0; i < this.#leaves.length; i += 1) {
      const leaf = this.#leaves[i] ?? [];
      for (let slot = 0; slot < leaf.length; slot += 1) {
        const bytes = leaf[slot];
        if (bytes !== undefined) {
          yield { index: i * LEAF_PAGES + slot, bytes };
        }
      }
    }
  }

  [Symbol.iterator](): IterableIterator<DirtyPage> {
    return this.pages();
  }

  /** Indices at which the two maps hold different page objects, in order; cheap where they share. */
  *changedIndices(other: PageMap): IterableIterator<number> {
    const count = Math.max(this.#leaves.length, other.#leaves.length);
    for (let i = 0; i < count; i += 1) {
      const mine = this.#leaves[i];
      const theirs = other.#leaves[i];
      if (mine === theirs) {
        continue;
      }
      const slots = Math.max(mine?.length ?? 0, theirs?.length ?? 0);
      for (let slot = 0; slot < slots; slot += 1) {
        if (mine?.[slot] !== theirs?.[slot]) {
          yield i * LEAF_PAGES + slot;
        }
      }
    }
  }
}

/** The map of a memory that is all zero. */
export function emptyPageMap(): PageMap {
  return PageMap.empty;
}
