import { Actor, HttpAgent } from 'icp-sdk-core-5/agent';
import { IDL } from 'icp-sdk-core-5/candid';
import { Ed25519KeyIdentity } from 'icp-sdk-core-5/identity';
import { Principal } from 'icp-sdk-core-5/principal';
import { expect, it } from 'vitest';
import { managementCanister } from '../support/management.ts';
import { TestReplica } from '../support/test-replica.ts';
import { compileWat } from '../support/wat.ts';

const ECHO = `
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_arg_data_size" (func $size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $copy (param i32 i32 i32)))
  (memory 1)
  (func $echo
    (call $copy (i32.const 0) (i32.const 0) (call $size))
    (call $append (i32.const 0) (call $size))
    (call $reply))
  (func (export "canister_update say") (call $echo))
  (func (export "canister_query ask") (call $echo)))
`;

it('serves the agent of the generation before, certificates and query signatures checked', async () => {
  const replica = new TestReplica();
  const management = managementCanister(await replica.agent(), replica.firstCanisterId());
  const { canister_id } = await management.provisional_create_canister_with_cycles({
    amount: [],
    settings: [],
    specified_id: [],
  });
  await management.install_code({
    mode: { install: null },
    canister_id,
    wasm_module: await compileWat(ECHO),
    arg: new Uint8Array(0),
  });
  const agent = await HttpAgent.create({
    host: 'http://replica.test',
    fetch: replica.fetch,
    identity: Ed25519KeyIdentity.generate(new Uint8Array(32).fill(4)),
    rootKey: replica.rootKey,
  });
  const factory: IDL.InterfaceFactory = () =>
    IDL.Service({
      say: IDL.Func([IDL.Text], [IDL.Text]),
      ask: IDL.Func([IDL.Text], [IDL.Text], ['query']),
    });
  const echo = Actor.createActor<{
    say(text: string): Promise<string>;
    ask(text: string): Promise<string>;
  }>(factory, { agent, canisterId: Principal.fromText(canister_id.toText()) });
  expect(await echo.say('hello')).toBe('hello');
  expect(await echo.ask('there')).toBe('there');
  const paths = new Set(
    replica.requests.map(({ path }) => path.replace(/canister\/[^/]+/, 'canister/ID')),
  );
  expect(paths).toContain('/api/v3/canister/ID/query');
  expect(replica.requests.every(({ status }) => status === 200)).toBe(true);
});
