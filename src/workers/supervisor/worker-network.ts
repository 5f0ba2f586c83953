import { err, ok, type Result } from '../../base/result.ts';
import { createRegistryKeeper } from '../../protocol/registry/registry-keeper.ts';
import type { NodeId, SubnetId } from '../../protocol/types/ids.ts';
import type {
  Network,
  NetworkError,
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
import { initialLink, type NetworkSpec } from '../../wire/network-spec.ts';
import type { HostEvent } from '../../wire/telemetry.ts';
import { topologyOf } from '../../wire/topology.ts';
import { createNetworkClock, type NetworkClock } from '../clock/network-clock.ts';
import { createRemoteControl, type RemoteControl } from '../control/remote.ts';
import { MEASURED_LIBRARIES } from '../crypto/backend-times.ts';
import { createFetchShim, type FetchShim } from '../gateway/fetch-shim.ts';
import type { GatewayControl } from '../gateway/gateway.worker.ts';
import { type GatewayReply, type GatewayRequest, portLike } from '../gateway/messages.ts';
import type { Dealt, InspectorControl } from '../inspector/inspector.worker.ts';
import type { NodeReport } from '../node/control.ts';
import type { Opening } from '../saved/network-opening.ts';
import { chooseSignatureBackend } from './backend-choice.ts';
import { createBackendMemory, pageStore } from './backend-memory.ts';
import { type BootWatch, createBootWatch } from './boot-watch.ts';
import { type ClockControl, createClockControl } from './clock-control.ts';
import { createFaultControl, type FaultControl } from './fault-control.ts';
import { createInspectorPort } from './inspector-port.ts';
import { createModuleCompiler, type ModuleCompiler } from './module-compiler.ts';
import {
  createNodeProcess,
  type NodeProcess,
  type SpawnedWorker,
  spawnNodeWorker,
} from './node-process.ts';
import { createStarter, createStartLine } from './node-starter.ts';
import { createRegistryControl } from './registry-control.ts';
import { CONTROL_DEADLINE_MS, createRoster, networkError, type Roster } from './roster.ts';
import { countNodes } from './sandbox-share.ts';
import { createSafetyWatch } from './safety-watch.ts';
import { createTelemetryHub, type TelemetryHub } from './telemetry-hub.ts';

const DEAL_DEADLINE_MS = 60_000;
const SNAPSHOT_DEADLINE_MS = 2_000;

interface HelperWorker<T extends { readonly [K in keyof T]: (...args: never[]) => unknown }> {
  readonly worker: Worker;
  readonly control: RemoteControl<T>;
}

/** The parts of a network that are there before its nodes have keys. */
interface Scaffold {
  readonly opening: Opening;
  readonly spec: NetworkSpec;
  readonly clock: NetworkClock;
  readonly hub: TelemetryHub;
  readonly boot: BootWatch;
  readonly gateway: HelperWorker<GatewayControl>;
  readonly inspector: HelperWorker<InspectorControl>;
  readonly spare: readonly SpawnedWorker[];
  readonly modules: ModuleCompiler;
  readonly fetchShim: FetchShim;
}

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
  boot.enter('keys', `dealing the keys of ${countNodes(spec)} nodes`);
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
  const [subnet] = dealt.ok ? dealt.value : [];
  if (!dealt.ok || subnet === undefined) {
    dismantle(scaffold, []);
    const reason = dealt.ok ? 'no subnet was dealt' : dealt.error.message;
    return err(networkError('NODE_START_FAILED', `The keys could not be dealt: ${reason}.`));
  }
  const agreed = await opening.dealt(dealt.value.map(({ genesis }) => genesis.subnetId));
  if (!agreed.ok) {
    dismantle(scaffold, []);
    return err(networkError('STORAGE_FAILED', agreed.error.message));
  }
  boot.enter('nodes', `starting ${subnet.genesis.nodes.length} nodes`);
  const network = assembleNetwork(scaffold, subnet, chosen.value);
  const started = await network.startAll();
  if (!started.ok) {
    await network.network.close();
    return started;
  }
  boot.enter('firstBeacon', 'all nodes run; they agree on the first random beacon');
  void inspector.control.call({ deadlineMs: DEAL_DEADLINE_MS }, 'sweep');
  return ok(network.network);
}

function chooseBackend({ spec, inspector, spare }: Scaffold) {
  return chooseSignatureBackend(spec.signatureBackend, {
    memory: createBackendMemory(pageStore(), `${MEASURED_LIBRARIES}, ${navigator.userAgent}`),
    ask: (wanted) => inspector.control.call({ deadlineMs: DEAL_DEADLINE_MS }, 'choose', wanted),
    prepare: (library) => {
      for (const { control } of spare) {
        void control.call({ deadlineMs: DEAL_DEADLINE_MS }, 'prepare', library);
      }
    },
  });
}

function raiseScaffold(spec: NetworkSpec, opening: Opening): Scaffold {
  const inspector = helperWorker<InspectorControl>(
    new Worker(new URL('../inspector/inspector.worker.ts', import.meta.url), {
      type: 'module',
      name: 'inspector',
    }),
  );
  const spare = Array.from({ length: countNodes(spec) }, spawnNodeWorker);
  const gateway = helperWorker<GatewayControl>(
    new Worker(new URL('../gateway/gateway.worker.ts', import.meta.url), {
      type: 'module',
      name: 'gateway',
    }),
  );
  const client = new MessageChannel();
  void gateway.control.call(
    { deadlineMs: CONTROL_DEADLINE_MS, transfer: [client.port2] },
    'serve',
    client.port2,
  );
  const clock = createNetworkClock(opening.clock, Date.now);
  const hub = createTelemetryHub(clock.nowNs);
  const boot = createBootWatch(hub.report, () => performance.now());
  hub.observe(boot.observe);
  hub.observe(opening.observe);
  return {
    opening,
    spec,
    clock,
    hub,
    boot,
    gateway,
    inspector,
    spare,
    modules: createModuleCompiler(),
    fetchShim: createFetchShim(portLike<GatewayReply, GatewayRequest>(client.port1)),
  };
}

/** A worker that cannot load fails its calls instead of leaving them open. */
function helperWorker<T extends { readonly [K in keyof T]: (...args: never[]) => unknown }>(
  worker: Worker,
): HelperWorker<T> {
  const control = createRemoteControl<T>(worker);
  worker.onerror = (event) => {
    event.preventDefault();
    control.exited(event.message === '' ? 'the worker could not be loaded' : event.message);
  };
  return { worker, control };
}

interface AssembledNetwork {
  readonly network: Network;
  startAll(): NetworkResult<void>;
}

function assembleNetwork(
  scaffold: Scaffold,
  dealt: Dealt,
  backend: SignatureBackendChoice,
): AssembledNetwork {
  const { spec, opening, hub, clock, fetchShim } = scaffold;
  const stackBytes = spec.wasmStackBytes ?? browserStackBytes();
  const safety = createSafetyWatch(hub.report);
  hub.observe(safety.observe);
  const registered = [...dealt.genesis.nodes, ...dealt.genesis.spareNodes];
  const processes = registered.map(({ nodeId }, index) =>
    createNodeProcess(
      nodeDeps(scaffold, nodeId, dealt.genesis.subnetId, safety.forget),
      scaffold.spare[index],
    ),
  );
  const roster = createRoster(processes);
  const report = (event: HostEvent): void => hub.report(event);
  const indexOf = (nodeId: NodeId): number =>
    registered.findIndex((node) => node.nodeId === nodeId);
  const clockControl = createClockControl({
    clock,
    initialPace: opening.pace,
    roster,
    wallNowMs: Date.now,
    report,
  });
  const faults: FaultControl = createFaultControl({
    roster,
    initialLink: (from, to) => initialLink(spec, indexOf(from), indexOf(to)),
    report,
    start: (process) => starter(process),
    wipeStorage: (nodeId) => wipeStorage(scaffold, nodeId),
  });
  const keeper = createRegistryKeeper(dealt.genesis, opening.records(0));
  const registry = createRegistryControl({
    keeper,
    roster,
    report,
    save: (record) => opening.saveRecord(0, record),
    start: (process) => starter(process),
  });
  hub.observe(registry.observe);
  const startLine = createStartLine();
  const starter = createStarter({
    networkId: opening.networkId,
    spec,
    dealt,
    library: backend.library,
    stackBytes,
    clock: () => startLine.clockFor(clockControl.setting()),
    delays: clockControl.delays,
    faults,
    roster,
    registry: keeper,
  });
  const topology: Topology = topologyOf(spec, [dealt]);
  let closed = false;
  const guard: NetworkGuard = {
    isClosed: () => closed,
    nodeIds: () => processes.map(({ nodeId }) => nodeId),
  };
  const network: Network = {
    spec,
    fetch: fetchShim.fetch,
    rootKey: () => dealt.publicKeyDer,
    topology: () => topology,
    faults: guardFaults(guard, faults.port),
    registry: guardRegistry(guard, registry.port),
    clock: guardClock(guard, clockControl.port),
    events: {
      subscribe: (listener) =>
        hub.subscribe(listener, () => [
          ...openingFacts(roster, clockControl, faults),
          ...registry.facts(),
        ]),
    },
    inspect: guardInspector(guard, createInspectorPort(roster, scaffold.inspector.control, keeper)),
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
  // Who left is told so by a catch-up package, and ends.
  const everMembers = new Set(
    [
      dealt.genesis.nodes.map(({ nodeId }) => nodeId),
      ...keeper.records().map(({ members }) => members),
    ].flat(),
  );
  const members = processes.filter(({ nodeId }) => everMembers.has(nodeId));
  const startAll = async (): NetworkResult<void> => {
    const outcomes = await Promise.all(members.map(starter));
    startLine.release();
    await roster.tellAll(({ control }) =>
      control.call({ deadlineMs: CONTROL_DEADLINE_MS }, 'setClock', clockControl.setting()),
    );
    return outcomes.find((outcome) => !outcome.ok) ?? ok(undefined);
  };
  return { network, startAll };
}

function nodeDeps(
  scaffold: Scaffold,
  nodeId: NodeId,
  subnetId: SubnetId,
  forget: (nodeId: string) => void,
) {
  const { hub, gateway, modules } = scaffold;
  return {
    nodeId,
    onBatch: hub.take,
    onModulesPort: modules.connect,
    onState: (state: NodeSnapshot['state'], reason: string | null): void => {
      if (state === 'starting') {
        forget(nodeId);
      }
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

function dismantle(scaffold: Scaffold, processes: readonly NodeProcess[]): void {
  for (const process of processes) {
    process.kill('the network was closed');
  }
  for (const { worker } of scaffold.spare) {
    worker.terminate();
  }
  scaffold.modules.close();
  scaffold.fetchShim.close();
  for (const helper of [scaffold.gateway, scaffold.inspector]) {
    helper.worker.terminate();
    helper.control.exited('the network was closed');
  }
  scaffold.opening.close();
}
