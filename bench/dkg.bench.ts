import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { rolldown } from 'rolldown';
import { launchChromium } from '../tests/support/browser.ts';
import { type DkgRun, measureDkg } from './dkg-measure.ts';
import { optionsOf } from './options.ts';

const USAGE = `
npm run bench -- dkg [--json] [--nodes 4,13] [--backends noble,mcl] [--rounds N] [--node]
Milliseconds of one core for a transcript of the scheme feldman, in a worker of Chromium (--node: in Node,
on processor time).
cpuMsPerTranscriptPerNode: a node deals once, verifies the others' dealings, opens and combines
as many as the key needs. Each figure is that of the fastest of N rounds (5).
`;

type Measure = (n: number, backend: string, rounds: number) => Promise<readonly DkgRun[]>;

/** The measuring program as one classic script. */
async function bundleForBrowser(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'subnetarium-bench-'));
  try {
    const file = join(directory, 'dkg.js');
    const bundle = await rolldown({
      input: 'bench/dkg-in-browser.ts',
      platform: 'browser',
      logLevel: 'silent',
    });
    await bundle.write({ file, format: 'iife', codeSplitting: false });
    await bundle.close();
    return readFileSync(file, 'utf8');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** In Node the stopwatch runs on processor time: comparable on a loaded machine. */
const measureInNode: Measure = (n, backend, rounds) =>
  measureDkg(n, backend, rounds, () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  });

async function openBrowser(): Promise<{ measure: Measure; close: () => Promise<void> }> {
  const source = await bundleForBrowser();
  const browser = await launchChromium();
  const page = await browser.newPage();
  const measure: Measure = async (n, backend, rounds) => {
    const answer = await page.evaluate(
      ({ script, request }) =>
        new Promise<{ runs?: readonly DkgRun[]; error?: string }>((resolve) => {
          const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
          const worker = new Worker(url);
          worker.addEventListener('error', (event) => resolve({ error: event.message }));
          worker.addEventListener('message', (event) => {
            worker.terminate();
            resolve(event.data);
          });
          worker.postMessage(request);
        }),
      { script: source, request: [n, backend, rounds] },
    );
    if (answer.runs === undefined) {
      throw new Error(`the worker failed: ${answer.error ?? 'no reason'}`);
    }
    return answer.runs;
  };
  return { measure, close: () => browser.close() };
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(USAGE.trim());
    return;
  }
  const option = optionsOf(args);
  const rounds = Number(option('--rounds', '5'));
  const inNode = args.includes('--node');
  const host = inNode
    ? { measure: measureInNode, close: () => Promise.resolve() }
    : await openBrowser();
  try {
    const runs: DkgRun[] = [];
    for (const n of option('--nodes', '4,13').split(',')) {
      for (const backend of option('--backends', 'noble,mcl').split(',')) {
        runs.push(...(await host.measure(Number(n), backend, rounds)));
      }
    }
    const result = { host: inNode ? 'node' : 'chromium', scheme: 'feldman', runs };
    console.log(args.includes('--json') ? JSON.stringify(result) : result);
  } finally {
    await host.close();
  }
}

await main(process.argv.slice(2));
