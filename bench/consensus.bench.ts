import type { Page } from 'playwright-core';
import { openBuiltApp, openNetwork, round } from '../tests/support/browser.ts';

const USAGE = `
npm run bench -- consensus [--json] [--nodes 4,7,13] [--seconds N]
Finalized blocks per second, and milliseconds of each node's core per round, in Chromium.
`;

const NODES = '4,7,13';
const WARM_UP_BLOCKS = 5;
const SECONDS = 15;

interface Reading {
  readonly atMs: number;
  readonly finalized: number;
  readonly busyMs: number;
  readonly cryptoMs: number;
}

/** Height of the network and the summed cost of its nodes. */
function read(page: Page): Promise<Reading> {
  return page.evaluate(async () => {
    const snapshot = await window.networkUnderTest?.snapshot();
    const nodes = snapshot?.nodes ?? [];
    return {
      atMs: performance.now(),
      finalized: Math.max(0, ...nodes.map((node) => node.heights.finalized)),
      busyMs: nodes.reduce((sum, node) => sum + (node.load?.busyMs ?? 0), 0),
      cryptoMs: nodes.reduce((sum, node) => sum + (node.load?.cryptoMs ?? 0), 0),
    };
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function measure(app: Awaited<ReturnType<typeof openBuiltApp>>, n: number, seconds: number) {
  const pace = 'turbo';
  const page = await openNetwork(app, { nodes: String(n), pace });
  while ((await read(page)).finalized < WARM_UP_BLOCKS) {
    await pause(200);
  }
  const before = await read(page);
  await pause(seconds * 1000);
  const after = await read(page);
  await page.close();
  const rounds = after.finalized - before.finalized;
  return {
    n,
    pace,
    blocksPerSecond: round((rounds * 1000) / (after.atMs - before.atMs), 2),
    cpuMsPerNodeRound: round((after.busyMs - before.busyMs) / (n * rounds)),
    cryptoMsPerNodeRound: round((after.cryptoMs - before.cryptoMs) / (n * rounds)),
  };
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(USAGE.trim());
    return;
  }
  const option = (name: string, otherwise: string): string => {
    const at = args.indexOf(name);
    return at === -1 ? otherwise : (args[at + 1] ?? otherwise);
  };
  const seconds = Number(option('--seconds', String(SECONDS)));
  const app = await openBuiltApp();
  try {
    const runs = [];
    for (const n of option('--nodes', NODES).split(',')) {
      runs.push(await measure(app, Number(n), seconds));
    }
    console.log(args.includes('--json') ? JSON.stringify({ runs }) : { runs });
  } finally {
    await app.close();
  }
}

await main(process.argv.slice(2));
