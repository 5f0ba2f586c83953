import { expect, test } from '@playwright/test';
import { callerOf, installPair } from '../tests/support/call-pair.ts';
import { agentOfPage } from '../tests/support/page-agent.ts';
import { expectAccessible } from './accessible.ts';
import { openPage } from './network.ts';

/** Others use the machine as well. */
const PATIENCE = { timeout: 120_000 };

test('a call between subnets moves the indexes of both streams; cut off, nothing is taken', async ({
  page,
}) => {
  test.setTimeout(400_000);
  await openPage(page, '?subnets=system:1,application:1&pace=turbo');
  const agent = await agentOfPage(page);
  const ranges = await page.evaluate(() =>
    (window.networkUnderTest?.topology().subnets ?? []).map(
      ({ canisterRanges }) => canisterRanges[0]?.[0] ?? '',
    ),
  );
  const pair = await installPair(agent, [ranges[0] ?? '', ranges[1] ?? '']);
  const caller = callerOf(agent, pair);
  const ask = (): Promise<bigint> => caller.ask(pair.counterId.toText());
  await expect(page.getByTestId(/^stream-/u)).toHaveCount(0);
  expect(await ask()).toBe(1n);
  await expect(page.getByTestId('stream-1-2')).toHaveText('1 sent · 1 taken', PATIENCE);
  await expect(page.getByTestId('stream-2-1')).toHaveText('1 sent · 1 taken', PATIENCE);

  await page.getByTestId('stream-1-2').click();
  const inspector = page.getByTestId('stream-inspector');
  await expect(inspector.getByRole('heading', { name: 'Root subnet ⇄ Subnet 2' })).toBeVisible();
  const row = (name: string) => inspector.getByRole('row', { name: new RegExp(`^${name}`, 'u') });
  await expect(row('End')).toHaveText('End11');
  await expect(row('Signals end')).toHaveText('Signals end11');
  await expect(inspector).toContainText('Subnet 2 took from Root subnet');
  await expectAccessible(page);

  // Tables hold the same, and the tree of the call goes on in the other subnet.
  await page.keyboard.press('t');
  await expect(page.getByRole('region', { name: 'Streams', exact: true })).toContainText(
    'Subnet 2',
  );
  await expect(page.getByTestId('call-trees').getByRole('listitem').first()).toContainText(
    /ask.*Root subnet.*inc.*Subnet 2.*replied\s*after \d+ block/u,
  );
  await expect(page.getByRole('region', { name: 'Canisters', exact: true })).toContainText(
    'running',
  );
  await page.keyboard.press('t');

  await page.getByRole('tab', { name: 'Faults' }).click();
  await page.getByRole('button', { name: 'Cut the links to Subnet 2' }).click();
  await expect(page.getByTestId('active-faults')).toContainText(
    'Root subnet ⇄ Subnet 2: all links are cut',
  );
  const asked = ask();
  await expect(page.getByTestId('stream-1-2')).toHaveText('2 sent · 1 taken', PATIENCE);
  await page.getByRole('button', { name: 'Heal everything' }).click();
  expect(await asked).toBe(2n);
  await expect(page.getByTestId('stream-1-2')).toHaveText('2 sent · 2 taken', PATIENCE);
});

test('a whole subnet is killed and restarted from its panel', async ({ page }) => {
  await openPage(page, '?subnets=system:1,application:2&pace=turbo');
  await page.getByTestId('subnet-2').click();
  await page.getByRole('tab', { name: 'Faults' }).click();
  await page.getByRole('button', { name: 'Kill all nodes' }).click();
  await expect(page.getByTestId('active-faults')).toContainText('Subnet 2: all nodes are down');
  await expect(page.getByTestId('subnet-2')).toContainText('waits', PATIENCE);
  await page.getByRole('button', { name: 'Restart all' }).click();
  await expect(page.getByTestId('subnet-2')).toContainText('fine', PATIENCE);
});
