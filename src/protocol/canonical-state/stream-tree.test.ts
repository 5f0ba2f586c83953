import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { canisterIdFromU64, principalToBytes } from '../crypto/principal.ts';
import { digest, getEntry, mapEntries, type MapTree } from '../crypto/labeled-tree.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { EMPTY_STREAM, type Stream, type StreamMessage } from '../replicated-state/streams.ts';
import type { SubnetId } from '../types/ids.ts';
import { decodeStreamHeader } from './decode-stream.ts';
import { NO_STREAM_TREE, streamIndexLabel, streamTree } from './stream-tree.ts';

const OWN = '01' as SubnetId;
const OTHERS: readonly SubnetId[] = ['02' as SubnetId, '03' as SubnetId];
const refund = (n: number): StreamMessage => ({
  kind: 'refund',
  recipient: canisterIdFromU64(BigInt(n)),
  cycles: BigInt(n),
});

/** A stream later: messages dropped at the beginning, new ones at the end, signals gone on. */
function advance(stream: Stream, dropped: number, added: number): Stream {
  const end = stream.begin + stream.messages.length;
  const gone = Math.min(dropped, stream.messages.length);
  const more = Array.from({ length: added }, (_, i) => refund(end + i));
  return {
    ...stream,
    begin: stream.begin + gone,
    messages: [...stream.messages.slice(gone), ...more],
    signalsEnd: stream.signalsEnd + dropped,
  };
}

describe('the certified tree of streams', () => {
  test.prop([fc.array(fc.tuple(fc.nat(1), fc.nat(4), fc.nat(4)), { maxLength: 12 })])(
    'is, height by height, what it would be if built at once',
    (steps) => {
      let streams: ReadonlyMap<SubnetId, Stream> = new Map();
      let tree = NO_STREAM_TREE;
      for (const [which, dropped, added] of steps) {
        const subnetId = OTHERS[which] ?? OWN;
        const next = advance(streams.get(subnetId) ?? EMPTY_STREAM, dropped, added);
        streams = new Map([...streams, [subnetId, next]]);
        tree = streamTree(streams, OWN, tree);
        const atOnce = streamTree(streams, OWN, NO_STREAM_TREE);
        expect(digest(tree.tree)).toEqual(digest(atOnce.tree));
      }
    },
  );

  test.prop([fc.maxSafeNat()], { seed: 9 })('labels any index as u64, big endian', (index) => {
    const label = streamIndexLabel(index);
    expect(label).toHaveLength(8);
    expect(new DataView(label.buffer).getBigUint64(0)).toBe(BigInt(index));
  });

  it('shows messages under their indexes as u64, big endian, and leaves the loopback stream out', () => {
    const stream = advance({ ...EMPTY_STREAM, begin: 255 }, 0, 2);
    const { tree } = streamTree(
      new Map([
        [OWN, stream],
        ['02' as SubnetId, stream],
      ]),
      OWN,
      NO_STREAM_TREE,
    );
    expect(mapEntries(tree).map(([label]) => label)).toEqual([principalToBytes('02' as SubnetId)]);
    const entry = getEntry(tree, principalToBytes('02' as SubnetId)) as MapTree;
    const messages = getEntry(entry, encodeUtf8('messages')) as MapTree;
    expect(mapEntries(messages).map(([label]) => [...label])).toEqual([
      [0, 0, 0, 0, 0, 0, 0, 255],
      [0, 0, 0, 0, 0, 0, 1, 0],
    ]);
    const header = getEntry(entry, encodeUtf8('header'));
    expect(header?.kind === 'leaf' && decodeStreamHeader(header.value)).toMatchObject({
      value: { begin: 255, end: 257 },
    });
  });
});
