import {
  EMPTY_MAP,
  leaf,
  labeledMap,
  withEntry,
  withoutEntry,
  type MapTree,
} from '../crypto/labeled-tree.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { principalToBytes } from '../crypto/principal.ts';
import { streamEnd, streamHeader, type Stream, type Streams } from '../replicated-state/streams.ts';
import type { SubnetId } from '../types/ids.ts';
import { encodeStreamHeader, encodeStreamMessage } from './encode-stream.ts';

/**
 * `/streams/<subnet>/{header, messages/<u64>}` of the certified tree: other subnets check slices of
 * it. The loopback stream is nobody else's affair.
 */
export interface StreamTree {
  readonly tree: MapTree;
  readonly streams: Streams;
  readonly messages: ReadonlyMap<SubnetId, MapTree>;
}

export const NO_STREAM_TREE: StreamTree = {
  tree: EMPTY_MAP,
  streams: new Map(),
  messages: new Map(),
};

const HEADER = encodeUtf8('header');
const MESSAGES = encodeUtf8('messages');

/** The label of a message in the tree: u64, big endian. */
export function streamIndexLabel(index: number): Uint8Array {
  const label = new Uint8Array(8);
  // Without a bigint: every message of every slice has one, on every node.
  let rest = index;
  for (let at = 7; rest > 0; at -= 1) {
    label[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return label;
}

/** Builds anew what changed since the previous height: messages are put at the end and dropped at the beginning. */
export function streamTree(
  streams: Streams,
  ownSubnet: SubnetId,
  previous: StreamTree,
): StreamTree {
  if (streams === previous.streams) {
    return previous;
  }
  let { tree } = previous;
  const messages = new Map<SubnetId, MapTree>();
  for (const [subnetId, stream] of streams) {
    if (subnetId === ownSubnet) {
      continue;
    }
    const before = previous.streams.get(subnetId);
    const known = previous.messages.get(subnetId) ?? EMPTY_MAP;
    const now = stream === before ? known : messagesTree(stream, before, known);
    messages.set(subnetId, now);
    if (stream !== before) {
      const header = leaf(encodeStreamHeader(streamHeader(stream)));
      const subtree = labeledMap([
        [HEADER, header],
        [MESSAGES, now],
      ]);
      tree = withEntry(tree, principalToBytes(subnetId), subtree);
    }
  }
  for (const subnetId of previous.messages.keys()) {
    if (!messages.has(subnetId)) {
      tree = withoutEntry(tree, principalToBytes(subnetId));
    }
  }
  return { tree, streams, messages };
}

function messagesTree(stream: Stream, before: Stream | undefined, known: MapTree): MapTree {
  let tree = known;
  // A stream that is new here may be old: a restored state has no tree before it.
  const [begin, end] =
    before === undefined ? [stream.begin, stream.begin] : [before.begin, streamEnd(before)];
  for (let index = begin; index < Math.min(stream.begin, end); index += 1) {
    tree = withoutEntry(tree, streamIndexLabel(index));
  }
  stream.messages.forEach((message, at) => {
    const index = stream.begin + at;
    if (index >= end) {
      tree = withEntry(tree, streamIndexLabel(index), leaf(encodeStreamMessage(message)));
    }
  });
  return tree;
}
