import { expect, type Locator, test } from '@playwright/test';
import { expectAccessible } from './accessible.ts';
import { openPage } from './network.ts';

async function call(card: Locator, method: string): Promise<Locator> {
  const form = card.getByTestId(`method-${method}`);
  await form.getByRole('button').click();
  return form;
}

test('a canister’s panel tells cycles, memory, limits and history; a snapshot brings its state back', async ({
  page,
}) => {
  await openPage(page, '?pace=turbo&nodes=1');
  await page.getByRole('link', { name: 'Build', exact: true }).first().click();
  await page.getByRole('button', { name: 'Compile and deploy' }).click();
  const card = page.getByTestId('canister').last();
  await expect(card).toBeVisible({ timeout: 90_000 });
  await expect((await call(card, 'increment')).locator('output')).toHaveText('(1)');

  // By keyboard, as everything here can be.
  const cycles = card.getByTestId('cycles-and-memory');
  await cycles.locator('summary').press('Enter');
  await expect(cycles).toContainText(/Idle burn\s*[\d.]+ M a day/u);
  await expect(cycles).toContainText(/Frozen below\s*[\d.]+ M/u);
  await expect(cycles).toContainText(/Memory: heap\s*[\d.]+ MiB/u);
  const settings = card.getByTestId('settings-and-limits');
  await settings.locator('summary').press('Enter');
  await expect(settings).toContainText('2vxsx-fae');
  await expect(settings).toContainText('Limits: classroom');
  await expect(settings).toContainText('40 B instructions in slices of 200 M');

  const snapshots = card.getByTestId('snapshots');
  await snapshots.locator('summary').press('Enter');
  await expect(snapshots).toContainText('None yet.');
  await snapshots.getByRole('button', { name: 'Take a snapshot' }).press('Enter');
  await expect(snapshots).toContainText('Snapshot taken.');
  await expect(cycles).toContainText('Memory: snapshots');
  await expect((await call(card, 'increment')).locator('output')).toHaveText('(2)');
  await snapshots.getByRole('button', { name: /^Load the snapshot/u }).press('Enter');
  await expect(snapshots).toContainText('Counter is as it was.');
  await expect((await call(card, 'get')).locator('output')).toHaveText('(1)');
  await snapshots.getByRole('button', { name: /^Delete the snapshot/u }).press('Enter');
  await expect(snapshots).toContainText('The snapshot is gone.');
  await expect(snapshots).toContainText('0 of 10');

  await call(card, 'fail');
  await expect(card.locator('.log')).toContainText('[TRAP]: counter was asked to fail');
  const history = card.getByTestId('history');
  await history.locator('summary').press('Enter');
  await expect(history.getByRole('listitem')).toContainText(['code installed', 'created']);

  await card.getByRole('button', { name: 'Fork' }).press('Enter');
  await expect(page.getByTestId('canister')).toHaveCount(2, { timeout: 60_000 });
  const copy = page.getByTestId('canister').first();
  await expect(copy.getByRole('heading', { level: 2 })).toHaveText('Counter (fork)');
  await expect((await call(copy, 'increment')).locator('output')).toHaveText('(2)');
  await expect((await call(card, 'get')).locator('output')).toHaveText('(1)');

  await expectAccessible(page);
});
