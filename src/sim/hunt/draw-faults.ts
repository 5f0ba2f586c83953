import type { Prng } from '../../base/prng.ts';
import type { LinkConditions } from '../../wire/network-spec.ts';
import { PERFECT_LINK } from '../../wire/network-spec.ts';
import type { NodeConditions } from '../../wire/node-conditions.ts';
import type { Fault } from './plan.ts';

/** What all profiles draw alike. */

export function drawLinks(prng: Prng, loss: number): LinkConditions {
  const distribution = (['uniform', 'normal', 'heavyTail'] as const)[prng.below(3)] ?? 'uniform';
  return {
    ...PERFECT_LINK,
    delayMs: 2 + prng.below(60),
    jitterMs: prng.below(25),
    distribution,
    lossPercent: prng.below(loss + 1),
    duplicatePercent: prng.below(8),
    reorderPercent: prng.below(12),
    bandwidthKbps: prng.chance(1, 4) ? 2000 + prng.below(8000) : 0,
  };
}

export function drawTimes(prng: Prng, faultMs: number): { fromMs: number; toMs: number } {
  const fromMs = prng.below(faultMs);
  return { fromMs, toMs: Math.min(faultMs, fromMs + 200 + prng.below(6000)) };
}

export function drawWorldFault(prng: Prng, nodes: number): Fault {
  const [from = 0, to = 0] = prng.shuffle(Array.from({ length: nodes }, (_, i) => i));
  if (from === to || prng.chance(1, 2)) {
    const sides = Array.from({ length: nodes }, () => prng.below(2));
    const group = (side: number): readonly number[] =>
      sides.flatMap((of, node) => (of === side ? [node] : []));
    return { kind: 'partition', groups: [group(0), group(1)].filter((g) => g.length > 0) };
  }
  const worse: readonly Partial<LinkConditions>[] = [
    { cut: true },
    { lossPercent: 20 + prng.below(60) },
    { delayMs: 200 + prng.below(2000), jitterMs: prng.below(500) },
    { bandwidthKbps: 64 + prng.below(512) },
  ];
  return { kind: 'link', from, to, conditions: worse[prng.below(worse.length)] ?? { cut: true } };
}

/** Faults that any number of nodes may have: none forgets or lies. */
export function drawNodeFault(prng: Prng, node: number): Fault {
  const conditions: readonly Partial<NodeConditions>[] = [
    { paused: true },
    { cpuSlowdown: 2 + prng.below(40) },
    { diskDelayMs: 5 + prng.below(800) },
    { failWrites: true },
    { clockOffsetMs: prng.below(8000) - 4000 },
  ];
  const drawn = conditions[prng.below(conditions.length + 3)];
  return drawn === undefined
    ? { kind: 'crash', node }
    : { kind: 'conditions', node, conditions: drawn };
}
