import { createPrng, type Prng } from '../../base/prng.ts';
import { faultsTolerated } from '../../protocol/registry/committee.ts';
import { drawStreamLies } from './draw-behaviours.ts';
import { drawLinks, drawNodeFault, drawTimes, drawWorldFault } from './draw-faults.ts';
import type { Fault, HuntPlan, PlannedSubnet, TimedFault } from './plan.ts';

/** The profile `xnet`: two or three subnets whose canisters call each other while nodes and links fail. */

const MAX_LOSS_PERCENT = 5;
const MAX_WORLD_FAULTS = 5;
const MAX_NODE_FAULTS = 4;
const WAVES = { least: 5, most: 20 };

function drawSubnets(prng: Prng, nodes: number): readonly PlannedSubnet[] {
  const others = Array.from(
    { length: 1 + prng.below(2) },
    (): PlannedSubnet => ({
      type: prng.chance(1, 4) ? 'system' : 'application',
      nodes: prng.chance(1, 2) ? 1 : nodes,
    }),
  );
  return [{ type: 'system', nodes }, ...others];
}

/** Indices of each subnet's nodes. */
export function nodesBySubnet(subnets: readonly PlannedSubnet[]): readonly (readonly number[])[] {
  let first = 0;
  return subnets.map(({ nodes }) => {
    const indices = Array.from({ length: nodes }, (_, i) => first + i);
    first += nodes;
    return indices;
  });
}

/** Subnets cut from each other, or one cut from a node of another, or anything that lies across both. */
function drawFaultBetween(prng: Prng, subnets: readonly (readonly number[])[]): Fault {
  const total = subnets.flat().length;
  const one = subnets[prng.below(subnets.length)] ?? [];
  switch (prng.below(4)) {
    case 0:
      return { kind: 'partition', groups: subnets };
    case 1:
      return { kind: 'partition', groups: [one] };
    default:
      return drawWorldFault(prng, total);
  }
}

/** Of each subnet at most f nodes lie or lose their disk; nodes that do neither fail in any number. */
function drawFaults(
  prng: Prng,
  subnets: readonly (readonly number[])[],
  faultMs: number,
): readonly TimedFault[] {
  const unreliable = subnets.flatMap((indices) =>
    prng.shuffle(indices).slice(0, faultsTolerated(indices.length)),
  );
  const total = subnets.flat().length;
  const drawn = <T>(most: number, draw: () => T): readonly T[] =>
    Array.from({ length: prng.below(most + 1) }, draw);
  return [
    ...unreliable.map(
      (node): TimedFault =>
        prng.chance(1, 5)
          ? { ...drawTimes(prng, faultMs), fault: { kind: 'wipe', node } }
          : {
              fromMs: prng.below(2000),
              toMs: faultMs,
              fault: { kind: 'malicious', node, behaviours: drawStreamLies(prng) },
            },
    ),
    ...drawn(MAX_WORLD_FAULTS, () => ({
      ...drawTimes(prng, faultMs),
      fault: drawFaultBetween(prng, subnets),
    })),
    ...drawn(MAX_NODE_FAULTS, () => ({
      ...drawTimes(prng, faultMs),
      fault: drawNodeFault(prng, prng.below(total)),
    })),
  ].toSorted((a, b) => a.fromMs - b.fromMs);
}

/** @param nodes of a subnet that is not of a single node */
export function drawXNetPlan(seed: string, nodes: number): HuntPlan {
  const prng = createPrng(`hunt xnet ${nodes} ${seed}`);
  const subnets = drawSubnets(prng, nodes);
  const isFast = prng.chance(1, 6);
  const faultMs = isFast ? 2000 + prng.below(2000) : 5000 + prng.below(9000);
  const intervals = [4, 9, 19, 49];
  return {
    version: 1,
    seed,
    profile: 'xnet',
    nodes: subnets.reduce((sum, subnet) => sum + subnet.nodes, 0),
    subnets,
    pace: isFast ? 'turbo' : 'mainnet',
    spareNodes: 0,
    dkgIntervalLength: intervals[prng.below(intervals.length)] ?? 9,
    persistDelayMs: prng.below(6),
    links: drawLinks(prng, MAX_LOSS_PERCENT),
    faultMs,
    faults: drawFaults(prng.fork('faults'), nodesBySubnet(subnets), faultMs),
    callsAtMs: Array.from({ length: WAVES.least + prng.below(WAVES.most - WAVES.least) }, () =>
      prng.below(faultMs),
    ).sort((a, b) => a - b),
  };
}
