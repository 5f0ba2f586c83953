import { expect, test } from '@playwright/test';
import { compileWat } from '../tests/support/wat.ts';
import { openProbe } from './probe.ts';

const GIB = 2 ** 30;

/** Where the heap is written to, each in another way: few pages, so that nobody's memory fills up. */
const PLACES: readonly (readonly [address: number, store: string])[] = [
  [8, '(i64.store (i64.const 8) (i64.const 1))'],
  // Over the edge of two pages.
  [5 * GIB - 4, '(i64.store (global.get $high) (i64.const 2))'],
  [6 * GIB - 8, '(i64.store offset=4294967288 (i64.const 2147483648) (i64.const 3))'],
  [5 * GIB + 40_000, `(i64.store (i64.const ${5 * GIB + 40_000}) (i64.const 4))`],
  [
    4 * GIB + 90_000,
    `(local.set $p (i64.const 10000)) (i64.store offset=${4 * GIB} (i64.add (local.get $p) (i64.const 80000)) (i64.const 5))`,
  ],
  [
    4 * GIB + 200_000,
    `(i64.store (i64.add (local.get $p) (i64.const ${4 * GIB + 190_000})) (i64.const 6))`,
  ],
  [
    5 * GIB - 4 - 131_072,
    '(i64.store (i64.sub (global.get $high) (i64.const 131072)) (i64.const 7))',
  ],
  [4 * GIB + 300_000, `(memory.copy (i64.const ${4 * GIB + 300_000}) (i64.const 8) (i64.const 8))`],
  [4 * GIB - 3, `(memory.fill (i64.const ${4 * GIB - 3}) (i32.const 9) (i64.const 8))`],
  [4 * GIB + 400_000, `(call $own (i64.const ${4 * GIB + 400_000}) (i64.const 0) (i64.const 8))`],
];

const ALL = PLACES.map(([address]) => `(call $append (i64.const ${address}) (i64.const 8))`);
const WIPED = PLACES.map(
  ([address]) => `(memory.fill (i64.const ${address}) (i32.const 255) (i64.const 8))`,
);

/** A 64-bit heap that grows to the 6 GiB that the IC allows, and not one page beyond. */
const MODULE = `
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i64 i64)))
  (import "ic0" "canister_self_copy" (func $own (param i64 i64 i64)))
  (memory i64 1)
  (global $high (mut i64) (i64.const ${5 * GIB - 4}))
  (func $need (param i32) (if (i32.eqz (local.get 0)) (then (unreachable))))
  (func (export "canister_init") (local $p i64)
    (call $need (i64.eq (memory.grow (i64.const 98303)) (i64.const 1)))
    (call $need (i64.eq (memory.grow (i64.const 1)) (i64.const -1)))
    ${PLACES.map(([, store]) => store).join('\n')})
  (func (export "canister_update look") ${ALL.join('\n')} (call $reply))
  (func (export "canister_update wipe") ${[...WIPED, ...ALL].join('\n')} (call $reply))
  (func (export "canister_update trap") ${WIPED.join('\n')} (unreachable))
  (func (export "canister_update beyond") (drop (i64.load (i64.const ${6 * GIB - 7}))))
  (func (export "canister_update wrapped") (drop (i64.load8_u (i64.const 0x100000000000008)))))
`;

test('a heap of 6 GiB keeps what is beyond 4 GiB, takes it back, and ends where it ends', async ({
  page,
}) => {
  const worker = await openProbe(page);
  const base64 = Buffer.from(await compileWat(MODULE)).toString('base64');
  const names = ['look', 'wipe', 'look', 'trap', 'look', 'beyond', 'wrapped', 'look'];
  const told = await page.evaluate(
    async ([source, wasm, entries]) =>
      window.sandboxProbe?.run(
        source,
        Uint8Array.from(atob(wasm), (character) => character.charCodeAt(0)),
        entries,
      ),
    [worker, base64, names.map((name) => `canister_update ${name}`)] as const,
  );
  const replies = JSON.parse(told ?? '[]') as readonly {
    readonly outcome: { readonly ok: boolean; readonly error?: { readonly message: string } };
    readonly effects: { readonly response: { readonly data?: string } };
  }[];
  const heads = replies.map(({ outcome, effects }) =>
    outcome.ok ? effects.response.data : outcome.error?.message,
  );
  const words = [1, 2, 3, 4, 5, 6, 7, 1].map((first) => [first, 0, 0, 0, 0, 0, 0, 0]);
  const own = [0, 0, 0, 0, 0, 0, 0, 1];
  const kept = [...words, Array(8).fill(9), own].join();
  const outside = 'Canister trapped: heap out of bounds';
  const wiped = Array(8 * PLACES.length)
    .fill(255)
    .join();
  expect(heads).toEqual([
    ...[kept, wiped, kept, 'Canister trapped: unreachable', kept],
    ...[outside, outside, kept],
  ]);
});
