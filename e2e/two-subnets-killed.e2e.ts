import { polling, type RequestId } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { expect, type Page, test } from '@playwright/test';
import type { MaliciousKind } from '../src/protocol/types/malicious.ts';
import { callerOf, countOf, installPair, submitAsk } from '../tests/support/call-pair.ts';
import { agentOfPage, crashPage } from '../tests/support/page-agent.ts';
import { openPage } from './network.ts';

// Nine nodes, started twice, on a machine that others use as well.
test.setTimeout(600_000);

const SEARCH = '?subnets=system:1,application:4,application:4&pace=turbo';

/** One node of the subnet in that place breaks a rule from now on. */
async function makeLiar(page: Page, subnet: number, kind: MaliciousKind): Promise<void> {
  const outcome = await page.evaluate(
    async ([place, name]) => {
      const network = window.networkUnderTest;
      const liar = network?.topology().subnets[place]?.nodes[1];
      const told = liar && (await network?.faults.setMalicious(liar.nodeId, [{ kind: name }]));
      return told?.ok === true ? 'done' : JSON.stringify(told);
    },
    [subnet, kind as 'forgeSlices'] as const,
  );
  expect(outcome).toBe('done');
}

/** No packet passes between the last subnet and the others. */
async function cutLastSubnetOff(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const network = window.networkUnderTest;
    const groups = network?.topology().subnets.map(({ nodes }) => nodes.map((one) => one.nodeId));
    const [root = [], near = [], far = []] = groups ?? [];
    await network?.faults.partition([[...root, ...near], far]);
  });
}

test('a call between subnets survives a killed browser, with a liar on each side', async ({
  context,
}) => {
  let page = await context.newPage();
  await openPage(page, SEARCH);
  const ranges = await page.evaluate(() =>
    window.networkUnderTest?.topology().subnets.map((one) => one.canisterRanges[0]?.[0] ?? ''),
  );
  let agent = await agentOfPage(page);
  const pair = await installPair(agent, [ranges?.[1] ?? '', ranges?.[2] ?? '']);
  await makeLiar(page, 1, 'wrongSignals');
  await makeLiar(page, 2, 'forgeSlices');
  expect(await callerOf(agent, pair).ask(pair.counterId.toText())).toBe(1n);

  // The second call leaves its subnet's canister and cannot arrive: killed now, it is under way.
  await cutLastSubnetOff(page);
  const submittedMs = Date.now();
  const requestId = await submitAsk(agent, pair);
  await expect
    .poll(() => callerOf(agent, pair).facts(), { timeout: 120_000 })
    .toEqual([2n, 1n, 1n]);
  await crashPage(page);

  page = await context.newPage();
  await page.goto(`./${SEARCH}`);
  agent = await agentOfPage(page);
  await makeLiar(page, 1, 'gapInSlices');
  await makeLiar(page, 2, 'wrongSignals');
  await expect
    .poll(() => callerOf(agent, pair).facts(), { timeout: 180_000 })
    .toEqual([2n, 2n, 2n]);
  expect(await countOf(agent, pair)).toBe(2n);
  if (Date.now() - submittedMs < 240_000) {
    // Not past its expiry: the answer to the call itself is there too, under a certificate.
    const { reply } = await polling.pollForResponse(
      agent,
      { canisterId: pair.callerId },
      requestId as RequestId,
    );
    expect(IDL.decode([IDL.Nat], reply)).toEqual([2n]);
  }
  expect(await callerOf(agent, pair).ask(pair.counterId.toText())).toBe(3n);
  expect(await callerOf(agent, pair).facts()).toEqual([3n, 3n, 3n]);
});
