import type { HuntPlan } from './plan.ts';
import type { HuntOutcome } from './run-plan.ts';
import { runPlan } from './run-plan.ts';

/** What a run failed at: the broken rule, or that it stood still; null = nothing. */
export function failureOf({ violation, stall }: HuntOutcome): string | null {
  return violation?.rule ?? (stall === null ? null : 'stall');
}

const MAX_RUNS = 60;

/** Smaller plans to try, the boldest first. */
function smaller(plan: HuntPlan): readonly HuntPlan[] {
  const { faults } = plan;
  const half = Math.ceil(faults.length / 2);
  const halfOfCalls = plan.callsAtMs.length >> 1;
  const without = (from: number, to: number): HuntPlan => ({
    ...plan,
    faults: faults.filter((_, i) => i < from || i >= to),
  });
  const lastMs = Math.max(500, ...faults.map(({ fromMs }) => fromMs + 500));
  return [
    ...(faults.length > 3 ? [without(0, half), without(half, faults.length)] : []),
    ...faults.map((_, i) => without(i, i + 1)),
    ...faults.flatMap(({ fault }, i): readonly HuntPlan[] =>
      fault.kind === 'malicious' && fault.behaviours.length > 1
        ? fault.behaviours.map((_, b) => ({
            ...plan,
            faults: faults.map((timed, j) =>
              j === i
                ? {
                    ...timed,
                    fault: { ...fault, behaviours: fault.behaviours.filter((_x, k) => k !== b) },
                  }
                : timed,
            ),
          }))
        : [],
    ),
    ...(plan.callsAtMs.length > 0 ? [{ ...plan, callsAtMs: [] }] : []),
    ...(plan.callsAtMs.length > 1
      ? [plan.callsAtMs.slice(0, halfOfCalls), plan.callsAtMs.slice(halfOfCalls)].map(
          (callsAtMs) => ({ ...plan, callsAtMs }),
        )
      : []),
    ...[plan.faultMs >> 1, lastMs, (plan.faultMs * 3) >> 2]
      .filter((faultMs) => faultMs >= 500 && faultMs < plan.faultMs)
      .map((faultMs) => cutTo(plan, faultMs)),
  ];
}

function cutTo(plan: HuntPlan, faultMs: number): HuntPlan {
  return {
    ...plan,
    faultMs,
    callsAtMs: plan.callsAtMs.filter((atMs) => atMs < faultMs),
    faults: plan.faults
      .filter(({ fromMs }) => fromMs < faultMs)
      .map((timed) => ({ ...timed, toMs: Math.min(timed.toMs, faultMs) })),
  };
}

/** The smallest plan found that still fails in the same way. */
export async function shrink(plan: HuntPlan, failure: string): Promise<HuntPlan> {
  let best = plan;
  let runs = 0;
  for (let progress = true; progress && runs < MAX_RUNS; ) {
    progress = false;
    for (const candidate of smaller(best)) {
      runs += 1;
      if (runs > MAX_RUNS) {
        break;
      }
      if (failureOf(await runPlan(candidate)) === failure) {
        best = candidate;
        progress = true;
        break;
      }
    }
  }
  return best;
}
