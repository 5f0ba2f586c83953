import { openBuiltApp, openNetwork, percentile, round } from '../tests/support/browser.ts';
import { addBrowserClient, compileCounter } from '../tests/support/browser-agent.ts';

const USAGE = `
npm run bench -- boot [--json] [--runs N]
Navigation to first finalized block and to first certified update reply, built app, warm cache, ms.
`;

const RUNS = 5;

/** One load: marks of the page itself, then the first call an agent can make. */
async function measure(app: Awaited<ReturnType<typeof openBuiltApp>>) {
  const page = await openNetwork(app, { nodes: '4', pace: 'turbo' });
  const marks = await page.evaluate(() =>
    Object.fromEntries(
      performance.getEntriesByType('mark').map((mark) => [mark.name, mark.startTime]),
    ),
  );
  await addBrowserClient(page);
  const clientReadyMs = await page.evaluate(() => performance.now());
  const wasm = Buffer.from(compileCounter()).toString('base64');
  const firstReplyMs = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    await (await window.subnetariumClient)?.deploy(bytes);
    return performance.now();
  }, wasm);
  await page.close();
  const firstFinalizedMs = marks['subnetarium:ready'] ?? Number.NaN;
  // The script that holds the agent is put in after the fact; a real page has it from the start.
  const injectedMs = Math.max(0, clientReadyMs - firstFinalizedMs);
  return { marks, firstFinalizedMs, firstReplyMs: firstReplyMs - injectedMs };
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(USAGE.trim());
    return;
  }
  const at = args.indexOf('--runs');
  const runs = at === -1 ? RUNS : Number(args[at + 1]);
  const app = await openBuiltApp();
  try {
    // One load fills the caches.
    await measure(app);
    const measured = [];
    for (let i = 0; i < runs; i += 1) {
      measured.push(await measure(app));
    }
    const result = {
      firstFinalizedMs: round(
        percentile(
          measured.map((run) => run.firstFinalizedMs),
          50,
        ),
        0,
      ),
      firstReplyMs: round(
        percentile(
          measured.map((run) => run.firstReplyMs),
          50,
        ),
        0,
      ),
      runs: measured.map((run) => ({
        firstFinalizedMs: round(run.firstFinalizedMs, 0),
        firstReplyMs: round(run.firstReplyMs, 0),
      })),
    };
    console.log(args.includes('--json') ? JSON.stringify(result) : result);
  } finally {
    await app.close();
  }
}

await main(process.argv.slice(2));
