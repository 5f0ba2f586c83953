import { present } from '../../base/assert.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { NodeId, SubnetId } from '../../protocol/types/ids.ts';
import type {
  Network,
  NetworkError,
  NetworkInspector,
  NetworkResult,
  NodeSnapshot,
  SignatureBackendChoice,
  Topology,
} from '../../wire/network.ts';
import {
  guardClock,
  guardFaults,
  guardFork,
  guardInspector,
  guardRegistry,
  type NetworkGuard,
} from '../../wire/network-guard.ts';
import { browserStackBytes } from '../../sandbox/suspending-engine.ts';
import { createNetworkInspector } from '../../wire/network-inspector.ts';
import { initialLink, type NetworkSpec } from '../../wire/network-spec.ts';
import type { HostEvent } from '../../wire/telemetry.ts';
import { topologyOf } from '../../wire/topology.ts';
import type { Deal } from '../inspector/inspector.worker.ts';
import type { NodeReport } from '../node/control.ts';
import { runningDisks } from '../saved/disk-reader.ts';
import type { Opening } from '../saved/network-opening.ts';
import { type ClockControl, createClockControl } from './clock-control.ts';
import { createFaultControl, type FaultControl } from './fault-control.ts';
import { createInspectorPort } from './inspector-port.ts';
import { createNodeProcess, type NodeProcess } from './node-process.ts';
import { createStarter, createStartLine } from './node-starter.ts';
import { CONTROL_DEADLINE_MS, createRoster, networkError, type Roster } from './roster.ts';
import { countNodes } from './sandbox-share.ts';
import {
  chooseBackend,
  DEAL_DEADLINE_MS,
  dismantle,
  raiseScaffold,
  type Scaffold,
} from './scaffold.ts';
import {
  createNetworkRegistry,
  createNetworkSafety,
  createSubnetControl,
  createSubnetOfNode,
  everMembers,
  type SubnetControl,
} from './subnets.ts';
import type { TelemetryHub } from './telemetry-hub.ts';

const SNAPSHOT_DEADLINE_MS = 2_000;

/** Starts a network, or starts it again, as `opening` says; `Result` tells why it could not. */
export async function startNetwork(
  spec: NetworkSpec,
  opening: Opening,
): Promise<Result<Network, NetworkError>> {
  if (!isSecureContext) {
    opening.close();
    const message = 'Browsers give workers, locks and storage to https pages and localhost only.';
    return err(networkError('NODE_START_FAILED', message));
  }
  const scaffold = raiseScaffold(spec, opening);
  const { inspector, boot } = scaffold;
  boot.enter('keys', `dealing the keys of ${countInWords(spec)}`);
  const chosen = await chooseBackend(scaffold);
  if (!chosen.ok) {
    dismantle(scaffold, []);
    const reason = chosen.error.message;
    return err(networkError('NODE_START_FAILED', `No library for signatures: ${reason}.`));
  }
  const dealt = await inspector.control.call(
    { deadlineMs: DEAL_DEADLINE_MS },
    'deal',
    spec,
    opening.genesisTimeNs,
  );
  if (!dealt.ok) {
    dismantle(scaffold, []);
    const reason = dealt.error.message;
    return err(networkError('NODE_START_FAILED', `The keys could not be dealt: ${reason}.`));
  }
  const agreed = await opening.dealt(dealt.value.subnets.map(({ genesis }) => genesis.subnetId));
  if (!agreed.ok) {
    dismantle(scaffold, []);
    return err(networkError('STORAGE_FAILED', agreed.error.message));
  }
  boot.enter('nodes', `starting ${countInWords(spec)}`);
  const network = assembleNetwork(scaffold, dealt.value, chosen.value);
  const started = await network.startAll();
  if (!started.ok) {
    await network.network.close();
    return started;
  }
  boot.enter('firstBeacon', 'all nodes run; they agree on the first random beacon');
  void inspector.control.call({ deadlineMs: DEAL_DEADLINE_MS }, 'sweep');
  return ok(network.network);
}

interface AssembledNetwork {
  readonly network: Network;
  startAll(): NetworkResult<void>;
}

function assembleNetwork(
  scaffold: Scaffold,
  deal: Deal,
  backend: SignatureBackendChoice,
): AssembledNetwork {
  const { spec, opening, hub, clock, boot, fetchShim } = scaffold;
  const stackBytes = spec.wasmStackBytes ?? browserStackBytes();
  const report = (event: HostEvent): void => hub.report(event);
  const subnetOf = createSubnetOfNode(deal.subnets);
  const safety = createNetworkSafety(deal.subnets, subnetOf, report);
  hub.observe((batch) => boot.observe(batch, subnetOf(batch.from)));
  hub.observe(safety.observe);
  tellGateway(scaffold, deal);
  const start = async (process: NodeProcess): NetworkResult<void> => {
    const starter = starters[subnetOf(process.nodeId) ?? 0];
    return present(starter, 'every node is of a subnet')(process);
  };
  const subnets = createSubnets(scaffold, deal, {
    report,
    start,
    onState: (nodeId, state) => {
      if (state === 'starting') {
        safety.forget(nodeId);
      } else if (state !== 'running' && deal.subnets.length > 1) {
        tellNeighbours(subnets, nodeId);
      }
    },
  });
  const processes = subnets.flatMap(({ roster }) => roster.all());
  const roster = createRoster(processes);
  opening.attach(runningDisks(roster));
  const clockControl = createClockControl({
    clock,
    initialPace: opening.pace,
    roster,
    subnets: subnets.map((subnet) => subnet.roster),
    wallNowMs: Date.now,
    report,
  });
  const indexOf = (id: NodeId): number => processes.findIndex(({ nodeId }) => nodeId === id);
  const faults: FaultControl = createFaultControl({
    roster,
    initialLink: (from, to) => initialLink(spec, indexOf(from), indexOf(to)),
    report,
    start,
    wipeStorage: (nodeId) => wipeStorage(scaffold, nodeId),
  });
  for (const { registry } of subnets) {
    hub.observe(registry.observe);
  }
  const startLine = createStartLine();
  const world = {
    networkId: opening.networkId,
    spec,
    deal,
    library: backend.library,
    stackBytes,
    clock: () => startLine.clockFor(clockControl.setting()),
    delays: clockControl.delays,
    faults,
    roster,
  };
  const starters = subnets.map(({ keeper }, subnet) =>
    createStarter({
      ...world,
      subnet,
      registry: keeper,
      registryDeltas: () => deal.registryDeltas,
    }),
  );
  const topology: Topology = topologyOf(spec, deal.subnets);
  let closed = false;
  const guard: NetworkGuard = {
    isClosed: () => closed,
    nodeIds: () => processes.map(({ nodeId }) => nodeId),
  };
  const network: Network = {
    spec,
    fetch: fetchShim.fetch,
    rootKey: () => deal.rootKeyDer,
    topology: () => topology,
    faults: guardFaults(guard, faults.port),
    registry: guardRegistry(guard, createNetworkRegistry(subnets)),
    clock: guardClock(guard, clockControl.port),
    events: {
      subscribe: (listener) =>
        hub.subscribe(listener, () => [
          ...openingFacts(roster, clockControl, faults),
          ...subnets.flatMap(({ registry }) => registry.facts()),
        ]),
    },
    inspect: guardInspector(guard, inspectorOf(scaffold, subnets)),
    forkCanister: guardFork(guard, async (canisterId, options) => {
      const { forkCanister } = await import('../../wire/fork-canister.ts');
      return forkCanister(network, canisterId, options);
    }),
    snapshot: async () => ({
      spec,
      clock: clockControl.reading(),
      nodes: await Promise.all(processes.map((process) => snapshotOf(process, hub))),
      canisters: hub.canisters(),
      signatureBackend: backend,
      wasmStackBytes: stackBytes,
    }),
    close: async () => {
      if (!closed) {
        closed = true;
        dismantle(scaffold, processes);
      }
    },
  };
  const members = subnets.flatMap(everMembers);
  const startAll = async (): NetworkResult<void> => {
    const outcomes = await Promise.all(members.map(start));
    startLine.release();
    await roster.tellAll(({ control }) =>
      control.call({ deadlineMs: CONTROL_DEADLINE_MS }, 'setClock', clockControl.setting()),
    );
    return outcomes.find((outcome) => !outcome.ok) ?? ok(undefined);
  };
  return { network, startAll };
}

interface NodeWatch {
  report(event: HostEvent): void;
  start(process: NodeProcess): NetworkResult<void>;
  onState(nodeId: NodeId, state: NodeSnapshot['state']): void;
}

function createSubnets(
  scaffold: Scaffold,
  deal: Deal,
  { report, start, onState }: NodeWatch,
): readonly SubnetControl[] {
  const { opening } = scaffold;
  // As many as there are members: they come first in each subnet.
  const spare = [...scaffold.spare];
  return deal.subnets.map((dealt, index) => {
    const { nodes, spareNodes, subnetId } = dealt.genesis;
    const processes = [...nodes, ...spareNodes].map(({ nodeId }, place) =>
      createNodeProcess(
        nodeDeps(scaffold, nodeId, subnetId, onState),
        place < nodes.length ? spare.shift() : undefined,
      ),
    );
    return createSubnetControl({
      dealt,
      processes,
      records: opening.records(index),
      save: (record) => opening.saveRecord(index, record),
      report,
      start,
    });
  });
}

function nodeDeps(
  scaffold: Scaffold,
  nodeId: NodeId,
  subnetId: SubnetId,
  onState: NodeWatch['onState'],
) {
  const { hub, gateway, modules } = scaffold;
  return {
    nodeId,
    onBatch: hub.take,
    onModulesPort: modules.connect,
    onState: (state: NodeSnapshot['state'], reason: string | null): void => {
      onState(nodeId, state);
      hub.report({ kind: 'nodeState', nodeId, state, reason });
    },
    onGatewayPort: (port: MessagePort | undefined): void => {
      const options = { deadlineMs: CONTROL_DEADLINE_MS };
      void (port === undefined
        ? gateway.control.call(options, 'removeNode', nodeId)
        : gateway.control.call(
            { ...options, transfer: [port] },
            'addNode',
            port,
            nodeId,
            subnetId,
          ));
    },
  };
}

/** What nodes of other subnets ask of a node that was ended fails at once. */
function tellNeighbours(subnets: readonly SubnetControl[], gone: NodeId): void {
  const options = { deadlineMs: CONTROL_DEADLINE_MS };
  for (const { roster } of subnets.filter((subnet) => !subnet.roster.find(gone).ok)) {
    void roster.tellAll(({ control }) => control.call(options, 'peerGone', gone));
  }
}

function tellGateway({ gateway }: Scaffold, { topology }: Deal): void {
  void gateway.control.call({ deadlineMs: CONTROL_DEADLINE_MS }, 'setTopology', topology);
}

function inspectorOf({ inspector }: Scaffold, subnets: readonly SubnetControl[]): NetworkInspector {
  return createNetworkInspector(
    subnets.map(({ subnetId, roster, keeper }) => [
      subnetId,
      createInspectorPort(roster, inspector.control, keeper, subnetId),
    ]),
  );
}

function countInWords(spec: NetworkSpec): string {
  const nodes = `${countNodes(spec)} nodes`;
  return spec.subnets.length === 1 ? nodes : `${nodes} in ${spec.subnets.length} subnets`;
}

function openingFacts(
  roster: Roster,
  clockControl: ClockControl,
  faults: FaultControl,
): readonly HostEvent[] {
  const states = roster.all().map((process): HostEvent => {
    const { nodeId } = process;
    return { kind: 'nodeState', nodeId, state: process.state(), reason: process.reason() };
  });
  return [clockControl.event(), ...states, ...faults.facts()];
}

async function wipeStorage(
  { opening, inspector }: Scaffold,
  nodeId: NodeId,
): Promise<Result<void, { readonly message: string }>> {
  const options = { deadlineMs: CONTROL_DEADLINE_MS };
  const asked = await inspector.control.call(options, 'wipe', opening.networkId, nodeId);
  return asked.ok ? asked.value : asked;
}

async function snapshotOf(process: NodeProcess, hub: TelemetryHub): Promise<NodeSnapshot> {
  const { nodeId } = process;
  const asked = await process.control()?.call({ deadlineMs: SNAPSHOT_DEADLINE_MS }, 'report');
  const report: NodeReport | undefined = asked?.ok === true ? asked.value : undefined;
  const heights = report?.status ?? hub.heightsOf(nodeId) ?? NO_HEIGHTS;
  const { notarized, finalized, executed, certified, catchUpPackage } = heights;
  return {
    nodeId,
    state: process.state(),
    reason: process.reason(),
    heights: { notarized, finalized, executed, certified, catchUpPackage },
    stateRoot: (report?.status.stateRoot ?? null) as NodeSnapshot['stateRoot'],
    ...(report === undefined ? {} : { load: report.load }),
  };
}

const NO_HEIGHTS = { notarized: 0, finalized: 0, executed: 0, certified: 0, catchUpPackage: 0 };
