const RealDate = globalThis.Date;

/**
 * Lets every `Date` of this process show the time that `nowMs` tells, so that an unmodified agent
 * has the clock of the network that it talks to. Answers what undoes it.
 */
export function replaceWallClock(nowMs: (realMs: number) => number): () => void {
  const now = (): number => nowMs(RealDate.now());
  class ShiftedDate extends RealDate {
    constructor(...args: readonly unknown[]) {
      super(...((args.length === 0 ? [now()] : args) as [number]));
    }
    static override now(): number {
      return now();
    }
  }
  globalThis.Date = ShiftedDate as DateConstructor;
  return () => {
    globalThis.Date = RealDate;
  };
}
