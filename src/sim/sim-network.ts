import { codedError, err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import type { WasmHost } from '../protocol/interfaces/wasm-host.ts';
import { createPublicSubnet } from '../protocol/node/public-subnet.ts';
import { hasRegistry } from '../protocol/registry/deal-network.ts';
import { createRegistryDesk, type RegistryDesk } from '../protocol/registry/registry-desk.ts';
import type { Height, NodeId } from '../protocol/types/ids.ts';
import { dealSpecOf, delaysOf } from '../wire/deal-spec.ts';
import type {
  ClockReading,
  FetchFunction,
  Network,
  NetworkClock,
  NetworkError,
  NetworkErrorCode,
  NetworkEvents,
  NetworkFaults,
  NetworkInspector,
  NetworkRegistry,
  NetworkSnapshot,
  NodeSnapshot,
  Topology,
} from '../wire/network.ts';
import { forkCanister } from '../wire/fork-canister.ts';
import type { NetworkSpec, Pace } from '../wire/network-spec.ts';
import {
  guardClock,
  guardFaults,
  guardFetch,
  guardFork,
  guardInspector,
  guardRegistry,
  type NetworkGuard,
} from '../wire/network-guard.ts';
import { TELEMETRY_INTERVAL_MS } from '../wire/telemetry.ts';
import type { HostEvent, TelemetryEvent } from '../wire/telemetry.ts';
import type { Violation } from './checkers.ts';
import { createDrive } from './drive.ts';
import type { Drive, DriveKind } from './drive.ts';
import { createSimFaults } from './sim-faults.ts';
import type { SimFaults } from './sim-faults.ts';
import { createFetch, createHttpPort } from './sim-fetch.ts';
import { createSimNetworkRegistry } from './sim-network-registry.ts';
import { createSimRegistries, type SimRegistries } from './sim-registries.ts';
import { createInspector } from './inspector.ts';
import type { NetworkCheckers } from './network-checkers.ts';
import { createNetworkInspector } from '../wire/network-inspector.ts';
import { createSimSubnets, type SimSubnets } from './sim-subnets.ts';
import type { Simulation } from './simulation.ts';
import { prepareSimulation, type SimCrypto } from './prepare-simulation.ts';
import { createTelemetryRecorder } from './telemetry-recorder.ts';
import { createTraceHash } from './trace-hash.ts';

/** The simulator's host of a network: virtual time, one thread, everything from the seed. */

export interface SimOptions {
  readonly crypto?: SimCrypto;
  /** Virtual time at the start, ns since the Unix epoch. */
  readonly startNs?: bigint;
  /** Who moves time: see `DriveKind`. */
  readonly drive?: DriveKind;
  /** Virtual time that a node's write takes. */
  readonly persistDelayMs?: number;
  /** Off for benchmarks: hashing the trace costs more than small blocks do. */
  readonly traceHash?: boolean;
  readonly createSandbox?: () => WasmHost;
}

/** What a simulation offers beyond a network. */
export interface SimNetwork extends Network {
  /** Lets virtual time pass. */
  runFor(durationMs: number): void;
  /** Lets virtual time pass until the condition holds; false when it does not within the limit. */
  runUntil(condition: () => boolean, limitMs: number): boolean;
  /** Virtual milliseconds since the start. */
  elapsedMs(): number;
  /** Highest height finalized by any running node. */
  finalizedHeight(): Height;
  heightsOf(nodeId: NodeId): NodeSnapshot;
  /** What a node has stored, by key; a test that edits it damages the disk. Undefined for a stranger. */
  diskOf(nodeId: NodeId): Map<string, Uint8Array> | undefined;
  readonly violations: readonly Violation[];
  traceHash(): string;
}

const NS_PER_MS = 1_000_000;
/** A fixed start, so that a seed alone names a run. */
export const DEFAULT_START_NS = 1_735_689_600_000_000_000n;
const STEP_LIMIT_MS = 120_000;

/** Starts a simulated network; all nodes are running when it returns. */
export function createSimNetwork(spec: NetworkSpec, options: SimOptions = {}): SimNetwork {
  return new SimNetworkHost(spec, options);
}

function fail(code: NetworkErrorCode, message: string): Result<never, NetworkError> {
  return err(codedError('input', code, message));
}

class SimNetworkHost implements SimNetwork {
  readonly spec: NetworkSpec;
  readonly fetch: FetchFunction;
  readonly inspect: NetworkInspector;
  readonly faults: NetworkFaults;
  readonly registry: NetworkRegistry;
  readonly forkCanister: Network['forkCanister'];
  private readonly simulation: Simulation;
  private readonly recorder = createTelemetryRecorder();
  private readonly checkers: NetworkCheckers;
  private readonly hash = createTraceHash();
  private readonly subnets: SimSubnets;
  /** Null where the host keeps the record of the only subnet. */
  private readonly desk: RegistryDesk | null;
  private readonly drive: Drive;
  private readonly simFaults: SimFaults;
  private readonly simRegistry: SimRegistries;
  private readonly startNs: bigint;
  private readonly wasmStackBytes: number;
  private pace: Pace;
  private flushedNs = 0;
  /** Highest finalized height of each subnet, and that which grew last. */
  private readonly finalized = new Map<number, Height>();
  private newest: { readonly count: number; readonly height: Height } = { count: 0, height: 0 };
  private closed = false;
  private readonly lastHeights = new Map<NodeId, NodeSnapshot['heights']>();
  private readonly guard: NetworkGuard = {
    isClosed: () => this.closed,
    nodeIds: () => this.nodeIds(),
  };

  constructor(spec: NetworkSpec, options: SimOptions) {
    this.spec = spec;
    this.pace = spec.pace;
    this.startNs = options.startNs ?? DEFAULT_START_NS;
    const prepared = prepareSimulation(spec, {
      crypto: options.crypto ?? 'real',
      startNs: this.startNs,
      persistDelayMs: options.persistDelayMs ?? 0,
      delays: () => delaysOf(spec, this.pace),
      registry: () => this.simRegistry.records(this.topology().subnets[0]?.subnetId),
      registryDeltas: () => this.desk?.local.deltas() ?? [],
      ...(options.createSandbox === undefined ? {} : { createSandbox: options.createSandbox }),
      observer: this.observer(options.traceHash ?? true),
    });
    const { simulation, dealt, suite } = prepared;
    this.simulation = simulation;
    this.wasmStackBytes = prepared.wasmStackBytes;
    this.desk = hasRegistry(spec.subnets)
      ? createRegistryDesk(dealSpecOf(spec, this.startNs), dealt, suite)
      : null;
    const genesis = dealt.subnets.map((subnet) => subnet.genesis);
    this.subnets = createSimSubnets(spec, (one) =>
      createInspector(
        createPublicSubnet(one, suite),
        () => this.simRegistry.records(one.subnetId),
        (id) => this.simulation.coreOf(id),
      ),
    );
    this.checkers = this.subnets.checkers;
    genesis.forEach(this.subnets.include);
    this.drive = createDrive(options.drive ?? 'manual', this.simulation, () => this.flush());
    const send = createHttpPort({
      topology: () => this.desk?.local.newestTopology() ?? dealt.topology,
      placeOf: (id) => this.topology().subnets.findIndex(({ subnetId }) => subnetId === id),
      simulation: this.simulation,
      drive: this.drive,
    });
    this.fetch = guardFetch(this.guard, createFetch(send));
    this.forkCanister = guardFork(this.guard, (canisterId, forkOptions) =>
      forkCanister(this, canisterId, forkOptions),
    );
    this.inspect = guardInspector(this.guard, createNetworkInspector(this.subnets.inspectors));
    const parts = {
      simulation: this.simulation,
      checkers: this.checkers,
      control: (nodeId: NodeId | null, act: () => Result<void, NetworkError>) =>
        this.control(nodeId, act),
      report: (event: HostEvent) => this.recorder.record('host', event),
    };
    this.simRegistry =
      this.desk === null
        ? createSimRegistries(genesis, parts)
        : createSimNetworkRegistry({
            ...parts,
            desk: this.desk,
            clock: this.simulation,
            send: (request) => send(request, new AbortController().signal),
            add: (subnet) => {
              prepared.add(subnet);
              this.subnets.include(subnet.genesis);
              this.simFaults.placeNodes();
              parts.report({ kind: 'subnetAdded', topology: this.topology() });
              subnet.genesis.nodes.forEach(({ nodeId }) => this.simulation.start(nodeId));
            },
          });
    this.registry = guardRegistry(this.guard, this.simRegistry.port);
    this.simFaults = createSimFaults({
      spec,
      simulation: this.simulation,
      nodeIds: () => this.nodeIds(),
      control: (nodeId, act) => this.control(nodeId, act),
      report: (event) => this.recorder.record('host', event),
      checkers: this.checkers,
    });
    this.faults = guardFaults(this.guard, this.simFaults.port);
    genesis.forEach(({ nodes }) => nodes.forEach(({ nodeId }) => this.simulation.start(nodeId)));
  }

  get violations(): readonly Violation[] {
    return this.checkers.violations;
  }

  rootKey(): Uint8Array {
    return this.topology().subnets[0]?.publicKeyDer ?? new Uint8Array(0);
  }

  topology(): Topology {
    return this.subnets.topology();
  }

  elapsedMs(): number {
    return this.simulation.elapsed() / NS_PER_MS;
  }

  finalizedHeight(): Height {
    return Math.max(0, ...this.finalized.values());
  }

  traceHash(): string {
    return this.hash.digest();
  }

  runFor(durationMs: number): void {
    const endNs = this.simulation.elapsed() + Math.round(durationMs * NS_PER_MS);
    while (this.simulation.runNext(endNs)) {
      this.flush();
    }
    this.simulation.jumpTo(endNs);
    this.flush();
  }

  runUntil(condition: () => boolean, limitMs: number): boolean {
    const endNs = this.simulation.elapsed() + Math.round(limitMs * NS_PER_MS);
    while (!condition()) {
      if (!this.simulation.runNext(endNs)) {
        this.simulation.jumpTo(endNs);
        break;
      }
      this.flush();
    }
    return condition();
  }

  diskOf(nodeId: NodeId): Map<string, Uint8Array> | undefined {
    return this.simulation.diskOf(nodeId);
  }

  heightsOf(nodeId: NodeId): NodeSnapshot {
    const status = this.simulation.statusOf(nodeId);
    const reason = this.simulation.reasonOf(nodeId);
    const state = status !== undefined ? 'running' : reason === null ? 'stopped' : 'crashed';
    // A node that is down is shown where it was last seen.
    const {
      notarized = 0,
      finalized = 0,
      executed = 0,
      certified = 0,
      catchUpPackage = 0,
    } = status ?? this.lastHeights.get(nodeId) ?? {};
    const heights = { notarized, finalized, executed, certified, catchUpPackage };
    this.lastHeights.set(nodeId, heights);
    return {
      nodeId,
      state,
      reason,
      heights,
      stateRoot: (status?.stateRoot ?? null) as NodeSnapshot['stateRoot'],
    };
  }

  snapshot(): Promise<NetworkSnapshot> {
    return Promise.resolve({
      spec: this.spec,
      clock: this.clock.now(),
      nodes: this.nodeIds().map((id) => this.heightsOf(id)),
      wasmStackBytes: this.wasmStackBytes,
      canisters: this.recorder.canisters(),
    });
  }

  close(): Promise<void> {
    if (!this.closed) {
      this.closed = true;
      this.drive.close();
      this.simulation.close();
      this.flush();
    }
    return Promise.resolve();
  }

  readonly clock: NetworkClock = guardClock(this.guard, {
    now: (): ClockReading => ({
      timeNs: this.simulation.nowNs(),
      rate: this.drive.rate(),
      paused: this.drive.rate() === 0,
      pace: this.pace,
    }),
    pause: () => this.changeClock(() => this.drive.setRate(0)),
    resume: () => this.changeClock(() => this.drive.resume()),
    setRate: (rate) =>
      rate > 0 && rate <= 1000
        ? this.changeClock(() => this.drive.setRate(rate))
        : Promise.resolve(fail('INVALID_ARGUMENT', 'The rate must be above 0 and at most 1000.')),
    setPace: (pace) =>
      this.changeClock(() => {
        this.pace = pace;
        this.simulation.broadcast({ kind: 'delaysChanged', delays: delaysOf(this.spec, pace) });
      }),
    step: () => {
      const { count } = this.newest;
      const reached = this.runUntil(() => this.newest.count > count, STEP_LIMIT_MS);
      this.drive.setRate(0);
      return Promise.resolve(
        reached
          ? ok(this.newest.height)
          : fail('CONTROL_TIMEOUT', 'No block was finalized within two minutes.'),
      );
    },
  });

  readonly events: NetworkEvents = {
    subscribe: (listener) =>
      this.recorder.subscribe(listener, this.openingFacts(), this.simulation.nowNs()),
  };

  private nodeIds(): readonly NodeId[] {
    return this.topology().subnets.flatMap(({ nodes, spareNodes }) =>
      [...nodes, ...spareNodes].map((node) => node.nodeId),
    );
  }

  private control(
    nodeId: NodeId | null,
    act: () => Result<void, NetworkError>,
  ): Promise<Result<void, NetworkError>> {
    if (this.closed) {
      return Promise.resolve(fail('NETWORK_CLOSED', 'The network was closed.'));
    }
    if (nodeId !== null && !this.nodeIds().includes(nodeId)) {
      return Promise.resolve(fail('NODE_UNKNOWN', `There is no node ${nodeId}.`));
    }
    const outcome = act();
    this.drive.poke();
    return Promise.resolve(outcome);
  }

  private changeClock(act: () => void): Promise<Result<void, NetworkError>> {
    return this.control(null, () => {
      act();
      this.recorder.record('host', this.clockFact());
      return ok(undefined);
    });
  }

  private clockFact(): TelemetryEvent {
    const { rate, paused, pace } = this.clock.now();
    return { kind: 'clockChanged', rate, paused, pace };
  }

  private openingFacts(): readonly TelemetryEvent[] {
    const nodes = this.nodeIds().map((id) => this.heightsOf(id));
    return [
      { kind: 'bootStage', stage: 'ready', elapsedMs: 0, detail: 'The simulated network runs.' },
      ...nodes.flatMap((node): readonly TelemetryEvent[] => [
        { kind: 'nodeState', nodeId: node.nodeId, state: node.state, reason: node.reason },
        { kind: 'nodeHeights', nodeId: node.nodeId, heights: node.heights },
      ]),
      ...this.recorder
        .canisters()
        .map((canister): TelemetryEvent => ({ kind: 'canisterChanged', height: 0, canister })),
      ...this.recorder.recent(),
      ...this.simFaults.facts(),
      ...this.simRegistry.facts(),
      this.clockFact(),
    ];
  }

  private observer(withHash: boolean): ConstructorParameters<typeof Simulation>[0]['observer'] {
    return {
      trace: (nodeId, event, atNs) => {
        if (withHash) {
          this.hash.add(atNs, nodeId, event);
        }
        if (event.kind === 'finalized') {
          this.noteFinalized(this.subnets.indexOf(nodeId), event.height);
        }
        this.recorder.record(nodeId, event);
        this.simRegistry.observe(nodeId, event);
        const violation = this.checkers.observe(nodeId, event);
        if (violation !== undefined) {
          this.recorder.record('host', { kind: 'safetyViolated', ...violation });
        }
      },
      packet: (from, { to, contents, bytes }) => {
        this.recorder.packets(from, to, contents, bytes.length);
      },
      dropped: (from, to, cause) => {
        this.recorder.record('host', { kind: 'packetsDropped', from, to, count: 1, cause });
      },
      nodeState: (nodeId, state, reason) => {
        this.recorder.record('host', { kind: 'nodeState', nodeId, state, reason });
        if (state === 'crashed') {
          this.checkers.observe(nodeId, {
            kind: 'criticalError',
            code: 'NODE_CRASHED',
            message: reason ?? 'no reason',
          });
        }
      },
    };
  }

  private noteFinalized(subnet: number, height: Height): void {
    if (height > (this.finalized.get(subnet) ?? 0)) {
      this.finalized.set(subnet, height);
      this.newest = { count: this.newest.count + 1, height };
    }
  }

  /** Closes telemetry batches at the interval that hosts keep, in virtual time. */
  private flush(): void {
    this.simRegistry.stopLeavers();
    const elapsed = this.simulation.elapsed();
    if (elapsed - this.flushedNs < TELEMETRY_INTERVAL_MS * NS_PER_MS && !this.closed) {
      return;
    }
    this.flushedNs = elapsed;
    for (const nodeId of this.nodeIds()) {
      if (this.simulation.isRunning(nodeId)) {
        const { heights } = this.heightsOf(nodeId);
        this.recorder.record('host', { kind: 'nodeHeights', nodeId, heights });
      }
    }
    this.recorder.flush(this.simulation.nowNs());
  }
}
