import { describe, expect, it } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { present } from '../../base/assert.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { equalBytes } from '../../base/bytes.ts';
import { type CborInput, encodeCbor } from '../crypto/cbor.ts';
import { labeledDigest, leafDigest } from '../crypto/hash-tree.ts';
import { createRealSuite } from '../crypto/real-suite.ts';
import { MAX_SLICE_BYTES } from '../limits/xnet.ts';
import { cutSlice, joinSlices, streamsIn, type SliceWish } from './cut-slice.ts';
import { decodeSlice, encodeSlice, type CertifiedSlice, type SliceWitness } from './slice-codec.ts';
import { sliceRange } from './slice-witness.ts';
import { requests, testNetwork, type TestStream } from './testing/certified-streams.ts';
import { readSlice, SliceVerifier } from './verify-slice.ts';

const network = testNetwork();
const { a, b, topology } = network;
const ALL: SliceWish = {
  witnessBegin: 0,
  msgBegin: 0,
  msgLimit: 10_000,
  byteLimit: MAX_SLICE_BYTES,
};

function certified(stream: TestStream) {
  return a.certify(7, new Map([[b.id, stream]]));
}

function cut(stream: TestStream, wish: Partial<SliceWish> = {}): CertifiedSlice {
  const from = { ...ALL, witnessBegin: stream.begin, msgBegin: stream.begin, ...wish };
  return present(cutSlice(certified(stream), b.id, from), 'the stream is there');
}

function verdict(slice: CertifiedSlice, receiver = b, sender = a.id): string {
  const verifier = new SliceVerifier(receiver.id, receiver.crypto);
  const failure = verifier.checkRoot(slice) ?? verifier.checkCertification(slice, sender, topology);
  return failure?.code ?? 'true';
}

/** The witness with the header's leaf as a digest: whoever reads it cannot tell what the header says. */
function withoutHeader(tree: SliceWitness, header: Uint8Array): SliceWitness {
  if (tree[0] === 1) {
    return [1, withoutHeader(tree[1], header), withoutHeader(tree[2], header)];
  }
  if (tree[0] !== 2) {
    return tree;
  }
  const [, label, below] = tree;
  return equalBytes(label, encodeUtf8('header'))
    ? [4, labeledDigest(label, leafDigest(header))]
    : [2, label, withoutHeader(below, header)];
}

describe('slices', () => {
  it('XN1 is a part of the certified state: leaves of one stream and a witness that gives the certified root', () => {
    const slice = cut({ begin: 3, messages: requests(3, 9), signalsEnd: 2 });
    expect(slice.messages).toHaveLength(6);
    expect(verdict(slice)).toBe('true');
    const read = readSlice(slice);
    expect(read.ok && read.value).toMatchObject({
      header: { begin: 3, end: 9, signalsEnd: 2 },
      messagesBegin: 3,
    });
    expect(read.ok && read.value.messages).toEqual(requests(3, 9));
  });

  it('XN1 holds under the signatures of a real subnet too', () => {
    const real = testNetwork(['application', 'application'], createRealSuite());
    const stream = { begin: 0, messages: requests(0, 2), signalsEnd: 0 };
    const tree = real.a.certify(3, new Map([[real.b.id, stream]]));
    const slice = present(cutSlice(tree, real.b.id, ALL), 'the stream is there');
    const verifier = new SliceVerifier(real.b.id, real.b.crypto);
    expect(verifier.checkRoot(slice)).toBeNull();
    expect(verifier.checkCertification(slice, real.a.id, real.topology)).toBeNull();
    expect(verifier.checkCertification(slice, real.b.id, real.topology)?.code).toBe(
      'XNET_BAD_CERTIFICATION',
    );
  });

  test.prop([
    fc.nat(30),
    fc.nat(40),
    fc.tuple(fc.nat(45), fc.nat(45)),
    fc.tuple(fc.nat(45), fc.nat(45)),
    fc.nat(2 ** 40),
  ])('XN2 cut in any way it stays true', (first, count, [from, to], [from2, to2], base) => {
    const begin = base + first;
    const stream = { begin, messages: requests(begin, begin + count), signalsEnd: 1 };
    const whole = cut(stream);
    const part = sliceRange(whole, begin + from, begin + Math.max(from, to));
    const again = sliceRange(part, begin + from2, begin + Math.max(from2, to2));
    for (const slice of [whole, part, again]) {
      expect(verdict(slice)).toBe('true');
      const encoded = encodeSlice(slice);
      const decoded = decodeSlice(encoded);
      expect(decoded).toEqual({ ok: true, value: slice });
    }
    const inside = (index: number) => from <= index && index < Math.max(from, to);
    expect(part.messages).toEqual(whole.messages.filter((_, i) => inside(i)));
  });

  it('XN3 is continued by a later one that leaves out what the puller holds', () => {
    const older = cut({ begin: 0, messages: requests(0, 5), signalsEnd: 0 });
    const newer = cut(
      { begin: 0, messages: requests(0, 9), signalsEnd: 4 },
      { witnessBegin: 2, msgBegin: 5 },
    );
    expect(newer.messages).toHaveLength(4);
    expect(verdict(newer)).toBe('XNET_WRONG_WITNESS');
    const joined = joinSlices(sliceRange(older, 2, 5), newer);
    expect(verdict(joined)).toBe('true');
    expect(joined.messages).toHaveLength(7);
    const wrong = joinSlices(
      { ...older, messagesBegin: 2, messages: older.messages.slice(0, 3) },
      newer,
    );
    expect(verdict(wrong)).toBe('XNET_ROOT_MISMATCH');
  });

  it('XN4 is cut to the limits that the puller names, and is not there before or behind the stream', () => {
    const stream = { begin: 4, messages: requests(4, 20, 1000), signalsEnd: 0 };
    expect(cut(stream, { msgLimit: 3 }).messages).toHaveLength(3);
    expect(cut(stream, { byteLimit: 3500 }).messages).toHaveLength(3);
    expect(cut(stream, { byteLimit: 1 }).messages).toHaveLength(1);
    expect(cut(stream, { msgLimit: 0 }).messages).toHaveLength(0);
    expect(verdict(cut(stream, { msgLimit: 0 }))).toBe('true');
    const tree = certified(stream);
    expect(streamsIn(tree)).toEqual([b.id]);
    expect(cutSlice(tree, a.id, ALL)).toBeUndefined();
    expect(cutSlice(tree, b.id, { ...ALL, witnessBegin: 3, msgBegin: 4 })).toBeUndefined();
    expect(cutSlice(tree, b.id, { ...ALL, witnessBegin: 6, msgBegin: 5 })).toBeUndefined();
    expect(cutSlice(tree, b.id, { ...ALL, witnessBegin: 21, msgBegin: 21 })).toBeUndefined();
    expect(cutSlice(tree, b.id, { ...ALL, witnessBegin: 20, msgBegin: 20 })?.messages).toEqual([]);
  });

  it('XN5 is refused with anything changed, left out, moved or added', () => {
    const slice = cut({ begin: 0, messages: requests(0, 6), signalsEnd: 3 });
    const [m0, m1, ...rest] = slice.messages as readonly [Uint8Array, Uint8Array];
    const flipped = m0.slice();
    flipped[5] = (flipped[5] ?? 0) ^ 1;
    expect(verdict({ ...slice, messages: [flipped, m1, ...rest] })).toBe('XNET_ROOT_MISMATCH');
    expect(verdict({ ...slice, messages: [m1, m0, ...rest] })).toBe('XNET_ROOT_MISMATCH');
    expect(verdict({ ...slice, messages: [m0, ...rest] })).toBe('XNET_WRONG_WITNESS');
    expect(verdict({ ...slice, messages: [...slice.messages, m0] })).toBe('XNET_WRONG_WITNESS');
    expect(verdict({ ...slice, messagesBegin: 1 })).toBe('XNET_WRONG_WITNESS');
    expect(verdict({ ...slice, header: flipped })).toBe('XNET_ROOT_MISMATCH');
    expect(verdict({ ...slice, witness: [5] })).toBe('XNET_WRONG_WITNESS');
    const closed = sliceRange(slice, 0, 2);
    expect(verdict({ ...slice, witness: closed.witness })).toBe('XNET_WRONG_WITNESS');
    expect(verdict(slice, a, b.id)).toBe('XNET_WRONG_WITNESS');
  });

  it('XN5 is refused when its witness hides the header, or says more or less than the stream has', () => {
    const slice = cut({ begin: 3, messages: requests(3, 6), signalsEnd: 3 });
    const forged = cut({ begin: 3, messages: requests(3, 6), signalsEnd: 9 }).header;
    const witness = withoutHeader(slice.witness, slice.header);
    expect(verdict({ ...slice, witness, header: forged })).toBe('XNET_WRONG_WITNESS');
    for (const messagesBegin of [2, 4]) {
      const read = readSlice({ ...slice, messagesBegin });
      expect(read.ok ? 'read' : read.error.code).toBe('XNET_MALFORMED_SLICE');
    }
  });

  it('XN6 is refused without the signature of the sending subnet', () => {
    const slice = cut({ begin: 0, messages: requests(0, 2), signalsEnd: 0 });
    const { certification } = slice;
    const signature = certification.signature.slice();
    signature[3] = (signature[3] ?? 0) ^ 1;
    expect(verdict({ ...slice, certification: { ...certification, signature } })).toBe(
      'XNET_BAD_CERTIFICATION',
    );
    expect(verdict(slice, b, b.id)).toBe('XNET_BAD_CERTIFICATION');
    expect(verdict(slice, b, '0102' as never)).toBe('XNET_UNKNOWN_SUBNET');
  });

  it('XN6 a signature that was found good counts for its own root alone, a bad one never', () => {
    const verifier = new SliceVerifier(b.id, b.crypto);
    const verify = (slice: CertifiedSlice): string =>
      verifier.checkCertification(slice, a.id, topology)?.code ?? 'true';
    const slice = cut({ begin: 0, messages: requests(0, 2), signalsEnd: 0 });
    const other = cut({ begin: 0, messages: requests(0, 3), signalsEnd: 0 });
    const { signature } = slice.certification;
    expect(verify(slice)).toBe('true');
    const forged = { ...other, certification: { ...other.certification, signature } };
    expect([forged, forged, other, forged].map(verify)).toEqual([
      'XNET_BAD_CERTIFICATION',
      'XNET_BAD_CERTIFICATION',
      'true',
      'XNET_BAD_CERTIFICATION',
    ]);
  });

  it('XN7 is read from hostile bytes within bounds of size, depth and number', () => {
    const slice = cut({ begin: 0, messages: requests(0, 3), signalsEnd: 0 });
    const code = (bytes: Uint8Array) => {
      const decoded = decodeSlice(bytes);
      return decoded.ok ? 'read' : decoded.error.code;
    };
    expect(code(encodeSlice(slice))).toBe('read');
    expect(code(new Uint8Array(MAX_SLICE_BYTES + 1))).toBe('XNET_MALFORMED_SLICE');
    let deep: unknown = [5];
    for (let i = 0; i < 500; i += 1) {
      deep = [1, deep, [4, new Uint8Array(32)]];
    }
    const bytes = encodeCbor([
      [slice.header, 0, []],
      deep as never,
      [1, new Uint8Array(32), new Uint8Array(48)],
    ]);
    expect(code(bytes)).toBe('XNET_MALFORMED_SLICE');
    expect(code(encodeCbor([[slice.header, 0, []], [5]]))).toBe('XNET_MALFORMED_SLICE');
    const many = Array.from({ length: 10_001 }, () => new Uint8Array(0));
    expect(code(encodeSlice({ ...slice, messages: many }))).toBe('XNET_MALFORMED_SLICE');
    expect(code(Uint8Array.of(...encodeSlice(slice), 0))).toBe('XNET_MALFORMED_SLICE');
  });

  it('XN7 has one encoding, of parts that have their lengths', () => {
    const { header, messages, certification } = cut({
      begin: 0,
      messages: requests(0, 2),
      signalsEnd: 0,
    });
    const { height, root, signature } = certification;
    const leaves: CborInput[] = [header, 0, messages];
    const proof: CborInput[] = [height, root, signature];
    const hash = new Uint8Array(32);
    const code = (parts: CborInput) => {
      const decoded = decodeSlice(encodeCbor(parts));
      return decoded.ok ? 'read' : decoded.error.code;
    };
    expect(code([leaves, [1, [4, hash], [2, hash, [5]]], proof])).toBe('read');
    const malformed: readonly CborInput[] = [
      [leaves, [5], proof, 0],
      [[...leaves, 0], [5], proof],
      [leaves, [5], [...proof, 0]],
      [leaves, [5], [height, root.subarray(1), signature]],
      [leaves, [5], [height, root, new Uint8Array(97)]],
      [leaves, [4, hash.subarray(1)], proof],
      [leaves, [4, hash, 0], proof],
      [leaves, [5, 0], proof],
      [leaves, [2, new Uint8Array(65), [5]], proof],
      [leaves, [2, hash, [5], 0], proof],
      [leaves, [3, hash], proof],
      [[header, -1, messages], [5], proof],
      [[header, 0, [1]], [5], proof],
    ];
    expect(malformed.map(code)).toEqual(malformed.map(() => 'XNET_MALFORMED_SLICE'));
    // The same array with its length in a byte of its own.
    const [, ...rest] = encodeCbor([leaves, [5], proof]);
    expect(decodeSlice(Uint8Array.of(0x98, 3, ...rest)).ok).toBe(false);
  });
});
