import { test } from '@fast-check/vitest';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCbor } from '../crypto/cbor.ts';
import {
  decodeArtifact,
  decodeArtifactId,
  encodeArtifact,
  encodeArtifactId,
  sealArtifact,
} from './artifact-codec.ts';
import type { Artifact, ArtifactKind, Block } from './artifacts.ts';
import { ARTIFACT_KINDS, artifactIdOf } from './artifacts.ts';
import { sealBlock } from './block-codec.ts';
import type { HashHex, NodeId } from './ids.ts';

const hex = (bytes: number): fc.Arbitrary<string> =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((raw) => Array.from(raw, (byte) => byte.toString(16).padStart(2, '0')).join(''));
const hash = hex(32) as fc.Arbitrary<HashHex>;
const node = hex(29) as fc.Arbitrary<NodeId>;
const height = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const signature = fc.uint8Array({ minLength: 48, maxLength: 64 });
const signers = fc
  .uniqueArray(node, { minLength: 1, maxLength: 40 })
  .map((ids) => [...ids].sort((a, b) => (a < b ? -1 : 1)));
const version = fc.nat({ max: 1_000_000 });
const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const transcripts = fc.record({ low: hash, high: hash });

const summaryPayload = (at: number) =>
  fc.record({
    kind: fc.constant('summary' as const),
    summary: fc.record({
      height: fc.constant(at),
      registryVersion: version,
      intervalLength: version,
      nextIntervalLength: version,
      currentTranscripts: transcripts,
      nextTranscripts: transcripts,
    }),
  });
const dataPayload = fc.record({
  kind: fc.constant('data' as const),
  dkgStartHeight: height,
  batch: fc.record({ ingress: fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }) }),
});

function blockAt(at: number, summaryOnly: boolean): fc.Arbitrary<Block> {
  return fc
    .record({
      height: fc.constant(at),
      parent: hash,
      rank: fc.nat({ max: 13 }),
      context: fc.record({ certifiedHeight: height, registryVersion: version, timeNs: u64 }),
      payload: summaryOnly ? summaryPayload(at) : fc.oneof(dataPayload, summaryPayload(at)),
    })
    .map(sealBlock);
}

const share = { signer: node, signature };
const bodies: { readonly [K in ArtifactKind]: (at: number) => fc.Arbitrary<object> } = {
  randomBeacon: () => fc.record({ parent: hash, signature }),
  randomBeaconShare: () => fc.record({ parent: hash, ...share }),
  randomTape: () => fc.record({ signature }),
  randomTapeShare: () => fc.record(share),
  blockProposal: (at) => fc.record({ block: blockAt(at, false), ...share }),
  notarization: () => fc.record({ blockHash: hash, signers, signature }),
  notarizationShare: () => fc.record({ blockHash: hash, ...share }),
  finalization: () => fc.record({ blockHash: hash, signers, signature }),
  finalizationShare: () => fc.record({ blockHash: hash, ...share }),
  catchUpPackage: (at) =>
    fc.record({
      block: blockAt(at, true),
      beacon: fc
        .record({ parent: hash, signature })
        .map((body) => sealArtifact<'randomBeacon'>({ kind: 'randomBeacon', height: at, ...body })),
      stateHash: hash,
      oldestRegistryVersion: fc.option(version),
      signature,
    }),
  catchUpPackageShare: () =>
    fc.record({
      blockHash: hash,
      beaconHash: hash,
      stateHash: hash,
      oldestRegistryVersion: fc.option(version),
      ...share,
    }),
  equivocationProof: () =>
    fc
      .record({
        signer: node,
        hashes: fc.tuple(hash, hash),
        signature1: signature,
        signature2: signature,
      })
      .filter(({ hashes: [a, b] }) => a !== b)
      .map(({ hashes: [a, b], ...rest }) => ({
        ...rest,
        hash1: a < b ? a : b,
        hash2: a < b ? b : a,
      })),
  certification: () => fc.record({ root: hash, signature }),
  certificationShare: () => fc.record({ root: hash, ...share }),
};

const artifactOfKind = (kind: ArtifactKind): fc.Arbitrary<Artifact> =>
  height.chain((at) =>
    bodies[kind](at).map((body) => sealArtifact({ kind, height: at, ...body } as never)),
  );
const anyArtifact = fc.constantFrom(...ARTIFACT_KINDS).chain(artifactOfKind);

describe('artifact codec', () => {
  for (const kind of ARTIFACT_KINDS) {
    test.prop([artifactOfKind(kind)], { numRuns: 40 })(`round trip of ${kind}`, (artifact) => {
      const decoded = decodeArtifact(encodeArtifact(artifact));
      expect(decoded).toEqual({ ok: true, value: artifact });
    });
  }

  test.prop(
    [
      anyArtifact,
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
    ],
    {
      numRuns: 1500,
    },
  )('mutated bytes never throw, and what decodes has that one encoding', (artifact, edits) => {
    const bytes = encodeArtifact(artifact);
    for (const [at, byte] of edits) {
      bytes[at % bytes.length] = byte;
    }
    const decoded = decodeArtifact(bytes);
    if (decoded.ok) {
      expect(encodeArtifact(decoded.value)).toEqual(bytes);
    } else {
      expect(decoded.error.code).toBe('MALFORMED_ARTIFACT');
    }
  });

  test.prop([anyArtifact, fc.nat(), fc.uint8Array({ maxLength: 8 })], { numRuns: 500 })(
    'truncated and extended bytes are refused',
    (artifact, cut, tail) => {
      const bytes = encodeArtifact(artifact);
      expect(decodeArtifact(bytes.subarray(0, cut % bytes.length)).ok).toBe(false);
      expect(decodeArtifact(Uint8Array.of(...bytes, ...tail, 0)).ok).toBe(false);
    },
  );

  test.prop([fc.uint8Array({ maxLength: 200 })], { numRuns: 1500 })(
    'random bytes never throw',
    (bytes) => {
      expect(decodeArtifact(bytes).ok).toBe(false);
      decodeArtifactId(bytes);
    },
  );

  test.prop([anyArtifact])('ids round trip', (artifact) => {
    const id = artifactIdOf(artifact);
    expect(decodeArtifactId(encodeArtifactId(id))).toEqual({ ok: true, value: id });
  });

  test.prop([anyArtifact, anyArtifact])('different artifacts have different hashes', (a, b) => {
    const same = encodeArtifact(a).join() === encodeArtifact(b).join();
    expect(a.hash === b.hash).toBe(same);
  });

  it('refuses oversized and wrongly shaped content', () => {
    const kind = ARTIFACT_KINDS.indexOf('notarization');
    const at = (fields: readonly unknown[]) =>
      decodeArtifact(encodeCbor([kind, 1, ...fields] as never));
    const hash32 = new Uint8Array(32);
    const id = (first: number) => new Uint8Array(29).fill(first);
    const signed = new Uint8Array(48);
    expect(at([hash32, [id(1), id(2)], signed]).ok).toBe(true);
    const wrong: readonly (readonly unknown[])[] = [
      [hash32, [id(2), id(1)], signed],
      [hash32, [id(1), id(1)], signed],
      [hash32, [], signed],
      [hash32, Array.from({ length: 41 }, (_, i) => id(i)), signed],
      [hash32, [id(1)], new Uint8Array(97)],
      [hash32, [id(1)], new Uint8Array(0)],
      [new Uint8Array(31), [id(1)], signed],
      [hash32, [new Uint8Array(30)], signed],
      [hash32, [id(1)], signed, 0],
      [hash32, [id(1)]],
    ];
    for (const fields of wrong) {
      expect(at(fields).ok).toBe(false);
    }
    expect(decodeArtifact(new Uint8Array(9 * 1024 * 1024)).ok).toBe(false);
    expect(decodeArtifact(encodeCbor([99, 1])).ok).toBe(false);
    expect(decodeArtifact(encodeCbor([-1, 1])).ok).toBe(false);
  });
});
