import type { NodeConditions } from '../../wire/node-conditions.ts';
import type { NetworkClock } from '../clock/network-clock.ts';
import type { HostTimers } from '../clock/scheduler.ts';

/** The machine under one node: its CPU and its clock, as good or bad as the world makes them. */
export interface NodeMachine {
  setConditions(conditions: NodeConditions): void;
  /** It neither hangs nor is at work. */
  isFree(): boolean;
  /** Is at work until something that really took `spentMs` would be done here, then calls back. */
  work(spentMs: number, onDone: () => void): void;
  /** The same for what another core of the machine does. */
  workAside(spentMs: number, onDone: () => void): void;
  /** Its own reading of the clock; set back, it stands still until it is reached. */
  nowNs(): bigint;
  /** Network time at which its own clock will show `timeNs`. */
  networkTimeOf(timeNs: bigint): bigint;
}

const NS_PER_MS = 1_000_000n;

export function createNodeMachine(
  clock: NetworkClock,
  timers: HostTimers,
  initial: NodeConditions,
): NodeMachine {
  let conditions = initial;
  let isBusy = false;
  let latestNs = 0n;
  /** Done, but the machine hung at that moment. */
  let stalled: (() => void)[] = [];

  const offsetNs = (): bigint => BigInt(conditions.clockOffsetMs) * NS_PER_MS;
  const workAside = (spentMs: number, onDone: () => void): void => {
    const done = (): void => {
      if (conditions.paused) {
        stalled.push(onDone);
      } else {
        onDone();
      }
    };
    const moreMs = spentMs * (conditions.cpuSlowdown - 1);
    if (moreMs > 0) {
      timers.set(moreMs, done);
    } else {
      done();
    }
  };
  return {
    setConditions: (next) => {
      conditions = next;
      const due = conditions.paused ? [] : stalled;
      stalled = conditions.paused ? stalled : [];
      for (const onDone of due) {
        onDone();
      }
    },
    isFree: () => !isBusy && !conditions.paused,
    work: (spentMs, onDone) => {
      isBusy = true;
      workAside(spentMs, () => {
        isBusy = false;
        onDone();
      });
    },
    workAside,
    nowNs: () => {
      const readingNs = clock.nowNs() + offsetNs();
      latestNs = readingNs > latestNs ? readingNs : latestNs;
      return latestNs;
    },
    networkTimeOf: (timeNs) => timeNs - offsetNs(),
  };
}
