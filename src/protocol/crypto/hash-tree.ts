import { compareBytes, equalBytes } from '../../base/bytes.ts';
import { codedError, err, ok } from '../../base/result.ts';
import type { CodedError, Result } from '../../base/result.ts';
import type { CborError, CborInput, CborLimits, CborValue } from './cbor.ts';
import { asArray, asBytes, decodeCbor, encodeCbor } from './cbor.ts';
import { DOMAINS, domainSeparator } from './domain.ts';
import { sha256 } from './sha256.ts';

/**
 * Hash trees of the interface specification ("Certificate"), in their wire shape: tagged tuples.
 * [0] empty, [1, left, right] fork, [2, label, subtree], [3, leaf], [4, pruned digest].
 */
export type HashTree =
  | readonly [0]
  | readonly [1, HashTree, HashTree]
  | readonly [2, Uint8Array, HashTree]
  | readonly [3, Uint8Array]
  | readonly [4, Uint8Array];

export type TreeLabel = Uint8Array;
export type TreePath = readonly TreeLabel[];
export type HashTreeError = CborError | CodedError<'MALFORMED_TREE'>;

/** Our own trees nest about log2(entries) forks a level; canisters' red-black trees twice that. */
export const MAX_TREE_DEPTH = 128;

const EMPTY_SEPARATOR = domainSeparator(DOMAINS.hashTreeEmpty);
const FORK_SEPARATOR = domainSeparator(DOMAINS.hashTreeFork);
const LABELED_SEPARATOR = domainSeparator(DOMAINS.hashTreeLabeled);
const LEAF_SEPARATOR = domainSeparator(DOMAINS.hashTreeLeaf);

/** Digest of the empty tree (4e3ed35c…d120). */
export const EMPTY_DIGEST: Uint8Array = sha256(EMPTY_SEPARATOR);

export function forkDigest(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(FORK_SEPARATOR, left, right);
}

export function labeledDigest(label: TreeLabel, subtree: Uint8Array): Uint8Array {
  return sha256(LABELED_SEPARATOR, label, subtree);
}

export function leafDigest(value: Uint8Array): Uint8Array {
  return sha256(LEAF_SEPARATOR, value);
}

/** Root hash of a possibly pruned tree, 32 bytes. */
export function treeRoot(tree: HashTree): Uint8Array {
  switch (tree[0]) {
    case 0:
      return EMPTY_DIGEST;
    case 1:
      return forkDigest(treeRoot(tree[1]), treeRoot(tree[2]));
    case 2:
      return labeledDigest(tree[1], treeRoot(tree[2]));
    case 3:
      return leafDigest(tree[1]);
    default:
      return tree[1];
  }
}

export type LookupOutcome =
  | { readonly kind: 'found'; readonly tree: HashTree }
  /** The tree proves that the path does not exist. */
  | { readonly kind: 'absent' }
  /** Pruned: may exist. */
  | { readonly kind: 'unknown' };

const ABSENT: LookupOutcome = { kind: 'absent' };
const UNKNOWN: LookupOutcome = { kind: 'unknown' };

/** The nodes of one level in order: forks opened, empty trees dropped. */
function flattenForks(tree: HashTree, into: HashTree[]): void {
  if (tree[0] === 1) {
    flattenForks(tree[1], into);
    flattenForks(tree[2], into);
  } else if (tree[0] !== 0) {
    into.push(tree);
  }
}

/** `find_label` of the specification: absence needs both neighbours (or the edge) to be visible. */
function findLabel(tree: HashTree, label: TreeLabel): LookupOutcome {
  const level: HashTree[] = [];
  flattenForks(tree, level);
  if (level.length === 0 || (level.length === 1 && level[0]?.[0] === 3)) {
    return ABSENT;
  }
  let leftIsSmaller = true;
  for (const node of level) {
    if (node[0] !== 2) {
      leftIsSmaller = false;
      continue;
    }
    const order = compareBytes(label, node[1]);
    if (order === 0) {
      return { kind: 'found', tree: node[2] };
    }
    if (order < 0) {
      return leftIsSmaller ? ABSENT : UNKNOWN;
    }
    leftIsSmaller = true;
  }
  return leftIsSmaller ? ABSENT : UNKNOWN;
}

/** The subtree at a path. */
export function lookupSubtree(tree: HashTree, path: TreePath): LookupOutcome {
  let current = tree;
  for (const label of path) {
    const step = findLabel(current, label);
    if (step.kind !== 'found') {
      return step;
    }
    current = step.tree;
  }
  return current[0] === 4 ? UNKNOWN : { kind: 'found', tree: current };
}

/** The leaf value at a path; undefined when absent, pruned or not a leaf. */
export function lookupPath(tree: HashTree, path: TreePath): Uint8Array | undefined {
  const outcome = lookupSubtree(tree, path);
  return outcome.kind === 'found' && outcome.tree[0] === 3 ? outcome.tree[1] : undefined;
}

/** Labels visible directly below a path, in order. */
export function lookupLabels(tree: HashTree, path: TreePath): readonly TreeLabel[] {
  const outcome = lookupSubtree(tree, path);
  if (outcome.kind !== 'found') {
    return [];
  }
  const level: HashTree[] = [];
  flattenForks(outcome.tree, level);
  return level.flatMap((node) => (node[0] === 2 ? [node[1]] : []));
}

/** The tree with the same root that shows nothing but what is at and below these paths. */
export function pruneTree(tree: HashTree, paths: readonly TreePath[]): HashTree {
  if (paths.some((path) => path.length === 0)) {
    return tree;
  }
  if (tree[0] === 1) {
    const [left, right] = [pruneTree(tree[1], paths), pruneTree(tree[2], paths)];
    const isPruned = left[0] === 4 && right[0] === 4;
    return isPruned ? [4, forkDigest(left[1], right[1])] : [1, left, right];
  }
  if (tree[0] === 2) {
    const below = paths.filter(([first]) => first !== undefined && equalBytes(first, tree[1]));
    if (below.length > 0) {
      const subtree = pruneTree(
        tree[2],
        below.map((path) => path.slice(1)),
      );
      return [2, tree[1], subtree];
    }
  }
  return [4, treeRoot(tree)];
}

/** Well-formed: on every level either one leaf or labels in strictly increasing order (with pruned parts). */
export function isWellFormed(tree: HashTree): boolean {
  const level: HashTree[] = [];
  flattenForks(tree, level);
  let previous: TreeLabel | undefined;
  for (const node of level) {
    if (node[0] === 3 && level.length > 1) {
      return false;
    }
    if (node[0] === 2) {
      if (previous !== undefined && compareBytes(previous, node[1]) >= 0) {
        return false;
      }
      previous = node[1];
      if (!isWellFormed(node[2])) {
        return false;
      }
    }
  }
  return true;
}

/** The tree as a CBOR value: it is already in wire shape. */
export function hashTreeToCbor(tree: HashTree): CborInput {
  return tree as CborInput;
}

export function encodeHashTree(tree: HashTree, selfDescribed = false): Uint8Array {
  return encodeCbor(hashTreeToCbor(tree), { selfDescribed });
}

function fromCbor(value: CborValue | undefined): HashTree | undefined {
  const items = asArray(value);
  const tag = items?.[0];
  if (items === undefined || typeof tag !== 'number') {
    return undefined;
  }
  const bytes = asBytes(items[1]);
  if (tag === 0) {
    return items.length === 1 ? [0] : undefined;
  }
  if (tag === 3 && bytes !== undefined && items.length === 2) {
    return [3, bytes];
  }
  if (tag === 4 && bytes?.length === 32 && items.length === 2) {
    return [4, bytes];
  }
  if (items.length !== 3) {
    return undefined;
  }
  const last = fromCbor(items[2]);
  if (tag === 1) {
    const first = fromCbor(items[1]);
    return first === undefined || last === undefined ? undefined : [1, first, last];
  }
  return tag === 2 && bytes !== undefined && last !== undefined ? [2, bytes, last] : undefined;
}

/** A hash tree from a decoded CBOR item; refuses trees that aren't well-formed. */
export function hashTreeFromCbor(value: CborValue | undefined): Result<HashTree, HashTreeError> {
  const tree = fromCbor(value);
  if (tree === undefined || !isWellFormed(tree)) {
    return err(codedError('input', 'MALFORMED_TREE', 'Not a well-formed hash tree.'));
  }
  return ok(tree);
}

/** A hash tree from hostile bytes; at most `MAX_TREE_DEPTH` deep. */
export function decodeHashTree(
  bytes: Uint8Array,
  limits: CborLimits = {},
): Result<HashTree, HashTreeError> {
  const decoded = decodeCbor(bytes, { maxDepth: MAX_TREE_DEPTH, ...limits });
  return decoded.ok ? hashTreeFromCbor(decoded.value) : decoded;
}
