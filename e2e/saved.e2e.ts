import { expect, type Page, test } from '@playwright/test';
import { addBrowserClient, compileCounter } from '../tests/support/browser-agent.ts';
import { exposeNetwork } from '../tests/support/page-globals.ts';
import { highestFinalized, openPage, readNodes, waitForHeight } from './network.ts';

async function reopened(page: Page): Promise<void> {
  await page.waitForFunction(exposeNetwork, null, { timeout: 60_000 });
  await page.getByTestId('headline').waitFor();
}

test('a reload goes on with the same network, canister and counter', async ({ page }) => {
  await openPage(page, '?pace=turbo');
  const before = await readNodes(page);
  await addBrowserClient(page);
  const wasm = compileCounter();
  const canisterId = await page.evaluate(
    async (bytes) => (await window.subnetariumClient)?.deploy(Uint8Array.from(bytes)),
    [...wasm],
  );
  const increment = (id: string | undefined) =>
    page.evaluate(
      async (canister) => (await window.subnetariumClient)?.increment(canister ?? ''),
      id,
    );
  expect(await increment(canisterId)).toBe('1');
  expect(await increment(canisterId)).toBe('2');
  const height = await highestFinalized(page);

  await page.reload();
  await reopened(page);
  expect((await readNodes(page)).map(({ nodeId }) => nodeId)).toEqual(
    before.map(({ nodeId }) => nodeId),
  );
  await waitForHeight(page, height + 1);
  await addBrowserClient(page);
  expect(await increment(canisterId)).toBe('3');
});
