import { expect, test } from '@playwright/test';
import { expectAccessible } from './accessible.ts';
import { openPage } from './network.ts';

test('the main screen has no accessibility violations, dark and light', async ({ page }) => {
  await openPage(page, '?pace=classroom');
  await expectAccessible(page);
});

test('a node is selected, stopped and started by keyboard alone', async ({ page }) => {
  await openPage(page, '?pace=classroom');
  await page.keyboard.press('2');
  await expect(page.getByTestId('inspector')).toContainText('Node 2');
  await page.keyboard.press('k');
  await expect(page.getByTestId('inspector')).toContainText('stopped');
  await expect(page.getByTestId('headline')).toContainText('3 of 4');
  await page.keyboard.press('k');
  await expect(page.getByTestId('inspector')).not.toContainText('stopped');

  // What is closed under the focus gives it back to what opened it.
  const third = page.getByTestId('node-3');
  await third.press('Enter');
  const close = page.getByRole('button', { name: 'Close the inspector' });
  await close.focus();
  await close.press('Enter');
  await expect(third).toBeFocused();
  await third.press('Enter');
  await page.getByRole('button', { name: 'Kill' }).focus();
  await page.keyboard.press('Escape');
  await expect(third).toBeFocused();
});
