import { expect, test } from '@playwright/test';
import { doFault, highestFinalized, openPage, readNodes, waitForHeight } from './network.ts';

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

test('requests that make no sense are refused with a code, not obeyed', async ({ page }) => {
  await openPage(page, '?nodes=1&pace=turbo');
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
