import { expect, test } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { Actor } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { installProgram } from '../tests/support/call-pair.ts';
import { agentOfPage } from '../tests/support/page-agent.ts';
import { expectAccessible } from './accessible.ts';
import { openPage } from './network.ts';

/** Others use the machine as well. */
const PATIENCE = { timeout: 180_000 };

interface Caller {
  ask(counter: string): Promise<bigint>;
  askThrough(caller: string, counter: string): Promise<bigint>;
  askToFail(counter: string): Promise<string>;
}

const callerInterface: IDL.InterfaceFactory = () =>
  IDL.Service({
    ask: IDL.Func([IDL.Text], [IDL.Nat], []),
    askThrough: IDL.Func([IDL.Text, IDL.Text], [IDL.Nat], []),
    askToFail: IDL.Func([IDL.Text], [IDL.Text], []),
  });

test('calls are followed from subnet to subnet, with what waits at each canister', async ({
  page,
}) => {
  test.setTimeout(600_000);
  await openPage(page, '?subnets=system:1,application:1&pace=turbo');
  await page.keyboard.press('c');
  await expect(page.getByTestId('calls-view')).toContainText('No canister has called another one');
  const agent = await agentOfPage(page);
  const [root = '', other = ''] = await page.evaluate(() =>
    (window.networkUnderTest?.topology().subnets ?? []).map(
      ({ canisterRanges }) => canisterRanges[0]?.[0] ?? '',
    ),
  );
  const [callerSource, counterSource] = ['caller', 'counter'].map((name) =>
    readFileSync(`canisters/${name}/main.mo`, 'utf8'),
  ) as [string, string];
  const first = await installProgram(agent, root, callerSource);
  const second = await installProgram(agent, other, callerSource);
  const counter = (await installProgram(agent, root, counterSource)).toText();
  const caller = Actor.createActor<Caller>(callerInterface, { agent, canisterId: first });

  expect(await caller.askThrough(second.toText(), counter)).toBe(1n);
  const trees = page.getByTestId('call-trees').first();
  const newest = trees.locator('> li').first();
  await expect(newest).toContainText(
    /askThrough.*Root subnet.*replied.*ask.*Subnet 2.*replied after \d+ block.*increment.*Root subnet.*replied/u,
    PATIENCE,
  );
  expect(await caller.askToFail(counter)).toContain('trapped');
  await expect(newest).toContainText(/askToFail.*replied.*fail.*trapped.*IC0503/u, PATIENCE);

  // Cut off, the call stays open and is shown so, until the answer comes.
  await page.getByRole('tab', { name: 'Faults' }).click();
  await page.getByRole('button', { name: 'Cut the links to Subnet 2' }).click();
  await expect(page.getByTestId('active-faults')).toContainText('all links are cut', PATIENCE);
  const asked = caller.askThrough(second.toText(), counter);
  await expect(newest).toContainText(/askThrough.*at work.*ask.*on its way/u, PATIENCE);
  const queues = page.getByTestId('queues-1');
  await expect(queues.getByRole('listitem').filter({ hasText: /open calls\s*1/u })).toHaveCount(
    1,
    PATIENCE,
  );
  await queues.getByRole('button').first().click();
  await expect(page.getByTestId('canister-inspector')).toContainText('Root subnet');
  await expectAccessible(page);
  await page.keyboard.press('h');
  expect(await asked).toBe(2n);
  await expect(newest).toContainText(/askThrough.*replied.*ask.*replied/u, PATIENCE);
  await expect(queues.getByRole('listitem').filter({ hasText: /open calls\s*1/u })).toHaveCount(
    0,
    PATIENCE,
  );
});

test('a subnet is added by keyboard alone, and a new network is put together as a link', async ({
  page,
}) => {
  test.setTimeout(400_000);
  await openPage(page, '?subnets=system:1&pace=turbo');
  await page.getByRole('button', { name: 'Add a subnet' }).press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Add Subnet 2' });
  await dialog.getByLabel('Nodes', { exact: true }).fill('0');
  await expect(dialog).toContainText('A subnet has 1 to 40 nodes.');
  await expect(dialog.getByRole('button', { name: 'Add it' })).toBeDisabled();
  await expectAccessible(page);
  await dialog.getByLabel('Nodes', { exact: true }).fill('1');
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('subnet-2')).toContainText('fine', PATIENCE);
  await expect(dialog).toHaveCount(0, PATIENCE);
  await expect(page.getByTestId('world')).toBeVisible();

  await page.getByRole('link', { name: 'Networks' }).click();
  await page.getByText('Choose its subnets').click();
  const form = page.getByTestId('new-network');
  await form.getByRole('button', { name: 'One more subnet' }).click();
  const third = form.getByRole('group', { name: 'Subnet 3' });
  await third.getByLabel('Kind').selectOption('data');
  await third.getByLabel('Spare nodes').fill('2');
  await expect(form.getByRole('link', { name: 'Open it' })).toHaveAttribute(
    'href',
    '?subnets=system:4,application:4,data:4+2&pace=classroom&limits=classroom&fresh',
  );
  await expectAccessible(page);
});
