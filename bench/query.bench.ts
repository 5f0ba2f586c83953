import { openBuiltApp, openNetwork, percentile, round } from '../tests/support/browser.ts';
import { deployCounter } from '../tests/support/browser-agent.ts';

const USAGE = `
npm run bench -- query [--json] [--count N] [--pace mainnet|classroom|turbo]
Sequential queries of a Motoko counter, 4 nodes, without the agent's own verification, ms. Unless a pace
is told: at the page's own pace, and in turbo, where queries compete with signatures for every core.
`;

const COUNT = 100;

async function measure(app: Awaited<ReturnType<typeof openBuiltApp>>, pace: string, count: number) {
  const page = await openNetwork(app, { nodes: '4', pace });
  const canisterId = await deployCounter(page);
  const times = await page.evaluate(
    async ([id, calls]) => {
      const client = await window.subnetariumClient;
      await client?.timeQueries(id, 5);
      return client?.timeQueries(id, calls);
    },
    [canisterId, count] as const,
  );
  await page.close();
  const tookMs = times ?? [];
  return {
    p50Ms: round(percentile(tookMs, 50)),
    p95Ms: round(percentile(tookMs, 95)),
    count: tookMs.length,
    pace,
  };
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(USAGE.trim());
    return;
  }
  const at = args.indexOf('--count');
  const count = at === -1 ? COUNT : Number(args[at + 1]);
  const paceAt = args.indexOf('--pace');
  const told = paceAt === -1 ? undefined : args[paceAt + 1];
  const app = await openBuiltApp();
  try {
    const first = await measure(app, told ?? 'classroom', count);
    const result =
      told === undefined ? { ...first, turbo: await measure(app, 'turbo', count) } : first;
    console.log(args.includes('--json') ? JSON.stringify(result) : result);
  } finally {
    await app.close();
  }
}

await main(process.argv.slice(2));
