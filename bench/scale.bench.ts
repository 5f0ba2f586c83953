import { loadavg } from 'node:os';
import { MAX_SUBNETS } from '../src/wire/network-spec.ts';
import { openBuiltApp, round } from '../tests/support/browser.ts';
import { agentOfPage } from '../tests/support/page-agent.ts';
import { optionsOf } from './options.ts';
import { tabMiB, untilFinalized, watchLoad } from './tab-load.ts';

const USAGE = `
npm run bench -- scale [--json] [--sizes 4x1,8x1,8x2,16x1,16x4,32x1,32x${MAX_SUBNETS}] [--pace turbo] [--seconds 15] [--blocks 3]
Networks of nodes x subnets in one tab, one after another, each in a browser of its own: blocksPerSecond of all subnets
together once each has finalized some blocks, processor milliseconds a block of a subnet and a node's part of it, and
memory of the tab (page and workers are one process). A network has at most ${MAX_SUBNETS} subnets.
`;

interface Size {
  readonly nodes: number;
  readonly subnets: number;
}

/** As many nodes in each subnet, the first ones one more where it does not come out even. */
function subnetsOf({ nodes, subnets }: Size): string {
  return Array.from({ length: subnets }, (_, at) => {
    const own = Math.floor(nodes / subnets) + (at < nodes % subnets ? 1 : 0);
    return `${at === 0 && subnets > 1 ? 'system' : 'application'}:${own}`;
  }).join();
}

function parseSize(text: string): Size {
  const [nodes = Number.NaN, subnets = 1] = text.split('x').map(Number);
  return { nodes, subnets };
}

async function measure(size: Size, pace: string, seconds: number, blocks: number) {
  const app = await openBuiltApp();
  try {
    const page = await app.browser.newPage();
    page.on('pageerror', (error) => console.error(`the page threw: ${error.message}`));
    const startedMs = performance.now();
    const parameters = new URLSearchParams({ subnets: subnetsOf(size), pace });
    await page.goto(`${app.url}?${parameters.toString()}`);
    await agentOfPage(page);
    await untilFinalized(page, blocks);
    const startMs = performance.now() - startedMs;
    const watched = await watchLoad(app.browser, page, seconds);
    const total = watched.blocks.reduce((sum, one) => sum + one, 0);
    return {
      ...size,
      blocksPerSecond: round(total / watched.elapsed, 2),
      slowestSubnet: round(Math.min(...watched.blocks) / watched.elapsed, 2),
      processorMsPerBlock: round((watched.cpuSeconds * 1000) / total, 0),
      processorMsPerNodeBlock: round(
        (watched.cpuSeconds * 1000 * size.subnets) / (total * size.nodes),
      ),
      tabMiB: round(await tabMiB(app.browser), 0),
      startMs: round(startMs, 0),
    };
  } finally {
    await app.close();
  }
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(USAGE.trim());
    return;
  }
  const option = optionsOf(args);
  const sizes = option('--sizes', `4x1,8x1,8x2,16x1,16x4,32x1,32x${MAX_SUBNETS}`);
  const pace = option('--pace', 'turbo');
  const runs = [];
  for (const size of sizes.split(',').map(parseSize)) {
    const run = await measure(
      size,
      pace,
      Number(option('--seconds', '15')),
      Number(option('--blocks', '3')),
    );
    runs.push(run);
    console.error(JSON.stringify(run));
  }
  const result = { pace, runs, load: loadavg()[0] };
  console.log(args.includes('--json') ? JSON.stringify(result) : result);
}

await main(process.argv.slice(2));
