import type { Simulation } from './simulation.ts';

/**
 * Who moves virtual time: `manual` only the caller; `demand` whoever waits for an answer;
 * `realTime` the wall clock, as a server needs it.
 */
export type DriveKind = 'manual' | 'demand' | 'realTime';

export interface Drive {
  /** A client is about to ask; with `isPoll` once more for what it has slept on since. */
  begin(isPoll: boolean): void;
  /** Waits for an answer of the network. */
  until<T>(answer: Promise<T>): Promise<T>;
  /** Something was changed from outside: look again at what happens next. */
  poke(): void;
  rate(): number;
  setRate(rate: number): void;
  resume(): void;
  close(): void;
}

const NS_PER_MS = 1_000_000;
/** Longest time without letting the host's own events through. */
const SLICE_MS = 12;
const IDLE_MS = 20;
/** A request that needs more virtual time than this gets no answer from a `demand` drive. */
const DEMAND_LIMIT_NS = 60_000 * NS_PER_MS;
/** Agents look again after a second, then ever more seldom; while they sleep nobody else moves time on. */
const POLL_PAUSE_NS = 2_000 * NS_PER_MS;
/** Agents date requests and judge certificates by the wall clock: network time follows it within this. */
const MAX_LAG_NS = 10_000 * NS_PER_MS;

export function createDrive(
  kind: DriveKind,
  simulation: Simulation,
  onProgress: () => void,
): Drive {
  switch (kind) {
    case 'manual':
      return createPassiveDrive({ begin: () => undefined, until: (answer) => answer });
    case 'demand':
      return createPassiveDrive(onDemand(simulation, onProgress));
    case 'realTime':
      return new RealTimeDrive(simulation, onProgress);
  }
}

type ClientDrive = Pick<Drive, 'begin' | 'until'>;

function createPassiveDrive({ begin, until }: ClientDrive): Drive {
  let rate = 1;
  return {
    begin: (isPoll) => {
      if (rate > 0) {
        begin(isPoll);
      }
    },
    until,
    poke: () => undefined,
    rate: () => rate,
    setRate: (next) => {
      rate = next;
    },
    resume: () => {
      rate = 1;
    },
    close: () => undefined,
  };
}

function onDemand(simulation: Simulation, onProgress: () => void): ClientDrive {
  const startMs = Date.now();
  const pass = (durationNs: number): void => {
    const endNs = simulation.elapsed() + durationNs;
    while (simulation.runNext(endNs)) {
      onProgress();
    }
    simulation.jumpTo(endNs);
  };
  return {
    begin: (isPoll) => {
      const wallNs = (Date.now() - startMs) * NS_PER_MS;
      if (wallNs - simulation.elapsed() > MAX_LAG_NS) {
        simulation.jumpTo(wallNs);
      }
      if (isPoll) {
        pass(POLL_PAUSE_NS);
      }
    },
    until: (answer) => runOnDemand(answer, simulation, onProgress),
  };
}

async function runOnDemand<T>(
  answer: Promise<T>,
  simulation: Simulation,
  onProgress: () => void,
): Promise<T> {
  let answered = false;
  void answer.finally(() => {
    answered = true;
  });
  const limitNs = simulation.elapsed() + DEMAND_LIMIT_NS;
  for (;;) {
    // Answers are delivered by promise: let them through between two moments.
    await Promise.resolve();
    if (answered || !simulation.runNext(limitNs)) {
      return answer;
    }
    onProgress();
  }
}

/** Virtual time follows the wall clock at a rate; what takes longer to compute happens late. */
class RealTimeDrive implements Drive {
  private readonly simulation: Simulation;
  private readonly onProgress: () => void;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private anchorWallMs = Date.now();
  private anchorNs = 0;
  private currentRate = 1;
  private resumeRate = 1;
  private readonly startWallMs = this.anchorWallMs;
  private closed = false;

  constructor(simulation: Simulation, onProgress: () => void) {
    this.simulation = simulation;
    this.onProgress = onProgress;
    this.plan(0);
  }

  until<T>(answer: Promise<T>): Promise<T> {
    this.poke();
    return answer;
  }

  /** The wall clock has moved time on already. */
  begin(): void {}

  poke(): void {
    this.plan(0);
  }

  rate(): number {
    return this.currentRate;
  }

  setRate(rate: number): void {
    this.anchorNs = Math.max(this.targetNs(), this.simulation.elapsed());
    this.anchorWallMs = Date.now();
    if (this.currentRate > 0) {
      this.resumeRate = this.currentRate;
    }
    this.currentRate = rate;
    this.plan(0);
  }

  /** Network time goes forward to wall time: clients would refuse answers that look old. */
  resume(): void {
    this.setRate(this.currentRate > 0 ? this.currentRate : this.resumeRate);
    const wallNs = (this.anchorWallMs - this.startWallMs) * NS_PER_MS;
    if (this.anchorNs < wallNs) {
      this.anchorNs = wallNs;
      this.simulation.jumpTo(wallNs);
    }
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  private targetNs(): number {
    const passedMs = Date.now() - this.anchorWallMs;
    return this.anchorNs + Math.floor(Math.max(0, passedMs) * NS_PER_MS * this.currentRate);
  }

  private plan(delayMs: number): void {
    clearTimeout(this.timer);
    if (!this.closed) {
      this.timer = setTimeout(() => {
        this.turn();
      }, delayMs);
    }
  }

  private turn(): void {
    const startedMs = Date.now();
    const paused = this.currentRate === 0;
    while (!paused && Date.now() - startedMs < SLICE_MS) {
      // Time goes on while the nodes compute, as on a busy machine.
      this.simulation.jumpTo(this.targetNs());
      if (!this.simulation.runNext(this.simulation.elapsed())) {
        break;
      }
    }
    this.onProgress();
    const nextNs = this.simulation.nextNs();
    const waitMs = nextNs === undefined ? IDLE_MS : (nextNs - this.targetNs()) / NS_PER_MS;
    this.plan(paused ? IDLE_MS : Math.min(IDLE_MS, Math.max(0, Math.ceil(waitMs))));
  }
}
