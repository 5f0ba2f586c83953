import { createPrng } from '../base/prng.ts';
import type { Prng } from '../base/prng.ts';
import type { NodeId } from '../protocol/types/ids.ts';
import { defaultNetworkSpec } from '../wire/network-spec.ts';
import { createSimNetwork } from './sim-network.ts';
import type { SimNetwork } from './sim-network.ts';

/**
 * One seeded trial of a subnet: bad links and faulty nodes first, then everything healed. With at
 * most f faulty nodes the subnet must be safe and live throughout; with f + 1 it must be safe and
 * stand still; healed, it must go on and bring everybody up to date.
 */
export interface TrialOutcome {
  readonly seed: string;
  readonly nodes: number;
  readonly faulty: number;
  readonly violations: readonly string[];
  /** Blocks finalized while the faults lasted, after they had taken effect. */
  readonly finalizedUnderFaults: number;
  /** Why the healed subnet is not well; null = it is. */
  readonly unhealed: string | null;
  readonly traceHash: string;
}

export interface TrialConfig {
  readonly seed: string;
  readonly nodes: number;
  readonly faulty: number;
}

/** In-flight messages of the time before the faults may still finalize something. */
const SETTLE_MS = 3000;
const FAULT_MS = 9000;
const HEAL_LIMIT_MS = 60_000;
/** A node this close to the top counts as up to date. */
const UP_TO_DATE_WITHIN = 5;
const RESUMED_BLOCKS = 3;

type Fault = 'crash' | 'isolate' | 'flap';

function networkFor(config: TrialConfig, prng: Prng): SimNetwork {
  const spec = defaultNetworkSpec({ seed: config.seed, nodes: config.nodes, pace: 'mainnet' });
  const links = {
    ...spec.links,
    delayMs: 5 + prng.below(50),
    jitterMs: prng.below(30),
    lossPercent: prng.below(8),
    duplicatePercent: prng.below(10),
    reorderPercent: prng.below(15),
  };
  return createSimNetwork(
    { ...spec, links, dkgIntervalLength: 9 },
    { crypto: 'insecure-test-crypto', persistDelayMs: prng.below(4) },
  );
}

/** Only `crash` and `isolate` last: a flapping node takes part in between and can't stall for sure. */
function drawFault(prng: Prng, mustLast: boolean): Fault {
  const faults: readonly Fault[] = mustLast ? ['crash', 'isolate'] : ['crash', 'isolate', 'flap'];
  return faults[prng.below(faults.length)] as Fault;
}

function strike(
  network: SimNetwork,
  victims: ReadonlyMap<NodeId, Fault>,
  all: readonly NodeId[],
): void {
  const isolated = [...victims].filter(([, fault]) => fault === 'isolate').map(([id]) => id);
  for (const [id, fault] of victims) {
    if (fault !== 'isolate') {
      void network.faults.kill(id);
    }
  }
  if (isolated.length > 0) {
    const others = all.filter((id) => !isolated.includes(id));
    void network.faults.partition([others, ...isolated.map((id) => [id])]);
  }
}

function runFaulty(network: SimNetwork, victims: ReadonlyMap<NodeId, Fault>, prng: Prng): void {
  const flapping = [...victims].filter(([, fault]) => fault === 'flap').map(([id]) => id);
  let left = FAULT_MS;
  while (left > 0) {
    const slice = Math.min(left, 500 + prng.below(2000));
    network.runFor(slice);
    left -= slice;
    for (const id of flapping) {
      const running = network.heightsOf(id).state === 'running';
      void (running ? network.faults.kill(id) : network.faults.restart(id));
    }
  }
}

function heal(network: SimNetwork, all: readonly NodeId[]): string | null {
  void network.faults.heal();
  for (const id of all) {
    if (network.heightsOf(id).state !== 'running') {
      void network.faults.restart(id);
    }
  }
  const target = network.finalizedHeight() + RESUMED_BLOCKS;
  const behind = (): readonly NodeId[] =>
    all.filter(
      (id) =>
        network.heightsOf(id).heights.executed + UP_TO_DATE_WITHIN < network.finalizedHeight(),
    );
  const well = network.runUntil(
    () => network.finalizedHeight() >= target && behind().length === 0,
    HEAL_LIMIT_MS,
  );
  if (well) {
    return null;
  }
  const late = behind().map(
    (id) => `${id.slice(0, 8)} ${JSON.stringify(network.heightsOf(id).heights)}`,
  );
  return `height ${network.finalizedHeight()}, wanted ${target}; behind: ${late.join(', ') || 'nobody'}`;
}

/** Runs one trial to its end; the same configuration gives the same trace hash. */
export function runTrial(config: TrialConfig): TrialOutcome {
  const prng = createPrng(`trial ${config.seed}`);
  const network = networkFor(config, prng);
  const all = network.topology().subnets.flatMap((subnet) => subnet.nodes.map((n) => n.nodeId));
  const tolerated = Math.floor((config.nodes - 1) / 3);
  network.runFor(1500 + prng.below(3000));
  const chosen = prng.shuffle(all).slice(0, config.faulty);
  const victims = new Map(chosen.map((id) => [id, drawFault(prng, config.faulty > tolerated)]));
  strike(network, victims, all);
  network.runFor(SETTLE_MS);
  const before = network.finalizedHeight();
  runFaulty(network, victims, prng);
  const finalizedUnderFaults = network.finalizedHeight() - before;
  const unhealed = heal(network, all);
  const outcome = {
    ...config,
    violations: network.violations.map(({ rule, message }) => `${rule}: ${message}`),
    finalizedUnderFaults,
    unhealed,
    traceHash: network.traceHash(),
  };
  void network.close();
  return outcome;
}

/** What is wrong with a trial, in words; empty = it went as the protocol promises. */
export function faultsOfTrial(outcome: TrialOutcome): readonly string[] {
  const tolerated = Math.floor((outcome.nodes - 1) / 3);
  const faults = [...outcome.violations];
  if (outcome.faulty <= tolerated && outcome.finalizedUnderFaults < 2) {
    faults.push(`stalled with ${outcome.faulty} of ${outcome.nodes} nodes faulty`);
  }
  if (outcome.faulty > tolerated && outcome.finalizedUnderFaults > 0) {
    faults.push(`finalized ${outcome.finalizedUnderFaults} blocks without a quorum`);
  }
  if (outcome.unhealed !== null) {
    faults.push(`did not recover: ${outcome.unhealed}`);
  }
  return faults;
}
