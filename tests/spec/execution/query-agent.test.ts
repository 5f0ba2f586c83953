import { Certificate, lookupResultToBuffer, type HttpAgent } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import type { Principal } from '@icp-sdk/core/principal';
import { beforeAll, describe, expect, it } from 'vitest';
import { managementCanister } from '../../support/management.ts';
import { TestReplica } from '../../support/test-replica.ts';
import { answer, answerInt, call, op, program, type Code } from '../../support/universal.ts';
import { universalWasm } from '../../support/universal-module.ts';

describe('composite queries through an unmodified agent, signatures checked', () => {
  const replica = new TestReplica();
  let agent: HttpAgent;
  let a: Principal;
  let b: Principal;

  beforeAll(async () => {
    agent = await replica.agent();
    const management = managementCanister(agent, replica.firstCanisterId());
    const install = async (): Promise<Principal> => {
      const { canister_id } = await management.provisional_create_canister_with_cycles({
        amount: [],
        settings: [],
        specified_id: [],
      });
      const wasm_module = await universalWasm();
      const arg = new Uint8Array(0);
      await management.install_code({ mode: { install: null }, canister_id, wasm_module, arg });
      return canister_id;
    };
    [a, b] = [await install(), await install()];
  });

  const ask = async (...parts: readonly Code[]): Promise<Uint8Array> => {
    const arg = program(...parts).bytes;
    const said = await agent.query(a, { methodName: 'composite_query', arg });
    if (said.status !== 'replied') {
      throw new Error(`${said.error_code} ${said.reject_code}: ${said.reject_message}`);
    }
    return said.reply.arg;
  };
  const callee = (): Uint8Array => b.toUint8Array();

  it('reply and reject', async () => {
    const arg = program(answer('from b')).bytes;
    const reply = await ask(call({ callee: callee(), method: 'query', arg }));
    expect(Buffer.from(reply).toString()).toBe('from b');
    const onReject = program(op('trap', op('reject_message')));
    const failing = call({ callee: callee(), method: 'nothing', onReject });
    await expect(ask(failing)).rejects.toThrow(
      /^IC0503 5: Error from Canister \S+: Canister called `ic0.trap` with message: 'Error from Canister \S+: Canister has no query method 'nothing'/,
    );
  });

  it('show the certificate of the canister that was asked, and of no other', async () => {
    const set = program(op('certified_data_set', 'certified!'), op('reply')).bytes;
    await agent.call(a, { methodName: 'update', arg: set });
    const certificate = await Certificate.create({
      certificate: await ask(answer(op('certificate'))),
      rootKey: replica.rootKey,
      principal: { canisterId: a },
    });
    const path = ['canister', a.toUint8Array(), 'certified_data'];
    const found = lookupResultToBuffer(certificate.lookup_path(path));
    expect(Buffer.from(found ?? []).toString()).toBe('certified!');
    const arg = program(answerInt(op('has_certificate'))).bytes;
    const nested = call({ callee: callee(), method: 'query', arg });
    expect([...(await ask(nested))]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('may ask for the own status', async () => {
    const record = IDL.Record({ canister_id: IDL.Principal });
    const arg = Uint8Array.from(IDL.encode([record], [{ canister_id: a }]));
    const reply = await ask(call({ callee: new Uint8Array(0), method: 'canister_status', arg }));
    const Status = IDL.Record({ version: IDL.Nat64, cycles: IDL.Nat });
    const [status] = IDL.decode([Status], reply);
    expect((status as unknown as { cycles: bigint }).cycles).toBeGreaterThan(10n ** 13n);
  });
});
