import type { Page } from 'playwright-core';
import { openBuiltApp, openNetwork, round, type BuiltApp } from '../tests/support/browser.ts';
import { addBrowserClient, bundleForBrowser } from '../tests/support/browser-agent.ts';
import { compileWat } from '../tests/support/wat.ts';
import type { SliceFigures } from './dts-in-browser.ts';
import { optionsOf } from './options.ts';

const USAGE = `
npm run bench -- dts [--json] [--nodes N] [--seconds N] [--rounds N] [--pace P]
Deterministic time slicing in Chromium:
  blocksPerSecondIdle, blocksPerSecondBusy   without and with a message of 10 billion instructions at work
  rateKept                                   the second by the first (target 0.8)
  slicePauseUs                               what each slice adds to a run (target 100)
  killToAnswerMs                             worker killed until a new one answered, 16 MiB (target 150)
  workerStartMs                              the browser's part of it: until a new worker speaks
  sameAsRunAhead                             a pausing worker and an inline sandbox say the same
`;

/** `work`: some 100 million instructions; `long`: 10 billion; heap of 16 MiB, every page in use. */
const MODULE = `
(module
  (import "ic0" "msg_reply" (func $reply))
  (memory 256)
  (func $spin (param $n i64)
    (local $i i64)
    (loop $again
      (i64.store (i32.wrap_i64 (i64.and (local.get $i) (i64.const 1048568))) (local.get $i))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br_if $again (i64.lt_u (local.get $i) (local.get $n)))))
  (func (export "canister_init") (local $p i32)
    (loop $again
      (i32.store (local.get $p) (i32.add (local.get $p) (i32.const 1)))
      (local.set $p (i32.add (local.get $p) (i32.const 4096)))
      (br_if $again (i32.lt_u (local.get $p) (i32.const 16777216)))))
  (func (export "canister_update work") (call $spin (i64.const 8000000)) (call $reply))
  (func (export "canister_update long") (call $spin (i64.const 700000000)) (call $reply))
  (func (export "canister_query look") (drop (i32.load (i32.const 8192))) (call $reply)))
`;

interface BlockRates {
  readonly blocksPerSecondIdle: number;
  readonly blocksPerSecondBusy: number;
  readonly rateKept: number;
  readonly busySeconds: number;
  readonly longAnswered: boolean;
}

async function finalized(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const snapshot = await window.networkUnderTest?.snapshot();
    return Math.max(0, ...(snapshot?.nodes ?? []).map(({ heights }) => heights.finalized));
  });
}

async function rateOver(page: Page, seconds: number): Promise<number> {
  const before = await finalized(page);
  const startedMs = Date.now();
  await page.waitForTimeout(seconds * 1000);
  const after = await finalized(page);
  return ((after - before) * 1000) / (Date.now() - startedMs);
}

async function measureBlocks(
  app: BuiltApp,
  wasm: Uint8Array,
  parameters: Readonly<Record<string, string>>,
  seconds: number,
): Promise<BlockRates> {
  const page = await openNetwork(app, parameters);
  await addBrowserClient(page);
  const canisterId = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    return (await window.subnetariumClient)?.deploy(bytes) ?? '';
  }, Buffer.from(wasm).toString('base64'));
  const idle = await rateOver(page, seconds);
  await page.evaluate(async (id) => {
    const client = await window.subnetariumClient;
    (window as { longDone?: boolean }).longDone = false;
    void client?.call(id, 'long').finally(() => {
      (window as { longDone?: boolean }).longDone = true;
    });
  }, canisterId);
  await page.waitForTimeout(1500);
  const before = await finalized(page);
  const startedMs = Date.now();
  let done = false;
  while (!done && Date.now() - startedMs < seconds * 1000) {
    await page.waitForTimeout(500);
    done = await page.evaluate(() => (window as { longDone?: boolean }).longDone === true);
  }
  const busySeconds = (Date.now() - startedMs) / 1000;
  const busy = ((await finalized(page)) - before) / busySeconds;
  await page
    .waitForFunction(() => (window as { longDone?: boolean }).longDone === true, null, {
      timeout: 240_000,
    })
    .catch(() => undefined);
  const longAnswered = await page.evaluate(
    () => (window as { longDone?: boolean }).longDone === true,
  );
  await page.close();
  return {
    blocksPerSecondIdle: round(idle, 2),
    blocksPerSecondBusy: round(busy, 2),
    rateKept: round(busy / idle, 2),
    busySeconds: round(busySeconds),
    longAnswered,
  };
}

async function measureWorkers(
  app: BuiltApp,
  wasm: Uint8Array,
  rounds: number,
): Promise<SliceFigures> {
  const page = await app.browser.newPage();
  await page.goto(app.url);
  await page.addScriptTag({
    content: await bundleForBrowser('bench/dts-in-browser.ts'),
    type: 'module',
  });
  await page.waitForFunction(() => window.measureSlices !== undefined);
  const workerSource = await bundleForBrowser('src/workers/sandbox/sandbox.worker.ts');
  const figures = await page.evaluate(
    async ({ source, base64, times }) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      return window.measureSlices?.(source, bytes, times);
    },
    { source: workerSource, base64: Buffer.from(wasm).toString('base64'), times: rounds },
  );
  await page.close();
  if (figures === undefined) {
    throw new Error('the page has no measurement');
  }
  return figures;
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(USAGE.trim());
    return;
  }
  const option = optionsOf(args);
  const wasm = await compileWat(MODULE);
  const app = await openBuiltApp();
  try {
    const workers = await measureWorkers(app, wasm, Number(option('--rounds', '7')));
    const nodes = option('--nodes', '4');
    const pace = option('--pace', 'classroom');
    const blocks = await measureBlocks(
      app,
      wasm,
      { nodes, pace },
      Number(option('--seconds', '20')),
    );
    const result = {
      ...blocks,
      slicePauseUs: round(workers.slicePauseUs),
      killToAnswerMs: round(workers.killToAnswerMs),
      workerStartMs: round(workers.workerStartMs),
      queryWhilePausedMs: round(workers.queryWhilePausedMs, 2),
      sameAsRunAhead: workers.sameAsRunAhead,
      slices: workers.slices,
      nodes: Number(nodes),
      pace,
    };
    console.log(args.includes('--json') ? JSON.stringify(result) : result);
  } finally {
    await app.close();
  }
}

await main(process.argv.slice(2));
