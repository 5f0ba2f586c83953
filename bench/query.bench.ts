import { openBuiltApp, openNetwork, percentile, round } from '../tests/support/browser.ts';
import { deployCounter } from '../tests/support/browser-agent.ts';

const USAGE = `
npm run bench -- query [--json] [--count N] [--pace mainnet|classroom|turbo]
Sequential queries of a Motoko counter, 4 nodes, turbo unless told, without the agent's own verification, ms.
`;

const COUNT = 100;

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(USAGE.trim());
    return;
  }
  const at = args.indexOf('--count');
  const count = at === -1 ? COUNT : Number(args[at + 1]);
  const paceAt = args.indexOf('--pace');
  const pace = paceAt === -1 ? 'turbo' : (args[paceAt + 1] ?? 'turbo');
  const app = await openBuiltApp();
  try {
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
    const tookMs = times ?? [];
    const result = {
      p50Ms: round(percentile(tookMs, 50)),
      p95Ms: round(percentile(tookMs, 95)),
      count: tookMs.length,
      pace,
    };
    console.log(args.includes('--json') ? JSON.stringify(result) : result);
  } finally {
    await app.close();
  }
}

await main(process.argv.slice(2));
