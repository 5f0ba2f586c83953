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

export class RadixMap<V> {
  readonly size: number;
  private readonly root: Node<V> | undefined;

  private constructor(root: Node<V> | undefined, size: number) {
    this.root = root;
    this.size = size;
  }

  static empty<V>(): RadixMap<V> {
    return new RadixMap<V>(undefined, 0);
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
    return new RadixMap<V>(root, before === undefined ? this.size + 1 : this.size);
  }

  delete(key: string): RadixMap<V> {
    if (!this.has(key)) {
      return this;
    }
    return new RadixMap<V>(remove(this.root, 0, key), this.size - 1);
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

  /** Keys whose value is another one than in `before`, in key order. */
  changesSince(before: RadixMap<V>): readonly RadixChange<V>[] {
    const changes: RadixChange<V>[] = [];
    collectChanges(before.root, this.root, changes);
    return changes;
  }
}

function slotOf(key: string, depth: number): number {
  return depth >= key.length ? 0 : 1 + Number.parseInt(key.charAt(depth), 16);
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
