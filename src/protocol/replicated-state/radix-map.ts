import { compareText } from '../../base/bytes.ts';

/**
 * A persistent map from lower-case hex keys to values, ordered by key. An update copies one path,
 * so that consecutive states share everything that did not change, and `changesSince` finds the
 * differences of two versions without visiting what they share.
 */

const BUCKET_LIMIT = 16;
const SLOTS = 17;

type Entry<V> = readonly [key: string, value: V];
interface Bucket<V> {
  readonly kind: 'bucket';
  readonly entries: readonly Entry<V>[];
}
interface Branch<V> {
  readonly kind: 'branch';
  /** Slot 0 holds the key that ends here, slot 1 + n those that go on with nibble n. */
  readonly slots: readonly (Node<V> | undefined)[];
}
type Node<V> = Bucket<V> | Branch<V>;

export interface RadixChange<V> {
  readonly key: string;
  /** Undefined when the key is gone. */
  readonly value: V | undefined;
}

/** How many values are summed up. `join` does not depend on how its arguments are grouped. */
export interface Summary<V, S> {
  readonly empty: S;
  readonly of: (value: V) => S;
  readonly join: (before: S, after: S) => S;
}

/** Sums of nodes and values, by kind of summary: versions of a map share what they share of it. */
type Sums = WeakMap<object, WeakMap<object, unknown>>;

export class RadixMap<V> {
  readonly size: number;
  private readonly root: Node<V> | undefined;
  private readonly sums: Sums;

  private constructor(root: Node<V> | undefined, size: number, sums: Sums) {
    this.root = root;
    this.size = size;
    this.sums = sums;
  }

  static empty<V>(): RadixMap<V> {
    return new RadixMap<V>(undefined, 0, new WeakMap());
  }

  get(key: string): V | undefined {
    let node = this.root;
    for (let depth = 0; node !== undefined; depth += 1) {
      if (node.kind === 'bucket') {
        return node.entries.find((entry) => entry[0] === key)?.[1];
      }
      node = node.slots[slotOf(key, depth)];
    }
    return undefined;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** A map in which `key` has `value`; `this` stays as it is. */
  set(key: string, value: V): RadixMap<V> {
    const before = this.get(key);
    if (before === value) {
      return this;
    }
    const root = insert(this.root, 0, key, value);
    return new RadixMap<V>(root, before === undefined ? this.size + 1 : this.size, this.sums);
  }

  setAll(entries: Iterable<readonly [key: string, value: V]>): RadixMap<V> {
    let result = new RadixMap<V>(this.root, this.size, this.sums);
    for (const [key, value] of entries) {
      result = result.set(key, value);
    }
    return result;
  }

  delete(key: string): RadixMap<V> {
    if (!this.has(key)) {
      return this;
    }
    return new RadixMap<V>(remove(this.root, 0, key), this.size - 1, this.sums);
  }

  /** Entries in key order. */
  *entries(): Generator<Entry<V>> {
    yield* walk(this.root);
  }

  *values(): Generator<V> {
    for (const entry of walk(this.root)) {
      yield entry[1];
    }
  }

  /** The sum of all values. Costs what changed since a version that was summed up before. */
  summary<S>(by: Summary<V & object, S>): S {
    return new SummaryReader(by, this.sums).of(this.root);
  }

  /**
   * Values for whose summary `isWanted`, in key order. Whole subtrees are passed over: what is
   * wanted of a value must be wanted of every sum that the value is part of.
   */
  *select<S>(by: Summary<V & object, S>, isWanted: (sum: S) => boolean): Generator<V> {
    const reader = new SummaryReader<V, S>(by, this.sums);
    const stack: (Node<V> | undefined)[] = [this.root];
    while (stack.length > 0) {
      const node = stack.pop();
      if (node === undefined || !isWanted(reader.of(node))) {
        continue;
      }
      if (node.kind === 'branch') {
        for (let slot = SLOTS - 1; slot >= 0; slot -= 1) {
          stack.push(node.slots[slot]);
        }
        continue;
      }
      for (const [, value] of node.entries) {
        if (isWanted(reader.ofValue(value))) {
          yield value;
        }
      }
    }
  }

  /** Keys whose value is another one than in `before`, in key order. */
  changesSince(before: RadixMap<V>): readonly RadixChange<V>[] {
    const changes: RadixChange<V>[] = [];
    collectChanges(before.root, this.root, changes);
    return changes;
  }
}

class SummaryReader<V, S> {
  readonly #by: Summary<V & object, S>;
  readonly #known: WeakMap<object, unknown>;

  constructor(by: Summary<V & object, S>, sums: Sums) {
    this.#by = by;
    let known = sums.get(by);
    if (known === undefined) {
      known = new WeakMap();
      sums.set(by, known);
    }
    this.#known = known;
  }

  ofValue(value: V): S {
    return this.#remembered(value as V & object, () => this.#by.of(value as V & object));
  }

  of(node: Node<V> | undefined): S {
    if (node === undefined) {
      return this.#by.empty;
    }
    return this.#remembered(node, () => {
      const parts: S[] = [];
      if (node.kind === 'bucket') {
        for (const [, value] of node.entries) {
          parts.push(this.ofValue(value));
        }
      } else {
        for (const child of node.slots) {
          if (child !== undefined) {
            parts.push(this.of(child));
          }
        }
      }
      const [first, ...others] = parts;
      return first === undefined
        ? this.#by.empty
        : others.reduce((sum, part) => this.#by.join(sum, part), first);
    });
  }

  #remembered(key: object, compute: () => S): S {
    if (this.#known.has(key)) {
      return this.#known.get(key) as S;
    }
    const sum = compute();
    this.#known.set(key, sum);
    return sum;
  }
}

function slotOf(key: string, depth: number): number {
  return depth >= key.length ? 0 : 1 + nibble(key.charCodeAt(depth));
}

/** Of a lower-case hex digit. */
function nibble(code: number): number {
  return code < 0x3a ? code - 0x30 : code - 0x57;
}

function insert<V>(node: Node<V> | undefined, depth: number, key: string, value: V): Node<V> {
  if (node === undefined) {
    return { kind: 'bucket', entries: [[key, value]] };
  }
  if (node.kind === 'branch') {
    const slot = slotOf(key, depth);
    return withSlot(node, slot, insert(node.slots[slot], depth + 1, key, value));
  }
  const entries = node.entries.filter((entry) => entry[0] !== key);
  const at = entries.findIndex((entry) => compareText(entry[0], key) > 0);
  entries.splice(at < 0 ? entries.length : at, 0, [key, value]);
  if (entries.length <= BUCKET_LIMIT) {
    return { kind: 'bucket', entries };
  }
  let branch: Node<V> = { kind: 'branch', slots: Array.from({ length: SLOTS }, () => undefined) };
  for (const entry of entries) {
    branch = insert<V>(branch, depth, entry[0], entry[1]);
  }
  return branch;
}

function remove<V>(node: Node<V> | undefined, depth: number, key: string): Node<V> | undefined {
  if (node === undefined) {
    return undefined;
  }
  if (node.kind === 'bucket') {
    const entries = node.entries.filter((entry) => entry[0] !== key);
    return entries.length === 0 ? undefined : { kind: 'bucket', entries };
  }
  const slot = slotOf(key, depth);
  const branch = withSlot(node, slot, remove(node.slots[slot], depth + 1, key));
  return branch.slots.some((child) => child !== undefined) ? branch : undefined;
}

function withSlot<V>(branch: Branch<V>, slot: number, child: Node<V> | undefined): Branch<V> {
  const slots = branch.slots.slice();
  slots[slot] = child;
  return { kind: 'branch', slots };
}

/** Entries below a node in key order; with a stack of its own, as nested generators cost a call per level. */
function* walk<V>(root: Node<V> | undefined): Generator<Entry<V>> {
  const stack: (Node<V> | undefined)[] = [root];
  while (stack.length > 0) {
    const node = stack.pop();
    if (node?.kind === 'bucket') {
      yield* node.entries;
    } else if (node !== undefined) {
      for (let slot = SLOTS - 1; slot >= 0; slot -= 1) {
        stack.push(node.slots[slot]);
      }
    }
  }
}

function collectChanges<V>(
  before: Node<V> | undefined,
  after: Node<V> | undefined,
  changes: RadixChange<V>[],
): void {
  if (before === after) {
    return;
  }
  if (before?.kind === 'branch' && after?.kind === 'branch') {
    for (let slot = 0; slot < SLOTS; slot += 1) {
      collectChanges(before.slots[slot], after.slots[slot], changes);
    }
    return;
  }
  const old = new Map(walk(before));
  const found: RadixChange<V>[] = [];
  for (const [key, value] of walk(after)) {
    if (old.get(key) !== value) {
      found.push({ key, value });
    }
    old.delete(key);
  }
  for (const key of old.keys()) {
    found.push({ key, value: undefined });
  }
  found.sort((a, b) => compareText(a.key, b.key));
  changes.push(...found);
}
