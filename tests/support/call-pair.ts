import { Actor, type HttpAgent } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { compileActor } from './browser-agent.ts';
import { managementCanister } from './management.ts';

/** A counter, and a caller that counts what it asked and what came back. */
const COUNTER = `
persistent actor {
  var count : Nat = 0;
  public func inc() : async Nat { count += 1; count };
  public query func get() : async Nat { count };
}`;
const CALLER = `
persistent actor {
  var asked : Nat = 0;
  var answered : Nat = 0;
  var last : Nat = 0;
  public func ask(id : Text) : async Nat {
    let counter = actor (id) : actor { inc : () -> async Nat };
    asked += 1;
    last := await counter.inc();
    answered += 1;
    last
  };
  public query func facts() : async (Nat, Nat, Nat) { (asked, answered, last) };
}`;

export interface CallPair {
  readonly callerId: Principal;
  readonly counterId: Principal;
}

interface Caller {
  ask(counter: string): Promise<bigint>;
  facts(): Promise<[asked: bigint, answered: bigint, last: bigint]>;
}

/** Installs the caller and the counter, each on the subnet whose first canister id is given, as hex. */
export async function installPair(
  agent: HttpAgent,
  [callerRange, counterRange]: readonly [string, string],
): Promise<CallPair> {
  const counterId = await installProgram(agent, counterRange, COUNTER);
  return { callerId: await installProgram(agent, callerRange, CALLER), counterId };
}

export function callerOf(agent: HttpAgent, { callerId }: CallPair): Caller {
  return Actor.createActor<Caller>(
    () =>
      IDL.Service({
        ask: IDL.Func([IDL.Text], [IDL.Nat], []),
        facts: IDL.Func([], [IDL.Nat, IDL.Nat, IDL.Nat], ['query']),
      }),
    { agent, canisterId: callerId },
  );
}

/** What the counter stands at. */
export async function countOf(agent: HttpAgent, { counterId }: CallPair): Promise<bigint> {
  const counter = Actor.createActor<{ get(): Promise<bigint> }>(
    () => IDL.Service({ get: IDL.Func([], [IDL.Nat], ['query']) }),
    { agent, canisterId: counterId },
  );
  return counter.get();
}

/** Sends a call of `ask` and does not wait for its answer. */
export async function submitAsk(
  agent: HttpAgent,
  { callerId, counterId }: CallPair,
): Promise<Uint8Array> {
  const arg = new Uint8Array(IDL.encode([IDL.Text], [counterId.toText()]));
  const sent = await agent.call(callerId, { methodName: 'ask', arg, callSync: false });
  return sent.requestId;
}

/** Makes a canister on the subnet whose first canister id is given, as hex, and installs the program. */
export async function installProgram(
  agent: HttpAgent,
  range: string,
  source: string,
): Promise<Principal> {
  const { canister_id } = await managementCanister(
    agent,
    Principal.fromHex(range),
  ).provisional_create_canister_with_cycles({
    amount: [3_000_000_000_000n],
    settings: [],
    specified_id: [],
  });
  await managementCanister(agent, canister_id).install_code({
    mode: { install: null },
    canister_id,
    wasm_module: compileActor(source),
    arg: new Uint8Array(IDL.encode([], [])),
  });
  return canister_id;
}
