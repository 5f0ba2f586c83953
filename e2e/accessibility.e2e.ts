import { AxeBuilder } from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { openPage } from './network.ts';

const STANDARD = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

for (const colorScheme of ['dark', 'light'] as const) {
  test(`the main screen has no accessibility violations, ${colorScheme}`, async ({ browser }) => {
    const context = await browser.newContext({ colorScheme });
    const page = await context.newPage();
    await openPage(page, '?pace=classroom');
    const { violations } = await new AxeBuilder({ page }).withTags(STANDARD).analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`)).toEqual([]);
    await context.close();
  });
}

test('a node is selected, stopped and started by keyboard alone', async ({ page }) => {
  await openPage(page, '?pace=classroom');
  await page.keyboard.press('2');
  await expect(page.getByTestId('inspector')).toContainText('Node 2');
  await page.keyboard.press('k');
  await expect(page.getByTestId('inspector')).toContainText('stopped');
  await expect(page.getByTestId('headline')).toContainText('3 of 4');
  await page.keyboard.press('k');
  await expect(page.getByTestId('inspector')).not.toContainText('stopped');
});
