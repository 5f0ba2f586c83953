import { present } from '../../base/assert.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { NodeId, SubnetId } from '../../protocol/types/ids.ts';
import type { NetworkTopology } from '../../protocol/types/network-topology.ts';
import type {
  Network,
  NetworkError,
  NetworkInspector,
  NetworkResult,
  NodeSnapshot,
  SignatureBackendChoice,
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
import { delaysOf } from '../../wire/deal-spec.ts';
import { initialLink, type NetworkSpec } from '../../wire/network-spec.ts';
import type { HostEvent } from '../../wire/telemetry.ts';
import { topologyOf } from '../../wire/topology.ts';
import type { Deal } from '../inspector/inspector.worker.ts';
import type { Dealt, RegistryView } from '../inspector/registry-office.ts';
import { runningDisks } from '../saved/disk-reader.ts';
import type { Opening } from '../saved/network-opening.ts';
import { pageStore } from './backend-memory.ts';
import { type ClockControl, createClockControl } from './clock-control.ts';
import { keepCompiledCode } from './code-cache.ts';
import { createFaultControl, type FaultControl } from './fault-control.ts';
import { createInspectorPort } from './inspector-port.ts';
import { snapshotOf } from './node-snapshot.ts';
import {
  createNodeProcess,
  type NodeProcess,
  type SpawnedWorker,
  spawnNodeWorker,
} from './node-process.ts';
import { createStarter, createStartLine, type Starter } from './node-starter.ts';
import { createRootRegistry, type RootRegistry } from './root-registry.ts';
import { CONTROL_DEADLINE_MS, createRoster, networkError, type Roster } from './roster.ts';
import { countNodes } from './sandbox-share.ts';
import {
  chooseBackend,
  DEAL_DEADLINE_MS,
  dismantle,
  raiseScaffold,
  type Scaffold,
} from './scaffold.ts';
import { createSubnetAdder } from './subnet-adder.ts';
import {
  createNetworkRegistry,
  createNetworkSafety,
  createSubnetControl,
  createSubnetOfNode,
  everMembers,
  type SubnetControl,
} from './subnets.ts';

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
    opening.registryDeltas,
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
  void keepCompiledCode({
    store: pageStore(),
    build: import.meta.url,
    spawn: spawnNodeWorker,
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });
  return ok(network.network);
}

interface AssembledNetwork {
  readonly network: Network;
  startAll(): NetworkResult<void>;
}

function assembleNetwork(
  scaffold: Scaffold,
  dealt: Deal,
  backend: SignatureBackendChoice,
): AssembledNetwork {
  const { spec, opening, hub, clock, boot, fetchShim } = scaffold;
  const deal = { ...dealt, subnets: [...dealt.subnets] };
  const stackBytes = spec.wasmStackBytes ?? browserStackBytes();
  const report = (event: HostEvent): void => hub.report(event);
  const subnetOf = createSubnetOfNode(deal.subnets);
  const safety = createNetworkSafety(deal.subnets, subnetOf, report);
  hub.observe((batch) => boot.observe(batch, subnetOf(batch.from)));
  hub.observe(safety.observe);
  tellGateway(scaffold, deal.registry?.topology ?? deal.topology);
  const start = async (process: NodeProcess): NetworkResult<void> => {
    const starter = starters[subnetOf(process.nodeId) ?? 0];
    return present(starter, 'every node is of a subnet')(process);
  };
  const subnets: SubnetControl[] = [];
  const processes: NodeProcess[] = [];
  const rosters: Roster[] = [];
  const starters: Starter[] = [];
  const inspectors: (readonly [SubnetId, NetworkInspector])[] = [];
  const root = deal.registry === null ? null : openRootRegistry(scaffold, deal.registry, subnets);
  const roster = createRoster(processes);
  opening.attach(runningDisks(roster));
  const clockControl = createClockControl({
    clock,
    initialPace: opening.pace,
    delaysAt: (pace) => delaysOf(spec, pace),
    roster,
    subnets: rosters,
    wallNowMs: Date.now,
    report,
  });
  const faults = createFaults(scaffold, { roster, report, start });
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
    registryDeltas: () => root?.view().deltas ?? [],
  };
  const spare = [...scaffold.spare];
  const onState: NodeWatch['onState'] = (nodeId, state) => {
    if (state === 'starting') {
      safety.forget(nodeId);
    } else if (state !== 'running' && deal.subnets.length > 1) {
      tellNeighbours(subnets, nodeId);
    }
  };
  const startAgain: NodeWatch['startAgain'] = (nodeId) => void faults.port.restart(nodeId);
  /** Makes the processes of a subnet; they are to be started. */
  const include = (one: Dealt): void => {
    const place = { dealt: one, index: subnets.length, root, spare };
    const subnet = createSubnet(scaffold, place, { report, start, onState, startAgain });
    subnets.push(subnet);
    rosters.push(subnet.roster);
    processes.push(...subnet.roster.all());
    starters.push(createStarter({ ...world, dealt: one, registry: subnet.keeper }));
    inspectors.push([subnet.subnetId, inspectorOf(scaffold, subnet)]);
    hub.observe(subnet.registry.observe);
  };
  deal.subnets.forEach(include);
  const { settle, addSubnet } = createSubnetAdder({
    deal,
    root,
    opening,
    roster,
    report,
    include,
    tellGateway: (topology) => tellGateway(scaffold, topology),
    refreshLinks: faults.refreshLinks,
    topology: () => topologyOf(spec, deal.subnets),
    startMembers: () => startMembers(present(subnets.at(-1), 'it was included'), start),
  });
  let closed = false;
  const guard: NetworkGuard = {
    isClosed: () => closed,
    nodeIds: () => processes.map(({ nodeId }) => nodeId),
  };
  const network: Network = {
    spec,
    fetch: fetchShim.fetch,
    rootKey: () => deal.rootKeyDer,
    topology: () => topologyOf(spec, deal.subnets),
    faults: guardFaults(guard, faults.port),
    registry: guardRegistry(guard, createNetworkRegistry(subnets, addSubnet)),
    clock: guardClock(guard, clockControl.port),
    events: {
      subscribe: (listener) =>
        hub.subscribe(listener, () => [
          ...openingFacts(roster, clockControl, faults),
          ...subnets.flatMap(({ registry }) => registry.facts()),
        ]),
    },
    inspect: guardInspector(guard, createNetworkInspector(inspectors)),
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
  const startAll = async (): NetworkResult<void> => {
    const outcomes = await Promise.all(subnets.flatMap(everMembers).map(start));
    startLine.release();
    await roster.tellAll(({ control }) =>
      control.call({ deadlineMs: CONTROL_DEADLINE_MS }, 'setClock', clockControl.setting()),
    );
    const failed = outcomes.find((outcome) => !outcome.ok);
    const fresh = failed === undefined && root !== null ? await root.catchUp() : ok([]);
    for (const late of fresh.ok ? fresh.value : []) {
      await settle(late);
    }
    return failed ?? ok(undefined);
  };
  return { network, startAll };
}

function openRootRegistry(
  { inspector, fetchShim, clock, opening }: Scaffold,
  initial: RegistryView,
  subnets: readonly SubnetControl[],
): RootRegistry {
  return createRootRegistry({
    initial,
    inspector: inspector.control,
    fetch: fetchShim.fetch,
    nowNs: clock.nowNs,
    rootNodes: () => present(subnets[0], 'a network has a root subnet').roster,
    save: ({ deltas }) => opening.saveRegistry(deltas.slice(1)),
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });
}

async function startMembers(
  { dealt, roster }: SubnetControl,
  start: NodeWatch['start'],
): NetworkResult<void> {
  const members = roster.all().slice(0, dealt.genesis.nodes.length);
  const outcomes = await Promise.all(members.map(start));
  return outcomes.find((outcome) => !outcome.ok) ?? ok(undefined);
}

function createFaults(
  scaffold: Scaffold,
  { roster, report, start }: Pick<NodeWatch, 'report' | 'start'> & { readonly roster: Roster },
): FaultControl {
  const indexOf = (id: NodeId): number => roster.all().findIndex(({ nodeId }) => nodeId === id);
  return createFaultControl({
    roster,
    initialLink: (from, to) => initialLink(scaffold.spec, indexOf(from), indexOf(to)),
    report,
    start,
    wipeStorage: (nodeId) => wipeStorage(scaffold, nodeId),
  });
}

interface NodeWatch {
  report(event: HostEvent): void;
  start(process: NodeProcess): NetworkResult<void>;
  onState(nodeId: NodeId, state: NodeSnapshot['state']): void;
  startAgain(nodeId: NodeId): void;
}

interface IncludedSubnet {
  readonly dealt: Dealt;
  /** Its place among all. */
  readonly index: number;
  readonly root: RootRegistry | null;
  /** Workers that were spawned ahead, as many as the members of the spec's subnets. */
  readonly spare: SpawnedWorker[];
}

function createSubnet(
  scaffold: Scaffold,
  { dealt, index, root, spare }: IncludedSubnet,
  { report, start, onState, startAgain }: NodeWatch,
): SubnetControl {
  const { opening } = scaffold;
  const { nodes, spareNodes, subnetId } = dealt.genesis;
  const processes = [...nodes, ...spareNodes].map(({ nodeId }, place) =>
    createNodeProcess(
      nodeDeps(scaffold, nodeId, subnetId, { onState, startAgain }),
      place < nodes.length ? spare.shift() : undefined,
    ),
  );
  return createSubnetControl({
    dealt,
    processes,
    root,
    records: opening.records(index),
    save: (record) => opening.saveRecord(index, record),
    report,
    start,
  });
}

function nodeDeps(
  scaffold: Scaffold,
  nodeId: NodeId,
  subnetId: SubnetId,
  { onState, startAgain }: Pick<NodeWatch, 'onState' | 'startAgain'>,
) {
  const { hub, gateway, modules } = scaffold;
  return {
    nodeId,
    onStartAgain: (): void => startAgain(nodeId),
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

function tellGateway({ gateway }: Scaffold, topology: NetworkTopology): void {
  void gateway.control.call({ deadlineMs: CONTROL_DEADLINE_MS }, 'setTopology', topology);
}

function inspectorOf({ inspector }: Scaffold, subnet: SubnetControl): NetworkInspector {
  const { subnetId, roster, keeper } = subnet;
  return createInspectorPort(roster, inspector.control, keeper, subnetId);
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
