import { assert } from './assert.ts';

/** A bounded cache that forgets the entry used longest ago. */
export interface Lru<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  readonly size: number;
}

/** `onEvict` is told each value that loses its place, for values that own something beyond the heap. */
export function createLru<V>(capacity: number, onEvict?: (value: V) => void): Lru<V> {
  assert(Number.isInteger(capacity) && capacity > 0, 'a cache holds at least one entry');
  // A Map iterates in insertion order: re-inserting on use keeps the oldest first.
  const entries = new Map<string, V>();
  return {
    get(key) {
      const value = entries.get(key);
      if (value !== undefined) {
        entries.delete(key);
        entries.set(key, value);
      }
      return value;
    },
    set(key, value) {
      const replaced = entries.get(key);
      entries.delete(key);
      entries.set(key, value);
      if (replaced !== undefined && replaced !== value) {
        onEvict?.(replaced);
      }
      if (entries.size > capacity) {
        for (const [oldest, evicted] of entries) {
          entries.delete(oldest);
          onEvict?.(evicted);
          break;
        }
      }
    },
    get size() {
      return entries.size;
    },
  };
}
