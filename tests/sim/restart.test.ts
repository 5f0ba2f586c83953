import { describe, expect, it } from 'vitest';
import { createSimNetwork } from '../../src/sim/sim-network.ts';
import type { SimNetwork } from '../../src/sim/sim-network.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';
import type { TelemetryEvent } from '../../src/wire/telemetry.ts';
import type { NodeId } from '../../src/protocol/types/ids.ts';

function start(
  seed: string,
  persistDelayMs = 0,
): { network: SimNetwork; events: TelemetryEvent[]; last: NodeId } {
  const spec = defaultNetworkSpec({ seed, nodes: 4, pace: 'mainnet' });
  const network = createSimNetwork(
    { ...spec, links: { ...spec.links, delayMs: 20, jitterMs: 5 }, dkgIntervalLength: 9 },
    { crypto: 'insecure-test-crypto', persistDelayMs },
  );
  const events: TelemetryEvent[] = [];
  network.events.subscribe((batch) => events.push(...batch.events));
  const last = network.topology().subnets[0]?.nodes[3]?.nodeId as NodeId;
  return { network, events, last };
}

function caughtUp(events: readonly TelemetryEvent[]) {
  return events.filter((event) => event.kind === 'caughtUp');
}

function isUpToDate(network: SimNetwork, nodeId: NodeId): boolean {
  const { executed, certified } = network.heightsOf(nodeId).heights;
  return executed + 2 >= network.finalizedHeight() && certified + 3 >= network.finalizedHeight();
}

describe('a node that starts again', () => {
  it('goes on from its own checkpoint and replays the blocks above it', () => {
    const { network, events, last } = start('short absence');
    network.runUntil(() => network.heightsOf(last).heights.catchUpPackage >= 20, 60_000);
    network.runFor(2000);
    void network.faults.kill(last);
    network.runFor(1000);
    events.length = 0;
    void network.faults.restart(last);
    expect(network.runUntil(() => isUpToDate(network, last), 20_000)).toBe(true);
    network.runFor(200);
    expect(caughtUp(events)).toMatchObject([{ from: 'checkpoint' }]);
    expect(network.violations).toEqual([]);
  });

  it('CN59: fetches the checkpoint of a catch-up package that it cannot replay', () => {
    const { network, events, last } = start('long absence');
    network.runFor(1500);
    void network.faults.kill(last);
    // Peers keep 50 heights below their newest package: replay is impossible after that.
    const gone = network.heightsOf(last).heights.finalized;
    network.runUntil(() => network.finalizedHeight() > gone + 90, 120_000);
    events.length = 0;
    void network.faults.restart(last);
    expect(network.runUntil(() => isUpToDate(network, last), 30_000)).toBe(true);
    network.runFor(200);
    expect(caughtUp(events).map((event) => event.from)).toContain('stateSync');
    expect(network.violations).toEqual([]);
    const roots = new Map<number, Set<string>>();
    for (const event of events) {
      if (event.kind === 'executed') {
        roots.set(event.height, (roots.get(event.height) ?? new Set()).add(event.root));
      }
    }
    expect([...roots.values()].every((set) => set.size === 1)).toBe(true);
  });

  it('CN51: never contradicts what it signed before it was killed', () => {
    // A slow disk: a kill often comes between signing and storing.
    const { network, events, last } = start('flapping', 60);
    for (let round = 0; round < 40; round += 1) {
      network.runFor(500 + round * 17);
      void network.faults.kill(last);
      network.runFor(30 + round * 3);
      void network.faults.restart(last);
    }
    network.runFor(3000);
    expect(network.violations).toEqual([]);
    const proposals = new Map<string, Set<string>>();
    for (const event of events) {
      // What peers saw counts: a block that was lost with the power never left the node.
      if (event.kind === 'blockValidated') {
        const { height, maker, hash } = event.block;
        const key = `${height}/${maker}`;
        proposals.set(key, (proposals.get(key) ?? new Set()).add(hash));
      }
    }
    expect([...proposals.values()].filter((hashes) => hashes.size > 1)).toEqual([]);
    expect(proposals.size).toBeGreaterThan(10);
  });
});
