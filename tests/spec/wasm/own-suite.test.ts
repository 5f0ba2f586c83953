import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { numericScripts } from './numeric.ts';
import { readWast } from './read-wast.ts';
import { runScript } from './run-script.ts';

const OWN = fileURLToPath(new URL('./own/', import.meta.url));

describe('rewritten modules do what the originals do', () => {
  it.each(readdirSync(OWN))('in %s', async (file) => {
    const report = runScript(await readWast(file, readFileSync(join(OWN, file), 'utf8')));
    expect(report.failures).toEqual([]);
    expect(report.notApplicable).toEqual({});
    expect(report.passed).toBeGreaterThan(1);
  });

  it('for every numeric instruction on values at the edges', async () => {
    const reports = (await numericScripts()).map(runScript);
    expect(reports.flatMap(({ failures }) => failures)).toEqual([]);
    expect(reports.every(({ notApplicable }) => Object.keys(notApplicable).length === 0)).toBe(
      true,
    );
    expect(reports.length).toBe(136);
  });
});
