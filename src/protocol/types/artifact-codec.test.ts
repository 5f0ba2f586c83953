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
const tag = fc.constantFrom('low' as const, 'high' as const);
const bytes = (most: number) => fc.uint8Array({ minLength: 1, maxLength: most });
const key = fc.record({
  tag,
  threshold: version,
  receivers: signers,
  publicKey: bytes(96),
  coefficients: fc.array(bytes(96), { maxLength: 5 }),
});
const config = fc.record({
  id: fc.record({ startHeight: height, tag }),
  dealers: signers,
  receivers: signers,
  threshold: version,
  collectionThreshold: version,
  registryVersion: version,
  resharing: fc.option(key),
});
const transcript = fc
  .record({
    key,
    config: fc.option(config),
    pieces: fc.array(fc.record({ dealer: node, content: bytes(200) }), { maxLength: 3 }),
  })
  .map(({ key: made, config: by, pieces }) => ({
    key: made,
    config: by,
    dealings: pieces.map((piece) => ({
      id: by?.id ?? { startHeight: 0, tag: made.tag },
      ...piece,
    })),
  }));
const dealt = (at: number) =>
  fc
    .record({ tag, signer: node, content: bytes(300), signature })
    .map((body) => sealArtifact<'dkgDealing'>({ kind: 'dkgDealing', height: at, ...body }));
const complained = (at: number) =>
  fc
    .record({ tag, dealer: node, signer: node, content: bytes(160), signature })
    .map((body) => sealArtifact<'dkgComplaint'>({ kind: 'dkgComplaint', height: at, ...body }));

const summaryPayload = (at: number) =>
  fc.record({
    kind: fc.constant('summary' as const),
    summary: fc.record({
      height: fc.constant(at),
      registryVersion: version,
      intervalLength: version,
      nextIntervalLength: version,
      configs: fc.array(config, { maxLength: 2 }),
      currentTranscripts: fc.record({ low: transcript, high: transcript }),
      nextTranscripts: fc.record({ low: fc.option(transcript), high: fc.option(transcript) }),
    }),
  });
const dataPayload = height.chain((dkgStartHeight) =>
  fc.record({
    kind: fc.constant('data' as const),
    dkgStartHeight: fc.constant(dkgStartHeight),
    dkg: fc.record({
      dealings: fc.array(dealt(dkgStartHeight), { maxLength: 3 }),
      complaints: fc.array(complained(dkgStartHeight), { maxLength: 3 }),
    }),
    batch: fc.record({ ingress: fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }) }),
  }),
);

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
  dkgDealing: () => fc.record({ tag, content: bytes(300), ...share }),
  dkgComplaint: () => fc.record({ tag, dealer: node, content: bytes(160), ...share }),
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
