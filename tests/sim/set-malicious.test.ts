import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../src/protocol/types/ids.ts';
import { createSimNetwork } from '../../src/sim/sim-network.ts';
import type { SimNetwork, SimOptions } from '../../src/sim/sim-network.ts';
import { ATTACKS } from '../../src/wire/malicious.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';
import type { TelemetryEvent } from '../../src/wire/telemetry.ts';

interface Watched {
  readonly network: SimNetwork;
  readonly nodes: readonly NodeId[];
  readonly events: TelemetryEvent[];
}

function start(options: SimOptions): Watched {
  const spec = defaultNetworkSpec({ seed: 'byzantine', nodes: 4, pace: 'mainnet' });
  const network = createSimNetwork(
    { ...spec, links: { ...spec.links, delayMs: 15 } },
    { traceHash: false, ...options },
  );
  const events: TelemetryEvent[] = [];
  network.events.subscribe((batch) => events.push(...batch.events));
  const nodes = (network.topology().subnets[0]?.nodes ?? []).map((node) => node.nodeId);
  return { network, nodes, events };
}

function blamed(events: readonly TelemetryEvent[], code: string): ReadonlySet<NodeId> {
  return new Set(
    events.flatMap((event) =>
      event.kind === 'misbehaviourSeen' && event.code === code ? [event.about] : [],
    ),
  );
}

describe('Byzantine switches of a network', () => {
  it('are thrown and taken back while it runs, and outlast a restart', async () => {
    const { network, nodes, events } = start({ crypto: 'insecure-test-crypto' });
    const [liar] = nodes as [NodeId];
    const equivocate = [ATTACKS.equivocate.preset];
    network.runFor(3000);
    expect(blamed(events, 'EQUIVOCATION').size).toBe(0);
    expect(await network.faults.setMalicious(liar, equivocate)).toEqual({
      ok: true,
      value: undefined,
    });
    network.runFor(6000);
    expect(blamed(events, 'EQUIVOCATION')).toEqual(new Set([liar]));

    events.length = 0;
    await network.faults.kill(liar);
    await network.faults.restart(liar);
    network.runFor(8000);
    expect(blamed(events, 'EQUIVOCATION')).toEqual(new Set([liar]));

    expect(await network.faults.setMalicious(liar, [])).toMatchObject({ ok: true });
    network.runFor(3000);
    events.length = 0;
    network.runFor(6000);
    expect(blamed(events, 'EQUIVOCATION').size).toBe(0);
    expect(network.violations).toEqual([]);
    expect(network.finalizedHeight()).toBeGreaterThan(30);
  });

  it('tell everybody who comes later, and refuse what they do not know', async () => {
    const { network, nodes } = start({ crypto: 'insecure-test-crypto' });
    const [liar] = nodes as [NodeId];
    await network.faults.setMalicious(liar, [{ kind: 'replay' }]);
    const late: TelemetryEvent[] = [];
    network.events.subscribe((batch) => late.push(...batch.events));
    expect(late).toContainEqual({
      kind: 'nodeBehavioursChanged',
      nodeId: liar,
      behaviours: [{ kind: 'replay' }],
    });
    const refusals = await Promise.all([
      network.faults.setMalicious('00' as NodeId, []),
      network.faults.setMalicious(liar, [{ kind: 'equivocate', blocks: 1 }]),
      network.faults.setMalicious(liar, 'all' as never),
    ]);
    expect(refusals).toMatchObject([
      { ok: false, error: { code: 'NODE_UNKNOWN' } },
      { ok: false, error: { code: 'INVALID_ARGUMENT' } },
      { ok: false, error: { code: 'INVALID_ARGUMENT' } },
    ]);
    await network.close();
    expect(await network.faults.setMalicious(liar, [])).toMatchObject({
      error: { code: 'NETWORK_CLOSED' },
    });
  });

  it('work with real keys: the lie is signed, and proved', async () => {
    const { network, nodes, events } = start({ crypto: 'real' });
    const [liar] = nodes as [NodeId];
    await network.faults.setMalicious(liar, [
      { kind: 'equivocate', blocks: 2 },
      { kind: 'wrongCertification' },
    ]);
    const caught = (): boolean =>
      blamed(events, 'EQUIVOCATION').has(liar) && blamed(events, 'WRONG_STATE_ROOT').has(liar);
    expect(network.runUntil(caught, 20_000)).toBe(true);
    expect(network.violations).toEqual([]);
  });
});
