import { fc, test } from '@fast-check/vitest';
import { beforeAll, describe, expect, it } from 'vitest';
import { instantiate } from '../../tests/support/instrumented.ts';
import { compileWat } from '../../tests/support/wat.ts';
import type { InstrumentOptions } from '../protocol/execution/wasm/instrument.ts';
import { instrument } from '../protocol/execution/wasm/instrument.ts';
import { PAGE_BYTES } from '../protocol/interfaces/wasm-host.ts';
import { PageMap } from '../protocol/replicated-state/page-map.ts';
import { HeapPages } from './heap-pages.ts';

const HEAP_PAGES = 64;
const HEAP_BYTES = HEAP_PAGES * PAGE_BYTES;

const STORES: readonly (readonly [name: string, value: string])[] = [
  ['i32.store', '(i32.wrap_i64 (local.get 1))'],
  ['i32.store8', '(i32.wrap_i64 (local.get 1))'],
  ['i32.store16', '(i32.wrap_i64 (local.get 1))'],
  ['i64.store', '(local.get 1)'],
  ['i64.store8', '(local.get 1)'],
  ['i64.store16', '(local.get 1)'],
  ['i64.store32', '(local.get 1)'],
  ['f32.store', '(f32.reinterpret_i32 (i32.wrap_i64 (local.get 1)))'],
  ['f64.store', '(f64.reinterpret_i64 (local.get 1))'],
  ['v128.store', '(i64x2.splat (local.get 1))'],
];
const OFFSETS = [0, 127, 128, 70_000];
const ZERO_PAGE = new Uint8Array(PAGE_BYTES);
/** Around the edge of a page: vectors and words that end before it, straddle it, begin behind it. */
const DELTAS = [-144, -128, -17, -16, -15, -8, -7, -4, -3, -1, 0];
const LANES: readonly (readonly [name: string, lane: number])[] = [
  ['v128.store8_lane', 3],
  ['v128.store16_lane', 2],
  ['v128.store32_lane', 1],
  ['v128.store64_lane', 0],
];

/** Every way to write to memory; `P` is the address type. */
function writers(wide: boolean): string {
  const type = wide ? 'i64' : 'i32';
  const value = wide ? '(local.get 1)' : '(i32.wrap_i64 (local.get 1))';
  const stores = STORES.flatMap(([name, operand]) =>
    OFFSETS.map(
      (offset) =>
        `(func (export "${name}+${offset}") (param ${type} i64) (${name} offset=${offset} (local.get 0) ${operand}))`,
    ),
  );
  const lanes = LANES.map(
    ([name, lane]) =>
      `(func (export "${name}") (param ${type} i64) (${name} offset=9 ${lane} (local.get 0) (i64x2.splat (local.get 1))))`,
  );
  return `(module (memory ${wide ? 'i64' : ''} 4 5) (data "passive data, longer than a vector")
    (data (${type}.const 4090) "over an edge")
    ${stores.join('')} ${lanes.join('')}
    (func (export "memory.fill") (param ${type} i64) (memory.fill (local.get 0) (i32.const 7) ${value}))
    (func (export "memory.copy") (param ${type} i64) (memory.copy (local.get 0) (${type}.const 4085) ${value}))
    (func (export "memory.init") (param ${type} i64) (memory.init 0 (local.get 0) (i32.const 0) (i32.wrap_i64 (i64.and (local.get 1) (i64.const 31))))))`;
}

const NAMES = [
  ...STORES.flatMap(([name]) => OFFSETS.map((offset) => `${name}+${offset}`)),
  ...LANES.map(([name]) => name),
  'memory.fill',
  'memory.copy',
  'memory.init',
];

interface Write {
  readonly name: string;
  readonly address: number;
  readonly value: bigint;
}

const aWrite: fc.Arbitrary<Write> = fc.record({
  name: fc.constantFrom(...NAMES),
  // Half of them near the edge of a page, some behind the end of the heap.
  address: fc.oneof(
    fc.nat({ max: HEAP_BYTES + 100 }),
    fc
      .tuple(fc.nat({ max: HEAP_PAGES }), fc.integer({ min: -20, max: 20 }))
      .map(([page, delta]) => Math.max(0, page * PAGE_BYTES + delta)),
  ),
  value: fc.oneof(fc.bigInt(0n, 9000n), fc.bigInt(0n, 2n ** 63n - 1n)),
});

class Heap {
  readonly pages: HeapPages;
  readonly #exports: Record<string, (...args: unknown[]) => unknown>;
  readonly #wide: boolean;
  committed = PageMap.empty;

  constructor(wasm: Uint8Array, wide: boolean, options: InstrumentOptions) {
    const result = instrument(wasm, options);
    if (!result.ok || result.value.memory === null) {
      throw new TypeError('the module is valid and has memory');
    }
    const { exports, memory, counter } = instantiate(result.value);
    if (memory === null) {
      throw new TypeError('the module has memory');
    }
    counter.value = 1n << 50n;
    this.#exports = exports;
    this.#wide = wide;
    this.pages = new HeapPages({ memory, is64: false }, result.value.memory.baseWasmPages);
    for (const { address, length } of result.value.initialised) {
      this.pages.markWritten(address, length);
    }
  }

  write({ name, address, value }: Write): void {
    try {
      this.#exports[name]?.(this.#wide ? BigInt(address) : address, value);
    } catch {
      // Out of bounds: what was written before in the message stays marked.
    }
  }

  bytes(): Uint8Array {
    return this.pages.view(0, this.pages.size());
  }

  /** The oracle: compares everything. */
  differing(): number[] {
    const bytes = this.bytes();
    const found: number[] = [];
    for (let index = 0; index < HEAP_PAGES; index += 1) {
      const page = bytes.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES);
      const other = this.committed.get(index) ?? ZERO_PAGE;
      if (Buffer.compare(page, other) !== 0) {
        found.push(index);
      }
    }
    return found;
  }

  /** The pages that a commit misses or tells without need. */
  commit(): number[] {
    const expected = this.differing();
    const dirty = this.pages.takeDirty(this.committed);
    this.committed = this.committed.with(dirty);
    const told = dirty.map(({ index }) => index);
    return [...new Set([...expected, ...told])].filter(
      (index) => !expected.includes(index) || !told.includes(index),
    );
  }

  /** The pages that a rollback leaves changed. */
  rollBack(): number[] {
    this.pages.restore(this.committed, this.committed);
    return this.differing();
  }
}

describe('marked pages', () => {
  let modules: { readonly wide: boolean; readonly wasm: Uint8Array }[] = [];
  beforeAll(async () => {
    modules = [
      { wide: false, wasm: await compileWat(writers(false)) },
      { wide: true, wasm: await compileWat(writers(true)) },
    ];
  });

  test.prop(
    [
      fc.array(fc.record({ writes: fc.array(aWrite, { maxLength: 6 }), commits: fc.boolean() }), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.boolean(),
    ],
    { numRuns: 40 },
  )('are all that commit and rollback need', (messages, wide) => {
    const chosen = modules.find((module) => module.wide === wide);
    const heap = new Heap(chosen?.wasm ?? new Uint8Array(), wide, { lowerMemory64: true });
    expect(heap.commit()).toEqual([]);
    expect([...heap.committed]).toHaveLength(2);
    for (const { writes, commits } of messages) {
      for (const write of writes) {
        heap.write(write);
      }
      expect(commits ? heap.commit() : heap.rollBack()).toEqual([]);
    }
  });

  it('reach over the edge of a page with every kind of store', () => {
    for (const { wide, wasm } of modules) {
      const heap = new Heap(wasm, wide, { lowerMemory64: true });
      heap.commit();
      for (const name of NAMES) {
        for (const delta of DELTAS) {
          heap.write({ name, address: 8 * PAGE_BYTES + delta, value: 0x1234_5678_9abc_def1n });
          expect([name, delta, heap.rollBack()]).toEqual([name, delta, []]);
          heap.write({ name, address: 8 * PAGE_BYTES + delta, value: BigInt(delta + 200) });
          expect([name, delta, heap.commit()]).toEqual([name, delta, []]);
        }
      }
    }
  });

  it.each(['f64.store', 'v128.store', 'bulk'] as const)(
    'are missed by the oracle: %s',
    (unmarked) => {
      const options = { lowerMemory64: true, unmarked };
      const heap = new Heap(modules[0]?.wasm ?? new Uint8Array(), false, options);
      const missed = NAMES.filter((name) => {
        heap.pages.markWritten(0, HEAP_BYTES);
        heap.commit();
        heap.write({
          name,
          address: 20_000 + 64 * NAMES.indexOf(name),
          value:
            unmarked === 'bulk' ? 25n : BigInt(NAMES.indexOf(name) + 1) * 0x0101_0101_0101_0101n,
        });
        return heap.commit().length > 0;
      });
      const expected = NAMES.filter((name) =>
        unmarked === 'f64.store'
          ? name.startsWith('f64.')
          : unmarked === 'v128.store'
            ? name.startsWith('v128.')
            : name.startsWith('memory.'),
      );
      expect(missed).toEqual(expected);
    },
  );

  it('follow the size of the heap', async () => {
    const wasm = await compileWat(
      '(module (memory 1) (func (export "f") (drop (memory.grow (i32.const 2))) (i32.store8 (i32.const 196607) (i32.const 1))))',
    );
    const heap = new Heap(wasm, false, { lowerMemory64: true });
    heap.write({ name: 'f', address: 0, value: 0n });
    expect(heap.pages.wasmPages()).toBe(3);
    expect(heap.pages.takeDirty(PageMap.empty).map(({ index }) => index)).toEqual([47]);
    heap.pages.markWritten(PAGE_BYTES - 1, 2);
    heap.pages.view(PAGE_BYTES - 1, 2).fill(9);
    expect(heap.pages.takeDirty(PageMap.empty).map(({ index }) => index)).toEqual([0, 1]);
  });
});
