import { describe, expect, it } from 'vitest';
import { CHUNK_KEY } from '../../protocol/node/stored-node.ts';
import { chunkHash } from '../../protocol/state-manager/manifest.ts';
import { areChunksIntact } from './check-chunks.ts';

const chunk = (seed: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 0xff);

describe('chunks of a file that is imported', () => {
  it('have the hash of their names, each of them; other records are none of its business', async () => {
    const records = Array.from({ length: 70 }, (_, i) => chunk(i, i === 69 ? 0 : 1000 + i)).map(
      (value) => ({ key: CHUNK_KEY + chunkHash(value), value }),
    );
    const other = { key: 'artifact/x', value: chunk(3, 10) };
    expect(await areChunksIntact([other, ...records])).toBe(true);
    const last = chunk(9, 500);
    const key = CHUNK_KEY + chunkHash(last);
    last[250] = (last[250] ?? 0) ^ 1;
    expect(await areChunksIntact([...records, { key, value: last }])).toBe(false);
  });
});
