import type { Page } from 'playwright-core';
import {
  addBrowserClient,
  bundleForBrowser,
  compileActor,
} from '../tests/support/browser-agent.ts';
import type {} from '../tests/support/calls-client.ts';
import {
  openBuiltApp,
  openNetwork,
  percentile,
  round,
  type BuiltApp,
} from '../tests/support/browser.ts';
import { compileWat } from '../tests/support/wat.ts';
import type { ModuleFigures } from './sandboxes-in-browser.ts';
import { optionsOf } from './options.ts';

const USAGE = `
npm run bench -- sandboxes [--json] [--rounds N] [--nodes 4,13] [--only modules,install,threads]
Sandbox workers in Chromium. Wall time; rounds of both ways alternate, so ratios hold on a loaded machine too.
  modules   a new Motoko module until it is installed on 4 and 13 nodes: each compiling itself (ownMs), with the
            tab's compiler (sharedMs), and on a sandbox that was started anew
  install   an upgrade in a running network of 4 and 13 nodes, from the call until all nodes executed it
  threads   four busy canisters on one node with 1, 2 and 4 sandbox workers
`;

const COUNTER = `persistent actor { var n : Nat = 0; public func inc() : async Nat { n += 1; n }; public query func get() : async Nat { n } }`;
const BUSY = `
(module
  (import "ic0" "msg_reply" (func $reply))
  (memory 1)
  (func (export "canister_update work") (local $i i64)
    (loop $again
      (i64.store (i32.wrap_i64 (i64.and (local.get $i) (i64.const 32760))) (local.get $i))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br_if $again (i64.lt_u (local.get $i) (i64.const 60000000))))
    (call $reply)))
`;

const base64Of = (wasm: Uint8Array): string => Buffer.from(wasm).toString('base64');

async function measureModules(
  app: BuiltApp,
  wasm: Uint8Array,
  nodes: number,
  rounds: number,
): Promise<ModuleFigures> {
  const page = await app.browser.newPage();
  const blank = `${app.url}blank`;
  await page.route(blank, (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }),
  );
  // The app's origin without its network.
  await page.goto(blank);
  const content = await bundleForBrowser('bench/sandboxes-in-browser.ts');
  await page.addScriptTag({ content, type: 'module' });
  await page.waitForFunction(() => window.measureModules !== undefined);
  const [sandbox, broker] = [
    await bundleForBrowser('src/workers/sandbox/sandbox.worker.ts'),
    await bundleForBrowser('src/workers/modules/module-broker.worker.ts'),
  ];
  const figures = await page.evaluate(
    async ([sandboxSource, brokerSource, base64, count, times]) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      return window.measureModules?.(sandboxSource, brokerSource, bytes, count, times);
    },
    [sandbox, broker, base64Of(wasm), nodes, rounds] as const,
  );
  await page.close();
  if (figures === undefined) {
    throw new Error('the page has no measurement');
  }
  return Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [name, round(value as number, 2)]),
  ) as unknown as ModuleFigures;
}

/**
 * Milliseconds from the call to the last node's word that it executed the upgrade, for modules that no
 * node has seen. Nodes tell what they did every 100 ms or so.
 */
async function upgradeTimes(
  page: Page,
  wasm: Uint8Array,
  count: number,
): Promise<readonly number[]> {
  return page.evaluate(
    async ([base64, times]) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const client = await window.callsClient;
      const network = window.networkUnderTest;
      const id = (await client?.deploy(bytes, null)) ?? '';
      const nodes = (await network?.snapshot())?.nodes.length ?? 0;
      const seen = new Map<string, Set<string>>();
      let onTold: (by: ReadonlySet<string>) => void = () => undefined;
      // A subscriber is told the past first.
      network?.events.subscribe(({ from, events }) => {
        for (const event of events) {
          if (event.kind === 'messageExecuted' && event.method === 'install_code') {
            const by = seen.get(event.messageId) ?? new Set();
            seen.set(event.messageId, by.add(from));
            onTold(by);
          }
        }
      });
      const took: number[] = [];
      for (let i = 0; i < times; i += 1) {
        const nonce = crypto.getRandomValues(new Uint8Array(16));
        const variant = Uint8Array.from([...bytes, 0, nonce.length + 2, 1, 0x78, ...nonce]);
        const before = new Set(seen.values());
        const startedMs = performance.now();
        const allTold = new Promise<number>((resolve) => {
          onTold = (by) => {
            if (!before.has(by as Set<string>) && by.size === nodes) {
              resolve(performance.now() - startedMs);
            }
          };
        });
        const outcome = await client?.upgrade(id, variant);
        if (outcome !== 'upgraded') {
          throw new Error(outcome);
        }
        took.push(await allTold);
      }
      return took;
    },
    [base64Of(wasm), count] as const,
  );
}

async function measureInstall(
  app: BuiltApp,
  wasm: Uint8Array,
  nodes: number,
  rounds: number,
): Promise<number> {
  const page = await openNetwork(app, { nodes: String(nodes), pace: 'turbo' });
  const content = await bundleForBrowser('tests/support/calls-client.ts');
  await page.addScriptTag({ content, type: 'module' });
  await page.waitForFunction(() => window.callsClient !== undefined);
  const took = await upgradeTimes(page, wasm, rounds + 1);
  await page.close();
  return round(percentile(took.slice(1), 50));
}

/** A network of one node with four busy canisters; answers the milliseconds of one call of each at once. */
async function openBusyNode(app: BuiltApp, workers: number): Promise<() => Promise<number>> {
  // Blocks are rare, so that networks that wait take little of the processor.
  const parameters = { nodes: '1', pace: 'mainnet', limits: 'mainnet', sandboxes: String(workers) };
  const page = await openNetwork(app, parameters);
  await addBrowserClient(page);
  await page.evaluate(
    async (base64) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const client = await window.subnetariumClient;
      const ids: string[] = [];
      for (let i = 0; i < 4; i += 1) {
        ids.push((await client?.deploy(bytes)) ?? '');
      }
      Object.assign(window, { busy: ids });
    },
    base64Of(await compileWat(BUSY)),
  );
  return () =>
    page.evaluate(async () => {
      const client = await window.subnetariumClient;
      const startedMs = performance.now();
      await Promise.all(
        (window.busy ?? []).map(async (id) => (await client?.call(id, 'work')) ?? 0),
      );
      return performance.now() - startedMs;
    });
}

/** Rounds of networks with 1, 2 and 4 workers alternate; a ratio is the median of its rounds'. */
async function measureThreads(app: BuiltApp, rounds: number): Promise<Record<string, number>> {
  const counts = [1, 2, 4];
  const nodes: (() => Promise<number>)[] = [];
  for (const workers of counts) {
    nodes.push(await openBusyNode(app, workers));
  }
  const took: number[][] = counts.map(() => []);
  for (let i = 0; i <= rounds; i += 1) {
    for (const [at, node] of nodes.entries()) {
      const ms = await node();
      if (i > 0) {
        took[at]?.push(ms);
      }
    }
  }
  const ratio = (at: number): number =>
    percentile(
      (took[at] ?? []).map((ms, i) => ms / (took[0]?.[i] ?? Number.NaN)),
      50,
    );
  return {
    busyMs1: round(percentile(took[0] ?? [], 50)),
    ratio2to1: round(ratio(1), 2),
    ratio4to1: round(ratio(2), 2),
  };
}

declare global {
  interface Window {
    busy?: readonly string[];
  }
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(USAGE.trim());
    return;
  }
  const option = optionsOf(args);
  const rounds = Number(option('--rounds', '7'));
  const parts = option('--only', 'modules,install,threads').split(',');
  const sizes = option('--nodes', '4,13').split(',').map(Number);
  const wasm = compileActor(COUNTER);
  const app = await openBuiltApp();
  try {
    const result: Record<string, unknown> = { moduleBytes: wasm.length };
    if (parts.includes('modules')) {
      for (const nodes of sizes) {
        result[`modules${nodes}`] = await measureModules(app, wasm, nodes, rounds);
      }
    }
    if (parts.includes('install')) {
      for (const nodes of sizes) {
        result[`executedMs${nodes}`] = await measureInstall(app, wasm, nodes, rounds);
      }
    }
    if (parts.includes('threads')) {
      Object.assign(result, await measureThreads(app, rounds));
    }
    console.log(args.includes('--json') ? JSON.stringify(result) : result);
  } finally {
    await app.close();
  }
}

await main(process.argv.slice(2));
