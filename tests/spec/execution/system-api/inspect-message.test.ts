import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { principalToText } from '../../../../src/protocol/crypto/principal.ts';
import { TOOLCHAIN_HELP } from '../../../../src/protocol/execution/user-error.ts';
import { MAINNET_EXECUTION_LIMITS } from '../../../../src/protocol/limits/execution.ts';
import type { CanisterState } from '../../../../src/protocol/replicated-state/canister-state.ts';
import type { CanisterId } from '../../../../src/protocol/types/ids.ts';
import { CALLER_WAT, forwardTo } from '../../../support/caller-wat.ts';
import { TestSubnet } from '../../../support/test-subnet.ts';
import { compileWat } from '../../../support/wat.ts';

/** Looks at the method's first letter: what it does is in the comments of the test. */
const INSPECTOR = `(module
  (import "ic0" "msg_method_name_size" (func $name_size (result i32)))
  (import "ic0" "msg_method_name_copy" (func $name (param i32 i32 i32)))
  (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
  (import "ic0" "accept_message" (func $accept))
  (import "ic0" "in_replicated_execution" (func $replicated (result i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (memory 1)
  (func $is (param $letter i32) (result i32)
    (i32.eq (i32.load8_u (i32.const 0)) (local.get $letter)))
  (func (export "canister_inspect_message")
    (i32.store8 (i32.const 100) (i32.const 1))
    (call $name (i32.const 0) (i32.const 0) (call $name_size))
    (if (call $is (i32.const 97)) (then (call $accept)))
    (if (call $is (i32.const 98)) (then (call $accept) (call $accept)))
    (if (call $is (i32.const 99)) (then (call $accept) (unreachable)))
    (if (call $is (i32.const 100)) (then (call $accept) (loop $ever (br $ever))))
    (if (call $is (i32.const 101)) (then (if (i32.eq (call $arg_size) (i32.const 3)) (then (call $accept)))))
    (if (call $is (i32.const 102)) (then (if (i32.eqz (call $replicated)) (then (call $accept))))))
  (func (export "canister_update refused") (call $append (i32.const 100) (i32.const 1)) (call $reply))
  (func (export "canister_query looked") (call $append (i32.const 100) (i32.const 1)) (call $reply)))`;

describe('canister_inspect_message', () => {
  let wasm: Uint8Array;
  let subnet: TestSubnet;
  let id: CanisterId;
  let from: string;
  beforeAll(async () => {
    wasm = await compileWat(INSPECTOR);
  });
  beforeEach(() => {
    subnet = new TestSubnet();
    id = subnet.createWith(wasm);
    from = `Error from Canister ${principalToText(id)}:`;
  });

  it('takes what it accepts, by name and argument, outside of replicated execution', () => {
    expect(subnet.inspect(id, 'a')).toBe('accepted');
    expect(subnet.inspect(id, 'e', new Uint8Array(3))).toBe('accepted');
    expect(subnet.inspect(id, 'f')).toBe('accepted');
  });

  it.each([
    ['says nothing', 'nothing', 'IC0406', 'Canister rejected the message'],
    [
      'accepts twice',
      'b',
      'IC0504',
      `Canister violated contract: ic0.accept_message: the function was already called..${TOOLCHAIN_HELP}`,
    ],
    ['accepts and traps', 'c', 'IC0502', 'Canister trapped: unreachable.'],
    [
      'never ends',
      'd',
      'IC0522',
      `Canister exceeded the limit of ${MAINNET_EXECUTION_LIMITS.inspectInstructions} instructions for single message execution.`,
    ],
    ['wants another argument', 'e', 'IC0406', 'Canister rejected the message'],
  ])('refuses when it %s', (_why, method, code, text) => {
    const answer = subnet.inspect(id, method);
    expect(answer.startsWith(`${code}: ${from} ${text}`), answer).toBe(true);
  });

  it('changes nothing and costs nothing', () => {
    const before = subnet.canister(id);
    subnet.inspect(id, 'a');
    subnet.inspect(id, 'c');
    expect(subnet.canister(id)).toBe(before);
    expect([...subnet.query(id, 'looked')]).toEqual([0]);
  });

  it('is not asked about calls of canisters', async () => {
    const caller = subnet.createWith(await compileWat(CALLER_WAT));
    expect(subnet.inspect(id, 'refused')).toMatch(/^IC0406/);
    // "Y", eight bytes of refund, and the byte that an inspection would have set.
    expect(subnet.call(caller, 'forward', forwardTo(id, 'refused')).answer).toBe(
      `59${'00'.repeat(8)}00`,
    );
  });

  it('is not asked where the canister could not pay, and only a controller hears what is missing', () => {
    const name = principalToText(id);
    const edit = (change: Partial<CanisterState>): void => {
      const canister = { ...subnet.canister(id), ...change };
      subnet.state = { ...subnet.state, canisters: subnet.state.canisters.set(id, canister) };
    };
    edit({ cycles: 0n });
    expect(subnet.inspect(id, 'a')).toMatch(
      new RegExp(
        `^IC0207: Canister ${name} is out of cycles: please top up the canister with at least \\d+ additional cycles$`,
      ),
    );
    edit({ controllers: [] });
    expect(subnet.inspect(id, 'a')).toBe(`IC0207: Canister ${name} is out of cycles`);
    edit({ cycles: 10n ** 14n, status: 'stopped' });
    expect(subnet.inspect(id, 'a')).toMatch(/^IC0508: /);
  });

  it('is not needed, but a module is', () => {
    const empty = subnet.create();
    expect(subnet.inspect(empty, 'a')).toMatch(/^IC0537: /);
    expect(subnet.inspect('00000000000009990101' as CanisterId, 'a')).toMatch(/^IC0301: /);
  });
});
