import { describe, expect, it } from 'vitest';
import type { NodeId, SubnetId } from '../protocol/types/ids.ts';
import { ATTACKS } from './malicious.ts';
import { applyBatch } from './project-network.ts';
import { initialProjection } from './projection.ts';
import type { TelemetryEvent } from './telemetry.ts';

const [LIAR, B, C] = ['0a', '0b', '0c'] as unknown as [NodeId, NodeId, NodeId];

function feedOf(
  ...said: readonly { readonly from: NodeId | 'host'; readonly event: TelemetryEvent }[]
): readonly string[] {
  let projection = initialProjection({
    subnets: [
      {
        subnetId: '02' as SubnetId,
        type: 'application',
        nodes: [LIAR, B, C].map((nodeId, index) => ({
          nodeId,
          label: `Node ${index + 1}`,
          index,
        })),
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
  for (const { from, event } of said) {
    projection = applyBatch(projection, {
      v: 1,
      seq: 0,
      from,
      atNs: 1n,
      events: [event],
      dropped: 0,
    });
  }
  return projection.feed.map(({ severity, text }) => `${severity}: ${text}`);
}

describe('the feed on Byzantine nodes', () => {
  it('says which rules a node breaks, and when it stops', () => {
    const change = (kinds: readonly (keyof typeof ATTACKS)[]): TelemetryEvent => ({
      kind: 'nodeBehavioursChanged',
      nodeId: LIAR,
      behaviours: kinds.map((kind) => ATTACKS[kind].preset),
    });
    expect(
      feedOf(
        { from: 'host', event: change(['equivocate', 'replay']) },
        { from: 'host', event: change([]) },
      ),
    ).toEqual([
      'warning: Node 1 breaks the rules: two blocks at once, old news.',
      'good: Node 1 keeps to the rules again.',
    ]);
  });
});
