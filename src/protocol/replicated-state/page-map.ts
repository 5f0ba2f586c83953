import { assert } from '../../base/assert.ts';
import type { DirtyPage } from '../interfaces/wasm-host.ts';
import { PAGE_BYTES } from '../interfaces/wasm-host.ts';

/** Pages of one leaf of the map; a change copies one leaf and the list of leaves. */
const LEAF_SHIFT = 8;
export const LEAF_PAGES: number = 1 << LEAF_SHIFT;
/** Dropped pages, by the length of a leaf, after which buffers that still hold some are looked for. */
const DROPPED_PER_SLOT = 2;

/** Pages that follow one another in a memory and are read when one of them is asked for. At least one is not zero. */
export interface PageSource {
  /** Page `index` of the memory; never called for one that it does not stand for. */
  page(index: number): Uint8Array;
}

type Slot = Uint8Array | PageSource | undefined;

interface Leaf {
  readonly pages: readonly Slot[];
  /** Pages replaced or not kept, being zero, since the leaf's buffers were looked through. */
  readonly dropped: number;
}

interface OpenLeaf {
  pages: Slot[];
  dropped: number;
}

const NO_PAGES: Leaf = { pages: [], dropped: 0 };
/** Most pages in use are told by their first bytes. */
const PROBED_BYTES = 16;

function isZero(page: Uint8Array): boolean {
  for (let i = 0; i < PROBED_BYTES; i += 1) {
    if (page[i] !== 0) {
      return false;
    }
  }
  const { byteOffset } = page;
  const aligned = byteOffset % 4 === 0 ? page : page.slice();
  const words = new Int32Array(aligned.buffer, aligned.byteOffset, PAGE_BYTES / 4);
  for (let i = 0; i < words.length; i += 1) {
    if (words[i] !== 0) {
      return false;
    }
  }
  return true;
}

/** The page that a slot stands for; undefined when it is all zero. */
function pageOf(slot: Slot, index: number): Uint8Array | undefined {
  if (slot === undefined || slot instanceof Uint8Array) {
    return slot;
  }
  const page = slot.page(index);
  return isZero(page) ? undefined : page;
}

/** Gives pages that share a buffer with dropped ones buffers of their own. */
function compact(leaf: OpenLeaf): void {
  const living = new Map<ArrayBufferLike, number>();
  for (const page of leaf.pages) {
    if (page instanceof Uint8Array) {
      living.set(page.buffer, (living.get(page.buffer) ?? 0) + PAGE_BYTES);
    }
  }
  leaf.pages = leaf.pages.map((page) =>
    page instanceof Uint8Array && living.get(page.buffer) !== page.buffer.byteLength
      ? page.slice()
      : page,
  );
  leaf.dropped = 0;
}

/** The leaf as it will be in the new map; `leaves` are the old ones when it is asked for first. */
function openLeaf(
  open: Map<number, OpenLeaf>,
  leaves: (Leaf | undefined)[],
  leafIndex: number,
): OpenLeaf {
  const known = open.get(leafIndex);
  if (known !== undefined) {
    return known;
  }
  const before = leaves[leafIndex] ?? NO_PAGES;
  const leaf = { pages: before.pages.slice(), dropped: before.dropped };
  open.set(leafIndex, leaf);
  while (leaves.length < leafIndex) {
    leaves.push(undefined);
  }
  leaves[leafIndex] = leaf;
  return leaf;
}

/**
 * The content of a memory as 4 KiB pages. Persistent: `with` returns a new map that shares all
 * unchanged pages with the old one, which stays as it was. Pages of zeros take no space. The bytes
 * of a page must never be written to after it was handed over.
 *
 * Pages of one leaf may be views of one buffer, which lives as long as one of them. What a leaf holds
 * that way is bounded by three times its length, whatever is written.
 */
export class PageMap {
  static readonly empty: PageMap = new PageMap([]);

  readonly #leaves: readonly (Leaf | undefined)[];

  private constructor(leaves: readonly (Leaf | undefined)[]) {
    this.#leaves = leaves;
  }

  /** Builds a map from pages in any order; a page of zeros is dropped. */
  static from(pages: Iterable<DirtyPage>): PageMap {
    return PageMap.empty.with(pages);
  }

  /**
   * Builds a map whose pages are read later.
   * @param sources by the first page each stands for
   * @param count pages that each stands for, a divisor of 256; first pages are multiples of it
   */
  static ofSources(
    sources: Iterable<readonly [first: number, source: PageSource]>,
    count: number,
  ): PageMap {
    const leaves: (Leaf | undefined)[] = [];
    const open = new Map<number, OpenLeaf>();
    for (const [first, source] of sources) {
      const leaf = openLeaf(open, leaves, first >>> LEAF_SHIFT);
      const start = first & (LEAF_PAGES - 1);
      while (leaf.pages.length < start + count) {
        leaf.pages.push(undefined);
      }
      leaf.pages.fill(source, start, start + count);
    }
    return new PageMap(leaves);
  }

  /** The page, or undefined when it is all zero. */
  get(index: number): Uint8Array | undefined {
    return pageOf(this.#leaves[index >>> LEAF_SHIFT]?.pages[index & (LEAF_PAGES - 1)], index);
  }

  /** This map with the given pages replaced. */
  with(pages: Iterable<DirtyPage>): PageMap {
    const leaves = this.#leaves.slice();
    const open = new Map<number, OpenLeaf>();
    let leafIndex = -1;
    let leaf: OpenLeaf = { pages: [], dropped: 0 };
    for (const { index, bytes } of pages) {
      assert(bytes.length === PAGE_BYTES, 'a memory page has 4096 bytes');
      if (index >>> LEAF_SHIFT !== leafIndex) {
        leafIndex = index >>> LEAF_SHIFT;
        leaf = openLeaf(open, leaves, leafIndex);
      }
      const slot = index & (LEAF_PAGES - 1);
      while (leaf.pages.length < slot) {
        leaf.pages.push(undefined);
      }
      const page = isZero(bytes) ? undefined : bytes;
      const old = leaf.pages[slot];
      leaf.dropped += (old === undefined ? 0 : 1) + (page === undefined ? 1 : 0);
      leaf.pages[slot] = page;
    }
    for (const changed of open.values()) {
      if (changed.dropped > changed.pages.length * DROPPED_PER_SLOT) {
        compact(changed);
      }
    }
    return open.size === 0 ? this : new PageMap(leaves);
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
      const { pages } = this.#leaves[i] ?? NO_PAGES;
      for (let slot = 0; slot < pages.length; slot += 1) {
        const index = i * LEAF_PAGES + slot;
        const bytes = pageOf(pages[slot], index);
        if (bytes !== undefined) {
          yield { index, bytes };
        }
      }
    }
  }

  /**
   * Of groups of so many pages, from the first page on, the numbers of those with anything in them. What
   * a source stands for is not read where it is the whole group.
   * @param count pages of a group, a divisor of 256
   */
  *groups(count: number): IterableIterator<number> {
    for (let i = 0; i < this.#leaves.length; i += 1) {
      const { pages } = this.#leaves[i] ?? NO_PAGES;
      for (let start = 0; start < pages.length; start += count) {
        const first = i * LEAF_PAGES + start;
        const slots = Array.from({ length: count }, (_, at) => pages[start + at]);
        const [source] = slots;
        const isWhole =
          source !== undefined &&
          !(source instanceof Uint8Array) &&
          slots.every((slot) => slot === source);
        if (isWhole || slots.some((slot, at) => pageOf(slot, first + at) !== undefined)) {
          yield first / count;
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
      const mine = this.#leaves[i] ?? NO_PAGES;
      const theirs = other.#leaves[i] ?? NO_PAGES;
      if (mine === theirs) {
        continue;
      }
      const slots = Math.max(mine.pages.length, theirs.pages.length);
      for (let slot = 0; slot < slots; slot += 1) {
        if (mine.pages[slot] !== theirs.pages[slot]) {
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
