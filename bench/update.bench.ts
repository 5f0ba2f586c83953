import { openBuiltApp, openNetwork, percentile, round } from '../tests/support/browser.ts';
import { deployCounter } from '../tests/support/browser-agent.ts';

const USAGE = `
npm run bench -- update [--json] [--count N]
Sequential update calls on a Motoko counter, 4 nodes, turbo, with the agent's own verification, ms.
`;

const COUNT = 50;

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(USAGE.trim());
    return;
  }
  const at = args.indexOf('--count');
  const count = at === -1 ? COUNT : Number(args[at + 1]);
  const app = await openBuiltApp();
  try {
    const page = await openNetwork(app, { nodes: '4', pace: 'turbo' });
    const canisterId = await deployCounter(page);
    const times = await page.evaluate(
      async ([id, calls]) => {
        const client = await window.subnetariumClient;
        // The first calls compile; they are not what a user waits for every time.
        await client?.timeUpdates(id, 3);
        return client?.timeUpdates(id, calls);
      },
      [canisterId, count] as const,
    );
    const updates = times ?? [];
    const result = {
      p50Ms: round(percentile(updates, 50)),
      p95Ms: round(percentile(updates, 95)),
      count: updates.length,
    };
    console.log(args.includes('--json') ? JSON.stringify(result) : result);
  } finally {
    await app.close();
  }
}

await main(process.argv.slice(2));
