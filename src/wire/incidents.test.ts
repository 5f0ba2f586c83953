import { describe, expect, it } from 'vitest';
import type { NodeId, SubnetId } from '../protocol/types/ids.ts';
import { applyBatch } from './project-network.ts';
import { initialProjection, type NetworkProjection } from './projection.ts';
import { timesOf } from './incidents.ts';
import type { TelemetryEvent } from './telemetry.ts';

const [LIAR, B, C] = ['0a', '0b', '0c'] as unknown as [NodeId, NodeId, NodeId];
const START = initialProjection({
  subnets: [
    {
      subnetId: '02' as SubnetId,
      type: 'application',
      nodes: [LIAR, B, C].map((nodeId, index) => ({ nodeId, label: `Node ${index + 1}`, index })),
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
});

interface Said {
  readonly from: NodeId;
  readonly event: TelemetryEvent;
  readonly atMs?: number;
}

function fold(...said: readonly Said[]): NetworkProjection {
  return said.reduce(
    (projection, { from, event, atMs = 1 }) =>
      applyBatch(projection, {
        v: 1,
        seq: 0,
        from,
        atNs: BigInt(atMs) * 1_000_000n,
        events: [event],
        dropped: 0,
      }),
    START,
  );
}

const feedOf = (projection: NetworkProjection): readonly string[] =>
  projection.feed.map(({ severity, text }) => `${severity}: ${text}`);

const seen = (height: number, proven = true): TelemetryEvent => ({
  kind: 'misbehaviourSeen',
  code: 'EQUIVOCATION',
  message: 'signed two blocks',
  about: LIAR,
  height,
  proven,
});

const malformed = (count: number): TelemetryEvent => ({
  kind: 'packetRejected',
  from: LIAR,
  code: 'PACKET_MALFORMED',
  message: 'no packet.',
  count,
});

describe('caught misbehaviour', () => {
  it('names the culprit, the rule and the node that caught it', () => {
    expect(feedOf(fold({ from: B, event: seen(3) }))).toEqual([
      'warning: Node 2 caught Node 1 at height 3: signed two blocks (rule EQUIVOCATION).',
    ]);
    expect(feedOf(fold({ from: B, event: seen(3, false) }))).toEqual([
      'info: Node 2 noticed Node 1 at height 3: signed two blocks (rule EQUIVOCATION).',
    ]);
  });

  it('is one line for all who saw it and for two seconds, which counts', () => {
    const projection = fold(
      { from: B, event: seen(3) },
      { from: C, event: seen(3) },
      { from: C, event: seen(4), atMs: 1_900 },
      { from: C, event: seen(9), atMs: 2_100 },
    );
    expect(feedOf(projection)).toEqual([
      'warning: Node 2 and Node 3 caught Node 1 at height 4: signed two blocks (rule EQUIVOCATION, 2 times).',
      'warning: Node 3 caught Node 1 at height 9: signed two blocks (rule EQUIVOCATION).',
    ]);
    const ids = projection.feed.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('is counted for the culprit, by rule and by who caught it', () => {
    const projection = fold(
      { from: B, event: seen(3) },
      { from: B, event: seen(4) },
      { from: C, event: seen(4) },
      { from: C, event: malformed(700) },
      { from: C, event: malformed(2) },
    );
    const [liar, b, c] = projection.nodes;
    expect(liar?.caught.map(({ code, counts }) => [code, counts, timesOf(counts)])).toEqual([
      ['EQUIVOCATION', { [B]: 2, [C]: 1 }, 2],
      // A node that starts again counts from the beginning: the number never falls.
      ['PACKET_MALFORMED', { [C]: 701 }, 701],
    ]);
    expect([b?.caught, c?.caught]).toEqual([[], []]);
    expect(c?.rejectedPackets).toBe(2);
    expect(projection.feed.at(-1)?.text).toContain('(rule PACKET_MALFORMED, 2 times)');
    const flood = fold({ from: C, event: malformed(43_433) });
    expect(flood.feed.at(-1)?.text).toContain('(rule PACKET_MALFORMED, 43,433 so far)');
  });

  it('tells refused artifacts and packets of strangers too', () => {
    const projection = fold(
      {
        from: B,
        event: {
          kind: 'artifactRejected',
          artifact: 'blockProposal',
          height: 5,
          from: LIAR,
          code: 'WRONG_RANK',
          message: 'its rank is another one.',
        },
      },
      {
        from: B,
        event: { kind: 'packetRejected', from: null, code: 'PACKET_FROM_STRANGER', message: 'who' },
      },
    );
    expect(feedOf(projection)).toEqual([
      'warning: Node 2 refused block proposal of height 5 from Node 1: its rank is another one (rule WRONG_RANK).',
      'warning: Node 2 refused packets from a stranger: who (rule PACKET_FROM_STRANGER).',
    ]);
  });
});
