import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CanisterId } from '../../../../src/protocol/types/ids.ts';
import { TestSubnet } from '../../../support/test-subnet.ts';
import { compileWat } from '../../../support/wat.ts';

const PAGE = 65_536n;

/** Counts what runs: hooks in the first byte, messages in the second; the ninth byte tells who came first. */
const COUNTER = `(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (memory 1)
  (func $count (param $at i32)
    (if (i32.eqz (i32.load8_u (i32.const 8))) (then (i32.store8 (i32.const 8) (local.get $at))))
    (i32.store8 (local.get $at) (i32.add (i32.load8_u (local.get $at)) (i32.const 1))))
  (func (export "canister_on_low_wasm_memory") (call $count (i32.const 1)))
  (func (export "canister_update grow")
    (i32.store8 (i32.const 8) (i32.const 0))
    (drop (memory.grow (i32.const 1))) (call $reply))
  (func (export "canister_update work") (call $count (i32.const 2)) (call $reply))
  (func (export "canister_update grow_and_trap") (drop (memory.grow (i32.const 9))) (unreachable))
  (func (export "canister_query seen") (call $append (i32.const 0) (i32.const 9)) (call $reply)))`;

describe('canister_on_low_wasm_memory', () => {
  let wasm: Uint8Array;
  let subnet: TestSubnet;
  let id: CanisterId;
  beforeAll(async () => {
    wasm = await compileWat(COUNTER);
  });
  beforeEach(() => {
    subnet = new TestSubnet();
    id = subnet.createWith(wasm);
    subnet.setSettings(id, { wasm_memory_limit: 4n * PAGE, wasm_memory_threshold: 2n * PAGE });
  });
  const hooks = (): number => subnet.query(id, 'seen').readUInt8(1);

  it('runs once when less than the threshold is left, not at the threshold itself', () => {
    subnet.call(id, 'grow');
    subnet.round();
    expect(hooks()).toBe(0);
    subnet.call(id, 'grow');
    subnet.round();
    subnet.call(id, 'grow');
    subnet.round();
    expect(hooks()).toBe(1);
  });

  it('runs again after more was left', () => {
    subnet.call(id, 'grow');
    subnet.call(id, 'grow');
    subnet.round();
    subnet.setSettings(id, { wasm_memory_threshold: PAGE });
    subnet.setSettings(id, { wasm_memory_threshold: 2n * PAGE });
    subnet.round();
    expect(hooks()).toBe(2);
  });

  it('comes before the messages that wait', () => {
    subnet.call(id, 'grow');
    const names = ['grow', 'work', 'work'];
    subnet.round(names.map((name) => subnet.ingress(id, name, new Uint8Array(0))));
    subnet.round();
    const seen = subnet.query(id, 'seen');
    expect([seen.readUInt8(1), seen.readUInt8(2), seen.readUInt8(8)]).toEqual([1, 2, 1]);
  });

  it('does not run for memory that a trap gave back', () => {
    subnet.call(id, 'grow_and_trap');
    subnet.round();
    expect(hooks()).toBe(0);
    expect(subnet.canister(id).lowMemoryHook).toBe('conditionNotSatisfied');
  });

  it('does not run while the canister is stopped, and its turn is not forgotten', () => {
    const stop = subnet.manage(id, 'stop_canister');
    subnet.round([stop]);
    subnet.round();
    subnet.setSettings(id, { wasm_memory_threshold: 4n * PAGE });
    subnet.round();
    expect(subnet.canister(id).lowMemoryHook).toBe('ready');
    subnet.round([subnet.manage(id, 'start_canister')]);
    subnet.round();
    expect(subnet.canister(id).lowMemoryHook).toBe('executed');
    expect(hooks()).toBe(1);
  });
});
