import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { fuzzScript } from './fuzz-module.ts';
import { fuzzRewriter } from './fuzz-rewriter.ts';
import { readWast } from './read-wast.ts';
import { runScript } from './run-script.ts';

const OWN = fileURLToPath(new URL('./own/', import.meta.url));

/** None of them with NaNs alive; vectors in the first, references in the second. */
const SEEDS = ['npm test 1', 'npm test 8'];

describe('modules of random bytes', () => {
  it.each(SEEDS)('run alike raw and rewritten, seed %s', async (seed) => {
    const report = runScript(await fuzzScript(seed, 5000));
    expect(report.failures).toEqual([]);
    expect(report.notApplicable).toEqual({});
    expect(report.passed).toBeGreaterThan(5);
  });
});

describe('changed modules', () => {
  let seeds: Uint8Array[] = [];
  beforeAll(async () => {
    const scripts = await Promise.all(
      readdirSync(OWN).map((file) => readWast(file, readFileSync(join(OWN, file), 'utf8'))),
    );
    seeds = scripts.flatMap(({ files }) => Object.values(files));
  });

  it('never make the rewriter throw, dawdle, or make an invalid module of a valid one', () => {
    const { faults, rewritten, refused } = fuzzRewriter('npm test', 2500, seeds);
    expect(faults.map(({ input, what }) => `input ${input}: ${what}`)).toEqual([]);
    expect(rewritten).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(700);
  });
});
