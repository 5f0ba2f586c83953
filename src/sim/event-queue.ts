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
  const at = (index: number): Entry<T> => heap[index] as Entry<T>;
  const swap = (i: number, j: number): void => {
    const held = at(i);
    heap[i] = at(j);
    heap[j] = held;
  };
  const sink = (): void => {
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      let smallest = index;
      for (const child of [left, left + 1]) {
        if (child < heap.length && isBefore(at(child), at(smallest))) {
          smallest = child;
        }
      }
      if (smallest === index) {
        return;
      }
      swap(index, smallest);
      index = smallest;
    }
  };
  return {
    get size() {
      return heap.length;
    },
    schedule(atNs, event) {
      heap.push({ atNs, order: nextOrder, event });
      nextOrder += 1;
      let index = heap.length - 1;
      while (index > 0) {
        const parent = (index - 1) >> 1;
        if (!isBefore(at(index), at(parent))) {
          return;
        }
        swap(index, parent);
        index = parent;
      }
    },
    nextNs: () => heap[0]?.atNs,
    pop() {
      const first = heap[0];
      const last = heap.pop();
      if (first === undefined || last === undefined) {
        return undefined;
      }
      if (heap.length > 0) {
        heap[0] = last;
        sink();
      }
      return first.event;
    },
  };
}
