import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { Actor, pollForResponse, type ActorSubclass } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Ed25519KeyIdentity } from '@icp-sdk/core/identity';
import type { Principal } from '@icp-sdk/core/principal';
import { beforeAll, describe, expect, it } from 'vitest';
import { managementCanister } from '../support/management.ts';
import { TestReplica } from '../support/test-replica.ts';
import { compileWat } from '../support/wat.ts';

/** Counts in a global, keeps a copy of the argument in memory, traps on demand. */
const COUNTER = `
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reject" (func $reject (param i32 i32)))
  (import "ic0" "trap" (func $trap (param i32 i32)))
  (import "ic0" "debug_print" (func $print (param i32 i32)))
  (memory 1)
  (data (i32.const 0) "DIDL\\00\\01\\7d")
  (data (i32.const 100) "stop here")
  (func $answer
    (i32.store8 (i32.const 7) (i32.load8_u (i32.const 1000)))
    (call $append (i32.const 0) (i32.const 8))
    (call $reply))
  (func $add (i32.store8 (i32.const 1000) (i32.add (i32.load8_u (i32.const 1000)) (i32.const 1))))
  (func (export "canister_update inc") (call $add) (call $print (i32.const 100) (i32.const 4)) (call $answer))
  (func (export "canister_query read") (call $answer))
  (func (export "canister_query add_in_query") (call $add) (call $answer))
  (func (export "canister_update trap") (call $add) (call $trap (i32.const 100) (i32.const 9)))
  (func (export "canister_update unreachable") (call $add) (unreachable))
  (func (export "canister_update reject") (call $add) (call $reject (i32.const 100) (i32.const 9)))
  (func (export "canister_update grow") (drop (memory.grow (i32.const 2))) (call $add) (call $answer))
  (func (export "canister_update silent"))
  (func (export "canister_update spin") (loop $again (br $again))))
`;

interface Counter {
  inc(): Promise<bigint>;
  read(): Promise<bigint>;
  add_in_query(): Promise<bigint>;
  trap(): Promise<void>;
  unreachable(): Promise<void>;
  reject(): Promise<void>;
  silent(): Promise<void>;
  grow(): Promise<bigint>;
  spin(): Promise<void>;
  missing(): Promise<void>;
}
const counterInterface: IDL.InterfaceFactory = () => {
  const update = IDL.Func([], [IDL.Nat]);
  return IDL.Service({
    inc: update,
    read: IDL.Func([], [IDL.Nat], ['query']),
    add_in_query: IDL.Func([], [IDL.Nat], ['query']),
    trap: update,
    unreachable: update,
    reject: update,
    silent: update,
    grow: update,
    spin: update,
    missing: update,
  });
};

describe('an unmodified agent on one replica, certificates checked', () => {
  const identity = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(7));
  const replica = new TestReplica();
  let counter: ActorSubclass<Counter>;
  let canisterId: Principal;
  let wasm: Uint8Array;

  beforeAll(async () => {
    wasm = await compileWat(COUNTER);
    const agent = await replica.agent(identity);
    const management = managementCanister(agent, replica.firstCanisterId());
    const created = await management.provisional_create_canister_with_cycles({
      amount: [],
      settings: [],
      specified_id: [],
    });
    canisterId = created.canister_id;
    await management.install_code({
      mode: { install: null },
      canister_id: canisterId,
      wasm_module: wasm,
      arg: new Uint8Array(0),
    });
    counter = Actor.createActor<Counter>(counterInterface, { agent, canisterId });
  }, 60_000);

  it('gives the first canister of the subnet its first id', () => {
    expect(canisterId.toText()).toBe('rwlgt-iiaaa-aaaaa-aaaaa-cai');
  });

  it('counts, and a query changes nothing', async () => {
    const start = await counter.read();
    expect(await counter.inc()).toBe(start + 1n);
    expect(await counter.inc()).toBe(start + 2n);
    expect(await counter.add_in_query()).toBe(start + 3n);
    expect(await counter.read()).toBe(start + 2n);
  });

  it.each([
    ['trap', 'IC0503', "Canister called `ic0.trap` with message: 'stop here'"],
    ['unreachable', 'IC0502', 'Canister trapped: unreachable'],
    ['spin', 'IC0522', 'Canister exceeded the limit of 200000000 instructions'],
    ['missing', 'IC0536', "Canister has no update method 'missing'"],
  ] as const)('%s is rejected with %s and leaves the state alone', async (method, code, text) => {
    const before = await counter.read();
    await expect(counter[method]()).rejects.toThrow(
      new RegExp(`Error from Canister ${canisterId.toText()}: ${escape(text)}[^]*${code}`),
    );
    expect(await counter.read()).toBe(before);
  });

  it('keeps the changes of a rejecting and of a silent method', async () => {
    const before = await counter.read();
    await expect(counter.reject()).rejects.toThrow(/stop here[^]*IC0406/);
    expect(await counter.read()).toBe(before + 1n);
    await expect(counter.silent()).rejects.toThrow(/did not reply to the call[^]*IC0506/);
  });

  it('counts one version a change and keeps the heap below the limit that is set', async () => {
    const management = managementCanister(await replica.agent(identity), canisterId);
    const target = { canister_id: canisterId };
    const version = async (): Promise<bigint> => (await management.canister_status(target)).version;
    const start = await version();
    await counter.inc();
    expect(await version()).toBe(start + 1n);
    const setLimit = (bytes: bigint): Promise<void> =>
      management.update_settings({
        ...target,
        settings: { controllers: [], freezing_threshold: [], wasm_memory_limit: [bytes] },
      });
    await setLimit(65_536n);
    const before = await counter.read();
    await expect(counter.grow()).rejects.toThrow(
      /exceeded its current Wasm memory limit of 65536 bytes. The peak Wasm memory usage was 196608 bytes[^]*IC0539/,
    );
    expect(await counter.read()).toBe(before);
    await setLimit(1_000_000n);
    expect(await counter.grow()).toBe(before + 1n);
    expect(await counter.inc()).toBe(before + 2n);
    expect(await version()).toBe(start + 5n);
  });

  it('lets the creator of a canister poll for the reply, and nobody else', async () => {
    const agent = await replica.agent(identity);
    const effectiveCanisterId = replica.firstCanisterId();
    const fields = {
      methodName: 'provisional_create_canister_with_cycles',
      arg: IDL.encode([IDL.Record({})], [{}]),
      effectiveCanisterId,
      callSync: false,
    };
    const { requestId, response } = await agent.call('aaaaa-aa', fields);
    expect(response.status).toBe(202);
    const polled = await pollForResponse(agent, { canisterId: effectiveCanisterId }, requestId);
    expect(Buffer.from(polled.reply.subarray(0, 4)).toString()).toBe('DIDL');
    const stranger = await replica.agent(Ed25519KeyIdentity.generate(new Uint8Array(32).fill(8)));
    const paths = [[new TextEncoder().encode('request_status'), requestId]];
    const denied = stranger.readState({ canisterId: effectiveCanisterId }, { paths });
    await expect(denied).rejects.toThrow(/not signed by the caller/);
  });

  it('is not believed with another root key', async () => {
    const agent = await replica.agent(identity);
    agent.rootKey = Uint8Array.from(agent.rootKey ?? [], (byte, i) =>
      i === 100 ? byte ^ 1 : byte,
    );
    const distrustful = Actor.createActor<Counter>(counterInterface, { agent, canisterId });
    await expect(distrustful.inc()).rejects.toThrow(/verif|point|signature/i);
  });

  it('shows status and logs to the controller, and to nobody else', async () => {
    const management = managementCanister(await replica.agent(identity), canisterId);
    const status = await management.canister_status({ canister_id: canisterId });
    expect(Object.keys(status.status)).toEqual(['running']);
    expect(status.settings.controllers.map((id) => id.toText())).toEqual([
      identity.getPrincipal().toText(),
    ]);
    expect(status.memory_size).toBeGreaterThan(65_536n);
    expect(status.cycles).toBeLessThan(100_000_000_000_000n);
    const logs = await management.fetch_canister_logs({ canister_id: canisterId });
    const lines = logs.canister_log_records.map((record) =>
      new TextDecoder().decode(record.content),
    );
    expect(lines).toContain('stop');
    const stranger = managementCanister(await replica.agent(), canisterId);
    await expect(stranger.canister_status({ canister_id: canisterId })).rejects.toThrow(
      /is not allowed to read the canister status[^]*IC0542/,
    );
  });

  it('installs a compressed module under the hash of what was uploaded, and refuses what is no module', async () => {
    const management = managementCanister(await replica.agent(identity), canisterId);
    const target = { canister_id: canisterId, arg: new Uint8Array(0), mode: { reinstall: null } };
    const packed = new Uint8Array(gzipSync(wasm));
    await management.install_code({ ...target, wasm_module: packed });
    expect(await counter.inc()).toBe(1n);
    const { module_hash } = await management.canister_status({ canister_id: canisterId });
    const expected = createHash('sha256').update(packed).digest('hex');
    expect(module_hash.map((hash) => Buffer.from(hash).toString('hex'))).toEqual([expected]);
    for (const broken of [packed.slice(0, -9), wasm.slice(0, -1), new Uint8Array(0)]) {
      await expect(management.install_code({ ...target, wasm_module: broken })).rejects.toThrow(
        /Canister's Wasm module is not valid[^]*IC0505/,
      );
    }
    expect(await counter.read()).toBe(1n);
  });

  it('stops, refuses calls, starts, reinstalls and deletes', async () => {
    const management = managementCanister(await replica.agent(identity), canisterId);
    const target = { canister_id: canisterId };
    const install = { ...target, wasm_module: wasm, arg: new Uint8Array(0) };
    await expect(management.install_code({ ...install, mode: { install: null } })).rejects.toThrow(
      /cannot be installed because the canister is not empty[^]*IC0514/,
    );
    await expect(management.delete_canister(target)).rejects.toThrow(/must be stopped[^]*IC0510/);
    await management.stop_canister(target);
    await expect(counter.inc()).rejects.toThrow(/is stopped[^]*IC0508/);
    await expect(counter.read()).rejects.toThrow(/is stopped[^]*IC0508/);
    await management.start_canister(target);
    await management.install_code({ ...install, mode: { reinstall: null } });
    expect(await counter.read()).toBe(0n);
    await management.uninstall_code(target);
    await expect(counter.inc()).rejects.toThrow(/contains no Wasm module[^]*IC0537/);
    await management.stop_canister(target);
    await management.delete_canister(target);
    await expect(counter.inc()).rejects.toThrow(/not found[^]*IC0301/);
  });

  it('refuses what only canisters may call, and arguments that are no Candid', async () => {
    const agent = await replica.agent(identity);
    const management = managementCanister(agent, replica.firstCanisterId());
    await expect(management.raw_rand()).rejects.toThrow(
      /Only canisters can call ic00 method raw_rand[^]*IC0406/,
    );
    await expect(management.create_canister({ settings: [] })).rejects.toThrow(/IC0406/);
    // A record whose field is a vector of 2^32 - 1 nulls.
    const bomb = new Uint8Array(Buffer.from('4449444c026d7f6c01000001' + '01ffffffff0f', 'hex'));
    const { response } = await agent.call('aaaaa-aa', {
      methodName: 'provisional_create_canister_with_cycles',
      arg: bomb,
      effectiveCanisterId: replica.firstCanisterId(),
    });
    expect(response.status).toBe(200);
    const last = replica.trace.findLast((event) => event.kind === 'messageExecuted');
    expect(last?.kind === 'messageExecuted' && last.outcome).toMatch(
      /IC0408: Error decoding candid/,
    );
  });
});

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
