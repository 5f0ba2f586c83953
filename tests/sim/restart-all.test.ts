import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../src/protocol/types/ids.ts';
import { createSimNetwork, type SimNetwork } from '../../src/sim/sim-network.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';

const SEED = 'all of them stop';

function start(nodes: number, interval: number, persistDelayMs = 2) {
  const spec = defaultNetworkSpec({ seed: SEED, nodes, pace: 'mainnet' });
  const network = createSimNetwork(
    { ...spec, dkgIntervalLength: interval },
    { crypto: 'insecure-test-crypto', persistDelayMs },
  );
  const ids = network.topology().subnets[0]?.nodes.map(({ nodeId }) => nodeId) ?? [];
  return { network, ids };
}

function highest(network: SimNetwork, ids: readonly NodeId[], what: 'certified' | 'finalized') {
  return Math.max(...ids.map((id) => network.heightsOf(id).heights[what]));
}

function stopAll(network: SimNetwork, ids: readonly NodeId[]): void {
  for (const id of ids) {
    void network.faults.kill(id);
  }
}

function startAll(network: SimNetwork, ids: readonly NodeId[]): void {
  for (const id of ids) {
    void network.faults.restart(id);
  }
}

/** The newest height of a kind of record on a disk. */
function newestStored(network: SimNetwork, id: NodeId, prefix: string): number {
  const keys = [...(network.diskOf(id)?.keys() ?? [])].filter((key) => key.startsWith(prefix));
  return Math.max(0, ...keys.map((key) => Number(key.slice(prefix.length).split('/')[0])));
}

/** As a disk is on which the newest checkpoint had not been written when the power went. */
function loseCheckpoint(network: SimNetwork, id: NodeId, height: number): void {
  network.diskOf(id)?.delete(`checkpoint/${height}`);
}

describe(`a subnet of which all nodes stop at once (seed "${SEED}")`, () => {
  it.each([
    [1, 9],
    [4, 9],
    [4, 499],
  ])('%i nodes, interval %i: goes on, and nothing certified is lost', (nodes, interval) => {
    const { network, ids } = start(nodes, interval);
    for (const runMs of [3_000, 4_321]) {
      network.runFor(runMs);
      const certified = highest(network, ids, 'certified');
      stopAll(network, ids);
      network.runFor(500);
      startAll(network, ids);
      const goesOn = (): boolean =>
        ids.every((id) => network.heightsOf(id).heights.certified > certified + 2);
      expect(network.runUntil(goesOn, 60_000), `after ${certified}`).toBe(true);
    }
    expect(network.violations).toEqual([]);
  });

  it.each([1, 4])('%i nodes: even if no disk has the checkpoint of the newest package', (nodes) => {
    const { network, ids } = start(nodes, 9);
    const [first] = ids as [NodeId];
    const packaged = (): number => newestStored(network, first, 'artifact/catchUpPackage/');
    network.runUntil(() => packaged() >= 30, 120_000);
    network.runFor(200);
    const finalized = highest(network, ids, 'finalized');
    stopAll(network, ids);
    for (const id of ids) {
      loseCheckpoint(network, id, newestStored(network, id, 'checkpoint/'));
      expect(newestStored(network, id, 'checkpoint/')).toBeLessThan(packaged());
    }
    startAll(network, ids);
    const goesOn = (): boolean =>
      ids.every((id) => network.heightsOf(id).heights.certified > finalized);
    expect(network.runUntil(goesOn, 60_000)).toBe(true);
    expect(network.violations).toEqual([]);
  });
});
