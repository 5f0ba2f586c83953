/** Things that happen at a virtual time, in the order of time and then of scheduling. */
export interface EventQueue<T> {
  readonly size: number;
  /** @param atNs nanoseconds since the start of the simulation */
  schedule(atNs: number, event: T): void;
  /** Time of the earliest event; undefined when nothing is scheduled. */
  nextNs(): number | undefined;
  pop(): T | undefined;
}

interface Entry<T> {
  readonly atNs: number;
  readonly order: number;
  readonly event: T;
}

function isBefore<T>(a: Entry<T>, b: Entry<T>): boolean {
  return a.atNs < b.atNs || (a.atNs === b.atNs && a.order < b.order);
}

/** A binary heap: the smallest entry is at index 0, the children of i at 2i + 1 and 2i + 2. */
export function createEventQueue<T>(): EventQueue<T> {
  const heap: Entry<T>[] = [];
  let nextOrder = 0;
  /** Moves the hole at the top down to where the entry belongs. */
  const sink = (entry: Entry<T>): void => {
    const size = heap.length;
    let hole = 0;
    for (let left = 1; left < size; left = 2 * hole + 1) {
      const right = left + 1;
      const least =
        right < size && isBefore(heap[right] as Entry<T>, heap[left] as Entry<T>) ? right : left;
      const child = heap[least] as Entry<T>;
      if (!isBefore(child, entry)) {
        break;
      }
      heap[hole] = child;
      hole = least;
    }
    heap[hole] = entry;
  };
  return {
    get size() {
      return heap.length;
    },
    schedule(atNs, event) {
      const entry = { atNs, order: nextOrder, event };
      nextOrder += 1;
      let hole = heap.length;
      heap.push(entry);
      while (hole > 0) {
        const parent = (hole - 1) >> 1;
        const above = heap[parent] as Entry<T>;
        if (!isBefore(entry, above)) {
          break;
        }
        heap[hole] = above;
        hole = parent;
      }
      heap[hole] = entry;
    },
    nextNs: () => heap[0]?.atNs,
    pop() {
      const first = heap[0];
      const last = heap.pop();
      if (first === undefined || last === undefined) {
        return undefined;
      }
      if (heap.length > 0) {
        sink(last);
      }
      return first.event;
    },
  };
}
