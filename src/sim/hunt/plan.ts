import type { Prng } from '../../base/prng.ts';
import { createPrng } from '../../base/prng.ts';
import { faultsTolerated } from '../../protocol/registry/committee.ts';
import type { MaliciousBehaviour } from '../../protocol/types/malicious.ts';
import type { LinkConditions, Pace } from '../../wire/network-spec.ts';
import { MAX_NODES_PER_SUBNET } from '../../wire/network-spec.ts';
import type { NodeConditions } from '../../wire/node-conditions.ts';
import { drawBehaviours } from './draw-behaviours.ts';
import { drawLinks, drawNodeFault, drawTimes, drawWorldFault } from './draw-faults.ts';
import { drawXNetPlan } from './draw-xnet-plan.ts';

/**
 * What one run of the hunter does, as plain JSON: everything else follows from it. Nodes are named by
 * their index.
 */
export interface HuntPlan {
  readonly version: 1;
  readonly seed: string;
  readonly profile: Profile;
  /** Of all subnets together; a subnet's nodes have consecutive indices, the root's come first. */
  readonly nodes: number;
  /** Of several subnets; absent = there is one. */
  readonly subnets?: readonly PlannedSubnet[];
  /** Nodes that are dealt keys and join by a change of membership only; their indices come last. */
  readonly spareNodes: number;
  readonly pace: Pace;
  readonly dkgIntervalLength: number;
  readonly persistDelayMs: number;
  readonly links: LinkConditions;
  /** Virtual time with faults; then everything is healed. */
  readonly faultMs: number;
  /** Their times count from the moment at which the load of several subnets is set up. */
  readonly faults: readonly TimedFault[];
  /** When a client calls. */
  readonly callsAtMs: readonly number[];
}

export interface PlannedSubnet {
  readonly type: 'system' | 'application';
  readonly nodes: number;
}

export const PROFILES = ['calm', 'weather', 'chaos', 'byzantine', 'xnet'] as const;
export type Profile = (typeof PROFILES)[number];
/** Profiles of a single subnet. */
type SubnetProfile = Exclude<Profile, 'xnet'>;

export interface TimedFault {
  readonly fromMs: number;
  readonly toMs: number;
  readonly fault: Fault;
}

export type Fault =
  | {
      readonly kind: 'malicious';
      readonly node: number;
      readonly behaviours: readonly MaliciousBehaviour[];
    }
  /** Killed, and started again from its disk. */
  | { readonly kind: 'crash'; readonly node: number }
  /** Killed, and started again from an empty disk. */
  | { readonly kind: 'wipe'; readonly node: number }
  | {
      readonly kind: 'conditions';
      readonly node: number;
      readonly conditions: Partial<NodeConditions>;
    }
  | {
      readonly kind: 'link';
      readonly from: number;
      readonly to: number;
      readonly conditions: Partial<LinkConditions>;
    }
  /** The subnet consists of these nodes from the next intervals on; nothing undoes it. */
  | { readonly kind: 'membership'; readonly members: readonly number[] }
  | { readonly kind: 'partition'; readonly groups: readonly (readonly number[])[] };

/** How bad each profile is: numbers of faults, and what lies on every link. */
const SEVERITY: Readonly<
  Record<SubnetProfile, { readonly loss: number; readonly world: number; readonly nodes: number }>
> = {
  calm: { loss: 1, world: 0, nodes: 0 },
  weather: { loss: 12, world: 6, nodes: 2 },
  chaos: { loss: 10, world: 5, nodes: 10 },
  byzantine: { loss: 5, world: 2, nodes: 2 },
};

/** Who lies or loses its memory: at most f nodes of a run, others never. */
function drawUnreliable(prng: Prng, profile: SubnetProfile, nodes: number): readonly number[] {
  const tolerated = faultsTolerated(nodes);
  const all = prng.shuffle(Array.from({ length: nodes }, (_, i) => i));
  switch (profile) {
    case 'byzantine':
      return all.slice(0, tolerated);
    case 'chaos':
      return all.slice(0, prng.below(tolerated + 1));
    default:
      return [];
  }
}

function drawFaults(
  prng: Prng,
  profile: SubnetProfile,
  nodes: number,
  faultMs: number,
): readonly TimedFault[] {
  const severity = SEVERITY[profile];
  const faults: TimedFault[] = [];
  for (const node of drawUnreliable(prng, profile, nodes)) {
    const lies = profile === 'byzantine' && !prng.chance(1, 8);
    faults.push({
      ...(lies ? { fromMs: prng.below(2000), toMs: faultMs } : drawTimes(prng, faultMs)),
      fault: lies
        ? { kind: 'malicious', node, behaviours: drawBehaviours(prng) }
        : { kind: 'wipe', node },
    });
  }
  for (let i = prng.below(severity.world + 1); i > 0; i -= 1) {
    faults.push({ ...drawTimes(prng, faultMs), fault: drawWorldFault(prng, nodes) });
  }
  for (let i = prng.below(severity.nodes + 1); i > 0; i -= 1) {
    faults.push({ ...drawTimes(prng, faultMs), fault: drawNodeFault(prng, prng.below(nodes)) });
  }
  return faults.sort((a, b) => a.fromMs - b.fromMs);
}

/**
 * One change: a node joins, leaves or is replaced. The tolerated number of liars stays that of the
 * smaller subnet, and liars may be among those who leave.
 */
function drawMembership(prng: Prng, nodes: number, faultMs: number): readonly TimedFault[] {
  const all = Array.from({ length: nodes }, (_, i) => i);
  const leaver = prng.below(nodes);
  const stay = all.filter((node) => node !== leaver);
  const changes = [
    [...all, nodes],
    [...stay, nodes],
  ];
  const members = changes[prng.below(changes.length)] ?? all;
  const fromMs = prng.below(faultMs);
  return [{ fromMs, toMs: faultMs, fault: { kind: 'membership', members } }];
}

/**
 * Draws a run from its seed.
 * @param nodes of a subnet; subnets of a single node may come beside the others
 */
export function drawPlan(seed: string, profile: Profile, nodes: number): HuntPlan {
  return profile === 'xnet' ? drawXNetPlan(seed, nodes) : drawSubnetPlan(seed, profile, nodes);
}

function drawSubnetPlan(seed: string, profile: SubnetProfile, nodes: number): HuntPlan {
  const prng = createPrng(`hunt ${profile} ${nodes} ${seed}`);
  const fast = prng.chance(1, 6);
  const faultMs = fast ? 3000 + prng.below(3000) : 6000 + prng.below(12_000);
  const intervals = [4, 9, 9, 19, 49];
  // Keys are dealt in intervals of nine blocks and more, and only with new keys can members change.
  const hasRoom = nodes >= 4 && nodes < MAX_NODES_PER_SUBNET;
  const changes = profile !== 'calm' && hasRoom && prng.chance(1, 3);
  return {
    version: 1,
    seed,
    profile,
    nodes,
    pace: fast ? 'turbo' : 'mainnet',
    spareNodes: changes ? 1 : 0,
    dkgIntervalLength: changes ? 9 : (intervals[prng.below(intervals.length)] ?? 9),
    persistDelayMs: prng.below(6),
    links: drawLinks(prng, SEVERITY[profile].loss),
    faultMs,
    faults: [
      ...drawFaults(prng.fork('faults'), profile, nodes, faultMs),
      ...(changes ? drawMembership(prng.fork('members'), nodes, faultMs) : []),
    ],
    callsAtMs: Array.from({ length: prng.below(10) }, () => 500 + prng.below(faultMs)).sort(
      (a, b) => a - b,
    ),
  };
}
