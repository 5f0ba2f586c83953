import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import * as core6 from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import * as core5 from 'icp-sdk-core-5/agent';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hexToBytes } from '../../src/base/hex.ts';
import { compileWat } from '../support/wat.ts';

/** A counter in 32-bit WAT: `inc` adds one, both answer a Candid nat64. */
const COUNTER = `(module
  (import "ic0" "msg_reply" (func $msg_reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (memory 1)
  (data (i32.const 0) "DIDL\\00\\01\\78")
  (func $answer
    (call $append (i32.const 0) (i32.const 15))
    (call $msg_reply))
  (func (export "canister_update inc")
    (i64.store offset=7 (i32.const 0) (i64.add (i64.load offset=7 (i32.const 0)) (i64.const 1)))
    (call $answer))
  (func (export "canister_query get") (call $answer)))`;

interface Counter {
  inc(): Promise<bigint>;
  get(): Promise<bigint>;
}
interface Management {
  provisional_create_canister_with_cycles(argument: unknown): Promise<{ canister_id: Principal }>;
  install_code(argument: unknown): Promise<void>;
}

const counterInterface: IDL.InterfaceFactory = () =>
  IDL.Service({
    inc: IDL.Func([], [IDL.Nat64], []),
    get: IDL.Func([], [IDL.Nat64], ['query']),
  });

const managementInterface: IDL.InterfaceFactory = () =>
  IDL.Service({
    provisional_create_canister_with_cycles: IDL.Func(
      [IDL.Record({ amount: IDL.Opt(IDL.Nat) })],
      [IDL.Record({ canister_id: IDL.Principal })],
      [],
    ),
    install_code: IDL.Func(
      [
        IDL.Record({
          mode: IDL.Variant({ install: IDL.Null }),
          canister_id: IDL.Principal,
          wasm_module: IDL.Vec(IDL.Nat8),
          arg: IDL.Vec(IDL.Nat8),
        }),
      ],
      [],
      [],
    ),
  });

interface Ready {
  readonly url: string;
  readonly rootKey: string;
}

let server: ChildProcess;
let ready: Ready;

beforeAll(async () => {
  server = spawn(
    process.execPath,
    ['tools/headless.mjs', 'serve', '--port', '0', '--nodes', '1', '--json'],
    // A group of its own, so that the server behind the launcher ends with it.
    { stdio: ['ignore', 'pipe', 'inherit'], detached: true },
  );
  const lines = createInterface({ input: server.stdout as NodeJS.ReadableStream });
  for await (const line of lines) {
    if (line.startsWith('{')) {
      ready = JSON.parse(line) as Ready;
      return;
    }
  }
}, 120_000);

afterAll(() => {
  process.kill(-(server.pid as number), 'SIGKILL');
});

/** Both generations of the agent have the same shape; only their wire routes differ. */
async function roundTrip(core: typeof core6): Promise<readonly bigint[]> {
  const agent = await core.HttpAgent.create({
    host: ready.url,
    rootKey: hexToBytes(ready.rootKey) as Uint8Array,
    verifyQuerySignatures: true,
  });
  const effective = Principal.fromUint8Array(new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 1, 1]));
  const management = core.Actor.createActor<Management>(managementInterface, {
    agent,
    canisterId: 'aaaaa-aa',
    callTransform: (_method: string, args: unknown[]) => {
      const named = args[0] as { canister_id?: Principal };
      return { effectiveCanisterId: (named.canister_id ?? effective) as never };
    },
  });
  const created = await management.provisional_create_canister_with_cycles({ amount: [] });
  await management.install_code({
    mode: { install: null },
    canister_id: created.canister_id,
    wasm_module: await compileWat(COUNTER),
    arg: new Uint8Array(0),
  });
  const counter = core.Actor.createActor<Counter>(counterInterface, {
    agent,
    canisterId: created.canister_id as never,
  });
  return [await counter.inc(), await counter.inc(), await counter.get()];
}

describe('npm run serve answers unmodified agents over HTTP', () => {
  it('of the current generation (v4 calls, v3 queries), certificates and query signatures verified', async () => {
    expect(await roundTrip(core6)).toEqual([1n, 2n, 2n]);
  }, 120_000);

  it('of the previous generation, certificates and query signatures verified', async () => {
    expect(await roundTrip(core5 as unknown as typeof core6)).toEqual([1n, 2n, 2n]);
  }, 120_000);
});
