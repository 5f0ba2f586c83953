import { equalBytes } from '../../base/bytes.ts';
import { bytesToHex } from '../../base/hex.ts';
import { ok, type Result } from '../../base/result.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { forkDigest, labeledDigest, leafDigest, type HashTree } from '../crypto/hash-tree.ts';
import { principalToBytes } from '../crypto/principal.ts';
import type { SubnetId } from '../types/ids.ts';
import { HOLE, type CertifiedSlice, type SliceWitness } from './slice-codec.ts';
import { refuse, type XNetError } from './xnet-error.ts';

/**
 * What the witness of a slice shows, and what becomes of it when messages are left out.
 *
 * Security: the digest is computed from the leaves of the slice and from where they stand, so that
 * an equal root proves that each message has the index it claims and that none between is missing.
 */

export const STREAMS_LABEL = encodeUtf8('streams');
export const HEADER_LABEL = encodeUtf8('header');
export const MESSAGES_LABEL = encodeUtf8('messages');
const INDEX_BYTES = 8;

function indexOfLabel(label: Uint8Array): number | undefined {
  if (label.length !== INDEX_BYTES) {
    return undefined;
  }
  let index = 0;
  for (const byte of label) {
    index = index * 256 + byte;
  }
  return index <= Number.MAX_SAFE_INTEGER ? index : undefined;
}

/** The levels of the tree that a witness may open. */
type Level = 'state' | 'streams' | 'stream' | 'messages';

class Opening {
  /** Why the witness is refused. */
  failure: string | null = null;
  private readonly slice: CertifiedSlice;
  private readonly receiver: Uint8Array;
  private headers = 0;
  private messages = 0;

  constructor(slice: CertifiedSlice, receiver: SubnetId) {
    this.slice = slice;
    this.receiver = principalToBytes(receiver);
  }

  digest(tree: SliceWitness, level: Level): Uint8Array {
    switch (tree[0]) {
      case 1: {
        const left = this.digest(tree[1], level);
        return forkDigest(left, this.digest(tree[2], level));
      }
      case 2:
        return labeledDigest(tree[1], this.below(tree[1], tree[2], level));
      case 4:
        return tree[1];
      case 5:
        return this.fail('a leaf where none stands');
    }
  }

  /** To be called last. */
  end(): void {
    if (this.headers !== 1) {
      this.fail('it does not show the header of the stream');
    } else if (this.messages !== this.slice.messages.length) {
      this.fail(`it shows ${this.messages} of ${this.slice.messages.length} messages`);
    }
  }

  private below(label: Uint8Array, tree: SliceWitness, level: Level): Uint8Array {
    switch (level) {
      case 'state':
        return equalBytes(label, STREAMS_LABEL)
          ? this.digest(tree, 'streams')
          : this.pruned(label, tree);
      case 'streams':
        return equalBytes(label, this.receiver)
          ? this.digest(tree, 'stream')
          : this.pruned(label, tree);
      case 'stream':
        if (equalBytes(label, HEADER_LABEL) && tree[0] === 5) {
          this.headers += 1;
          return leafDigest(this.slice.header);
        }
        return equalBytes(label, MESSAGES_LABEL)
          ? this.digest(tree, 'messages')
          : this.pruned(label, tree);
      case 'messages':
        return this.message(label, tree);
    }
  }

  private message(label: Uint8Array, tree: SliceWitness): Uint8Array {
    const at = this.messages;
    const message = this.slice.messages[at];
    if (tree[0] !== 5) {
      return this.pruned(label, tree);
    }
    if (message === undefined || indexOfLabel(label) !== this.slice.messagesBegin + at) {
      return this.fail(
        `message ${this.slice.messagesBegin + at} is not where the slice has it (${bytesToHex(label)})`,
      );
    }
    this.messages += 1;
    return leafDigest(message);
  }

  private pruned(label: Uint8Array, tree: SliceWitness): Uint8Array {
    return tree[0] === 4 ? tree[1] : this.fail(`it opens ${bytesToHex(label)}`);
  }

  private fail(what: string): Uint8Array {
    this.failure ??= what;
    return new Uint8Array(32);
  }
}

/** Root of the state that the slice is a part of, if it is one of the stream to `receiver`. */
export function sliceRoot(
  slice: CertifiedSlice,
  receiver: SubnetId,
): Result<Uint8Array, XNetError> {
  const opening = new Opening(slice, receiver);
  const root = opening.digest(slice.witness, 'state');
  opening.end();
  return opening.failure === null
    ? ok(root)
    : refuse('XNET_WRONG_WITNESS', `the witness of a slice is wrong: ${opening.failure}`);
}

/** The messages `from` (inclusive) to `to` (exclusive) of a verified slice, with the same header. */
export function sliceRange(slice: CertifiedSlice, from: number, to: number): CertifiedSlice {
  const begin = Math.max(from, slice.messagesBegin);
  const end = Math.max(begin, Math.min(to, slice.messagesBegin + slice.messages.length));
  const messages = slice.messages.slice(begin - slice.messagesBegin, end - slice.messagesBegin);
  if (messages.length === slice.messages.length) {
    return slice;
  }
  const witness = pruneMessages(slice, (index) => begin <= index && index < end);
  return { ...slice, messagesBegin: begin, messages, witness };
}

/** Closes the holes of messages that are not kept; what has no hole left becomes a digest. */
function pruneMessages(slice: CertifiedSlice, keeps: (index: number) => boolean): SliceWitness {
  const prune = (tree: SliceWitness, isMessage: boolean): SliceWitness => {
    if (tree[0] === 1) {
      const left = prune(tree[1], isMessage);
      const right = prune(tree[2], isMessage);
      return left[0] === 4 && right[0] === 4
        ? [4, forkDigest(left[1], right[1])]
        : [1, left, right];
    }
    if (tree[0] !== 2) {
      return tree;
    }
    const [, label, below] = tree;
    if (isMessage) {
      const index = indexOfLabel(label) ?? -1;
      const message = slice.messages[index - slice.messagesBegin];
      return below[0] !== 5 || message === undefined || keeps(index)
        ? tree
        : [4, labeledDigest(label, leafDigest(message))];
    }
    const inner = prune(below, equalBytes(label, MESSAGES_LABEL));
    return inner[0] === 4 ? [4, labeledDigest(label, inner[1])] : [2, label, inner];
  };
  return prune(slice.witness, false);
}

/** A witness as the certified tree gives it, with holes for the leaves it shows. */
export function withHoles(tree: HashTree): SliceWitness {
  switch (tree[0]) {
    case 1:
      return [1, withHoles(tree[1]), withHoles(tree[2])];
    case 2:
      return [2, tree[1], withHoles(tree[2])];
    case 4:
      return tree;
    default:
      return HOLE;
  }
}
