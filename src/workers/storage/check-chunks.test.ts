import { describe, expect, it } from 'vitest';
import { CHUNK_KEY } from '../../protocol/node/stored-node.ts';
import { chunkHash } from '../../protocol/state-manager/manifest.ts';
import { intactChunksOf } from './check-chunks.ts';

const chunk = (seed: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 0xff);

describe('the host hashes stored chunks', () => {
  it('names those whose bytes have the hash of their key, and no other record', async () => {
    const whole = Array.from({ length: 70 }, (_, i) => chunk(i, i === 69 ? 0 : 1000 + i));
    const damaged = chunk(1, 500);
    const name = chunkHash(damaged);
    damaged[250] = (damaged[250] ?? 0) ^ 1;
    const intact = await intactChunksOf([
      { key: 'artifact/x', value: chunk(3, 10) },
      ...whole.map((value) => ({ key: CHUNK_KEY + chunkHash(value), value })),
      { key: CHUNK_KEY + name, value: damaged },
    ]);
    expect([...intact].toSorted()).toEqual(whole.map((value) => chunkHash(value)).toSorted());
  });
});
