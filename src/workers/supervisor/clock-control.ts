import { err, ok } from '../../base/result.ts';
import type { DelayBudget } from '../../protocol/interfaces/replica.ts';
import type { NetworkClock as ClockPort, ClockReading, NetworkResult } from '../../wire/network.ts';
import { PACES, type Pace } from '../../wire/network-spec.ts';
import type { HostEvent } from '../../wire/telemetry.ts';
import { type ClockSetting, type NetworkClock, withRate } from '../clock/network-clock.ts';
import { CONTROL_DEADLINE_MS, networkError, type Roster } from './roster.ts';

export interface ClockControl {
  readonly port: ClockPort;
  reading(): ClockReading;
  setting(): ClockSetting;
  delays(): DelayBudget;
  event(): HostEvent;
}

export interface ClockControlDeps {
  /** The page's own reading of the network clock. */
  readonly clock: NetworkClock;
  readonly initialPace: Pace;
  delaysAt(pace: Pace): DelayBudget;
  readonly roster: Roster;
  /** The nodes of each subnet: heights are those of one. */
  readonly subnets: readonly Roster[];
  wallNowMs(): number;
  report(event: HostEvent): void;
}

/** How long a step may take: a classroom block with a few failed rounds. */
const STEP_DEADLINE_MS = 30_000;
/** After the first node has the block, how long the others may take before all pause. */
const STEP_GRACE_MS = 1_500;
const STEP = { deadlineMs: STEP_DEADLINE_MS };

/** Pause, slow motion, pace and step for all nodes at once. */
export function createClockControl(deps: ClockControlDeps): ClockControl {
  const { clock, roster } = deps;
  let pace = deps.initialPace;
  /** What the network runs at when it is not paused. */
  let liveRate = 1;

  const reading = (): ClockReading => {
    const { rate } = clock.setting();
    return { timeNs: clock.nowNs(), rate, paused: rate === 0, pace };
  };
  const event = (): HostEvent => {
    const { rate, paused } = reading();
    return { kind: 'clockChanged', rate, paused, pace };
  };
  const delays = (): DelayBudget => deps.delaysAt(pace);
  const apply = async (setting: ClockSetting): NetworkResult<void> => {
    clock.apply(setting);
    deps.report(event());
    return roster.tellAll(({ control }) =>
      control.call({ deadlineMs: CONTROL_DEADLINE_MS }, 'setClock', setting),
    );
  };
  const applyRate = (rate: number): NetworkResult<void> =>
    apply(withRate(clock.setting(), rate, deps.wallNowMs()));
  const step = async (): ReturnType<ClockPort['step']> => {
    const heights = await Promise.all(deps.subnets.map(highestFinalized));
    const setting = withRate(clock.setting(), liveRate, deps.wallNowMs());
    clock.apply(setting);
    const reached = await runAllUntil(
      deps.subnets,
      setting,
      (subnet) => (heights[subnet] ?? 0) + 1,
    );
    const paused = await applyRate(0);
    if (reached === undefined) {
      const message = `No block was finalized within ${STEP_DEADLINE_MS / 1000} s.`;
      return err(networkError('CONTROL_TIMEOUT', message));
    }
    return paused.ok ? ok(reached) : paused;
  };

  return {
    reading,
    setting: () => clock.setting(),
    delays,
    event,
    port: {
      now: reading,
      pause: () => applyRate(0),
      resume: () => applyRate(liveRate),
      setRate: async (rate) => {
        if (!(rate > 0 && rate <= 1)) {
          return err(networkError('INVALID_ARGUMENT', 'The rate must be above 0 and at most 1.'));
        }
        liveRate = rate;
        return applyRate(rate);
      },
      setPace: async (next) => {
        if (!PACES.includes(next)) {
          return err(networkError('INVALID_ARGUMENT', `A pace is one of ${PACES.join(', ')}.`));
        }
        pace = next;
        deps.report(event());
        return roster.tellAll(({ control }) =>
          control.call({ deadlineMs: CONTROL_DEADLINE_MS }, 'setDelays', delays()),
        );
      },
      step,
    },
  };
}

async function highestFinalized(roster: Roster): Promise<number> {
  const heights = await Promise.all(
    roster.running().map(async ({ control }) => {
      const report = await control.call({ deadlineMs: CONTROL_DEADLINE_MS }, 'report');
      return report.ok ? report.value.status.finalized : 0;
    }),
  );
  return Math.max(0, ...heights);
}

/** Runs all nodes until the first has finalized its subnet's target and the others had their chance. */
async function runAllUntil(
  subnets: readonly Roster[],
  setting: ClockSetting,
  targetOf: (subnet: number) => number,
): Promise<number | undefined> {
  const outcomes = subnets.flatMap((roster, subnet) =>
    roster.running().map(async ({ control }) => {
      const outcome = await control.call(STEP, 'runUntilFinalized', setting, targetOf(subnet));
      return outcome.ok ? outcome.value.height : undefined;
    }),
  );
  const reached = outcomes.map(async (outcome) => {
    const height = await outcome;
    // A node that failed must not win the race against one that still works.
    return height === undefined ? Promise.reject(new TypeError('not reached')) : height;
  });
  const first = await Promise.any(reached).catch(() => undefined);
  if (first !== undefined) {
    const grace = new Promise((resolve) => setTimeout(resolve, STEP_GRACE_MS));
    await Promise.race([Promise.all(outcomes), grace]);
  }
  return first;
}
