import { describe, expect, it } from 'vitest';
import { encodeArtifact, sealArtifact } from './artifact-codec.ts';
import { rememberedEncoding } from './sealed-encodings.ts';
import { sealAggregate } from './sealed-aggregates.ts';
import type { HashHex, NodeId } from './ids.ts';

const hash = (byte: string): HashHex => byte.repeat(32) as HashHex;
const signature = (byte: number): Uint8Array => new Uint8Array(48).fill(byte);
const SIGNERS = ['01', '02', '03'] as unknown as readonly NodeId[];

const CONTENTS = [
  { kind: 'randomBeacon', height: 5, parent: hash('aa'), signature: signature(1) },
  { kind: 'randomTape', height: 5, signature: signature(1) },
  { kind: 'certification', height: 5, root: hash('aa'), signature: signature(1) },
  {
    kind: 'notarization',
    height: 5,
    blockHash: hash('aa'),
    signers: SIGNERS,
    signature: signature(1),
  },
  {
    kind: 'finalization',
    height: 5,
    blockHash: hash('aa'),
    signers: SIGNERS,
    signature: signature(1),
  },
] as const;

const EDITS = [
  { height: 6 },
  { signature: signature(2) },
  { parent: hash('bb') },
  { root: hash('bb') },
  { blockHash: hash('bb') },
  { signers: SIGNERS.slice(0, 2) },
  { signers: [...SIGNERS.slice(0, 2), '04'] },
];

describe('sealAggregate', () => {
  it.each(CONTENTS)('seals a $kind as sealArtifact does, once for equal contents', (content) => {
    const sealed = sealAggregate(content as never) as { readonly hash: HashHex };
    expect(sealed).toEqual(sealArtifact(content as never));
    expect(sealAggregate({ ...content, signature: content.signature.slice() } as never)).toBe(
      sealed,
    );
    expect(rememberedEncoding(sealed)).toEqual(encodeArtifact(content as never));
  });

  it.each(CONTENTS)('tells each $kind from one that differs anywhere', (content) => {
    sealAggregate(content as never);
    for (const edit of EDITS.filter((one) => Object.keys(one).every((key) => key in content))) {
      const edited = { ...content, ...edit };
      expect(sealAggregate(edited as never)).toEqual(sealArtifact(edited as never));
    }
  });

  it('forgets what was sealed long ago, and seals it anew alike', () => {
    const [content] = CONTENTS;
    const first = sealAggregate<'randomBeacon'>(content);
    for (let height = 100; height < 200; height += 1) {
      sealAggregate<'randomBeacon'>({ ...content, height });
    }
    const again = sealAggregate<'randomBeacon'>(content);
    expect(again).not.toBe(first);
    expect(again).toEqual(first);
  });
});
