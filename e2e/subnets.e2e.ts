import { expect } from '@playwright/test';
import { ADDED_SUBNET_CASE } from '../tests/contract/added-subnet-case.ts';
import { SLEEP_CASE } from '../tests/contract/sleep-case.ts';
import { SUBNET_CASES, twoSubnetsSpec } from '../tests/contract/subnet-cases.ts';
import { openPage } from './network.ts';
import { createPageNetwork, openBarePage, test } from './page-network.ts';
import { createWallClock } from './wall-clock.ts';

/** The cases that the simulator passes too: `tests/contract/sim-network.test.ts`. */
test.describe('the page as a network of two subnets', () => {
  for (const { title, run } of [...SUBNET_CASES, ADDED_SUBNET_CASE]) {
    test(title, async ({ barePage: page }) => {
      test.slow();
      const network = await createPageNetwork(page, twoSubnetsSpec('turbo', 4));
      const pass = (ms: number): Promise<void> => page.waitForTimeout(ms);
      await run({ network, pass }).finally(() => network.close());
    });
  }
});

test(SLEEP_CASE.title, async ({ page }) => {
  test.slow();
  const wallClock = await createWallClock(page);
  await openBarePage(page);
  const network = await createPageNetwork(page, twoSubnetsSpec('turbo', 4));
  const pass = (ms: number): Promise<void> => page.waitForTimeout(ms);
  try {
    await SLEEP_CASE.run({ network, pass, sleep: (ms) => wallClock.jump(ms) });
  } finally {
    wallClock.restore();
    await network.close();
  }
});

test('every subnet can be looked at, and cut off from the others', async ({ page }) => {
  await openPage(page, '?subnets=system:1,application:2,application:1&pace=turbo');
  await expect(page.getByRole('navigation', { name: 'Subnets' }).getByRole('button')).toHaveCount(
    3,
  );
  await expect(page.getByTestId('subnet-1')).toHaveAttribute('aria-pressed', 'true');
  // All rings stand side by side, until one is wanted alone.
  await expect(page.getByTestId('node-1')).toBeVisible();
  await expect(page.getByTestId('node-4')).toBeVisible();
  await page.keyboard.press('o');
  await expect(page.getByTestId('world')).toHaveCount(0);
  await expect(page.getByTestId('node-1')).toBeVisible();
  await expect(page.getByTestId('node-2')).toHaveCount(0);
  await page.getByTestId('subnet-2').click();
  await expect(page.getByTestId('node-1')).toHaveCount(0);
  await page.getByTestId('node-3').click();
  await expect(page.getByRole('heading', { name: 'Node 3' })).toBeVisible();
  await expect(page.getByTestId('headline')).toContainText('All 2 nodes agree');

  // A node of another subnet by its number: its subnet is shown.
  await page.keyboard.press('4');
  await expect(page.getByTestId('subnet-3')).toHaveAttribute('aria-pressed', 'true');
  await expect(page.getByRole('heading', { name: 'Node 4' })).toBeVisible();

  await page.keyboard.press('k');
  await expect(page.getByTestId('subnet-3')).toContainText('waits');
  await expect(page.getByTestId('subnet-2')).toContainText('fine');
  await page.getByTestId('subnet-2').click();
  await page.getByRole('tab', { name: 'Faults' }).click();
  await page.getByRole('button', { name: 'Cut this subnet off' }).click();
  await expect(page.getByTestId('active-faults')).toContainText('Split: Node 2, Node 3 |');
  await expect(page.getByTestId('headline')).toContainText('The network is split');
  await page.getByRole('button', { name: 'Heal everything' }).click();
  await expect(page.getByTestId('subnet-3')).toContainText('fine');
  await expect(page.getByTestId('active-faults')).toContainText('the network is as it was made');
});
