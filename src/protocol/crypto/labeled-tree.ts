import { assert } from '../../base/assert.ts';
import { compareBytes, equalBytes } from '../../base/bytes.ts';
import type { HashTree, TreeLabel, TreePath } from './hash-tree.ts';
import { EMPTY_DIGEST, forkDigest, labeledDigest, leafDigest } from './hash-tree.ts';

/**
 * The full tree behind certificates, as an immutable value: label → subtree or leaf, digests
 * cached in the nodes. A changed version shares everything untouched with its predecessor, so
 * hashing after k changes costs O(k log n).
 *
 * Forks branch at the first bit in which labels differ (a crit-bit tree). The shape is then a
 * function of the set of labels alone, not of the order of insertions, which all nodes of a subnet
 * must agree on. The replica pairs neighbours by position instead; there an insertion shifts
 * everything to its right and costs O(n). Clients accept any shape.
 */
export type LabeledTree = LeafTree | MapTree;

export interface LeafTree {
  readonly kind: 'leaf';
  readonly value: Uint8Array;
  readonly hash: DigestCell;
}

export interface MapTree {
  readonly kind: 'map';
  readonly root: Inner | undefined;
}

/** Filled on first use; the only mutable thing in the tree, and a pure function of the rest. */
interface DigestCell {
  digest: Uint8Array | undefined;
}

interface Entry {
  readonly kind: 'entry';
  readonly label: TreeLabel;
  readonly subtree: LabeledTree;
  readonly count: 1;
  readonly hash: DigestCell;
}

interface Fork {
  readonly kind: 'fork';
  /** First bit position in which left and right differ. */
  readonly position: number;
  readonly left: Inner;
  readonly right: Inner;
  readonly count: number;
  readonly hash: DigestCell;
}

type Inner = Entry | Fork;

export const EMPTY_MAP: MapTree = { kind: 'map', root: undefined };

/** A leaf with the given value. The bytes must not change afterwards. */
export function leaf(value: Uint8Array): LeafTree {
  return { kind: 'leaf', value, hash: { digest: undefined } };
}

function entryOf(label: TreeLabel, subtree: LabeledTree): Entry {
  return { kind: 'entry', label, subtree, count: 1, hash: { digest: undefined } };
}

function forkOf(position: number, left: Inner, right: Inner): Fork {
  const count = left.count + right.count;
  return { kind: 'fork', position, left, right, count, hash: { digest: undefined } };
}

/**
 * Labels as bit strings: each byte is a 1 and its eight bits, the end is a 0. A prefix thus sorts
 * before its extensions and bit order is the bytewise order.
 */
function bitAt(label: TreeLabel, position: number): 0 | 1 {
  const byte = label[Math.floor(position / 9)];
  if (byte === undefined) {
    return 0;
  }
  const bit = position % 9;
  return bit === 0 || ((byte >> (8 - bit)) & 1) === 1 ? 1 : 0;
}

/** First position in which two labels differ; -1 when equal. */
function criticalPosition(a: TreeLabel, b: TreeLabel): number {
  const common = Math.min(a.length, b.length);
  for (let i = 0; i < common; i += 1) {
    const difference = (a[i] as number) ^ (b[i] as number);
    if (difference !== 0) {
      return 9 * i + 1 + (Math.clz32(difference) - 24);
    }
  }
  return a.length === b.length ? -1 : 9 * common;
}

/** The entry that shares the longest prefix with the label. */
function nearest(root: Inner, label: TreeLabel): Entry {
  let node = root;
  while (node.kind === 'fork') {
    node = bitAt(label, node.position) === 0 ? node.left : node.right;
  }
  return node;
}

function insert(node: Inner, position: number, added: Entry): Inner {
  if (node.kind === 'fork' && node.position < position) {
    return bitAt(added.label, node.position) === 0
      ? forkOf(node.position, insert(node.left, position, added), node.right)
      : forkOf(node.position, node.left, insert(node.right, position, added));
  }
  return bitAt(added.label, position) === 0
    ? forkOf(position, added, node)
    : forkOf(position, node, added);
}

function replace(node: Inner, replacement: Entry): Inner {
  if (node.kind === 'entry') {
    return replacement;
  }
  return bitAt(replacement.label, node.position) === 0
    ? forkOf(node.position, replace(node.left, replacement), node.right)
    : forkOf(node.position, node.left, replace(node.right, replacement));
}

function remove(node: Inner, label: TreeLabel): Inner | undefined {
  if (node.kind === 'entry') {
    return undefined;
  }
  if (bitAt(label, node.position) === 0) {
    const left = remove(node.left, label);
    return left === undefined ? node.right : forkOf(node.position, left, node.right);
  }
  const right = remove(node.right, label);
  return right === undefined ? node.left : forkOf(node.position, node.left, right);
}

/** The map with `label` set to `subtree`. Returns the same map when it already holds that very subtree. */
export function withEntry(map: MapTree, label: TreeLabel, subtree: LabeledTree): MapTree {
  const added = entryOf(label, subtree);
  if (map.root === undefined) {
    return { kind: 'map', root: added };
  }
  const near = nearest(map.root, label);
  const position = criticalPosition(label, near.label);
  if (position >= 0) {
    return { kind: 'map', root: insert(map.root, position, added) };
  }
  return near.subtree === subtree ? map : { kind: 'map', root: replace(map.root, added) };
}

/** The map without `label`; the same map when it isn't there. */
export function withoutEntry(map: MapTree, label: TreeLabel): MapTree {
  return getEntry(map, label) === undefined || map.root === undefined
    ? map
    : { kind: 'map', root: remove(map.root, label) };
}

export function getEntry(map: MapTree, label: TreeLabel): LabeledTree | undefined {
  if (map.root === undefined) {
    return undefined;
  }
  const near = nearest(map.root, label);
  return equalBytes(near.label, label) ? near.subtree : undefined;
}

/** A map from entries in any order; a repeated label keeps the last. */
export function labeledMap(entries: Iterable<readonly [TreeLabel, LabeledTree]>): MapTree {
  let map = EMPTY_MAP;
  for (const [label, subtree] of entries) {
    map = withEntry(map, label, subtree);
  }
  return map;
}

export function mapSize(map: MapTree): number {
  return map.root?.count ?? 0;
}

function collect(node: Inner, into: (readonly [TreeLabel, LabeledTree])[]): void {
  if (node.kind === 'entry') {
    into.push([node.label, node.subtree]);
  } else {
    collect(node.left, into);
    collect(node.right, into);
  }
}

/** All entries in bytewise order of their labels. */
export function mapEntries(map: MapTree): readonly (readonly [TreeLabel, LabeledTree])[] {
  const entries: (readonly [TreeLabel, LabeledTree])[] = [];
  if (map.root !== undefined) {
    collect(map.root, entries);
  }
  return entries;
}

function innerDigest(node: Inner): Uint8Array {
  node.hash.digest ??=
    node.kind === 'entry'
      ? labeledDigest(node.label, digest(node.subtree))
      : forkDigest(innerDigest(node.left), innerDigest(node.right));
  return node.hash.digest;
}

/** Root hash, 32 bytes; only nodes never hashed before cost anything. */
export function digest(tree: LabeledTree): Uint8Array {
  if (tree.kind === 'map') {
    return tree.root === undefined ? EMPTY_DIGEST : innerDigest(tree.root);
  }
  tree.hash.digest ??= leafDigest(tree.value);
  return tree.hash.digest;
}

/** Everything, nothing pruned. */
export function toHashTree(tree: LabeledTree): HashTree {
  if (tree.kind === 'leaf') {
    return [3, tree.value];
  }
  return tree.root === undefined ? [0] : innerToHashTree(tree.root);
}

function innerToHashTree(node: Inner): HashTree {
  return node.kind === 'entry'
    ? [2, node.label, toHashTree(node.subtree)]
    : [1, innerToHashTree(node.left), innerToHashTree(node.right)];
}

/** How many entries have a smaller label. The label itself must not be in the tree. */
function rankOfAbsent(root: Inner, label: TreeLabel): number {
  const position = criticalPosition(label, nearest(root, label).label);
  assert(position >= 0, 'only an absent label has neighbours');
  let node = root;
  let rank = 0;
  while (node.kind === 'fork' && node.position < position) {
    if (bitAt(label, node.position) === 0) {
      node = node.left;
    } else {
      rank += node.left.count;
      node = node.right;
    }
  }
  return bitAt(label, position) === 0 ? rank : rank + node.count;
}

function entryAt(root: Inner, index: number): Entry {
  let node = root;
  let rest = index;
  while (node.kind === 'fork') {
    if (rest < node.left.count) {
      node = node.left;
    } else {
      rest -= node.left.count;
      node = node.right;
    }
  }
  return node;
}

/** An entry that the witness shows, with the paths continuing below it; none = only its label. */
interface Shown {
  readonly entry: Entry;
  readonly tails: TreePath[];
}

/** What a level must show: requested entries, and for missing labels both neighbours. */
function shownEntries(root: Inner, paths: readonly TreePath[]): Shown[] {
  const shown = new Map<Entry, Shown>();
  const show = (entry: Entry): Shown => {
    const known = shown.get(entry) ?? { entry, tails: [] };
    shown.set(entry, known);
    return known;
  };
  for (const [label, ...tail] of paths) {
    assert(label !== undefined, 'a whole-subtree path is handled by the caller');
    const near = nearest(root, label);
    if (equalBytes(near.label, label)) {
      show(near).tails.push(tail);
      continue;
    }
    const rank = rankOfAbsent(root, label);
    if (rank > 0) {
      show(entryAt(root, rank - 1));
    }
    if (rank < root.count) {
      show(entryAt(root, rank));
    }
  }
  return [...shown.values()].sort((a, b) => compareBytes(a.entry.label, b.entry.label));
}

function innerWitness(node: Inner, shown: readonly Shown[]): HashTree {
  if (shown.length === 0) {
    return [4, innerDigest(node)];
  }
  if (node.kind === 'entry') {
    const tails = shown[0]?.tails ?? [];
    return [
      2,
      node.label,
      tails.length === 0 ? [4, digest(node.subtree)] : witness(node.subtree, tails),
    ];
  }
  const left = shown.filter((item) => bitAt(item.entry.label, node.position) === 0);
  const right = shown.filter((item) => bitAt(item.entry.label, node.position) === 1);
  return [1, innerWitness(node.left, left), innerWitness(node.right, right)];
}

/**
 * The pruned tree that shows the subtrees at `paths` whole and proves the absence of those that
 * don't exist by the labels of their neighbours. Same root hash as the tree. An empty map stays
 * visible as empty; no path at all gives one pruned node.
 */
export function witness(tree: LabeledTree, paths: readonly TreePath[]): HashTree {
  if (paths.length === 0) {
    return [4, digest(tree)];
  }
  if (paths.some((path) => path.length === 0)) {
    return toHashTree(tree);
  }
  if (tree.kind === 'leaf') {
    // The path goes on below a leaf: the leaf itself is the proof that nothing is there, its value isn't asked for.
    return [4, digest(tree)];
  }
  return tree.root === undefined ? [0] : innerWitness(tree.root, shownEntries(tree.root, paths));
}
