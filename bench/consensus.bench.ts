import type { CDPSession, Page } from 'playwright-core';
import { type BuiltApp, openBuiltApp, openNetwork, round } from '../tests/support/browser.ts';
import { optionsOf } from './options.ts';

const USAGE = `
npm run bench -- consensus [--json] [--nodes 4,7,13,40] [--backends mcl,noble] [--seconds N]
Consensus at full speed in Chromium, for each number of nodes and library of signatures:
  blocksPerSecond           finalized blocks
  cpuMsPerNodeRound         milliseconds inside a node's core per block, by the wall
  cryptoMsPerNodeRound      of these, in signing, checking and combining
  cryptoShare               the second by the first
  processorMsPerNodeRound   processor time of the whole page per node and block: comparable when
                            there are more nodes than cores
growth: per library, processorMsPerNodeRound / n relative to the smallest n; at most 1 = O(n).
targets: per n, the blocks per second wanted and reached with the better library.
`;

const NODES = '4,7,13,40';
const BACKENDS = 'mcl,noble';
const SECONDS = 15;
const PACE = 'turbo';
/** Blocks before the measurement: engines compile, tables of keys are computed. */
const WARM_UP_BLOCKS = 5;
/** Fewer blocks are no measurement; a slow network gets this many times the seconds for them. */
const MIN_ROUNDS = 4;
const MAX_EXTENSION = 12;
/** How often a node may be too busy to say what it cost. */
const MAX_TRIES = 30;
const TARGETS: Readonly<Record<string, number>> = { '4': 5, '7': 3, '13': 1, '40': 0.3 };

interface Reading {
  readonly atMs: number;
  readonly finalized: number;
  readonly busyMs: number;
  readonly cryptoMs: number;
  readonly backends: readonly string[];
}

interface Run {
  readonly n: number;
  readonly pace: string;
  readonly backend: string;
  readonly blocksPerSecond: number;
  readonly cpuMsPerNodeRound: number;
  readonly cryptoMsPerNodeRound: number;
  readonly cryptoShare: number;
  readonly processorMsPerNodeRound: number;
  readonly rounds: number;
}

/** Height of the network and the summed cost of its nodes. */
async function read(page: Page, triesLeft = MAX_TRIES): Promise<Reading> {
  const reading = await page.evaluate(async () => {
    const snapshot = await window.networkUnderTest?.snapshot();
    const nodes = snapshot?.nodes ?? [];
    const loads = nodes.flatMap((node) => node.load ?? []);
    if (loads.length < nodes.length) {
      // A node too busy to answer would be missing from the sums.
      return null;
    }
    return {
      atMs: performance.now(),
      finalized: Math.max(0, ...nodes.map((node) => node.heights.finalized)),
      busyMs: loads.reduce((sum, load) => sum + load.busyMs, 0),
      cryptoMs: loads.reduce((sum, load) => sum + load.cryptoMs, 0),
      backends: [...new Set(loads.map((load) => load.blsBackend))],
    };
  });
  if (reading !== null) {
    return reading;
  }
  if (triesLeft === 0) {
    throw new Error('a node does not answer');
  }
  await pause(500);
  return read(page, triesLeft - 1);
}

/** Seconds of processor time of all renderers, by the browser's own count. */
async function processorSeconds(session: CDPSession): Promise<number> {
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  return processInfo
    .filter(({ type }) => type === 'renderer')
    .reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function measure(app: BuiltApp, n: number, backend: string, seconds: number): Promise<Run> {
  const page = await openNetwork(app, { nodes: String(n), pace: PACE, signatures: backend });
  const session = await app.browser.newBrowserCDPSession();
  while ((await read(page)).finalized < WARM_UP_BLOCKS) {
    await pause(200);
  }
  const processorBefore = await processorSeconds(session);
  const before = await read(page);
  let after = before;
  for (let i = 0; i < MAX_EXTENSION; i += 1) {
    await pause(seconds * 1000);
    after = await read(page);
    if (after.finalized - before.finalized >= MIN_ROUNDS) {
      break;
    }
  }
  const processorMs = ((await processorSeconds(session)) - processorBefore) * 1000;
  await session.detach();
  await page.close();
  const rounds = after.finalized - before.finalized;
  const busyMs = after.busyMs - before.busyMs;
  const cryptoMs = after.cryptoMs - before.cryptoMs;
  return {
    n,
    pace: PACE,
    backend: after.backends.join(),
    blocksPerSecond: round((rounds * 1000) / (after.atMs - before.atMs), 2),
    cpuMsPerNodeRound: round(busyMs / (n * rounds)),
    cryptoMsPerNodeRound: round(cryptoMs / (n * rounds)),
    cryptoShare: round(cryptoMs / busyMs, 2),
    processorMsPerNodeRound: round(processorMs / (n * rounds)),
    rounds,
  };
}

/** How the cost of a node's round grows beside n. */
function growthOf(runs: readonly Run[]) {
  return [...new Set(runs.map((run) => run.backend))].map((backend) => {
    const own = runs.filter((run) => run.backend === backend).toSorted((a, b) => a.n - b.n);
    const perNode = (run: Run): number => run.processorMsPerNodeRound / run.n;
    const [smallest] = own;
    const relative = own.map((run) => ({
      n: run.n,
      ratio: smallest === undefined ? 1 : round(perNode(run) / perNode(smallest), 2),
    }));
    return { backend, relative };
  });
}

function targetsOf(runs: readonly Run[]) {
  return [...new Set(runs.map((run) => run.n))].map((n) => {
    const reached = Math.max(
      ...runs.filter((run) => run.n === n).map((run) => run.blocksPerSecond),
    );
    return { n, wanted: TARGETS[String(n)] ?? null, reached };
  });
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(USAGE.trim());
    return;
  }
  const option = optionsOf(args);
  const seconds = Number(option('--seconds', String(SECONDS)));
  const app = await openBuiltApp();
  try {
    const runs: Run[] = [];
    for (const n of option('--nodes', NODES).split(',').map(Number)) {
      for (const backend of option('--backends', BACKENDS).split(',')) {
        runs.push(await measure(app, n, backend, seconds));
      }
    }
    const result = { runs, growth: growthOf(runs), targets: targetsOf(runs) };
    console.log(args.includes('--json') ? JSON.stringify(result) : result);
  } finally {
    await app.close();
  }
}

await main(process.argv.slice(2));
