import { IDL } from '@icp-sdk/core/candid';
import { describe, expect, it } from 'vitest';
import { canisterIdFromU64 } from '../../src/protocol/crypto/principal.ts';
import type { NodeId } from '../../src/protocol/types/ids.ts';
import { createSimNetwork } from '../../src/sim/sim-network.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';
import type { TelemetryEvent } from '../../src/wire/telemetry.ts';
import { comeToAgree } from '../support/agreement.ts';
import { compileMotoko } from '../support/motoko.ts';
import { VirtualClient } from '../support/virtual-client.ts';

const SOURCE = `
persistent actor {
  var log : Text = "";
  public func add(text : Text) : async Text { log #= text; log };
}`;

const LOG = canisterIdFromU64(0n);

describe('a canister on a node that was away', () => {
  it('goes on with the same memory after state sync, and after a restart from the checkpoint', async () => {
    const spec = defaultNetworkSpec({ seed: 'canister', nodes: 4, pace: 'mainnet' });
    const network = createSimNetwork(
      { ...spec, links: { ...spec.links, delayMs: 10, jitterMs: 5 }, dkgIntervalLength: 9 },
      // In virtual time alone, without the cost of signatures: a busy machine changes nothing.
      { crypto: 'insecure-test-crypto', traceHash: false },
    );
    const client = new VirtualClient(network);
    const add = async (text: string): Promise<unknown> => {
      const reply = await client.update(LOG, 'add', IDL.encode([IDL.Text], [text]));
      return IDL.decode([IDL.Text], reply)[0];
    };
    const events: TelemetryEvent[] = [];
    network.events.subscribe((batch) => events.push(...batch.events));
    const [early, late] = (network.topology().subnets[0]?.nodes ?? []).map(
      (node) => node.nodeId,
    ) as [NodeId, NodeId];
    network.runFor(1000);
    void network.faults.kill(early);
    const { wasm } = await compileMotoko(SOURCE);
    await client.install(LOG, wasm, IDL.encode([], []));
    expect(await add('a')).toBe('a');
    // More than peers keep below their package: the other cannot go on from its old state.
    expect(network.runUntil(() => network.finalizedHeight() > 80, 200_000)).toBe(true);
    void network.faults.restart(early);
    const upToDate = (id: NodeId): boolean =>
      network.heightsOf(id).heights.executed + 2 >= network.finalizedHeight();
    expect(network.runUntil(() => upToDate(early), 30_000)).toBe(true);
    // With the second node down, the one that synced must execute for a quorum to certify.
    void network.faults.kill(late);
    expect(await add('b')).toBe('ab');
    void network.faults.restart(late);
    expect(network.runUntil(() => upToDate(late), 30_000)).toBe(true);
    expect(await add('c')).toBe('abc');
    network.runFor(2000);
    const sources = events.flatMap((event) => (event.kind === 'caughtUp' ? [event.from] : []));
    expect(sources).toContain('stateSync');
    expect(sources).toContain('checkpoint');
    expect(network.violations).toEqual([]);
    expect(comeToAgree(network)).toBe(true);
  });
});
