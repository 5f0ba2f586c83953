import process from 'node:process';
import { IDL } from '@icp-sdk/core/candid';
import { Ed25519KeyIdentity } from '@icp-sdk/core/identity';
import { HttpAgent } from '@icp-sdk/core/agent';
import type { Principal } from '@icp-sdk/core/principal';
import { decodeIngress } from '../src/protocol/ingress/signed-ingress.ts';
import { CLASSROOM_EXECUTION_LIMITS } from '../src/protocol/limits/execution.ts';
import type { CanisterId } from '../src/protocol/types/ids.ts';
import { compileActor } from '../tests/support/browser-agent.ts';
import { CALLER_WAT } from '../tests/support/caller-wat.ts';
import { managementCanister } from '../tests/support/management.ts';
import { TestReplica } from '../tests/support/test-replica.ts';
import { TestSubnet } from '../tests/support/test-subnet.ts';
import { compileWat } from '../tests/support/wat.ts';

const USAGE = `
npm run bench -- throughput [--json] [--count N]
One node, no pacing, no consensus: messages are put into the pool, and rounds build and check the payload,
execute it, hash the state and certify it with a real threshold signature, in Node. Per second of processor time.
  updatesPerSecond      an update that replies at once; signatures of users not checked (target 1000)
  withSignatures        the same, every envelope checked (Ed25519)
  motoko                a Motoko counter, both ways
  callsPerSecond        two canisters that call each other, request and response
`;

const EMPTY = `(module
  (import "ic0" "msg_reply" (func $reply))
  (memory 1)
  (func (export "canister_update go") (call $reply)))`;
const COUNTER = `persistent actor { var n : Nat = 0; public func go() : async Nat { n += 1; n } }`;
const WARM_UP = 200;

interface Rates {
  readonly updatesPerSecond: number;
  readonly withSignatures: number;
}

async function deploy(replica: TestReplica, wasm: Uint8Array): Promise<Principal> {
  const agent = await replica.agent();
  const management = managementCanister(agent, replica.firstCanisterId());
  const created = await management.provisional_create_canister_with_cycles({
    amount: [],
    settings: [],
    specified_id: [],
  });
  await management.install_code({
    mode: { install: null },
    canister_id: created.canister_id,
    wasm_module: wasm,
    arg: IDL.encode([], []),
  });
  return created.canister_id;
}

/** Envelopes of distinct calls, as an agent signs them. */
async function envelopes(canisterId: Principal, count: number): Promise<readonly Uint8Array[]> {
  const bodies: Uint8Array[] = [];
  const agent = await HttpAgent.create({
    host: 'http://replica.test',
    identity: Ed25519KeyIdentity.generate(new Uint8Array(32).fill(9)),
    fetch: async (_input: RequestInfo | URL, init?: RequestInit) => {
      bodies.push(new Uint8Array(await new Response(init?.body ?? null).arrayBuffer()));
      return new Response(null, { status: 202 });
    },
  });
  for (let i = 0; i < count; i += 1) {
    const nonce = new Uint8Array(16);
    new DataView(nonce.buffer).setUint32(0, i);
    await agent.call(canisterId, {
      methodName: 'go',
      arg: IDL.encode([], []),
      nonce,
      callSync: false,
    });
  }
  return bodies;
}

/** A canister takes 500 waiting messages. */
const WAVE = 250;

/** Messages per second of processor time from bytes to certified answers. */
function rate(
  replica: TestReplica,
  canisterId: Principal,
  bodies: readonly Uint8Array[],
  checked: boolean,
): number {
  const start = process.cpuUsage();
  for (let at = 0; at < bodies.length; at += WAVE) {
    runWave(replica, canisterId, bodies.slice(at, at + WAVE), checked);
  }
  return (bodies.length * 1e6) / cpuSince(start);
}

/** Microseconds of processor time: comparable on a loaded machine. */
function cpuSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return user + system;
}

function runWave(
  replica: TestReplica,
  canisterId: Principal,
  bodies: readonly Uint8Array[],
  checked: boolean,
): void {
  const wanted = replica.states.latestState().metrics.updateTransactions + BigInt(bodies.length);
  for (const body of bodies) {
    if (checked) {
      replica.admit(canisterId, body);
    } else {
      const decoded = decodeIngress(body);
      if (!decoded.ok) {
        throw new Error(decoded.error.message);
      }
      replica.pool.add(decoded.value.message);
    }
  }
  for (
    let rounds = 0;
    replica.states.latestState().metrics.updateTransactions < wanted;
    rounds += 1
  ) {
    if (rounds > bodies.length) {
      throw new Error('messages got lost');
    }
    replica.round();
  }
}

async function measureUpdates(wasm: Uint8Array, count: number): Promise<Rates> {
  const replica = new TestReplica(CLASSROOM_EXECUTION_LIMITS);
  const canisterId = await deploy(replica, wasm);
  const bodies = await envelopes(canisterId, WARM_UP + 2 * count);
  rate(replica, canisterId, bodies.slice(0, WARM_UP), false);
  return {
    updatesPerSecond: Math.round(
      rate(replica, canisterId, bodies.slice(WARM_UP, WARM_UP + count), false),
    ),
    withSignatures: Math.round(rate(replica, canisterId, bodies.slice(WARM_UP + count), true)),
  };
}

/** Requests and their responses between two canisters, a second. */
async function measureCalls(count: number): Promise<number> {
  const subnet = new TestSubnet();
  const wasm = await compileWat(CALLER_WAT);
  const caller = subnet.createWith(wasm);
  const callee = subnet.createWith(wasm);
  const idBytes = Buffer.from(callee, 'hex');
  const name = Buffer.from('echo');
  const arg = Buffer.concat([
    Buffer.of(idBytes.length),
    idBytes,
    Buffer.of(name.length),
    name,
    Buffer.alloc(8),
    Buffer.from('x'),
  ]);
  const run = (calls: number): void => {
    const messages = Array.from({ length: calls }, () =>
      subnet.ingress(caller as CanisterId, 'forward', Uint8Array.from(arg)),
    );
    subnet.round(messages);
    while (messages.some((message) => subnet.statusOf(message)?.kind !== 'replied')) {
      subnet.round();
    }
  };
  run(WARM_UP);
  const start = process.cpuUsage();
  let done = 0;
  for (; done < count; done += WARM_UP) {
    run(WARM_UP);
  }
  return (done * 1e6) / cpuSince(start);
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(USAGE.trim());
    return;
  }
  const at = args.indexOf('--count');
  const count = at === -1 ? 1000 : Number(args[at + 1]);
  const empty = await measureUpdates(await compileWat(EMPTY), count);
  const motoko = await measureUpdates(compileActor(COUNTER), count);
  const result = { ...empty, motoko, callsPerSecond: Math.round(await measureCalls(count)), count };
  process.stdout.write(
    args.includes('--json')
      ? `${JSON.stringify(result)}\n`
      : `${JSON.stringify(result, null, 1)}\n`,
  );
}

await main(process.argv.slice(2));
