/** Numbers below this have a place in lists; a peer that takes the lowest free one hardly ever leaves them. */
const NEAR_SLOTS = 8192;
const NEVER = -1;

interface FarSlot<T> {
  readonly commitId: number;
  readonly content: T;
}

/**
 * A peer's numbered slots: what each holds, and by which of the peer's updates. Slots are never
 * emptied, only overwritten. Lists instead of a map of entries: a node writes some hundred slots per
 * height and peer, and reads one for each update.
 */
export class SlotMap<T> {
  private readonly commits: number[] = [];
  private readonly contents: (T | undefined)[] = [];
  private readonly far = new Map<number, FarSlot<T>>();
  private used = 0;

  /** Slots that hold something. */
  get size(): number {
    return this.used;
  }

  get(slotId: number): T | undefined {
    return slotId < NEAR_SLOTS ? this.contents[slotId] : this.far.get(slotId)?.content;
  }

  /** The update that wrote the slot last; less than any other while there was none. */
  commitOf(slotId: number): number {
    return (slotId < NEAR_SLOTS ? this.commits[slotId] : this.far.get(slotId)?.commitId) ?? NEVER;
  }

  /** @param slotId a natural number */
  set(slotId: number, commitId: number, content: T): void {
    this.used += this.get(slotId) === undefined ? 1 : 0;
    if (slotId >= NEAR_SLOTS) {
      this.far.set(slotId, { commitId, content });
      return;
    }
    while (this.contents.length <= slotId) {
      this.commits.push(NEVER);
      this.contents.push(undefined);
    }
    this.commits[slotId] = commitId;
    this.contents[slotId] = content;
  }

  *values(): Generator<T> {
    for (const content of this.contents) {
      if (content !== undefined) {
        yield content;
      }
    }
    for (const { content } of this.far.values()) {
      yield content;
    }
  }
}
