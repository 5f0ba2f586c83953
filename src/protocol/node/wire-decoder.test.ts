import { expect, it } from 'vitest';
import { encodeArtifact, sealArtifact } from '../types/artifact-codec.ts';
import type { NodeId } from '../types/ids.ts';
import { createWireDecoder } from './wire-decoder.ts';

const share = (height: number) =>
  sealArtifact<'randomTapeShare'>({
    kind: 'randomTapeShare',
    height,
    signer: '0a' as NodeId,
    signature: Uint8Array.of(7),
  });

it('has one encoding of an artifact, whether it is remembered or made again', () => {
  const decoder = createWireDecoder();
  const shares = Array.from({ length: 100 }, (_, height) => share(height));
  for (const one of shares) {
    expect(decoder.encodingOf(one)).toEqual(encodeArtifact(one));
  }
  const newest = share(1000);
  expect(decoder.encodingOf(newest)).toBe(decoder.encodingOf(newest));
});

it('gives an edited copy an encoding of its own', () => {
  const decoder = createWireDecoder();
  const honest = share(1);
  const edited = { ...honest, height: 2 };
  expect(decoder.encodingOf(edited)).toEqual(encodeArtifact(edited));
  expect(decoder.encodingOf(edited)).not.toEqual(decoder.encodingOf(honest));
});
