/**
 * Nanoseconds since the first reading, as plain numbers: what is kept for each update and peer is
 * compared and added to all the time, which costs several times as much with big integers. Exact for
 * a hundred days.
 */
export class Elapsed {
  private originNs: bigint | null = null;
  private lastNs: bigint | null = null;
  private last = 0;

  /** Converted once per reading of the clock. */
  at(nowNs: bigint): number {
    if (nowNs !== this.lastNs) {
      this.originNs ??= nowNs;
      this.lastNs = nowNs;
      this.last = Number(nowNs - this.originNs);
    }
    return this.last;
  }

  /** @param elapsedNs a whole number; infinity = never, which gives null */
  toNs(elapsedNs: number): bigint | null {
    return elapsedNs === Number.POSITIVE_INFINITY
      ? null
      : (this.originNs ?? 0n) + BigInt(elapsedNs);
  }
}
