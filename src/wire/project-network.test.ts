import { describe, expect, it } from 'vitest';
import type { BlockFacts } from '../protocol/interfaces/trace.ts';
import type { HashHex, NodeId, SubnetId } from '../protocol/types/ids.ts';
import { PERFECT_LINK } from './network-spec.ts';
import type { Topology } from './network.ts';
import { HEALTHY_NODE } from './node-conditions.ts';
import { applyBatch } from './project-network.ts';
import { initialProjection, KEPT_FEED_ENTRIES, KEPT_HEIGHTS } from './projection.ts';
import type { NetworkProjection } from './projection.ts';
import type { TelemetryEvent } from './telemetry.ts';

const [A, B] = ['aa', 'bb'] as [NodeId, NodeId];
const TOPOLOGY: Topology = {
  subnets: [
    {
      subnetId: '02' as SubnetId,
      type: 'application',
      nodes: [A, B].map((nodeId, index) => ({ nodeId, label: `Node ${index + 1}`, index })),
      spareNodes: [],
      faultsTolerated: 0,
      notarizationThreshold: 1,
      dkgIntervalLength: 9,
      publicKeyDer: new Uint8Array(0),
      limits: 'classroom',
      cryptoName: 'bls12-381',
      canisterRanges: [],
    },
  ],
};

function block(height: number, rank = 0, parent = `b${height - 1}r0`): BlockFacts {
  return {
    height,
    hash: `b${height}r${rank}` as HashHex,
    parent: parent as HashHex,
    rank,
    maker: rank === 0 ? A : B,
    timeNs: BigInt(height),
    ingress: 0,
    payloadBytes: 0,
    isSummary: false,
    certifiedHeight: 0,
  };
}

let seq = 0;
function fold(
  projection: NetworkProjection,
  events: readonly TelemetryEvent[],
  from: NodeId | 'host' = A,
  atNs = 1_000_000_000n,
): NetworkProjection {
  seq += 1;
  return applyBatch(projection, { v: 1, seq, from, atNs, events, dropped: 0 });
}

function stateOf(projection: NetworkProjection, hash: string): string | undefined {
  return projection.heights
    .flatMap((view) => view.blocks)
    .find((other) => other.facts.hash === hash)?.state;
}

describe('the projection of a network', () => {
  it('finalizes the ancestors of a final block and marks what lies beside them as dead', () => {
    const events: TelemetryEvent[] = [
      { kind: 'blockProposed', block: block(1) },
      { kind: 'blockValidated', block: block(1, 1, 'b0r0') },
      { kind: 'blockProposed', block: block(2) },
      { kind: 'notarized', height: 1, hash: 'b1r0' as HashHex, signers: [A] },
      { kind: 'finalized', height: 2, hash: 'b2r0' as HashHex, signers: [A], explicit: true },
    ];
    const projection = fold(initialProjection(TOPOLOGY), events);
    expect(stateOf(projection, 'b1r0')).toBe('finalized');
    expect(stateOf(projection, 'b2r0')).toBe('finalized');
    expect(stateOf(projection, 'b1r1')).toBe('dead');
    expect(projection.finalizedHeight).toBe(2);
    const late = fold(projection, [{ kind: 'blockValidated', block: block(2, 1) }], B);
    expect(stateOf(late, 'b2r1')).toBe('dead');
  });

  it('tells the same news once, whichever node reports it again', () => {
    const events: TelemetryEvent[] = [
      { kind: 'blockValidated', block: block(1) },
      { kind: 'notarized', height: 1, hash: 'b1r0' as HashHex, signers: [A] },
      { kind: 'finalized', height: 1, hash: 'b1r0' as HashHex, signers: [A], explicit: true },
    ];
    const once = fold(initialProjection(TOPOLOGY), events);
    const twice = fold(once, events, B);
    expect(twice.feed).toHaveLength(once.feed.length);
    expect(twice.heights[0]?.blocks[0]?.validatedBy).toEqual([A, B]);
  });

  it('keeps bounded histories', () => {
    let projection = initialProjection(TOPOLOGY);
    for (let height = 1; height <= 300; height += 1) {
      const atNs = BigInt(height) * 500_000_000n;
      projection = fold(
        projection,
        [
          { kind: 'blockProposed', block: block(height) },
          { kind: 'finalized', height, hash: block(height).hash, signers: [A], explicit: true },
        ],
        A,
        atNs,
      );
    }
    expect(projection.heights).toHaveLength(KEPT_HEIGHTS);
    expect(projection.feed).toHaveLength(KEPT_FEED_ENTRIES);
    expect(projection.heights.at(-1)?.height).toBe(300);
    expect(projection.blocksPerSecond).toBeCloseTo(2);
    const stale = fold(projection, [{ kind: 'blockValidated', block: block(3) }]);
    expect(stale.heights).toHaveLength(KEPT_HEIGHTS);
    expect(stale.heights[0]?.height).toBe(241);
  });

  it('shows what the world does to nodes and links, and when it is over', () => {
    const world = { ...HEALTHY_NODE, diskDelayMs: 80 };
    const cut = { ...PERFECT_LINK, cut: true };
    const troubled = fold(
      initialProjection(TOPOLOGY),
      [
        { kind: 'nodeConditionsChanged', nodeId: A, conditions: world },
        { kind: 'linkChanged', from: A, to: B, conditions: cut },
        { kind: 'linkChanged', from: B, to: A, conditions: cut },
      ],
      'host',
    );
    expect(troubled.nodes.map((node) => node.world)).toEqual([world, HEALTHY_NODE]);
    expect(troubled.links).toHaveLength(2);
    expect(troubled.feed.map(({ text }) => text)).toEqual([
      'Node 1: its disk takes 80 ms longer.',
      '2 links changed, the last: Link from Node 2 to Node 1: cut.',
    ]);
    const healed = fold(
      troubled,
      [
        { kind: 'nodeConditionsChanged', nodeId: A, conditions: HEALTHY_NODE },
        { kind: 'linkChanged', from: A, to: B, conditions: PERFECT_LINK },
      ],
      'host',
    );
    expect(healed.nodes[0]?.world).toEqual(HEALTHY_NODE);
    expect(healed.links).toEqual([
      { from: B, to: A, conditions: cut },
      { from: A, to: B, conditions: PERFECT_LINK },
    ]);
  });

  it('shows killed, crashed and lagging nodes, and unknown block states change nothing', () => {
    let projection = fold(
      initialProjection(TOPOLOGY),
      [
        { kind: 'nodeState', nodeId: A, state: 'running', reason: null },
        { kind: 'nodeState', nodeId: B, state: 'crashed', reason: 'out of memory' },
      ],
      'host',
    );
    expect(projection.nodes.map((node) => node.condition)).toEqual(['running', 'crashed']);
    expect(projection.feed.at(-1)?.text).toContain('out of memory');
    const heights = { notarized: 1, finalized: 1, executed: 1, certified: 1, catchUpPackage: 0 };
    projection = fold(projection, [
      { kind: 'finalized', height: 20, hash: 'unknown' as HashHex, signers: [], explicit: false },
    ]);
    projection = fold(projection, [{ kind: 'nodeHeights', nodeId: A, heights }], 'host');
    expect(projection.nodes[0]?.condition).toBe('catchingUp');
  });
});
