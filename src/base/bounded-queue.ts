import { assert } from './assert.ts';

/** First in, first out, with a hard capacity: a full queue refuses and counts, it never grows. */
export interface BoundedQueue<T> {
  readonly capacity: number;
  readonly size: number;
  /** How many offers were refused since creation. */
  readonly refused: number;
  /** False when full. */
  offer(item: T): boolean;
  poll(): T | undefined;
  peek(): T | undefined;
  /** Removes and returns everything in order. */
  drain(): T[];
}

export function createBoundedQueue<T>(capacity: number): BoundedQueue<T> {
  assert(Number.isInteger(capacity) && capacity > 0, 'a queue holds at least one item');
  const slots: (T | undefined)[] = [];
  let head = 0;
  let size = 0;
  let refused = 0;
  const poll = (): T | undefined => {
    if (size === 0) {
      return undefined;
    }
    const item = slots[head];
    slots[head] = undefined;
    head = (head + 1) % capacity;
    size -= 1;
    return item;
  };
  return {
    capacity,
    get size() {
      return size;
    },
    get refused() {
      return refused;
    },
    offer(item) {
      if (size === capacity) {
        refused += 1;
        return false;
      }
      slots[(head + size) % capacity] = item;
      size += 1;
      return true;
    },
    poll,
    peek: () => (size === 0 ? undefined : slots[head]),
    drain() {
      const items: T[] = [];
      while (size > 0) {
        items.push(poll() as T);
      }
      return items;
    },
  };
}
