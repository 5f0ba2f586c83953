import { describe, expect, it } from 'vitest';
import { present } from '../../src/base/assert.ts';
import { loadStoredNode } from '../../src/protocol/node/stored-node.ts';
import { decodeCbor, encodeCbor, asMap } from '../../src/protocol/crypto/cbor.ts';
import { makeCheckpoint } from '../../src/protocol/state-manager/checkpoint.ts';
import type { NodeId } from '../../src/protocol/types/ids.ts';
import { createSimNetwork } from '../../src/sim/sim-network.ts';
import type { SimNetwork } from '../../src/sim/sim-network.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';
import type { TelemetryEvent } from '../../src/wire/telemetry.ts';

interface Started {
  readonly network: SimNetwork;
  readonly events: { readonly from: NodeId | 'host'; readonly event: TelemetryEvent }[];
  readonly nodes: readonly NodeId[];
  /** The one whose disk is touched. */
  readonly last: NodeId;
}

function start(seed: string, nodes = 4): Started {
  const spec = defaultNetworkSpec({ seed, nodes, pace: 'mainnet' });
  const network = createSimNetwork(
    { ...spec, links: { ...spec.links, delayMs: 20, jitterMs: 5 }, dkgIntervalLength: 9 },
    { crypto: 'insecure-test-crypto' },
  );
  const events: Started['events'] = [];
  network.events.subscribe(({ from, events: batch }) => {
    events.push(...batch.map((event) => ({ from, event })));
  });
  const ids = network.topology().subnets[0]?.nodes.map(({ nodeId }) => nodeId) ?? [];
  return { network, events, nodes: ids, last: present(ids.at(-1), 'a subnet has nodes') };
}

function isUpToDate(network: SimNetwork, nodeId: NodeId): boolean {
  const { executed, certified, catchUpPackage } = network.heightsOf(nodeId).heights;
  return (
    catchUpPackage > 0 &&
    executed + 2 >= network.finalizedHeight() &&
    certified + 3 >= network.finalizedHeight()
  );
}

function untilPackage({ network, last }: Started, height: number): void {
  const { runUntil } = network;
  expect(
    runUntil.call(network, () => network.heightsOf(last).heights.catchUpPackage >= height, 120_000),
  ).toBe(true);
}

/** Kills the last node, does something to its disk, and waits until it has caught up. */
function damaged(started: Started, damage: () => void, limitMs = 40_000): void {
  const { network, events, last } = started;
  void network.faults.kill(last);
  network.runFor(500);
  damage();
  events.length = 0;
  void network.faults.restart(last);
  expect(network.runUntil(() => isUpToDate(network, last), limitMs)).toBe(true);
  network.runFor(500);
}

const sourcesOf = ({ events, last }: Started): readonly string[] =>
  events.flatMap(({ from, event }) =>
    from === last && event.kind === 'caughtUp' ? [event.from] : [],
  );

const criticalOf = ({ events, last }: Started): readonly string[] =>
  events.flatMap(({ from, event }) =>
    from === last && event.kind === 'criticalError' ? [event.code] : [],
  );

const refusedOf = ({ events, last }: Started): readonly string[] =>
  events.flatMap(({ from, event }) =>
    from === last && event.kind === 'packetRejected' ? [`${event.from} ${event.code}`] : [],
  );

function expectOneHistory({ network, events }: Started): void {
  expect(network.violations).toEqual([]);
  const roots = new Map<number, Set<string>>();
  for (const { event } of events) {
    if (event.kind === 'executed') {
      roots.set(event.height, (roots.get(event.height) ?? new Set()).add(event.root));
    }
  }
  expect([...roots.values()].filter((found) => found.size > 1)).toEqual([]);
}

describe('a node whose state is lost or wrong', () => {
  it('SS17: with an erased disk joins by package and state sync', () => {
    const started = start('erased');
    untilPackage(started, 20);
    damaged(started, () => void started.network.faults.wipe(started.last));
    expect(sourcesOf(started)).toEqual(['genesis', 'stateSync']);
    const progress = started.events.flatMap(({ event }) =>
      event.kind === 'stateSyncProgress' ? [event] : [],
    );
    expect(progress.at(-1)).toMatchObject({ peers: 3 });
    expect(progress.at(-1)?.chunksDone).toBe(progress.at(-1)?.chunksTotal);
    expectOneHistory(started);
  });

  it('SS17: away for many intervals and erased takes part again: without another node the subnet goes on', () => {
    const started = start('away');
    const { network, nodes, last } = started;
    untilPackage(started, 10);
    void network.faults.kill(last);
    const gone = network.finalizedHeight();
    expect(network.runUntil(() => network.finalizedHeight() > gone + 70, 200_000)).toBe(true);
    void network.faults.wipe(last);
    damaged(started, () => undefined);
    expect(sourcesOf(started)).toContain('stateSync');
    void network.faults.kill(present(nodes[0], 'a node'));
    const before = network.finalizedHeight();
    expect(network.runUntil(() => network.finalizedHeight() > before + 25, 200_000)).toBe(true);
    expectOneHistory(started);
  });

  it.each([1, 2])(
    'SS11: gets its state although %i of its peers send wrong bits, and names them',
    (bad) => {
      // With 7 nodes two may be malicious.
      const started = start(`corrupt ${bad}`, bad === 1 ? 4 : 7);
      const { network, nodes } = started;
      const liars = nodes.slice(0, bad);
      for (const liar of liars) {
        void network.faults.setMalicious(liar, [{ kind: 'corruptStateChunks' }]);
      }
      untilPackage(started, 20);
      damaged(started, () => void network.faults.wipe(started.last));
      expect(sourcesOf(started)).toEqual(['genesis', 'stateSync']);
      for (const refused of refusedOf(started)) {
        expect(liars.map((liar) => `${liar} STATE_CHUNK_WRONG`)).toContain(refused);
      }
      expectOneHistory(started);
    },
  );

  it('SS17: is killed again and again while it fetches, and gets there', () => {
    const started = start('killed in the middle');
    const { network, last } = started;
    untilPackage(started, 20);
    void network.faults.kill(last);
    void network.faults.wipe(last);
    for (let round = 0; round < 15; round += 1) {
      void network.faults.restart(last);
      network.runFor(20 + round * 23);
      void network.faults.kill(last);
    }
    damaged(started, () => undefined);
    expectOneHistory(started);
  });

  it('SS7: finds flipped bits in its checkpoints, says so, and fetches the state', () => {
    const started = start('flipped');
    // Further than the blocks reach that it holds: else it would execute those again.
    untilPackage(started, 70);
    damaged(started, () => {
      const disk = present(started.network.diskOf(started.last), 'the node has a disk');
      const chunks = [...disk].filter(([key]) => key.startsWith('chunk/'));
      expect(chunks.length).toBeGreaterThan(3);
      for (const [key, value] of chunks) {
        const wrong = value.slice();
        wrong[wrong.length >> 1] = (wrong[wrong.length >> 1] as number) ^ 4;
        disk.set(key, wrong);
      }
    });
    expect(criticalOf(started)).toContain('STORAGE_DAMAGED');
    expect(sourcesOf(started)).toEqual(['genesis', 'stateSync']);
    // Nothing damaged is left.
    damaged(started, () => undefined);
    expect([criticalOf(started), sourcesOf(started)]).toEqual([[], ['checkpoint']]);
    const others = started.network.violations.filter((v) => !v.message.includes('STORAGE_DAMAGED'));
    expect(others).toEqual([]);
  });

  it('SS18: drops a state that the subnet contradicts, from its disk as well, and fetches the right one', () => {
    const started = start('diverged');
    const { network, last } = started;
    untilPackage(started, 20);
    const planted = new Set<string>();
    damaged(started, () => {
      const disk = present(network.diskOf(last), 'the node has a disk');
      const { restored, faults } = loadStoredNode([...disk]);
      expect(faults).toEqual([]);
      const { state } = present(restored, 'there is a checkpoint');
      // Wrong in itself, but whole: only the subnet's signatures tell.
      const metrics = { ...state.metrics, updateTransactions: 4711n };
      const wrong = makeCheckpoint({ ...state, metrics });
      [...disk.keys()]
        .filter((key) => /^(checkpoint|chunk)\//.test(key))
        .forEach((key) => disk.delete(key));
      wrong.manifest.chunks.forEach(({ hash }, index) => {
        disk.set(`chunk/${hash}`, wrong.chunkAt(index) as Uint8Array);
        planted.add(hash);
      });
      const { height, hash, encodedManifest: manifest } = wrong;
      disk.set(`checkpoint/${height}`, encodeCbor({ height, hash, manifest }));
      planted.add(hash);
    });
    expect(criticalOf(started)).toContain('STATE_DIVERGED');
    expect(sourcesOf(started)).toEqual(['checkpoint', 'stateSync']);
    const stored = [...present(network.diskOf(last), 'the node has a disk')].flatMap(
      ([key, value]) => {
        const fields = decodeCbor(value, { maxBytes: value.length });
        const hash = fields.ok ? asMap(fields.value)?.get('hash') : undefined;
        return key.startsWith('checkpoint/') && typeof hash === 'string' ? [hash] : [];
      },
    );
    expect(stored.length).toBeGreaterThan(0);
    expect(stored.some((hash) => planted.has(hash))).toBe(false);
    expect(network.violations.filter(({ message }) => !message.includes('STATE_DIVERGED'))).toEqual(
      [],
    );
  });
});
