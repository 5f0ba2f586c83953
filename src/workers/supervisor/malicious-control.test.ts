import { describe, expect, it } from 'vitest';
import { ok } from '../../base/result.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import type { HostEvent } from '../../wire/telemetry.ts';
import { createMaliciousControl } from './malicious-control.ts';
import type { NodeProcess } from './node-process.ts';
import type { RunningNode } from './roster.ts';
import { createRoster } from './roster.ts';

const [A, B] = ['0a', '0b'] as unknown as [NodeId, NodeId];

function start() {
  const told: unknown[] = [];
  const control = {
    call: (_options: unknown, method: string, ...args: readonly unknown[]) => {
      told.push([method, ...args]);
      return Promise.resolve(ok(undefined));
    },
  } as unknown as RunningNode['control'];
  const processOf = (nodeId: NodeId, isUp: boolean): NodeProcess =>
    ({ nodeId, control: () => (isUp ? control : undefined) }) as unknown as NodeProcess;
  const reported: HostEvent[] = [];
  const malicious = createMaliciousControl({
    roster: createRoster([processOf(A, true), processOf(B, false)]),
    report: (event) => reported.push(event),
  });
  return { malicious, told, reported };
}

describe('Byzantine switches of the worker host', () => {
  it('tell a running node, and remember them for its next start', async () => {
    const { malicious, told, reported } = start();
    const replay = [{ kind: 'replay' }] as const;
    expect(await malicious.setMalicious(A, replay)).toEqual(ok(undefined));
    expect(told).toEqual([['setMalicious', replay]]);
    expect(malicious.behavioursOf(A)).toEqual(replay);
    const fact = { kind: 'nodeBehavioursChanged', nodeId: A, behaviours: replay };
    expect([reported, malicious.facts()]).toEqual([[fact], [fact]]);
    await malicious.setMalicious(A, []);
    expect([malicious.behavioursOf(A), malicious.facts()]).toEqual([[], []]);
  });

  it('are kept for a node that is down', async () => {
    const { malicious, told } = start();
    expect(await malicious.setMalicious(B, [{ kind: 'makeNoBlocks' }])).toEqual(ok(undefined));
    expect([told, malicious.behavioursOf(B).length]).toEqual([[], 1]);
  });

  it('refuse strangers and nonsense, and change nothing then', async () => {
    const { malicious, told } = start();
    expect(await malicious.setMalicious('cc' as NodeId, [])).toMatchObject({
      error: { code: 'NODE_UNKNOWN' },
    });
    expect(await malicious.setMalicious(A, [{ kind: 'lie' }] as never)).toMatchObject({
      error: { code: 'INVALID_ARGUMENT' },
    });
    expect([told, malicious.facts()]).toEqual([[], []]);
  });
});
