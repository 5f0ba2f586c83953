import { createHash } from 'node:crypto';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { HashHex } from '../types/ids.ts';
import { CHUNK_BYTES, SUB_MANIFEST_BYTES } from '../limits/state-sync.ts';
import {
  decodeManifest,
  decodeMetaManifest,
  encodeManifest,
  encodeMetaManifest,
} from './manifest-codec.ts';
import {
  chunkHash,
  fileHash,
  manifestPieces,
  metaManifestOf,
  rootHash,
  type ChunkInfo,
  type Manifest,
} from './manifest.ts';

/** SHA-256 of a domain, which its length precedes, and of parts in hex. */
function byHand(domain: string, ...hexParts: readonly string[]): HashHex {
  const hash = createHash('sha256').update(Uint8Array.of(domain.length)).update(domain, 'ascii');
  hexParts.forEach((part) => hash.update(part, 'hex'));
  return hash.digest('hex') as HashHex;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const A = byHand('ic-state-chunk', '0102');
const B = byHand('ic-state-chunk', '03'.repeat(CHUNK_BYTES));
const C = byHand('ic-state-chunk', '04');
/** Two files; the second has a hole of one chunk. */
const FILE_A = byHand('ic-state-file', '00000001', '00000002', '0000000000000000', A);
const FILE_BC = byHand(
  'ic-state-file',
  '00000002',
  '00010000',
  '0000000000000000',
  B,
  '00000001',
  '0000000000020000',
  C,
);
const MANIFEST: Manifest = {
  version: 3,
  files: [
    { path: 'a', size: 2, hash: FILE_A },
    { path: 'b/c', size: 2 * CHUNK_BYTES + 1, hash: FILE_BC },
  ],
  chunks: [
    { fileIndex: 0, size: 2, offset: 0, hash: A },
    { fileIndex: 1, size: CHUNK_BYTES, offset: 0, hash: B },
    { fileIndex: 1, size: 1, offset: 2 * CHUNK_BYTES, hash: C },
  ],
};
/** Protocol Buffers by hand: field and wire type, length, content. */
const ENCODED = [
  '0803',
  `1227${'0a0161'}${'1002'}${'1a20'}${FILE_A}`,
  `122b${'0a03622f63'}${'10818008'}${'1a20'}${FILE_BC}`,
  `1a24${'1002'}${'2220'}${A}`,
  `1a28${'0801'}${'10808004'}${'2220'}${B}`,
  `1a2a${'0801'}${'1001'}${'18808008'}${'2220'}${C}`,
].join('');

describe('the manifest', () => {
  it('SS1: is hashed as the domains say: chunks, files, pieces, root', () => {
    expect(chunkHash(Uint8Array.of(1, 2))).toBe(A);
    expect(chunkHash(Uint8Array.of(1), Uint8Array.of(2))).toBe(A);
    expect(fileHash(MANIFEST.chunks.slice(0, 1))).toBe(FILE_A);
    expect(fileHash(MANIFEST.chunks.slice(1))).toBe(FILE_BC);
    const encoded = encodeManifest(MANIFEST);
    expect(hex(encoded)).toBe(ENCODED);
    const piece = byHand('ic-state-sub-manifest', ENCODED);
    const root = byHand('ic-state-meta-manifest', '00000003', '00000001', piece);
    expect(rootHash(metaManifestOf(encoded))).toBe(root);
    expect(hex(encodeMetaManifest(metaManifestOf(encoded)))).toBe(`0803${'1220'}${piece}`);
    // No refactoring of both sides at once may change it.
    expect(root).toBe('8d1ad26496c1dbf33dca1e71b1b3afe7808fd76b7222c081e8b946bf694da736');
  });

  it('SS1: is cut into pieces of 1 MiB', () => {
    const long = new Uint8Array(2 * SUB_MANIFEST_BYTES + 5).fill(7);
    expect(manifestPieces(long).map(({ length }) => length)).toEqual([
      SUB_MANIFEST_BYTES,
      SUB_MANIFEST_BYTES,
      5,
    ]);
    const pieces = manifestPieces(long).map((piece) => byHand('ic-state-sub-manifest', hex(piece)));
    expect(rootHash(metaManifestOf(long))).toBe(
      byHand('ic-state-meta-manifest', '00000003', '00000003', ...pieces),
    );
  });

  it('is read back', () => {
    expect(decodeManifest(encodeManifest(MANIFEST))).toEqual({ ok: true, value: MANIFEST });
    const meta = metaManifestOf(encodeManifest(MANIFEST));
    expect(decodeMetaManifest(encodeMetaManifest(meta))).toEqual({ ok: true, value: meta });
  });

  const [a, b, c] = MANIFEST.chunks as [ChunkInfo, ChunkInfo, ChunkInfo];
  const withChunks = (...chunks: readonly ChunkInfo[]): Manifest => {
    const files = MANIFEST.files.map((file, index) => ({
      ...file,
      hash: fileHash(chunks.filter(({ fileIndex }) => fileIndex === index)),
    }));
    return { ...MANIFEST, files, chunks };
  };
  it.each<readonly [string, Manifest]>([
    ['another version', { ...MANIFEST, version: 2 }],
    ['files out of order', { ...MANIFEST, files: MANIFEST.files.toReversed() }],
    ['a file twice', { ...MANIFEST, files: [...MANIFEST.files, ...MANIFEST.files.slice(1)] }],
    ['a wrong file hash', { ...MANIFEST, files: MANIFEST.files.map((f) => ({ ...f, hash: A })) }],
    ['overlapping chunks', withChunks(a, b, { ...b, hash: C }, c)],
    ['chunks out of order', withChunks(a, c, b)],
    ['an offset between chunks', withChunks(a, { ...b, offset: 1 }, c)],
    ['a chunk beyond the end', withChunks(a, b, { ...c, offset: 3 * CHUNK_BYTES })],
    ['a chunk of another size', withChunks(a, { ...b, size: CHUNK_BYTES - 1 }, c)],
    ['a chunk without a file', withChunks(a, b, c, { ...a, fileIndex: 2 })],
    [
      'an endless file',
      { ...MANIFEST, files: MANIFEST.files.map((f) => ({ ...f, size: 2 ** 50 })) },
    ],
    [
      'a long path',
      { ...MANIFEST, files: [{ path: 'x'.repeat(200), size: 0, hash: A }], chunks: [] },
    ],
  ])('SS2: is refused with %s', (_, manifest) => {
    expect(decodeManifest(encodeManifest(manifest)).ok).toBe(false);
  });

  it('SS2: is refused when it is too large, before anything is made of it', () => {
    const many = Array.from({ length: 65 }, () => 'ab'.repeat(32) as HashHex);
    const meta = encodeMetaManifest({ version: 3, subHashes: many });
    expect(decodeMetaManifest(meta).ok).toBe(false);
    const large = decodeManifest(new Uint8Array(64 * SUB_MANIFEST_BYTES + 1));
    expect(large).toMatchObject({ ok: false, error: { code: 'MANIFEST_TOO_LARGE' } });
  });

  const encoded = encodeManifest(MANIFEST);
  test.prop([fc.nat(encoded.length - 1), fc.nat(255), fc.nat(encoded.length)])(
    'never throws on changed or cut bytes',
    (at, value, length) => {
      const damaged = encoded.slice(0, length);
      damaged[at] = value;
      expect(() => decodeManifest(damaged)).not.toThrow();
      expect(() => decodeMetaManifest(damaged)).not.toThrow();
    },
  );

  test.prop([fc.uint8Array({ maxLength: 300 })])('never throws on any bytes', (bytes) => {
    expect(() => decodeManifest(bytes)).not.toThrow();
    expect(() => decodeMetaManifest(bytes)).not.toThrow();
  });
});
