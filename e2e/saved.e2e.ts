import { expect, type Page, test } from '@playwright/test';
import { addBrowserClient, compileCounter } from '../tests/support/browser-agent.ts';
import { crashPage } from '../tests/support/page-agent.ts';
import { exposeNetwork } from '../tests/support/page-globals.ts';
import { doFault, highestFinalized, openPage, readNodes, waitForHeight } from './network.ts';

// Several starts of a network each; a loaded machine takes its time for every one.
test.describe.configure({ timeout: 400_000 });

/** Waits for the network of a page that was loaded again. */
async function reopened(page: Page): Promise<void> {
  await page.waitForFunction(exposeNetwork, null, { timeout: 120_000 });
  await page.getByTestId('headline').waitFor({ timeout: 120_000 });
  await addBrowserClient(page);
  await executedAgain(page);
}

/**
 * Nodes that start again execute what they had finalized since their checkpoint. Until they have, they
 * judge a call by a state that is older than what a client knows, and may refuse it.
 */
async function executedAgain(page: Page): Promise<void> {
  const known = new Map(
    (await readNodes(page)).map(({ nodeId, finalized }) => [nodeId, finalized]),
  );
  await expect(async () => {
    for (const { nodeId, state, executed } of await readNodes(page)) {
      expect(state === 'running' ? executed : Infinity).toBeGreaterThanOrEqual(
        known.get(nodeId) ?? 0,
      );
    }
  }).toPass({ timeout: 120_000 });
}

async function deployCounter(page: Page): Promise<string> {
  await addBrowserClient(page);
  const canisterId = await page.evaluate(
    async (bytes) => (await window.subnetariumClient)?.deploy(Uint8Array.from(bytes)),
    [...compileCounter()],
  );
  expect(canisterId).toBeDefined();
  return canisterId ?? '';
}

const increment = (page: Page, canisterId: string): Promise<string | undefined> =>
  page.evaluate(async (id) => (await window.subnetariumClient)?.increment(id), canisterId);

test('a reload goes on with the same network, canister and counter', async ({ page }) => {
  await openPage(page, '?nodes=4');
  const before = await readNodes(page);
  const canisterId = await deployCounter(page);
  expect(await increment(page, canisterId)).toBe('1');
  expect(await increment(page, canisterId)).toBe('2');
  const height = await highestFinalized(page);

  await page.reload();
  await reopened(page);
  const after = await readNodes(page);
  expect(after.map(({ nodeId }) => nodeId)).toEqual(before.map(({ nodeId }) => nodeId));
  await waitForHeight(page, height + 1);
  await executedAgain(page);
  expect(await increment(page, canisterId)).toBe('3');

  await page.getByRole('link', { name: 'Networks', exact: true }).first().click();
  const row = page.getByTestId('saved-network');
  await expect(row).toHaveCount(1);
  await expect(row).toContainText('this one');
  await row.getByRole('textbox').fill('My counter');
  await row.getByRole('textbox').press('Enter');
});

test('a second tab looks on, and the network goes where it is asked for', async ({ page }) => {
  await openPage(page, '?nodes=1');
  const canisterId = await deployCounter(page);
  expect(await increment(page, canisterId)).toBe('1');

  // A second tab looks on: it follows the blocks and changes nothing.
  const second = await page.context().newPage();
  await second.goto('./?nodes=1');
  const banner = second.getByTestId('read-only');
  await expect(banner).toContainText('is open in another tab', { timeout: 120_000 });
  await reopened(second);
  await waitForHeight(second, (await highestFinalized(page)) + 1);
  await expect(second.getByRole('button', { name: 'Pause' })).toBeDisabled();
  const refused = await second.evaluate(async () => {
    const network = window.networkUnderTest;
    const [node] = network?.topology().subnets[0]?.nodes ?? [];
    const killed = node && (await network?.faults.kill(node.nodeId));
    return killed?.ok === false ? killed.error.code : 'done';
  });
  expect(refused).toBe('READ_ONLY');
  expect(
    await second.evaluate(async (id) => (await window.subnetariumClient)?.get(id), canisterId),
  ).toBe('1');
  expect(await increment(page, canisterId)).toBe('2');

  // Asked for it, the first tab gives it over and looks on itself.
  await banner.getByRole('button', { name: 'Run it in this tab' }).click();
  await expect(page.getByTestId('read-only')).toBeVisible({ timeout: 180_000 });
  await expect(banner).toHaveCount(0);
  await reopened(second);
  expect(await increment(second, canisterId)).toBe('3');

  // It has the network back once the other one is closed.
  await second.close();
  await expect(page.getByTestId('read-only')).toHaveCount(0, { timeout: 120_000 });
  await reopened(page);
  expect(await increment(page, canisterId)).toBe('4');
});

test('a network in a file is imported as another one; a damaged file changes nothing', async ({
  page,
}) => {
  await openPage(page, '?nodes=1');
  const canisterId = await deployCounter(page);
  expect(await increment(page, canisterId)).toBe('1');
  await page.getByRole('link', { name: 'Networks', exact: true }).first().click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export' }).click(),
  ]);
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) {
    chunks.push(Buffer.from(chunk));
  }
  const buffer = Buffer.concat(chunks);
  const give = (name: string, bytes: Buffer): Promise<void> =>
    page
      .getByLabel('Import a file')
      .setInputFiles({ name, mimeType: 'application/octet-stream', buffer: bytes });

  const damaged = Buffer.from(buffer);
  damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 1;
  await give('damaged.subnetarium', damaged);
  await expect(page.getByTestId('saved-networks').getByRole('alert')).toContainText(
    'its hash does not fit',
  );
  await give('photo.subnetarium', Buffer.from('not a network'));
  await expect(page.getByTestId('saved-networks').getByRole('alert')).toContainText(
    'not a file of a saved network',
  );
  await expect(page.getByTestId('saved-network')).toHaveCount(1);

  // What happens after the export is not in the file.
  expect(await increment(page, canisterId)).toBe('2');
  await give('whole.subnetarium', buffer);
  await expect(page.getByTestId('saved-network')).toHaveCount(2);
  await page.getByRole('link', { name: 'Open', exact: true }).click();
  await reopened(page);
  expect(await increment(page, canisterId)).toBe('2');
});

/** Keeps calling until the page dies; each answer that the agent verified is told. */
async function load(page: Page, canisterId: string, verified: number[]): Promise<void> {
  await page.exposeFunction('tellVerified', (count: string) => verified.push(Number(count)));
  await page.evaluate((id) => {
    const told = window as unknown as { tellVerified(count: string): Promise<void> };
    const next = async (): Promise<void> => {
      const count = await (await window.subnetariumClient)?.increment(id);
      await told.tellVerified(count ?? '');
      return next();
    };
    void next();
  }, canisterId);
}

test('a renderer killed under load loses nothing that was verified', async ({ context }) => {
  let page = await context.newPage();
  await openPage(page, '?nodes=4');
  const canisterId = await deployCounter(page);
  const verified: number[] = [0];
  for (const calls of [1, 3, 2]) {
    const known = verified.length;
    await load(page, canisterId, verified);
    await expect.poll(() => verified.length, { timeout: 120_000 }).toBeGreaterThan(known + calls);
    await crashPage(page);
    page = await context.newPage();
    await page.goto('./?nodes=4');
    await reopened(page);
    const count = Number(await increment(page, canisterId));
    expect(count).toBeGreaterThan(Math.max(...verified));
    verified.push(count);
  }
});

test('all subnets of a network go on after a reload', async ({ page }) => {
  await openPage(page, '?subnets=system:1,application:1');
  const before = await readNodes(page);
  await page.reload();
  await page.waitForFunction(exposeNetwork, null, { timeout: 120_000 });
  expect((await readNodes(page)).map(({ nodeId }) => nodeId)).toEqual(
    before.map(({ nodeId }) => nodeId),
  );
  await waitForHeight(page, Math.max(...before.map(({ finalized }) => finalized)) + 2);
});

test('a snapshot opens as a network of its own, whose subnets go on together', async ({ page }) => {
  await openPage(page, '?subnets=system:1,application:1');
  const canisterId = await deployCounter(page);
  expect(await increment(page, canisterId)).toBe('1');
  await page.getByRole('link', { name: 'Networks', exact: true }).first().click();
  const snapshots = page.getByTestId('snapshots');
  await snapshots.getByText('Go back to').click();
  await snapshots.getByRole('button', { name: 'Take a snapshot now' }).click();
  await expect(page.getByTestId('snapshot')).toHaveCount(1, { timeout: 60_000 });
  // What happens after the snapshot is not in it; the network that it was taken of goes on.
  expect(await increment(page, canisterId)).toBe('2');
  await page.getByRole('button', { name: 'Open as a new network' }).click();
  await page.waitForURL(/network=/u);
  await reopened(page);
  expect(await increment(page, canisterId)).toBe('2');
  const nodes = await readNodes(page);
  await waitForHeight(page, Math.max(...nodes.map(({ finalized }) => finalized)) + 2);

  await page.getByRole('link', { name: 'Networks', exact: true }).first().click();
  await expect(page.getByTestId('saved-network')).toHaveCount(2);
  await expect(page.getByTestId('saved-network').first().getByRole('textbox').first()).toHaveValue(
    /as of \d\d:\d\d$/u,
  );
});

/** What the browser grants this page; null = as usual. */
async function setQuota(page: Page, bytes: number | null): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { origin } = new URL(page.url());
  await session.send('Storage.overrideQuotaForOrigin', {
    origin,
    ...(bytes !== null && { quotaSize: bytes }),
  });
}

test('a full disk ends a node with the reason; with room again the network goes on', async ({
  page,
}) => {
  await openPage(page, '?nodes=1&pace=turbo');
  const canisterId = await deployCounter(page);
  expect(await increment(page, canisterId)).toBe('1');
  const height = await highestFinalized(page);
  const used = await page.evaluate(async () => (await navigator.storage.estimate()).usage ?? 0);
  expect(used).toBeGreaterThan(0);
  await setQuota(page, used);
  // The browser grants room in pieces: it takes some blocks until the last one is used up.
  await expect
    .poll(async () => (await readNodes(page))[0]?.reason ?? '', { timeout: 240_000 })
    .toContain('quota for this page is used up');
  const [node] = await readNodes(page);
  expect(node?.state).toBe('crashed');
  await expect(page.getByTestId('headline')).toContainText('the subnet waits');

  await setQuota(page, null);
  await doFault(page, 'restart', node?.nodeId ?? '');
  await waitForHeight(page, height + 1);
  await executedAgain(page);
  expect(await increment(page, canisterId)).toBe('2');
});

/** Makes every mark of a checkpoint in the files of all nodes unreadable, while none runs. */
async function damageCheckpoints(page: Page): Promise<number> {
  await page.route('**/blank', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<title>blank</title>' }),
  );
  await page.goto('./blank');
  return page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('subnetarium');
    const mark = new TextEncoder().encode('checkpoint/');
    // The workers of the page that was left hold their files until the browser has ended them.
    const opened = async (file: FileSystemFileHandle): Promise<FileSystemWritableFileStream> => {
      try {
        return await file.createWritable({ keepExistingData: true });
      } catch (error) {
        if (!(error instanceof DOMException) || error.name !== 'NoModificationAllowedError') {
          throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, 200));
        return opened(file);
      }
    };
    let damaged = 0;
    for await (const network of folder.values()) {
      for await (const entry of (network as FileSystemDirectoryHandle).values()) {
        const file = entry as FileSystemFileHandle;
        const stream = await opened(file);
        const bytes = new Uint8Array(await (await file.getFile()).arrayBuffer());
        for (let at = 0; at + mark.length < bytes.length; at += 1) {
          if (mark.every((byte, i) => bytes[at + i] === byte)) {
            bytes[at] = 0;
            damaged += 1;
          }
        }
        await stream.write(bytes);
        await stream.close();
      }
    }
    return damaged;
  });
}

test('a network whose nodes all lost their checkpoints says so, and what can be done', async ({
  page,
}) => {
  await openPage(page, '?nodes=1&pace=turbo&dkgInterval=9');
  // Two packages on, what the first one needs is no longer kept as blocks.
  await waitForHeight(page, 45);
  expect(await damageCheckpoints(page)).toBeGreaterThan(0);
  await page.goto('./?nodes=1&pace=turbo&dkgInterval=9');
  const notice = page.getByTestId('instead').or(page.getByTestId('lost-state'));
  await expect(notice).toContainText(/the disk of one node is damaged|No node of subnet 1/u, {
    timeout: 180_000,
  });
  await expect(notice).toContainText(/snapshot/u);
});
