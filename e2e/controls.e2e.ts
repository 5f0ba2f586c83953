import { expect, test } from '@playwright/test';
import {
  doFault,
  expectStandstill,
  highestFinalized,
  openPage,
  readNodes,
  waitForHeight,
} from './network.ts';

/** How long nothing may happen before it counts as standing still. */
const STILL_MS = 3_000;

test('time can be paused, stepped block by block and resumed', async ({ page }) => {
  await openPage(page);
  await waitForHeight(page, 3);
  const paused = await page.evaluate(() => window.networkUnderTest?.clock.pause());
  expect(paused).toMatchObject({ ok: true });
  const stillNs = await page.evaluate(() => window.networkUnderTest?.clock.now().timeNs);
  const still = await expectStandstill(page, STILL_MS);
  expect(await page.evaluate(() => window.networkUnderTest?.clock.now().timeNs)).toBe(stillNs);

  const stepped = await page.evaluate(() => window.networkUnderTest?.clock.step());
  expect(stepped).toMatchObject({ ok: true });
  const height = stepped?.ok === true ? stepped.value : Number.NaN;
  expect(height).toBeGreaterThan(still);
  // A node may be a block ahead when the others are told to stop, not more.
  expect(height).toBeLessThanOrEqual(still + 2);
  const afterStep = await expectStandstill(page, STILL_MS);

  const resumed = await page.evaluate(() => window.networkUnderTest?.clock.resume());
  expect(resumed).toMatchObject({ ok: true });
  await waitForHeight(page, afterStep + 3);
});

test('a node whose worker dies is shown as crashed with its reason and can be restarted', async ({
  page,
}) => {
  await openPage(page);
  const worker = page.workers().find((candidate) => candidate.url().includes('node.worker'));
  await worker?.evaluate(() => {
    setTimeout(() => {
      throw new RangeError('planted failure');
    });
  });
  await expect(async () => {
    const crashed = (await readNodes(page)).filter((node) => node.state === 'crashed');
    expect(crashed.length).toBe(1);
    expect(crashed[0]?.reason).toContain('planted failure');
  }).toPass({ timeout: 20_000 });
  const crashed = (await readNodes(page)).find((node) => node.state === 'crashed');
  await waitForHeight(page, (await highestFinalized(page)) + 2);

  await doFault(page, 'restart', crashed?.nodeId ?? '');
  await waitForHeight(page, (await highestFinalized(page)) + 2);
  const states = (await readNodes(page)).map((node) => node.state);
  expect(states).toEqual(['running', 'running', 'running', 'running']);
});

test('a partition of two and two halts the subnet until it heals', async ({ page }) => {
  await openPage(page);
  await waitForHeight(page, 2);
  const parted = await page.evaluate(async () => {
    const network = window.networkUnderTest;
    const ids = (network?.topology().subnets[0]?.nodes ?? []).map((node) => node.nodeId);
    return network?.faults.partition([ids.slice(0, 2), ids.slice(2)]);
  });
  expect(parted).toMatchObject({ ok: true });
  const halted = await expectStandstill(page, STILL_MS);
  const healed = await page.evaluate(() => window.networkUnderTest?.faults.heal());
  expect(healed).toMatchObject({ ok: true });
  await waitForHeight(page, halted + 3);
});

test('requests that make no sense are refused with a code, not obeyed', async ({ page }) => {
  await openPage(page);
  const outcome = await page.evaluate(async () => {
    const network = window.networkUnderTest;
    const nodeId = network?.topology().subnets[0]?.nodes[0]?.nodeId;
    if (network === undefined || nodeId === undefined) {
      return undefined;
    }
    return {
      rate: await network.clock.setRate(5),
      unknown: await network.faults.kill('00' as typeof nodeId),
      self: await network.faults.setLink(nodeId, nodeId, { delayMs: 5 }),
      loss: await network.faults.setLink(nodeId, nodeId, { lossPercent: 101 }),
      running: await network.faults.restart(nodeId),
      artifact: await network.inspect.artifact({ kind: 'finalization', height: 1_000_000 }),
    };
  });
  expect(outcome?.rate).toMatchObject({ ok: false, error: { code: 'INVALID_ARGUMENT' } });
  expect(outcome?.unknown).toMatchObject({ ok: false, error: { code: 'NODE_UNKNOWN' } });
  expect(outcome?.self).toMatchObject({ ok: false, error: { code: 'INVALID_ARGUMENT' } });
  expect(outcome?.loss).toMatchObject({ ok: false, error: { code: 'INVALID_ARGUMENT' } });
  expect(outcome?.running).toMatchObject({ ok: false, error: { code: 'NODE_ALREADY_RUNNING' } });
  expect(outcome?.artifact).toMatchObject({ ok: false, error: { code: 'ARTIFACT_UNKNOWN' } });
});

test('a subnet of one node at turbo leaves its worker time to answer', async ({ page }) => {
  await openPage(page, '?nodes=1&pace=turbo');
  await waitForHeight(page, 20);
});
