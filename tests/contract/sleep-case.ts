import assert from 'node:assert/strict';
import { Actor } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { present } from '../../src/base/assert.ts';
import { managementCanister } from '../support/management.ts';
import { compileMotoko } from '../support/motoko.ts';
import { type ContractHost, passUntil } from './contract-host.ts';
import { agentFor, createCanister } from './subnet-cases.ts';

const HOUR_MS = 3_600_000;
const NS_PER_MS = 1_000_000n;

/** Three timers that end within the hour, set out of their order, and one that comes back. */
const SLEEPER = `
import Timer "mo:core/Timer";
import Time "mo:core/Time";

persistent actor {
  var rang : Text = "";
  var ticks : Nat = 0;
  ignore Timer.setTimer<system>(#seconds 1800, func () : async () { rang #= "c" });
  ignore Timer.setTimer<system>(#seconds 600, func () : async () { rang #= "a" });
  ignore Timer.setTimer<system>(#seconds 1200, func () : async () { rang #= "b" });
  ignore Timer.recurringTimer<system>(#seconds 60, func () : async () { ticks += 1 });
  public func seen() : async (Text, Nat, Int) { (rang, ticks, Time.now()) };
  public query func rung() : async Text { rang };
}`;

interface Sleeper {
  seen(): Promise<readonly [rang: string, ticks: bigint, nowNs: bigint]>;
  rung(): Promise<string>;
}

const sleeperInterface: IDL.InterfaceFactory = () =>
  IDL.Service({
    seen: IDL.Func([], [IDL.Text, IDL.Nat, IDL.Int], []),
    rung: IDL.Func([], [IDL.Text], ['query']),
  });

export interface SleepingHost extends ContractHost {
  /** The wall clock is that much later, of network and clients, and nothing ran meanwhile. */
  sleep(ms: number): Promise<void>;
}

async function sleepsAnHour(host: SleepingHost): Promise<void> {
  const { network } = host;
  const agent = await agentFor(network);
  const subnet = present(network.topology().subnets[1], 'there is a second subnet');
  const canisterId = await createCanister(agent, subnet);
  const { wasm } = await compileMotoko(SLEEPER);
  await managementCanister(agent, canisterId).install_code({
    mode: { install: null },
    canister_id: canisterId,
    wasm_module: wasm,
    arg: new Uint8Array(IDL.encode([], [])),
  });
  const sleeper = Actor.createActor<Sleeper>(sleeperInterface, { agent, canisterId });
  const [before, ticksBefore, asleepNs] = await sleeper.seen();
  assert.equal(before, '', 'no timer has ended yet');
  await host.sleep(HOUR_MS);
  const allRang = async (): Promise<boolean> => (await sleeper.rung()) === 'abc';
  await passUntil(host, allRang, 120_000, 'each timer ends once, in order, as the agent sees');
  const [after, ticks, nowNs] = await sleeper.seen();
  assert.equal(after, 'abc');
  const awakeNs = nowNs - asleepNs - BigInt(HOUR_MS) * NS_PER_MS;
  assert.ok(awakeNs >= 0n, 'block time jumped with the clock');
  // Once for the sixty times that were missed, then each minute again.
  const rang = ticks - ticksBefore;
  const most = 2n + awakeNs / (60_000n * NS_PER_MS);
  assert.ok(rang >= 1n && rang <= most, `the recurring timer rang ${rang} times`);
  await host.pass(2_000);
  assert.equal(await sleeper.rung(), 'abc', 'no timer ends a second time');
}

/** Of two subnets. */
export const SLEEP_CASE = {
  title: 'sleeps an hour: timers end once and in order, and the same agent goes on',
  run: sleepsAnHour,
};
