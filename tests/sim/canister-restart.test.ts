import { Actor, HttpAgent } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { describe, expect, it } from 'vitest';
import { hexToBytes } from '../../src/base/hex.ts';
import type { NodeId } from '../../src/protocol/types/ids.ts';
import { createSimNetwork } from '../../src/sim/sim-network.ts';
import type { SimNetwork } from '../../src/sim/sim-network.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';
import type { TelemetryEvent } from '../../src/wire/telemetry.ts';
import { managementCanister } from '../support/management.ts';
import { comeToAgree } from '../support/agreement.ts';
import { compileMotoko } from '../support/motoko.ts';

const SOURCE = `
persistent actor {
  var log : Text = "";
  public func add(text : Text) : async Text { log #= text; log };
}`;

interface Log {
  add(text: string): Promise<string>;
}

/** Deploys through an agent; its clock is the wall's, so virtual time must not run far ahead. */
async function deploy(network: SimNetwork): Promise<Log> {
  const first = network.topology().subnets[0]?.canisterRanges[0]?.[0] ?? '';
  const agent = await HttpAgent.create({
    host: 'http://subnet.test',
    fetch: network.fetch,
    rootKey: network.rootKey(),
  });
  const management = managementCanister(
    agent,
    Principal.fromUint8Array(hexToBytes(first) ?? new Uint8Array(0)),
  );
  const { canister_id } = await management.provisional_create_canister_with_cycles({
    amount: [],
    settings: [],
    specified_id: [],
  });
  const { wasm } = await compileMotoko(SOURCE);
  await management.install_code({
    mode: { install: null },
    canister_id,
    wasm_module: wasm,
    arg: new Uint8Array(IDL.encode([], [])),
  });
  const factory: IDL.InterfaceFactory = () =>
    IDL.Service({ add: IDL.Func([IDL.Text], [IDL.Text], []) });
  return Actor.createActor<Log>(factory, { agent, canisterId: canister_id });
}

describe('a canister on a node that was away', () => {
  it('goes on with the same memory after state sync, and after a restart from the checkpoint', async () => {
    const spec = defaultNetworkSpec({ seed: 'canister', nodes: 4, pace: 'mainnet' });
    const network = createSimNetwork(
      { ...spec, links: { ...spec.links, delayMs: 10, jitterMs: 5 }, dkgIntervalLength: 9 },
      { drive: 'demand', startNs: BigInt(Date.now()) * 1_000_000n },
    );
    const events: TelemetryEvent[] = [];
    network.events.subscribe((batch) => events.push(...batch.events));
    const [early, late] = (network.topology().subnets[0]?.nodes ?? []).map(
      (node) => node.nodeId,
    ) as [NodeId, NodeId];
    network.runFor(1000);
    void network.faults.kill(early);
    const log = await deploy(network);
    expect(await log.add('a')).toBe('a');
    // More than peers keep below their package: the other cannot go on from its old state.
    expect(network.runUntil(() => network.finalizedHeight() > 80, 200_000)).toBe(true);
    void network.faults.restart(early);
    const upToDate = (id: NodeId): boolean =>
      network.heightsOf(id).heights.executed + 2 >= network.finalizedHeight();
    expect(network.runUntil(() => upToDate(early), 30_000)).toBe(true);
    // With the second node down, the one that synced must execute for a quorum to certify.
    void network.faults.kill(late);
    expect(await log.add('b')).toBe('ab');
    void network.faults.restart(late);
    expect(network.runUntil(() => upToDate(late), 30_000)).toBe(true);
    expect(await log.add('c')).toBe('abc');
    network.runFor(2000);
    const sources = events.flatMap((event) => (event.kind === 'caughtUp' ? [event.from] : []));
    expect(sources).toContain('stateSync');
    expect(sources).toContain('checkpoint');
    expect(network.violations).toEqual([]);
    expect(comeToAgree(network)).toBe(true);
  });
});
