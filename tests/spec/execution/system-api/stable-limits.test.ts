import { expect, it } from 'vitest';
import {
  AccessedPages,
  stablePageLimit,
} from '../../../../src/protocol/execution/system-api/stable-limits.ts';
import { createSandbox } from '../../../../src/sandbox/sandbox.ts';
import { replyOf, TestCanister } from '../../../support/test-canister.ts';
import { compileWat } from '../../../support/wat.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** Reads a byte of each page of 1 GiB, in the second method also one beyond. */
const READER = `(module
  (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
  (import "ic0" "stable64_read" (func $read (param i64 i64 i64)))
  (memory 16)
  (func $all (local $at i64)
    (drop (call $grow (i64.const 16385)))
    (loop $next
      (call $read (i64.const 0) (local.get $at) (i64.const ${MIB}))
      (local.set $at (i64.add (local.get $at) (i64.const ${MIB})))
      (br_if $next (i64.lt_u (local.get $at) (i64.const ${GIB})))))
  (func (export "canister_query all") (call $all) (call $all))
  (func (export "canister_query beyond")
    (call $all)
    (call $read (i64.const 0) (i64.const ${GIB}) (i64.const 0))
    (call $read (i64.const 0) (i64.const ${GIB}) (i64.const 1))))`;

it('a query may touch 1 GiB of stable memory, as often as it likes', async () => {
  const canister = new TestCanister(createSandbox(), await compileWat(READER));
  canister.install();
  expect(replyOf(canister.query('all'))).toBe('none');
  expect(replyOf(canister.query('beyond'))).toBe(
    'IC0524: Canister exceeded memory access limits: Exceeded the limit for the number of accessed pages in the stable memory in a single message execution: limit 2097152 KB for regular messages and 1048576 KB for queries.',
  );
});

it('updates may touch 2 GiB, code being installed or replaced 8 GiB, queries of any kind 1 GiB', () => {
  const gib = (pages: number): number => (pages * 4096) / GIB;
  for (const context of ['update', 'start', 'replyCallback', 'cleanup', 'heartbeat'] as const) {
    expect(gib(stablePageLimit(context)), context).toBe(2);
  }
  for (const context of ['init', 'preUpgrade', 'postUpgrade'] as const) {
    expect(gib(stablePageLimit(context)), context).toBe(8);
  }
  for (const context of ['replicatedQuery', 'nonReplicatedQuery', 'compositeCleanup'] as const) {
    expect(gib(stablePageLimit(context)), context).toBe(1);
  }
});

it('counts a page once, from its first byte to its last, wherever it lies', () => {
  const pages = new AccessedPages();
  const far = 400 * GIB;
  pages.touch(far + 4095, 2, 2);
  pages.touch(far, 8192, 2);
  pages.touch(0, 0, 2);
  expect(() => pages.touch(4095, 1, 2)).toThrow('accessed pages');
});
