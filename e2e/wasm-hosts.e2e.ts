import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { bundleForBrowser } from '../tests/support/browser-agent.ts';
import { HostComparison, isClean } from '../tests/spec/wasm/compare-hosts.ts';
import { fuzzScript } from '../tests/spec/wasm/fuzz-module.ts';
import type { Host } from '../tests/spec/wasm/hosts.ts';
import { runInWorker } from '../tests/spec/wasm/hosts.ts';
import { readWast } from '../tests/spec/wasm/read-wast.ts';
import { runScript } from '../tests/spec/wasm/run-script.ts';

const OWN = 'tests/spec/wasm/own';
/** With vectors; with references; with both, a 64-bit memory and a 64-bit table, which Node runs lowered. */
const SEEDS = ['npm test 1', 'npm test 8', 'fuzz 213'];

test('rewritten modules give the same results, instruction counts and memories in Node and in Chromium', async ({
  page,
}) => {
  const source = await bundleForBrowser('tests/spec/wasm/script-in-browser.ts');
  const hosts: readonly Host[] = [
    { name: 'node', run: (script) => Promise.resolve(runScript(script)), close: async () => {} },
    { name: 'chromium', run: (script) => runInWorker(page, source, script), close: async () => {} },
  ];
  const comparison = new HostComparison(hosts);
  for (const file of readdirSync(OWN)) {
    await comparison.run(await readWast(file, readFileSync(join(OWN, file), 'utf8')));
  }
  for (const seed of SEEDS) {
    await comparison.run(await fuzzScript(seed));
  }
  const result = comparison.result();
  expect(result.failures).toEqual([]);
  expect(result.modulesCompared).toBeGreaterThan(30);
  expect(isClean(result)).toBe(true);
});
