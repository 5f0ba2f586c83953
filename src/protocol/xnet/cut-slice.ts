import { streamIndexLabel } from '../canonical-state/stream-tree.ts';
import { decodeStreamHeader } from '../canonical-state/decode-stream.ts';
import type { TreeLabel, TreePath } from '../crypto/hash-tree.ts';
import { digest, getEntry, mapEntries, witness, type LabeledTree } from '../crypto/labeled-tree.ts';
import { principalFromBytes, principalToBytes } from '../crypto/principal.ts';
import type { StreamHeader } from '../replicated-state/streams.ts';
import type { CertifiedState } from '../state-manager/state-manager.ts';
import type { SubnetId } from '../types/ids.ts';
import type { CertifiedSlice } from './slice-codec.ts';
import { HEADER_LABEL, MESSAGES_LABEL, STREAMS_LABEL, withHoles } from './slice-witness.ts';

/** What the pulling node has already, and how much more it takes. */
export interface SliceWish {
  /** Index of the first message that the witness is to show: the puller holds those up to `msgBegin`. */
  readonly witnessBegin: number;
  /** Index of the first message wanted, at least `witnessBegin`. */
  readonly msgBegin: number;
  readonly msgLimit: number;
  /** Encoded messages with what the witness needs for them. The first message comes whatever its size. */
  readonly byteLimit: number;
}

export type CertifiedTree = Pick<CertifiedState, 'tree' | 'height' | 'signature'>;

/** Of label, hole and fork in the witness, and of heads. */
export const BYTES_AROUND_MESSAGE = 32;

function below(tree: LabeledTree | undefined, label: TreeLabel): LabeledTree | undefined {
  return tree?.kind === 'map' ? getEntry(tree, label) : undefined;
}

function streamOf({ tree }: CertifiedTree, receiver: SubnetId): LabeledTree | undefined {
  return below(below(tree, STREAMS_LABEL), principalToBytes(receiver));
}

/** The subnets to which the certified state has a stream, ascending. */
export function streamsIn({ tree }: CertifiedTree): readonly SubnetId[] {
  const streams = below(tree, STREAMS_LABEL);
  const labels = streams?.kind === 'map' ? mapEntries(streams).map(([label]) => label) : [];
  return labels.flatMap((label) => (principalFromBytes(label) as SubnetId | undefined) ?? []);
}

function headerLeaf(certified: CertifiedTree, receiver: SubnetId): Uint8Array | undefined {
  const leaf = below(streamOf(certified, receiver), HEADER_LABEL);
  return leaf?.kind === 'leaf' ? leaf.value : undefined;
}

/** Header of the stream to a subnet; undefined = there is no stream. */
export function headerIn(certified: CertifiedTree, receiver: SubnetId): StreamHeader | undefined {
  const leaf = headerLeaf(certified, receiver);
  const header = leaf === undefined ? undefined : decodeStreamHeader(leaf);
  return header?.ok === true ? header.value : undefined;
}

/**
 * Cuts a slice out of the certified state: the header, and as many messages as fit.
 * @returns undefined when there is no such stream, or the stream does not reach to what is wished
 */
export function cutSlice(
  certified: CertifiedTree,
  receiver: SubnetId,
  { witnessBegin, msgBegin, msgLimit, byteLimit }: SliceWish,
): CertifiedSlice | undefined {
  const header = headerLeaf(certified, receiver);
  const range = headerIn(certified, receiver);
  if (
    header === undefined ||
    range === undefined ||
    witnessBegin < range.begin ||
    msgBegin < witnessBegin ||
    range.end < msgBegin
  ) {
    return undefined;
  }
  const leaves = below(streamOf(certified, receiver), MESSAGES_LABEL);
  const messages: Uint8Array[] = [];
  let bytes = header.length;
  for (let index = msgBegin; index < range.end && messages.length < msgLimit; index += 1) {
    const message = below(leaves, streamIndexLabel(index));
    if (message?.kind !== 'leaf') {
      return undefined;
    }
    bytes += message.value.length + BYTES_AROUND_MESSAGE;
    if (messages.length > 0 && bytes > byteLimit) {
      break;
    }
    messages.push(message.value);
  }
  const stream = [STREAMS_LABEL, principalToBytes(receiver)];
  const paths: TreePath[] = [[...stream, HEADER_LABEL]];
  for (let index = witnessBegin; index < msgBegin + messages.length; index += 1) {
    paths.push([...stream, MESSAGES_LABEL, streamIndexLabel(index)]);
  }
  return {
    header,
    messagesBegin: msgBegin,
    messages,
    witness: withHoles(witness(certified.tree, paths)),
    certification: {
      height: certified.height,
      root: digest(certified.tree),
      signature: certified.signature,
    },
  };
}

/** A slice whose witness also shows messages that `known` holds, with those in it. */
export function joinSlices(known: CertifiedSlice, next: CertifiedSlice): CertifiedSlice {
  return {
    ...next,
    messagesBegin: known.messagesBegin,
    messages: [...known.messages, ...next.messages],
  };
}
