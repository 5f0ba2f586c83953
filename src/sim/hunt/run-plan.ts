import { present } from '../../base/assert.ts';
import { compareText } from '../../base/bytes.ts';
import type { TraceEvent } from '../../protocol/interfaces/trace.ts';
import type { Height, NodeId } from '../../protocol/types/ids.ts';
import { defaultNetworkSpec, PACE_SETTINGS } from '../../wire/network-spec.ts';
import type { NetworkSpec } from '../../wire/network-spec.ts';
import { createCheckers } from '../checkers.ts';
import type { Checkers, Violation } from '../checkers.ts';
import type { SimulationObserver } from '../simulation.ts';
import type { Simulation } from '../simulation.ts';
import { prepareSimulation } from '../prepare-simulation.ts';
import { createSimRegistry } from '../sim-registry.ts';
import type { SimRegistry } from '../sim-registry.ts';
import { createTraceHash } from '../trace-hash.ts';
import type { Call } from './client.ts';
import { call } from './client.ts';
import { createFaultScript } from './fault-script.ts';
import type { FaultScript } from './fault-script.ts';
import { sendWave } from './money-load.ts';
import type { HuntPlan } from './plan.ts';

/**
 * One run of the hunter. Safety phase: faults and attacks come and go, every checker looks at every
 * step. Liveness phase: everything is healed and everybody honest; each node that never lied must
 * get on, and a new call must come back certified, within a bound of virtual time.
 */
export interface HuntOutcome {
  /** The first broken rule; null = none. The run ends there. */
  readonly violation: (Violation & { readonly atMs: number }) | null;
  /** What did not get on after everything was healed; null = all did. */
  readonly stall: string | null;
  readonly traceHash: string;
  /** Highest height that a trusted node finalized while the faults lasted, and at the end. */
  readonly finalizedUnderFaults: Height;
  readonly finalized: Height;
  readonly virtualMs: number;
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
const CALL_AGAIN_AFTER_MS = 15_000;

function specOf(plan: HuntPlan): NetworkSpec {
  const { seed, nodes, spareNodes, pace, links, dkgIntervalLength } = plan;
  const subnets = [{ type: 'application' as const, nodes, spareNodes }];
  return { ...defaultNetworkSpec({ seed, nodes, pace }), subnets, links, dkgIntervalLength };
}

class HuntRun {
  readonly checkers: Checkers = createCheckers((nodeId, key) =>
    this.simulation.isStored(nodeId, key),
  );
  readonly hash = createTraceHash();
  readonly simulation: Simulation;
  readonly nodeIds: readonly NodeId[];
  private readonly registry: SimRegistry;
  private readonly script: FaultScript;
  private readonly plan: HuntPlan;
  private calls: Call[] = [];
  private waves = 0;
  private finalized: Height = 0;
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
    const { simulation, dealt } = prepared;
    const { genesis } = present(dealt.subnets[0], 'a network has a root subnet');
    this.simulation = simulation;
    this.nodeIds = [...genesis.nodes, ...genesis.spareNodes].map((node) => node.nodeId);
    this.registry = createSimRegistry({
      genesis,
      subnet: 0,
      simulation,
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
    for (const node of genesis.nodes) {
      simulation.start(node.nodeId);
    }
  }

  elapsedMs(): number {
    return this.simulation.elapsed() / NS_PER_MS;
  }

  async safetyPhase(): Promise<void> {
    const { faultMs, callsAtMs } = this.plan;
    const moments = [...this.script.momentsMs, ...callsAtMs, faultMs]
      .filter((atMs) => atMs <= faultMs)
      .sort((a, b) => a - b);
    for (const atMs of moments) {
      await this.runTo(atMs, () => false);
      this.script.apply(this.elapsedMs());
      const due = callsAtMs.filter((callMs) => callMs <= this.elapsedMs()).length;
      while (this.waves < due) {
        this.calls.push(...sendWave(this.simulation, this.waves, this.calls.length));
        this.waves += 1;
      }
    }
  }

  /** Null when everybody got on in time. */
  async livenessPhase(): Promise<string | null> {
    this.script.healAll();
    const target = this.finalized + RESUMED_BLOCKS;
    const limitMs = this.elapsedMs() + LIVENESS_LIMIT_MS;
    let last = call(this.simulation, this.calls.length);
    let calledMs = this.elapsedMs();
    this.calls.push(last);
    const done = await this.runTo(limitMs, () => {
      if (last.state === 'refused' || this.elapsedMs() > calledMs + CALL_AGAIN_AFTER_MS) {
        last = call(this.simulation, this.calls.length);
        calledMs = this.elapsedMs();
        this.calls.push(last);
      }
      return last.state === 'certified' && this.lateNodes(target).length === 0;
    });
    if (done || this.violation !== null) {
      return null;
    }
    const late = this.lateNodes(target).map((id) => {
      const { peersUp: _peers, stateRoot: _root, ...heights } = this.simulation.statusOf(id) ?? {};
      return `node ${this.nodeIds.indexOf(id)} ${JSON.stringify(heights)}`;
    });
    const callState = last.state === 'certified' ? '' : `; the call is ${last.state}`;
    return `finalized ${this.finalized}, wanted ${target}; late: ${late.join(', ') || 'nobody'}${callState}`;
  }

  /** Messages whose certificate came back must have been executed; `ingressOnce` sees to "once". */
  checkCalls(): void {
    for (const { state, messageId } of this.calls) {
      if (state === 'certified' && this.checkers.executedAt(messageId) === undefined) {
        const message = `message ${messageId} was answered with a certificate, and no honest node executed it`;
        this.violation ??= { rule: 'ingressOnce', message, atMs: this.elapsedMs() };
      }
    }
  }

  outcome(stall: string | null, finalizedUnderFaults: Height): HuntOutcome {
    return {
      violation: this.violation,
      stall,
      traceHash: this.hash.digest(),
      finalizedUnderFaults,
      finalized: this.finalized,
      virtualMs: Math.round(this.elapsedMs()),
      caught: Object.fromEntries([...this.caught].sort(([a], [b]) => compareText(a, b))),
    };
  }

  highestFinalized(): Height {
    return this.finalized;
  }

  private lateNodes(target: Height): readonly NodeId[] {
    return this.nodeIds.filter((id) => {
      const status = this.simulation.statusOf(id);
      return (
        this.script.isTrusted(id) &&
        this.script.isLastingMember(id) &&
        (status === undefined ||
          status.finalized < target ||
          status.executed + UP_TO_DATE_WITHIN < this.finalized ||
          status.certified + CERTIFIED_WITHIN < this.finalized)
      );
    });
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
    const { checkers } = this;
    const note = (violation: Violation | undefined): void => {
      if (violation !== undefined) {
        this.violation ??= { ...violation, atMs: this.elapsedMs() };
      }
    };
    return {
      trace: (nodeId, event, atNs) => {
        this.hash.add(atNs, nodeId, event);
        if (event.kind === 'finalized' && this.script.isTrusted(nodeId)) {
          this.finalized = Math.max(this.finalized, event.height);
        }
        this.registry.observe(nodeId, event);
        this.noteCaught(nodeId, event);
        note(checkers.observe(nodeId, event));
      },
      packet: (from, { bytes }) => {
        note(checkers.packet(from, bytes));
      },
      dropped: () => undefined,
      nodeState: (nodeId, state, reason) => {
        const isDisk = reason?.startsWith('the disk failed') === true;
        if (state === 'crashed' && !isDisk) {
          const message = reason ?? 'no reason';
          note(checkers.observe(nodeId, { kind: 'criticalError', code: 'NODE_CRASHED', message }));
        }
      },
    };
  }
}

/** The same plan gives the same outcome, trace hash included. */
export async function runPlan(plan: HuntPlan): Promise<HuntOutcome> {
  const run = new HuntRun(plan);
  await run.safetyPhase();
  const underFaults = run.highestFinalized();
  const stall = run.violation === null ? await run.livenessPhase() : null;
  run.checkCalls();
  const outcome = run.outcome(stall, underFaults);
  run.simulation.close();
  return outcome;
}
