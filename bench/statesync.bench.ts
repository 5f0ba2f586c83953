import process from 'node:process';
import type { Page } from 'playwright-core';
import { PageMap } from '../src/protocol/replicated-state/page-map.ts';
import { makeCheckpoint } from '../src/protocol/state-manager/checkpoint.ts';
import {
  canisterWith,
  pages,
  stateWith,
} from '../src/protocol/state-manager/testing/filled-state.ts';
import { openBuiltApp, openNetwork, round } from '../tests/support/browser.ts';
import { addBrowserClient, bundleForBrowser } from '../tests/support/browser-agent.ts';
import { compileWat } from '../tests/support/wat.ts';
import { optionsOf } from './options.ts';

const USAGE = `
npm run bench -- statesync [--json] [--mb 16,128] [--interval N]
A node with an erased disk fetches a state of so many MB from three peers, 4 nodes in Chromium, turbo, DKG interval N (19).
mbPerSecond: from its first request until every chunk is there and checked, by the node's clock.
ratioToCopyHash: against copying and hashing the same bytes in a worker of the same page, right before.
blockRateDuringSync: finalized blocks per second meanwhile, as a share of the rate while the fourth node was off
(blocksPerSecondOfThree; without its blocks, whose turn passes only after a delay, it is below blocksPerSecondOfFour).
checkpoint: milliseconds of processor time in Node for a canister of 128 MB, the first time and after one page changed.
`;

const PAGE_WAIT_MS = 300_000;
const BASELINE_MS = 8000;
const PAGES_OF_128_MB = 128 * 256;

/** A module whose init writes 8 different bytes after each other all over a heap of so many MB. */
function filler(megabytes: number): Promise<Uint8Array> {
  return compileWat(`(module
    (memory ${megabytes * 16})
    (func (export "canister_init") (local $at i32)
      (loop $next
        (i64.store (local.get $at)
          (i64.mul (i64.extend_i32_u (local.get $at)) (i64.const -7046029254386353131)))
        (br_if $next
          (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8)))
            (i32.const ${megabytes * 1024 * 1024}))))))`);
}

/** Copies and hashes like the core does, in pieces of a chunk, and tells MB per second. */
async function copyHashSpeed(page: Page, script: string, megabytes: number): Promise<number> {
  return page.evaluate(
    ({ source, mb }) =>
      new Promise<number>((resolve, reject) => {
        const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
        const worker = new Worker(url, { type: 'module' });
        worker.addEventListener('error', (event) => reject(new Error(event.message)));
        worker.addEventListener('message', (event: MessageEvent<number>) => {
          worker.terminate();
          resolve(event.data);
        });
        worker.postMessage(mb);
      }),
    { source: script, mb: megabytes },
  );
}

interface SyncRun {
  readonly syncMs: number;
  readonly bytes: number;
  readonly ofFour: number;
  readonly ofThree: number;
  readonly during: number;
}

/** Kills, erases and restarts the last node; in the page. */
async function syncOnce(page: Page, baselineMs: number): Promise<SyncRun> {
  return page.evaluate(async (idleMs) => {
    const network = window.networkUnderTest;
    const nodes = network?.topology().subnets[0]?.nodes ?? [];
    const last = nodes.at(-1)?.nodeId;
    if (network === undefined || last === undefined) {
      throw new TypeError('the page has no network');
    }
    const finalized = async (): Promise<number> => {
      const { nodes: all } = await network.snapshot();
      return Math.max(...all.filter((n) => n.nodeId !== last).map((n) => n.heights.finalized));
    };
    const must = (result: { readonly ok: boolean }): void => {
      if (!result.ok) {
        throw new TypeError(JSON.stringify(result));
      }
    };
    const rate = async (): Promise<number> => {
      const from = await finalized();
      const at = performance.now();
      await new Promise((resolve) => setTimeout(resolve, idleMs));
      return (((await finalized()) - from) * 1000) / (performance.now() - at);
    };
    const ofFour = await rate();
    must(await network.faults.kill(last));
    must(await network.faults.wipe(last));
    const ofThree = await rate();
    let startedMs = 0;
    let startedHeight = Promise.resolve(0);
    let [bytes, syncMs] = [0, 0];
    const done = new Promise<void>((resolve) => {
      network.events.subscribe(({ from, events }) => {
        for (const event of from === last ? events : []) {
          if (event.kind === 'stateSyncProgress') {
            if (startedMs === 0) {
              startedMs = performance.now();
              startedHeight = finalized();
            }
            bytes = event.bytes;
            syncMs = event.elapsedMs;
          } else if (event.kind === 'caughtUp' && event.from === 'stateSync') {
            resolve();
          }
        }
      });
    });
    must(await network.faults.restart(last));
    await done;
    const blocks = (await finalized()) - (await startedHeight);
    const during = (blocks * 1000) / (performance.now() - startedMs);
    return { syncMs, bytes, ofFour, ofThree, during };
  }, baselineMs);
}

async function waitForPackage(page: Page): Promise<void> {
  // The first package above the height at which the canister was made holds its memory.
  await page.evaluate(async () => {
    const network = window.networkUnderTest;
    const heights = async () => (await network?.snapshot())?.nodes.map((n) => n.heights) ?? [];
    const made = Math.max(...(await heights()).map((h) => h.executed));
    while ((await heights()).some((h) => h.catchUpPackage < made)) {
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  });
}

async function measure(
  app: Awaited<ReturnType<typeof openBuiltApp>>,
  hasher: string,
  megabytes: number,
  interval: string,
) {
  const page = await openNetwork(app, { nodes: '4', pace: 'turbo', dkgInterval: interval });
  page.setDefaultTimeout(PAGE_WAIT_MS);
  await addBrowserClient(page);
  const wasm = Buffer.from(await filler(megabytes)).toString('base64');
  await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    await (await window.subnetariumClient)?.deploy(bytes);
  }, wasm);
  await waitForPackage(page);
  const reference = await copyHashSpeed(page, hasher, megabytes);
  const { syncMs, bytes, ofFour, ofThree, during } = await syncOnce(page, BASELINE_MS);
  await page.close();
  const stateMb = bytes / (1024 * 1024);
  const mbPerSecond = (stateMb * 1000) / syncMs;
  return {
    stateMb: round(stateMb),
    syncMs: round(syncMs, 0),
    mbPerSecond: round(mbPerSecond),
    copyHashMbPerSecond: round(reference),
    ratioToCopyHash: round(mbPerSecond / reference, 2),
    blocksPerSecondOfFour: round(ofFour, 2),
    blocksPerSecondOfThree: round(ofThree, 2),
    blockRateDuringSync: round(during / ofThree, 2),
  };
}

/** What a checkpoint of 128 MB costs, in this process. */
function measureCheckpoint() {
  const timed = <T>(work: () => T): readonly [T, number] => {
    const before = process.cpuUsage();
    const value = work();
    const { user, system } = process.cpuUsage(before);
    return [value, round((user + system) / 1000)];
  };
  const heap = PageMap.from(pages(0, PAGES_OF_128_MB));
  const stateOf = (height: number, memory: PageMap) =>
    stateWith(height, [canisterWith(1, memory, PAGES_OF_128_MB / 16)]);
  const [first, firstMs] = timed(() => makeCheckpoint(stateOf(1, heap)));
  const changed = heap.with(pages(777, 1, 1));
  const [, onePageMs] = timed(() => makeCheckpoint(stateOf(2, changed), first));
  return { stateMb: 128, firstMs, onePageMs };
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(USAGE.trim());
    return;
  }
  const option = optionsOf(args);
  const hasher = await bundleForBrowser('bench/copy-hash-in-browser.ts');
  const app = await openBuiltApp();
  try {
    const runs = [];
    for (const megabytes of option('--mb', '16,128').split(',')) {
      runs.push(await measure(app, hasher, Number(megabytes), option('--interval', '19')));
    }
    const result = { runs, checkpoint: measureCheckpoint() };
    console.log(args.includes('--json') ? JSON.stringify(result) : result);
  } finally {
    await app.close();
  }
}

await main(process.argv.slice(2));
