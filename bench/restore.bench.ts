import { loadavg } from 'node:os';
import type { Browser, Page } from 'playwright-core';
import { openBuiltAppOnDisk, openNetwork, round } from '../tests/support/browser.ts';
import { addBrowserClient } from '../tests/support/browser-agent.ts';
import { exposeNetwork } from '../tests/support/page-globals.ts';
import { compileWat } from '../tests/support/wat.ts';
import { optionsOf } from './options.ts';
import { processorSeconds } from './tab-load.ts';

const USAGE = `
npm run bench -- restore [--json] [--nodes 8] [--mib 64] [--blocks 60]
The page with a saved network is left and opened again: navigation to the first final block that was made after it (a node has
executed it and its time is later), and to the first reply that an agent verified, ms; reloadProcessorMs: what all
processes of the browser took from the navigation to that block. bytesPerIdleBlock and growthPer1000Blocks: what is
appended to one node's log while nothing happens. The log is compacted above 32 MiB and twice its living bytes, and
what lives is purged at catch-up packages: files stay below that bound, whatever is appended.
`;

const MIB = 1024 * 1024;
const PAGE_BYTES = 65_536;
const INTERVAL = 19;
/** For the workers of the page that was left to end. */
const SETTLE_MS = 2_000;

/** Fills its memory with numbers that do not repeat, so that no chunk is like another. */
function fillerWat(mib: number): string {
  return `
(module
  (import "ic0" "msg_reply" (func $reply))
  (memory ${(mib * MIB) / PAGE_BYTES + 1})
  (func (export "canister_update fill") (local $at i32) (local $x i64)
    (local.set $x (i64.const 88172645463325252))
    (loop $next
      (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 13))))
      (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 7))))
      (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 17))))
      (i64.store (local.get $at) (local.get $x))
      (local.set $at (i32.add (local.get $at) (i32.const 64)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const ${mib * MIB}))))
    (call $reply))
  (func (export "canister_update touch") (call $reply)))`;
}

/** Heights of the node that got furthest. */
async function heights(page: Page): Promise<{ finalized: number; catchUpPackage: number }> {
  return page.evaluate(async () => {
    const nodes = (await window.networkUnderTest?.snapshot())?.nodes ?? [];
    const most = (of: 'finalized' | 'catchUpPackage'): number =>
      Math.max(0, ...nodes.map((node) => node.heights[of]));
    return { finalized: most('finalized'), catchUpPackage: most('catchUpPackage') };
  });
}

async function untilHeights(
  page: Page,
  isThere: (now: Awaited<ReturnType<typeof heights>>) => boolean,
) {
  for (;;) {
    const now = await heights(page);
    if (isThere(now)) {
      return now;
    }
    await page.waitForTimeout(200);
  }
}

async function storedBytes(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const use = await window.subnetarium?.saved.storage();
    return (use?.nodes ?? []).reduce((sum, node) => sum + node.bytes, 0);
  });
}

async function fill(page: Page, mib: number): Promise<string> {
  await addBrowserClient(page);
  const wasm = Buffer.from(await compileWat(fillerWat(mib))).toString('base64');
  return page.evaluate(async (base64) => {
    const client = await window.subnetariumClient;
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const canisterId = (await client?.deploy(bytes)) ?? '';
    await client?.call(canisterId, 'fill');
    return canisterId;
  }, wasm);
}

async function measureReload(browser: Browser, page: Page, canisterId: string) {
  // The old page ends before: its nodes' last work is not what it takes to go on.
  const address = page.url();
  await page.goto('about:blank');
  await page.waitForTimeout(SETTLE_MS);
  const processorBefore = await processorSeconds(browser);
  await page.goto(address);
  await page.waitForFunction(exposeNetwork, null, { timeout: 300_000 });
  const firstNewBlockMs = await page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        // Network time is wall time; blocks that are executed again have their old times.
        const navigationNs = BigInt(Math.ceil(performance.timeOrigin)) * 1_000_000n;
        window.networkUnderTest?.events.subscribe(({ events }) => {
          if (events.some((event) => event.kind === 'executed' && event.timeNs > navigationNs)) {
            resolve(performance.now());
          }
        });
      }),
  );
  const reloadProcessorMs = ((await processorSeconds(browser)) - processorBefore) * 1000;
  await addBrowserClient(page);
  // The script that holds the agent is put in after the fact; a real page has it from the start.
  const injectedMs = (await page.evaluate(() => performance.now())) - firstNewBlockMs;
  const repliedMs = await page.evaluate(async (id) => {
    await (await window.subnetariumClient)?.call(id, 'touch');
    return performance.now();
  }, canisterId);
  return { firstNewBlockMs, reloadProcessorMs, firstReplyMs: repliedMs - injectedMs };
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(USAGE.trim());
    return;
  }
  const option = optionsOf(args);
  const nodes = Number(option('--nodes', '8'));
  const blocks = Number(option('--blocks', '60'));
  const app = await openBuiltAppOnDisk();
  try {
    const page = await openNetwork(app, {
      nodes: String(nodes),
      pace: 'turbo',
      dkgInterval: String(INTERVAL),
    });
    const canisterId = await fill(page, Number(option('--mib', '64')));
    const filled = await heights(page);
    // Two intervals on, the full checkpoint is on every disk and what is written is what blocks cost.
    const settled = await untilHeights(
      page,
      (now) => now.catchUpPackage > filled.finalized + 2 * INTERVAL,
    );
    const [from, bytes] = [settled.finalized, await storedBytes(page)];
    const later = await untilHeights(page, (now) => now.finalized >= from + blocks);
    const perBlock = ((await storedBytes(page)) - bytes) / (later.finalized - from) / nodes;
    const reload = await measureReload(app.browser.browser() as Browser, page, canisterId);
    const result = {
      firstNewBlockMs: round(reload.firstNewBlockMs, 0),
      firstReplyMs: round(reload.firstReplyMs, 0),
      reloadProcessorMs: round(reload.reloadProcessorMs, 0),
      bytesPerIdleBlock: round(perBlock, 0),
      growthPer1000Blocks: round(perBlock * 1000, 0),
      load: loadavg()[0],
    };
    console.log(args.includes('--json') ? JSON.stringify(result) : result);
  } finally {
    await app.close();
  }
}

await main(process.argv.slice(2));
