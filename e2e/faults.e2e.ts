import { expect, type Page, test } from '@playwright/test';
import { expectAccessible } from './accessible.ts';
import {
  expectStandstill,
  highestFinalized,
  openPage,
  readNodes,
  waitForHeight,
} from './network.ts';

const STILL_MS = 3_000;

const onNow = (page: Page) => page.getByTestId('active-faults').getByRole('listitem');

async function openFaults(page: Page): Promise<void> {
  await page.getByRole('tab', { name: 'Faults' }).click();
  await expect(page.getByTestId('active-faults')).toContainText('No fault and no attack');
}

test('an equivocating block maker is caught by name and rule, the subnet goes on, heal ends it', async ({
  page,
}) => {
  await openPage(page);
  await openFaults(page);
  await page.getByTestId('node-1').click();
  await page.getByLabel('Two blocks at once').check();
  await expect(onNow(page)).toHaveText(['Node 1 attacks: Two blocks at once']);
  await expect(page.getByTestId('headline')).toContainText('Node 1 breaks the rules');
  const feed = page.getByRole('log');
  await expect(feed).toContainText(
    /Node [2-4].* caught Node 1 at height \d+: signed two different blocks of one height.*\(rule EQUIVOCATION/u,
  );
  await waitForHeight(page, (await highestFinalized(page)) + 8);
  await page.getByRole('tab', { name: 'Inspect' }).click();
  await expect(page.getByTestId('caught')).toContainText('EQUIVOCATION');
  await page.getByRole('tab', { name: 'Faults' }).click();
  await page.getByRole('button', { name: 'Heal everything' }).click();
  await expect(onNow(page)).toHaveCount(0);
  await expect(feed).toContainText('Node 1 keeps to the rules again');
  await waitForHeight(page, (await highestFinalized(page)) + 2);
});

test('several faults of one node are listed and undone one by one', async ({ page }) => {
  await openPage(page);
  await openFaults(page);
  await page.getByTestId('node-2').click();
  await page.getByLabel('Hangs').check();
  await page.getByLabel('Notarizes everything').check();
  await page.getByLabel('Clock').selectOption('10 s ahead');
  await expect(onNow(page)).toHaveCount(3);
  await expect(page.getByTestId('node-2')).toHaveAttribute('aria-label', /breaks the rules/u);
  const others = async (): Promise<number> =>
    Math.min(...(await readNodes(page)).filter((_, at) => at !== 1).map((node) => node.finalized));
  const before = await others();
  await expect(async () => expect(await others()).toBeGreaterThan(before + 3)).toPass();
  await page.getByRole('button', { name: 'Undo: Node 2: it hangs' }).click();
  await expect(onNow(page)).toHaveCount(2);
  await expect(page.getByLabel('Hangs')).not.toBeChecked();
  // A disk is wiped only while the node is down.
  await expect(page.getByRole('button', { name: 'Wipe its disk' })).toBeDisabled();
  await page.getByRole('button', { name: 'Kill', exact: true }).click();
  await page.getByRole('button', { name: 'Wipe its disk' }).click();
  await expect(page.getByRole('log')).toContainText('The disk of Node 2 was erased');
  await page.getByRole('button', { name: 'Heal everything' }).click();
  await expect(onNow(page)).toHaveCount(0);
  await waitForHeight(page, (await highestFinalized(page)) + 2);
});

test('a partition of two and two by keyboard halts the subnet, heal resumes it', async ({
  page,
}) => {
  await openPage(page);
  await waitForHeight(page, 2);
  await page.keyboard.press('p');
  await expect(page.getByRole('button', { name: 'Split the network' })).toBeFocused();
  // On the ring a click or Enter moves a node to the next side: 1 to C and on to A again.
  for (const times of [1, 2]) {
    await page.getByTestId('node-1').press('Enter');
    const side = times === 1 ? 'side B' : 'side C';
    await expect(page.getByTestId('node-1')).toHaveAttribute('aria-label', new RegExp(side, 'u'));
  }
  await page.getByTestId('node-1').click();
  await page.getByRole('button', { name: 'Split the network' }).press('Enter');
  await expect(onNow(page)).toHaveText(['Split: Node 1, Node 2 | Node 3, Node 4']);
  await expect(page.getByTestId('headline')).toContainText('The network is split');
  const halted = await expectStandstill(page, STILL_MS);
  await page.getByTestId('headline').click();
  await page.keyboard.press('h');
  await expect(onNow(page)).toHaveCount(0);
  await waitForHeight(page, halted + 3);
});

test('a link takes what the network allows, and says why when it does not', async ({ page }) => {
  await openPage(page);
  await openFaults(page);
  await page.getByTestId('node-1').click();
  const delay = page.getByLabel('Delay, one way (ms)');
  await delay.fill('-5');
  await page.getByRole('button', { name: 'Apply to the link' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'INVALID_ARGUMENT' })).toContainText(
    'delayMs must be an integer from 0',
  );
  await delay.fill('40');
  await page.getByRole('button', { name: 'Apply to the link' }).click();
  await expect(onNow(page)).toHaveText(['Node 1 ⇄ Node 2: 40 ms one way']);
  await page.getByLabel('Both ways').uncheck();
  await page.getByRole('button', { name: 'Cut one way' }).click();
  await expect(onNow(page)).toHaveText(['Node 1 → Node 2: cut', 'Node 2 → Node 1: 40 ms one way']);
  await page.getByRole('button', { name: 'Real data centres, all links' }).click();
  await expect(onNow(page)).toHaveText(['Delays of real data centres on 12 links']);
  await page.getByRole('button', { name: 'Heal everything' }).click();
  await expect(onNow(page)).toHaveCount(0);
});

test('a spare node is added to the subnet in the page, and says when it takes part', async ({
  page,
}) => {
  await openPage(page, '?pace=turbo&nodes=4&spares=1&dkgInterval=9');
  await page.getByRole('tab', { name: 'Keys' }).click();
  const keys = page.getByTestId('keys-panel');
  await expect(keys).toContainText('Node 5 spare');
  await expect(keys.getByRole('row').filter({ hasText: 'in a block' })).not.toHaveCount(0);
  await keys.getByRole('button', { name: 'Add Node 5' }).click();
  await expect(keys).toContainText(/Version 2 takes effect with block \d+ at the earliest/u);
  await expect(keys).toContainText('Node 5 member', { timeout: 60_000 });
  await expect(page.getByTestId('headline')).toContainText('All 5 nodes agree', {
    timeout: 60_000,
  });
});

test('fault and key panels have no accessibility violations, dark and light', async ({ page }) => {
  test.setTimeout(600_000);
  await openPage(page, '?pace=classroom&nodes=4&spares=1');
  await openFaults(page);
  await page.getByLabel('Garbage').check();
  await page.getByLabel('Hangs').check();
  await expect(onNow(page)).toHaveCount(2);
  await page.keyboard.press('Escape');
  await page.keyboard.press('p');
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await page.setViewportSize({ width: 390, height: 844 });
  await expectAccessible(page);
  await page.getByRole('tab', { name: 'Keys' }).click();
  await expectAccessible(page);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBe(390);
});
