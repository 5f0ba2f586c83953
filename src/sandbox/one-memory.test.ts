import { expect, it } from 'vitest';
import { apiInput, replyOf, TestCanister } from '../../tests/support/test-canister.ts';
import { compileWat } from '../../tests/support/wat.ts';
import type { CanisterId } from '../protocol/types/ids.ts';
import { MemoryBudget } from './memory-budget.ts';
import { createSandbox } from './sandbox.ts';

const COUNTER = `
(module
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (memory 2)
  (func (export "canister_init") (i32.store8 (i32.const 70000) (i32.const 5)))
  (func (export "canister_update inc")
    (i32.store8 (i32.const 70000) (i32.add (i32.load8_u (i32.const 70000)) (i32.const 1)))
    (drop (memory.grow (i32.const 3)))
    (i32.store (i32.const 250000) (i32.const 1))
    (call $reply))
  (func (export "canister_query read") (call $append (i32.const 70000) (i32.const 1)) (call $reply)))`;

it('a sandbox with a single memory upgrades, grows and serves two canisters', async () => {
  const wasm = await compileWat(COUNTER);
  const memoryBudget = new MemoryBudget(1);
  const host = createSandbox({ memoryBudget });
  const canisterOf = (id: string): TestCanister => {
    const canister = new TestCanister(host, wasm, id.padStart(20, '0') as CanisterId);
    canister.install();
    canister.update('inc');
    return canister;
  };
  const a = canisterOf('1');
  const b = canisterOf('2');
  for (const keepHeap of [true, false]) {
    const steps = [
      { entry: 'canister_post_upgrade', input: apiInput('postUpgrade'), optional: true },
    ];
    const upgraded = a.run({ from: 'upgrade', version: a.version, keepHeap }, steps, true);
    expect(upgraded.outcome).toEqual({ ok: true });
    expect(replyOf(b.query('read'))).toEqual(Uint8Array.of(6));
    expect(replyOf(a.query('read'))).toEqual(Uint8Array.of(keepHeap ? 6 : 0));
    expect(memoryBudget.used).toBe(1);
  }
  host.close();
  expect(memoryBudget.used).toBe(0);
});
