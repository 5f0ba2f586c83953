import { expect, test } from '@playwright/test';
import {
  expectEqualRoots,
  highestFinalized,
  openPage,
  readNodes,
  readRecorded,
  recordRoots,
  waitForHeight,
} from './network.ts';

/** One node may join; intervals short enough to see several. */
const SPEC = {
  seed: 'membership in the page',
  pace: 'turbo',
  subnets: [{ type: 'application', nodes: 4, spareNodes: 1 }],
  dkgIntervalLength: 14,
};

test('a node joins for another; the subnet deals its key anew and goes on with the same one', async ({
  page,
}) => {
  test.setTimeout(240_000);
  await openPage(page, `?spec=${encodeURIComponent(JSON.stringify(SPEC))}`);
  await recordRoots(page);
  await waitForHeight(page, 20);
  const outcome = await page.evaluate(async () => {
    const network = window.networkUnderTest;
    const [subnet] = network?.topology().subnets ?? [];
    const ids = [...(subnet?.nodes ?? []), ...(subnet?.spareNodes ?? [])].map(
      (node) => node.nodeId,
    );
    const [leaver, ...members] = ids;
    const update = await network?.registry.update({ kind: 'setMembership', members });
    return { update, leaver, joiner: ids[4], ids };
  });
  expect(outcome.update).toEqual({ ok: true, value: 2 });
  await expect(async () => {
    const nodes = await readNodes(page);
    const stateOf = (id: string | undefined) => nodes.find((node) => node.nodeId === id)?.state;
    expect(stateOf(outcome.leaver)).toBe('stopped');
    expect(stateOf(outcome.joiner)).toBe('running');
  }).toPass({ timeout: 180_000 });
  await waitForHeight(page, (await highestFinalized(page)) + 8);
  // Nodes drop what lies below their newest package, so the height must be a fresh one.
  await expect(async () => {
    const certified = (await readNodes(page))
      .filter((node) => node.state === 'running')
      .map((node) => node.certified);
    const verified = await page.evaluate(
      async (height) => {
        const { inspect } = window.networkUnderTest ?? {};
        const checked = [];
        for (const kind of ['randomBeacon', 'finalization', 'certification'] as const) {
          checked.push([kind, await inspect?.verify({ kind, height })] as const);
        }
        return checked;
      },
      Math.min(...certified),
    );
    for (const [kind, verification] of verified) {
      expect(verification, kind).toMatchObject({ ok: true, value: { valid: true } });
    }
  }).toPass({ timeout: 30_000 });
  const recorded = await readRecorded(page);
  expect(recorded.violations).toEqual([]);
  expect(expectEqualRoots(recorded, outcome.ids.slice(1))).toBeGreaterThanOrEqual(3);
});
