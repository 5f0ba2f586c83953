import { compareText } from '../../base/bytes.ts';
import type { TraceEvent } from '../../protocol/interfaces/trace.ts';
import { registeredNodes } from '../../protocol/registry/registry-change.ts';
import type { Height, NodeId, SubnetId } from '../../protocol/types/ids.ts';
import { defaultNetworkSpec, PACE_SETTINGS } from '../../wire/network-spec.ts';
import type { NetworkSpec } from '../../wire/network-spec.ts';
import type { Violation } from '../checkers.ts';
import { createNetworkCheckers, type NetworkCheckers } from '../network-checkers.ts';
import type { SimulationObserver } from '../simulation.ts';
import type { Simulation } from '../simulation.ts';
import { prepareSimulation } from '../prepare-simulation.ts';
import { createSimRegistries, type SimRegistries } from '../sim-registries.ts';
import { createTraceHash } from '../trace-hash.ts';
import { type Call, call, CREATE_CANISTER, PersistentCall } from './client.ts';
import { createFaultScript } from './fault-script.ts';
import type { FaultScript } from './fault-script.ts';
import { sendWave } from './money-load.ts';
import type { HuntPlan } from './plan.ts';
import { createXNetClients, type XNetClients } from './xnet-clients.ts';
import type { SubnetCall } from './xnet-load.ts';

/**
 * One run of the hunter. Safety phase: faults and attacks come and go, every checker looks at every
 * step. Liveness phase: everything is healed and everybody honest; each node that never lied must
 * get on, and on each subnet a new call must come back certified, within a bound of virtual time; where
 * canisters of several subnets call each other, each call must be answered and each stream drained.
 */
export interface HuntOutcome {
  /** The first broken rule; null = none. The run ends there. */
  readonly violation: (Violation & { readonly atMs: number }) | null;
  /** What did not get on after everything was healed; null = all did. */
  readonly stall: string | null;
  readonly traceHash: string;
  /** Highest height that a trusted node finalized, of the last subnet, while the faults lasted, and at the end. */
  readonly finalizedUnderFaults: Height;
  readonly finalized: Height;
  readonly virtualMs: number;
  /** Calls between the canisters of several subnets. */
  readonly answered: { readonly replies: number; readonly rejects: number };
  /** Under which codes trusted nodes refused or reported something of nodes that lied, how often. */
  readonly caught: Readonly<Record<string, number>>;
}

const NS_PER_MS = 1_000_000;
/** 1 January 2025: a seed alone names a run. */
const START_NS = 1_735_689_600_000_000_000n;
/**
 * Longest time to recover. A node may hold back a catch-up package for 150 unit delays, and pauses
 * between repetitions grow up to a minute or two.
 */
export const LIVENESS_LIMIT_MS = 300_000;
const SLICE_MS = 50;
const RESUMED_BLOCKS = 3;
const UP_TO_DATE_WITHIN = 5;
const CERTIFIED_WITHIN = 8;
/** Longest time until the canisters of the load are there; nothing but links fails meanwhile. */
const SET_UP_LIMIT_MS = 120_000;

function specOf(plan: HuntPlan): NetworkSpec {
  const { seed, nodes, spareNodes, pace, links, dkgIntervalLength } = plan;
  const subnets = plan.subnets ?? [{ type: 'application', nodes, spareNodes }];
  return { ...defaultNetworkSpec({ seed, nodes, pace }), subnets, links, dkgIntervalLength };
}

/** One subnet of the run. */
interface HuntedSubnet {
  readonly subnetId: SubnetId;
  readonly nodeIds: readonly NodeId[];
  /** Highest height that a trusted node finalized. */
  finalized: Height;
}

class HuntRun {
  readonly checkers: NetworkCheckers;
  readonly hash = createTraceHash();
  readonly simulation: Simulation;
  private readonly subnets: readonly HuntedSubnet[];
  private readonly nodeIds: readonly NodeId[];
  private readonly registry: SimRegistries;
  private readonly script: FaultScript;
  private readonly clients: XNetClients;
  private readonly plan: HuntPlan;
  private calls: Call[] = [];
  private waves = 0;
  /** When the plan's times begin. */
  private originMs = 0;
  private readonly caught = new Map<string, number>();
  violation: HuntOutcome['violation'] = null;

  constructor(plan: HuntPlan) {
    this.plan = plan;
    const prepared = prepareSimulation(specOf(plan), {
      crypto: 'insecure-test-crypto',
      startNs: START_NS,
      persistDelayMs: plan.persistDelayMs,
      delays: () => PACE_SETTINGS[plan.pace],
      registry: () => this.registry.records(),
      observer: this.observer(),
    });
    const { simulation } = prepared;
    const genesis = prepared.dealt.subnets.map((subnet) => subnet.genesis);
    this.simulation = simulation;
    this.subnets = genesis.map((one) => ({
      subnetId: one.subnetId,
      nodeIds: registeredNodes(one),
      finalized: 0,
    }));
    this.nodeIds = this.subnets.flatMap(({ nodeIds }) => nodeIds);
    this.checkers = createNetworkCheckers(this.subnets, (nodeId, key) =>
      simulation.isStored(nodeId, key),
    );
    this.registry = createSimRegistries(genesis, {
      simulation,
      checkers: this.checkers,
      control: (_nodeId, act) => Promise.resolve(act()),
      report: () => undefined,
    });
    this.script = createFaultScript(
      plan,
      simulation,
      this.nodeIds,
      this.checkers,
      this.registry.port,
    );
    this.clients = createXNetClients(
      plan,
      simulation,
      () => this.elapsedMs(),
      (asked) => this.send(asked),
    );
    for (const node of genesis.flatMap(({ nodes }) => nodes)) {
      simulation.start(node.nodeId);
    }
  }

  elapsedMs(): number {
    return this.simulation.elapsed() / NS_PER_MS;
  }

  /** Null when the load is there in time. */
  async setUp(): Promise<string | null> {
    const isDone =
      this.clients.isSetUp() || (await this.runTo(SET_UP_LIMIT_MS, this.clients.isSetUp));
    this.originMs = this.elapsedMs();
    return isDone || this.violation !== null ? null : 'the canisters of the load are not set up';
  }

  async safetyPhase(): Promise<void> {
    const { faultMs, callsAtMs } = this.plan;
    const moments = [...this.script.momentsMs, ...callsAtMs, faultMs]
      .filter((atMs) => atMs <= faultMs)
      .sort((a, b) => a - b);
    for (const atMs of moments) {
      await this.runTo(this.originMs + atMs, () => false);
      const passedMs = this.elapsedMs() - this.originMs;
      this.script.apply(passedMs);
      for (const dueMs of callsAtMs.slice(this.waves).filter((callMs) => callMs <= passedMs)) {
        this.sendWave(dueMs);
      }
    }
  }

  /** Null when everybody got on in time. */
  async livenessPhase(): Promise<string | null> {
    this.script.healAll();
    const targets = this.subnets.map(({ finalized }) => finalized + RESUMED_BLOCKS);
    const limitMs = this.elapsedMs() + LIVENESS_LIMIT_MS;
    const last = this.subnets.map(
      (_, subnet) =>
        new PersistentCall(() => this.send({ subnet, content: CREATE_CANISTER }), this.elapsedMs()),
    );
    const done = await this.runTo(limitMs, () => {
      const open = last.filter((one) => !one.isAnswered(this.elapsedMs()));
      const settled = this.clients.isSettled();
      this.note('oneAnswer', this.clients.wrong());
      const isQuiet = settled && this.checkers.underWay().length === 0;
      return open.length === 0 && isQuiet && this.lateNodes(targets).length === 0;
    });
    if (done || this.violation !== null) {
      return null;
    }
    const late = this.lateNodes(targets).map((id) => {
      const { peersUp: _peers, stateRoot: _root, ...heights } = this.simulation.statusOf(id) ?? {};
      return `node ${this.nodeIds.indexOf(id)} ${JSON.stringify(heights)}`;
    });
    const heights = this.subnets.map(({ finalized }) => finalized);
    return [
      `finalized ${heights.join(', ')}, wanted ${targets.join(', ')}`,
      `late: ${late.join(', ') || 'nobody'}`,
      ...last.flatMap((one) => (one.state() === 'certified' ? [] : [`the call is ${one.state()}`])),
      ...this.clients.waiting(),
      ...this.checkers.underWay(),
    ].join('; ');
  }

  /** Messages whose certificate came back must have been executed; `ingressOnce` sees to "once". */
  checkCalls(): void {
    for (const { state, messageId } of this.calls) {
      if (state === 'certified' && this.checkers.executedAt(messageId) === undefined) {
        this.note(
          'ingressOnce',
          `message ${messageId} was answered with a certificate, and no honest node executed it`,
        );
      }
    }
  }

  outcome(stall: string | null, finalizedUnderFaults: Height): HuntOutcome {
    return {
      violation: this.violation,
      stall,
      traceHash: this.hash.digest(),
      finalizedUnderFaults,
      finalized: this.highestFinalized(),
      answered: this.clients.answered(),
      virtualMs: Math.round(this.elapsedMs()),
      caught: Object.fromEntries([...this.caught].sort(([a], [b]) => compareText(a, b))),
    };
  }

  highestFinalized(): Height {
    return Math.min(...this.subnets.map(({ finalized }) => finalized));
  }

  private lateNodes(targets: readonly Height[]): readonly NodeId[] {
    return this.subnets.flatMap(({ nodeIds, finalized }, subnet) =>
      nodeIds.filter((id) => {
        const status = this.simulation.statusOf(id);
        return (
          this.script.isTrusted(id) &&
          this.script.isLastingMember(id) &&
          (status === undefined ||
            status.finalized < (targets[subnet] ?? 0) ||
            status.executed + UP_TO_DATE_WITHIN < finalized ||
            status.certified + CERTIFIED_WITHIN < finalized)
        );
      }),
    );
  }

  private send({ subnet, content }: SubnetCall): Call {
    const made = call(this.simulation, this.calls.length, content, subnet);
    this.calls.push(made);
    return made;
  }

  private sendWave(atMs: number): void {
    if (this.plan.subnets === undefined) {
      this.calls.push(...sendWave(this.simulation, this.waves, this.calls.length));
    } else {
      this.clients.sendWave(atMs);
    }
    this.waves += 1;
  }

  private note(rule: Violation['rule'], message: string | undefined): void {
    if (message !== undefined) {
      this.violation ??= { rule, message, atMs: this.elapsedMs() };
    }
  }

  /** Runs until the time or the condition; answers of the network come in between slices. */
  private async runTo(untilMs: number, condition: () => boolean): Promise<boolean> {
    while (this.elapsedMs() < untilMs && this.violation === null) {
      const sliceNs = Math.round(Math.min(untilMs, this.elapsedMs() + SLICE_MS) * NS_PER_MS);
      while (this.violation === null && this.simulation.runNext(sliceNs)) {
        this.registry.stopLeavers();
      }
      this.simulation.jumpTo(sliceNs);
      await Promise.resolve();
      if (condition()) {
        return true;
      }
    }
    return false;
  }

  private noteCaught(by: NodeId, event: TraceEvent): void {
    const isCatch =
      event.kind === 'artifactRejected' ||
      event.kind === 'packetRejected' ||
      event.kind === 'misbehaviourSeen';
    if (isCatch && this.script.isTrusted(by)) {
      const about = event.kind === 'misbehaviourSeen' ? event.about : event.from;
      if (about !== null && !this.script.isTrusted(about)) {
        this.caught.set(event.code, (this.caught.get(event.code) ?? 0) + 1);
      }
    }
  }

  private observer(): SimulationObserver {
    const note = (violation: Violation | undefined): void => {
      if (violation !== undefined) {
        this.note(violation.rule, violation.message);
      }
    };
    return {
      trace: (nodeId, event, atNs) => {
        this.hash.add(atNs, nodeId, event);
        if (event.kind === 'finalized' && this.script.isTrusted(nodeId)) {
          const subnet = this.subnets.find(({ nodeIds }) => nodeIds.includes(nodeId));
          if (subnet !== undefined) {
            subnet.finalized = Math.max(subnet.finalized, event.height);
          }
        }
        this.registry.observe(nodeId, event);
        this.noteCaught(nodeId, event);
        note(this.checkers.observe(nodeId, event));
      },
      packet: (from, { bytes }) => {
        note(this.checkers.packet(from, bytes));
      },
      dropped: () => undefined,
      nodeState: (nodeId, state, reason) => {
        const isDisk = reason?.startsWith('the disk failed') === true;
        if (state === 'crashed' && !isDisk) {
          const message = reason ?? 'no reason';
          note(
            this.checkers.observe(nodeId, { kind: 'criticalError', code: 'NODE_CRASHED', message }),
          );
        }
      },
    };
  }
}

/** The same plan gives the same outcome, trace hash included. */
export async function runPlan(plan: HuntPlan): Promise<HuntOutcome> {
  const run = new HuntRun(plan);
  let stall = await run.setUp();
  if (stall === null) {
    await run.safetyPhase();
  }
  const underFaults = run.highestFinalized();
  if (stall === null && run.violation === null) {
    stall = await run.livenessPhase();
  }
  run.checkCalls();
  const outcome = run.outcome(stall, underFaults);
  run.simulation.close();
  return outcome;
}
