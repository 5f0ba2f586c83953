import { describe, expect, it } from 'vitest';
import { codedError, err, ok, type Result } from '../../base/result.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import type { NodeRunState } from '../../wire/network.ts';
import { defaultNetworkSpec, initialLink, PERFECT_LINK } from '../../wire/network-spec.ts';
import { HEALTHY_NODE } from '../../wire/node-conditions.ts';
import type { HostEvent } from '../../wire/telemetry.ts';
import { createFaultControl } from './fault-control.ts';
import { brokerMesh } from './mesh-broker.ts';
import type { NodeProcess } from './node-process.ts';
import { createRoster } from './roster.ts';

const IDS = ['aa', 'bb', 'cc'] as NodeId[];
const [A, B, C] = IDS as [NodeId, NodeId, NodeId];
const SPEC = { ...defaultNetworkSpec({ nodes: 3 }), latencyPreset: 'datacentres' as const };

/** A node without a worker, which writes down what it is told. */
function createFakeProcess(nodeId: NodeId, told: string[]) {
  let state: NodeRunState = 'running';
  const ports: string[] = [];
  const process: NodeProcess = {
    nodeId,
    state: () => state,
    reason: () => null,
    start: async () => ok(undefined),
    connect: (peerId, port) => {
      ports.push(peerId);
      port.close();
    },
    kill: () => {
      state = 'stopped';
    },
    control: () =>
      state === 'running'
        ? {
            call: async (_, method, ...args) => {
              told.push(`${nodeId} ${method} ${JSON.stringify(args[0])}`);
              return ok(undefined) as never;
            },
            exited: () => undefined,
          }
        : undefined,
  };
  return { process, ports };
}

function createSubject() {
  const told: string[] = [];
  const facts: HostEvent[] = [];
  const fakes = IDS.map((id) => createFakeProcess(id, told));
  const processes = fakes.map(({ process }) => process);
  let wiping: Result<void, { readonly message: string }> = ok(undefined);
  const control = createFaultControl({
    roster: createRoster(processes),
    initialLink: (from, to) => initialLink(SPEC, IDS.indexOf(from), IDS.indexOf(to)),
    report: (event) => facts.push(event),
    start: (process) => process.start({} as never),
    wipeStorage: async (nodeId) => {
      told.push(`wipe ${nodeId}`);
      return wiping;
    },
  });
  const failWiping = (): void => {
    wiping = err(codedError('transport', 'STORAGE_FAILED', 'the file is locked'));
  };
  return { control, faults: control.port, told, facts, fakes, processes, failWiping };
}

describe('fault control', () => {
  it('tells one node its conditions, remembers them over restarts and undoes them', async () => {
    const { control, faults, told, facts } = createSubject();
    expect(await faults.setNode(A, { diskDelayMs: 50 })).toEqual(ok(undefined));
    const slow = { ...HEALTHY_NODE, diskDelayMs: 50 };
    expect(told).toEqual([`aa setConditions ${JSON.stringify(slow)}`]);
    expect(facts).toEqual([{ kind: 'nodeConditionsChanged', nodeId: A, conditions: slow }]);
    await faults.kill(A);
    expect(control.conditionsOf(A)).toEqual(slow);
    expect(control.conditionsOf(B)).toEqual(HEALTHY_NODE);
    expect(control.facts()).toContainEqual(facts[0]);
    await faults.heal();
    expect(control.conditionsOf(A)).toEqual(HEALTHY_NODE);
    expect(facts).toContainEqual({
      kind: 'nodeConditionsChanged',
      nodeId: A,
      conditions: HEALTHY_NODE,
    });
    expect(control.facts()).toEqual([{ kind: 'partitionChanged', groups: [] }]);
  });

  it('replaces conditions as a whole', async () => {
    const { control, faults } = createSubject();
    await faults.setNode(A, { paused: true });
    await faults.setNode(A, { cpuSlowdown: 3 });
    expect(control.conditionsOf(A)).toEqual({ ...HEALTHY_NODE, cpuSlowdown: 3 });
    await faults.setNode(A, null);
    expect(control.conditionsOf(A)).toEqual(HEALTHY_NODE);
  });

  it('refuses bad conditions and unknown nodes, and changes nothing', async () => {
    const { control, faults, told, facts } = createSubject();
    expect(await faults.setNode(A, { cpuSlowdown: 0 })).toMatchObject({
      ok: false,
      error: { code: 'INVALID_ARGUMENT' },
    });
    expect(await faults.setNode('zz' as NodeId, {})).toMatchObject({
      ok: false,
      error: { code: 'NODE_UNKNOWN' },
    });
    expect(control.conditionsOf(A)).toEqual(HEALTHY_NODE);
    expect([told, facts]).toEqual([[], []]);
  });

  it('wipes only what does not run, and says when it could not', async () => {
    const { faults, told, facts, failWiping } = createSubject();
    expect(await faults.wipe(A)).toMatchObject({
      ok: false,
      error: { code: 'NODE_ALREADY_RUNNING' },
    });
    await faults.kill(A);
    expect(await faults.wipe(A)).toEqual(ok(undefined));
    expect(told).toEqual(['wipe aa']);
    expect(facts).toEqual([{ kind: 'nodeWiped', nodeId: A }]);
    failWiping();
    expect(await faults.wipe(A)).toMatchObject({
      ok: false,
      error: { code: 'STORAGE_FAILED', message: 'The storage was not erased: the file is locked.' },
    });
  });

  it('changes one direction of a link over the latency of its places', async () => {
    const { control, faults } = createSubject();
    const linkFrom = (from: NodeId, to: NodeId) =>
      control.linksOf(to).conditions.find(([sender]) => sender === from)?.[1];
    expect(linkFrom(B, C), 'Frankfurt to Tokyo').toEqual({ ...PERFECT_LINK, delayMs: 115 });
    await faults.setLink(B, C, { bandwidthKbps: 100 });
    expect(linkFrom(B, C)).toEqual({ ...PERFECT_LINK, delayMs: 115, bandwidthKbps: 100 });
    expect(linkFrom(C, B)).toEqual({ ...PERFECT_LINK, delayMs: 115 });
    await faults.partition([[A], [B, C]]);
    expect(control.linksOf(A).reachable).toEqual([A]);
    expect(control.linksOf(C).reachable).toEqual([B, C]);
    await faults.heal();
    expect(linkFrom(B, C)).toEqual({ ...PERFECT_LINK, delayMs: 115 });
    expect(control.linksOf(A).reachable).toBeNull();
  });
});

describe('mesh broker', () => {
  it('gives a starting node one port to each node that is up, and them one to it', async () => {
    const { faults, fakes, processes } = createSubject();
    await faults.kill(C);
    const [a] = processes;
    const ports = a === undefined ? [] : brokerMesh(a, processes);
    expect(ports.map(([peerId]) => peerId)).toEqual([B]);
    expect(fakes.map((fake) => fake.ports)).toEqual([[], [A], []]);
    for (const [, port] of ports) {
      port.close();
    }
  });
});
