import { assert } from '../../base/assert.ts';

/**
 * The one clock of a network: every host gets the same setting and reads its own wall clock, so
 * that all cores see the same time without a message per reading.
 */
export interface ClockSetting {
  /** Wall clock at the anchor, milliseconds since the Unix epoch. */
  readonly wallAnchorMs: number;
  /** Network time at the anchor, nanoseconds since the Unix epoch. */
  readonly networkAnchorNs: bigint;
  /** Network seconds per wall second: 0 = paused, 1 = live, between = slow motion. */
  readonly rate: number;
}

export interface NetworkClock {
  /** Network time; never less than an earlier reading. */
  nowNs(): bigint;
  setting(): ClockSetting;
  isPaused(): boolean;
  /** Wall milliseconds until the network time is reached; Infinity when paused, else 0 when past. */
  wallMsUntil(timeNs: bigint): number;
  /** Takes a new setting; readings still never go back. */
  apply(setting: ClockSetting): void;
}

const NS_PER_MS = 1_000_000;

/** A clock that is live: network time is wall time. */
export function liveClockSetting(wallNowMs: number): ClockSetting {
  return { wallAnchorMs: wallNowMs, networkAnchorNs: msToNs(wallNowMs), rate: 1 };
}

/** Network time under a setting at a wall time; a wall clock set back yields the anchor. */
export function networkTimeNs(setting: ClockSetting, wallNowMs: number): bigint {
  const elapsedMs = Math.max(0, wallNowMs - setting.wallAnchorMs);
  return setting.networkAnchorNs + BigInt(Math.round(elapsedMs * setting.rate * NS_PER_MS));
}

/**
 * The setting with another rate from `wallNowMs` on. Going live (rate 1) jumps forward to wall
 * time, because agents reject answers older than five minutes; it never jumps back.
 */
export function withRate(setting: ClockSetting, rate: number, wallNowMs: number): ClockSetting {
  assert(rate >= 0 && rate <= 1, 'the rate of the network clock is from 0 to 1');
  const reachedNs = networkTimeNs(setting, wallNowMs);
  const wallNs = msToNs(wallNowMs);
  const networkAnchorNs = rate === 1 && wallNs > reachedNs ? wallNs : reachedNs;
  return { wallAnchorMs: wallNowMs, networkAnchorNs, rate };
}

/** @param wallNowMs reads the wall clock, milliseconds since the Unix epoch */
export function createNetworkClock(initial: ClockSetting, wallNowMs: () => number): NetworkClock {
  let setting = initial;
  let latestNs = initial.networkAnchorNs;
  const nowNs = (): bigint => {
    const readingNs = networkTimeNs(setting, wallNowMs());
    if (readingNs > latestNs) {
      latestNs = readingNs;
    }
    return latestNs;
  };
  return {
    nowNs,
    setting: () => setting,
    isPaused: () => setting.rate === 0,
    wallMsUntil: (timeNs) => {
      if (setting.rate === 0) {
        return Number.POSITIVE_INFINITY;
      }
      const missingNs = timeNs - nowNs();
      return missingNs <= 0n ? 0 : Number(missingNs) / NS_PER_MS / setting.rate;
    },
    apply: (next) => {
      nowNs();
      setting = next;
    },
  };
}

/** Exact for whole milliseconds, where a float product would be off by some hundred nanoseconds. */
function msToNs(ms: number): bigint {
  const wholeMs = Math.floor(ms);
  return BigInt(wholeMs) * BigInt(NS_PER_MS) + BigInt(Math.round((ms - wholeMs) * NS_PER_MS));
}
