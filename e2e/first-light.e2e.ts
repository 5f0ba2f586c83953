import { expect, test } from '@playwright/test';
import { deployCounter } from '../tests/support/browser-agent.ts';
import {
  doFault,
  expectEqualRoots,
  expectStandstill,
  highestFinalized,
  openPage,
  readNodes,
  readRecorded,
  recordRoots,
  waitForHeight,
} from './network.ts';

/** How long nothing may happen before it counts as stopped. */
const STILL_MS = 5_000;

test('a visitor sees four nodes agree', async ({ page }) => {
  await openPage(page);
  await recordRoots(page);
  const start = await highestFinalized(page);
  await waitForHeight(page, start + 5);
  const nodes = await readNodes(page);
  expect(nodes.map((node) => node.state)).toEqual(['running', 'running', 'running', 'running']);
  const ids = nodes.map((node) => node.nodeId);
  expect(new Set(ids).size).toBe(4);
  await expect(async () => {
    const recorded = await readRecorded(page);
    expect(expectEqualRoots(recorded, ids)).toBeGreaterThanOrEqual(9);
  }).toPass({ timeout: 20_000 });
});

test('a developer deploys Motoko, increments three times and reads 3, verified', async ({
  page,
}) => {
  await openPage(page);
  await page
    .getByRole('link', { name: 'Build' })
    .or(page.getByRole('button', { name: 'Build' }))
    .first()
    .click();
  await page
    .getByRole('button', { name: /deploy/i })
    .first()
    .click();
  const card = page.getByTestId('canister').first();
  await expect(card).toBeVisible({ timeout: 90_000 });
  const increment = card.getByTestId('method-increment');
  for (let expected = 1; expected <= 3; expected += 1) {
    await increment.getByRole('button', { name: 'Call' }).click();
    await expect(increment.locator('output')).toHaveText(`(${expected})`);
    await expect(increment.getByTestId('proof')).toContainText('Certified by the subnet');
  }
  const get = card.getByTestId('method-get');
  await get.getByRole('button', { name: 'Query' }).click();
  await expect(get.locator('output')).toHaveText('(3)');
  await expect(get.getByTestId('proof')).toContainText('Signed by one node');
});

test('a presenter kills and restarts nodes', async ({ page }) => {
  await openPage(page);
  await recordRoots(page);
  const ids = (await readNodes(page)).map((node) => node.nodeId);
  const [first = '', second = ''] = ids;

  // One of four down: the others go on.
  await doFault(page, 'kill', first);
  expect((await readNodes(page))[0]?.state).toBe('stopped');
  const whenKilled = await highestFinalized(page);
  await waitForHeight(page, whenKilled + 3);

  // It comes back and reaches the same state.
  await doFault(page, 'restart', first);
  const whenRestarted = await highestFinalized(page);
  await waitForHeight(page, whenRestarted + 3);
  // Telemetry comes in batches, a moment after the heights.
  await expect(async () => {
    const recorded = await readRecorded(page);
    expect(expectEqualRoots(recorded, ids)).toBeGreaterThan(0);
    const heights = Object.keys(recorded.roots[first] ?? {}).map(Number);
    expect(Math.max(...heights)).toBeGreaterThan(whenRestarted);
  }).toPass({ timeout: 20_000 });

  // Two of four down: nothing is finalized any more.
  await doFault(page, 'kill', first);
  await doFault(page, 'kill', second);
  const halted = await expectStandstill(page, STILL_MS);

  // One back makes three: the subnet resumes.
  await doFault(page, 'restart', second);
  await waitForHeight(page, halted + 3);
  await doFault(page, 'restart', first);
  await waitForHeight(page, (await highestFinalized(page)) + 2);
  expectEqualRoots(await readRecorded(page), ids);
});

test('a call that traps is rejected, changes nothing and costs the same everywhere', async ({
  page,
}) => {
  await openPage(page);
  await recordRoots(page);
  const canisterId = await deployCounter(page);
  const answers = await page.evaluate(async (id) => {
    const client = await window.subnetariumClient;
    await client?.increment(id);
    const before = await client?.increment(id);
    const failure = await client?.fail(id);
    // An update, so that the answer is that of the subnet and not of one node.
    return { before, failure, after: await client?.increment(id) };
  }, canisterId);
  expect(answers.before).toBe('2');
  expect(answers.failure?.message).toContain('IC0503');
  expect(answers.failure?.message).toContain('counter was asked to fail');
  expect(answers.after, 'the trapped call added 1000 and was rolled back').toBe('3');

  await expect(async () => {
    const { instructions, violations } = await readRecorded(page);
    expect(violations).toEqual([]);
    const trapped = Object.values(instructions).filter((byNode) =>
      Object.values(byNode).some((outcome) => /IC0503|503|reject|trap/i.test(outcome)),
    );
    expect(trapped.length).toBe(1);
    const outcomes = Object.values(trapped[0] ?? {});
    expect(outcomes.length).toBe(4);
    expect(new Set(outcomes).size, outcomes.join(' | ')).toBe(1);
    expect(outcomes[0]).not.toMatch(/^0 /);
  }).toPass({ timeout: 20_000 });
});
