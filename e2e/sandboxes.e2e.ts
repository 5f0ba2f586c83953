import { expect, test, type Page } from '@playwright/test';
import { addBrowserClient, bundleForBrowser } from '../tests/support/browser-agent.ts';
import { compileWat } from '../tests/support/wat.ts';
import {
  doFault,
  expectEqualRoots,
  openPage,
  readNodes,
  readRecorded,
  recordRoots,
} from './network.ts';

/** `work`: 3 million turns of a loop over a heap of 4 MiB; `long`: some 3 billion instructions, 17 slices. */
const MODULE = `
(module
  (import "ic0" "msg_reply" (func $reply))
  (memory 64)
  (func $spin (param $n i64)
    (local $i i64)
    (loop $again
      (i64.store (i32.wrap_i64 (i64.and (local.get $i) (i64.const 4194296))) (i64.add (local.get $i) (i64.const 1)))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br_if $again (i64.lt_u (local.get $i) (local.get $n)))))
  (func (export "canister_update work") (call $spin (i64.const 3000000)) (call $reply))
  (func (export "canister_update long") (call $spin (i64.const 200000000)) (call $reply)))
`;

/** `work` takes some 15 million instructions and writes to one page of its heap. */
const SMALL = `
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (memory 1)
  (func (export "canister_update work") (local $i i64)
    (loop $again
      (i64.store (i32.const 4096) (i64.add (i64.load (i32.const 4096)) (local.get $i)))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br_if $again (i64.lt_u (local.get $i) (i64.const 1000000))))
    (call $reply))
  (func (export "canister_query look") (call $append (i32.const 4096) (i32.const 8)) (call $reply)))
`;

async function deploy(page: Page, count: number): Promise<readonly string[]> {
  const wasm = Buffer.from(await compileWat(MODULE)).toString('base64');
  await addBrowserClient(page);
  return page.evaluate(
    async ([base64, canisters]) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const client = await window.subnetariumClient;
      const ids: string[] = [];
      for (let i = 0; i < canisters; i += 1) {
        ids.push((await client?.deploy(bytes)) ?? 'no client');
      }
      return ids;
    },
    [wasm, count] as const,
  );
}

/** At least so many messages were executed by all nodes, with the same instructions and outcomes, and all roots are equal. */
async function expectAgreement(page: Page, messages: number): Promise<void> {
  const ids = (await readNodes(page)).map(({ nodeId }) => nodeId);
  await expect(async () => {
    const recorded = await readRecorded(page);
    expect(expectEqualRoots(recorded, ids)).toBeGreaterThanOrEqual(10);
    const told = Object.values(recorded.instructions).filter(
      (byNode) => Object.keys(byNode).length === ids.length,
    );
    expect(told.length).toBeGreaterThanOrEqual(messages);
    for (const byNode of told) {
      expect(new Set(Object.values(byNode)).size).toBe(1);
    }
  }).toPass({ timeout: 60_000 });
}

async function workOnAll(page: Page, ids: readonly string[]): Promise<void> {
  await page.evaluate(async (all) => {
    const client = await window.subnetariumClient;
    await Promise.all(all.map(async (id) => (await client?.call(id, 'work')) ?? 0));
  }, ids);
}

/** How many sandbox workers each node runs. */
async function sandboxesOfNodes(page: Page): Promise<readonly (number | undefined)[]> {
  return page.evaluate(async () => {
    const snapshot = await window.networkUnderTest?.snapshot();
    return snapshot?.nodes.map(({ load }) => load?.sandboxes) ?? [];
  });
}

test('nodes with one, two and four sandbox workers agree, also one that is restarted in a long message', async ({
  page,
}) => {
  test.setTimeout(300_000);
  const spec = {
    seed: `sandboxes ${Date.now()}`,
    dkgIntervalLength: 199,
    sandboxWorkers: [1, 2, 4, 4],
  };
  await openPage(page, `?spec=${encodeURIComponent(JSON.stringify(spec))}`);
  await recordRoots(page);
  const ids = await deploy(page, 4);
  const nodes = (await readNodes(page)).map(({ nodeId }) => nodeId);
  const victim = nodes.at(-1) ?? '';
  const executedBy = async (nodeId: string): Promise<number> =>
    (await readNodes(page)).find((node) => node.nodeId === nodeId)?.executed ?? 0;
  const begun = await executedBy(victim);
  await page.evaluate(async ([busy = '', ...others]) => {
    const client = await window.subnetariumClient;
    const done = window as { longDone?: boolean };
    done.longDone = false;
    void client?.call(busy, 'long').then(() => (done.longDone = true));
    await Promise.all(others.map(async (id) => (await client?.call(id, 'work')) ?? 0));
  }, ids);
  const isDone = (): Promise<boolean> =>
    page.evaluate(() => (window as { longDone?: boolean }).longDone === true);
  // Some slices, one in a block, are done by then.
  await expect(async () => expect(await executedBy(victim)).toBeGreaterThan(begun + 4)).toPass();
  expect(await isDone()).toBe(false);
  await doFault(page, 'kill', victim);
  await doFault(page, 'restart', victim);
  expect(await isDone()).toBe(false);
  await expect(async () => expect(await isDone()).toBe(true)).toPass({ timeout: 200_000 });
  const ended = await executedBy(nodes[0] ?? '');
  // The restarted node executed the end of the message too, and says the same of it as the others.
  await expect(async () => expect(await executedBy(victim)).toBeGreaterThan(ended)).toPass();
  const recorded = await readRecorded(page);
  const long = Object.values(recorded.instructions).filter(
    (byNode) => Number(byNode[victim]?.split(' ')[0]) > 2_500_000_000,
  );
  expect(long.length).toBe(1);
  await expectAgreement(page, 4);
  // A worker ends when nobody asked it for a minute, which the long message may have taken.
  await expect(async () => {
    await workOnAll(page, ids);
    expect((await sandboxesOfNodes(page)).slice(0, 3)).toEqual([1, 2, 4]);
  }).toPass({ timeout: 60_000 });
  const compilers = page.workers().filter((worker) => worker.url().includes('module-broker'));
  expect(compilers.length).toBe(1);
});

test('a sandbox pauses long runs with two memories too, and says what one that cannot pause says', async ({
  page,
}) => {
  await page.route('**/blank', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }),
  );
  await page.goto('./blank');
  const content = await bundleForBrowser('tests/support/sandbox-probe.ts');
  await page.addScriptTag({ content, type: 'module' });
  const source = await bundleForBrowser('src/workers/sandbox/sandbox.worker.ts');
  const wasm = Buffer.from(await compileWat(SMALL)).toString('base64');
  for (const memories of [1, 2, 8]) {
    const told = await page.evaluate(
      async ([worker, base64, count]) => {
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        return window.sandboxProbe?.compare(worker, bytes, count);
      },
      [source, wasm, memories] as const,
    );
    const [ofWorker = '', ofInline = 'nothing'] = told ?? [];
    expect(ofWorker.match(/"kind":"paused"/gu)?.length ?? 0).toBeGreaterThanOrEqual(6);
    expect(ofWorker === ofInline).toBe(true);
  }
});
