import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { MarkFindings } from './marks.ts';
import { checkMarks } from './marks.ts';
import { readWast } from './read-wast.ts';

async function check(
  file: string,
  ...mutant: Parameters<typeof checkMarks>[1][]
): Promise<MarkFindings> {
  const path = fileURLToPath(new URL(`./own/${file}`, import.meta.url));
  return checkMarks(await readWast(file, readFileSync(path, 'utf8')), ...mutant);
}

describe('marks of written pages', () => {
  it.each(['memory.wast', 'simd.wast', 'start.wast', 'shared-marks.wast'])(
    'miss nothing in %s',
    async (file) => {
      const { writes, misses } = await check(file);
      expect(misses).toBe(0);
      expect(writes).toBeGreaterThan(0);
    },
  );

  it.each([
    ['memory.wast', 'f64.store'],
    ['memory.wast', 'bulk'],
    ['simd.wast', 'v128.store'],
    ['shared-marks.wast', 'changed base'],
    ['shared-marks.wast', 'other path'],
  ] as const)('are seen to be missing: in %s for the mutant "%s"', async (file, mutant) => {
    expect((await check(file, mutant)).misses).toBeGreaterThan(0);
  });
});
