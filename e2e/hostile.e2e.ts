import { expect, type Page, test } from '@playwright/test';
import { forgeShares, hostileFrames } from './hostile-frames.ts';
import {
  doFault,
  expectEqualRoots,
  highestFinalized,
  openPage,
  readNodes,
  readRecorded,
  recordRoots,
  waitForHeight,
} from './network.ts';

declare global {
  interface Window {
    hostile?: {
      readonly channel: BroadcastChannel;
      readonly recorded: Uint8Array[];
      /** By code, then node: packets refused. */
      readonly refused: Record<string, Record<string, number>>;
      /** Whose they claimed to be. */
      readonly artifactsRefused: (readonly [code: string, from: string | null])[];
    };
  }
}

/** Another script of the page's origin: it finds the channel's name, listens, and may post. */
async function openChannel(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const network = window.networkUnderTest;
    const subnetId = network?.topology().subnets[0]?.subnetId;
    const { held = [] } = await navigator.locks.query();
    const lock = held.map(({ name = '' }) => name).find((name) => name.startsWith('subnetarium/'));
    const channel = new BroadcastChannel(`net/${lock?.split('/')[1]}/${subnetId}`);
    const state: NonNullable<typeof window.hostile> = {
      channel,
      recorded: [],
      refused: {},
      artifactsRefused: [],
    };
    window.hostile = state;
    channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (data instanceof Uint8Array) {
        state.recorded.push(data);
        state.recorded.splice(0, state.recorded.length - 300);
      }
    };
    network?.events.subscribe(({ from, events }) => {
      for (const event of events) {
        if (event.kind === 'packetRejected') {
          const byNode = (state.refused[event.code] ??= {});
          byNode[from] = (byNode[from] ?? 0) + 1;
        } else if (event.kind === 'artifactRejected') {
          state.artifactsRefused.push([event.code, event.from]);
        }
      }
    });
  });
  await page.waitForFunction(() => (window.hostile?.recorded.length ?? 0) >= 40);
}

function post(page: Page, frames: readonly Uint8Array[]): Promise<void> {
  return page.evaluate((list) => {
    for (const bytes of list) {
      window.hostile?.channel.postMessage(bytes);
    }
  }, frames);
}

const readRefused = (page: Page): Promise<Record<string, Record<string, number>>> =>
  page.evaluate(() => window.hostile?.refused ?? {});

/** All nodes run, go on together and agree. */
async function expectUnharmed(page: Page): Promise<void> {
  await waitForHeight(page, (await highestFinalized(page)) + 10);
  const nodes = await readNodes(page);
  expect(nodes.map(({ state, reason }) => [state, reason])).toEqual(
    nodes.map(() => ['running', null]),
  );
  const ids = nodes.map((node) => node.nodeId);
  await expect(async () => {
    expect(expectEqualRoots(await readRecorded(page), ids)).toBeGreaterThan(20);
  }).toPass({ timeout: 20_000 });
}

test('hostile bytes on the subnet’s channel are refused, counted and shown; the subnet goes on', async ({
  page,
}) => {
  await openPage(page);
  await recordRoots(page);
  await openChannel(page);
  const recorded = await page.evaluate(() => window.hostile?.recorded ?? []);
  const [genuine = new Uint8Array(0)] = recorded;
  const frames = hostileFrames(genuine);
  await post(
    page,
    frames.map(({ bytes }) => bytes),
  );
  await page.evaluate(() => {
    let deep: unknown = 'the end';
    for (let depth = 0; depth < 1_000; depth += 1) {
      deep = { deep };
    }
    const wrong = ['text', 7, null, [1, 2], deep, new Float64Array(4), new ArrayBuffer(64), 2n];
    for (const value of wrong) {
      window.hostile?.channel.postMessage(value);
    }
  });
  const codes = [...new Set(frames.map(({ code }) => code)), 'NOT_BYTES'];
  await expect(async () => {
    const refused = await readRefused(page);
    for (const code of codes) {
      expect(
        Object.keys(refused[code] ?? {}).length,
        `nodes that refused ${code}`,
      ).toBeGreaterThanOrEqual(3);
    }
  }).toPass({ timeout: 20_000 });
  await expectUnharmed(page);

  const inspector = page.getByRole('complementary');
  await page
    .getByRole('button', { name: /^Node 1/ })
    .first()
    .click();
  await expect(inspector.getByText(/artifacts, [1-9]\d* packets/)).toBeVisible();
});

test('shares forged in the name of a node that is down are refused by their signatures', async ({
  page,
}) => {
  await openPage(page);
  await recordRoots(page);
  await openChannel(page);
  const [first = '', , third = '', fourth = ''] = (await readNodes(page)).map((n) => n.nodeId);
  await doFault(page, 'kill', third);
  await doFault(page, 'kill', fourth);
  // Two of four are left and wait for a third share: the forged one.
  await page.waitForTimeout(2_000);
  const halted = await highestFinalized(page);
  const recorded = await page.evaluate(() => window.hostile?.recorded ?? []);
  const frames = forgeShares(recorded, { victim: fourth, signer: first });
  expect(frames.length).toBeGreaterThan(0);
  await post(page, frames);
  await expect(async () => {
    const refused = await page.evaluate(() => window.hostile?.artifactsRefused ?? []);
    const codes = refused.filter(([, from]) => from === fourth).map(([code]) => code);
    expect(codes).toContain('BAD_SIGNATURE_SHARE');
  }).toPass({ timeout: 20_000 });
  expect(await highestFinalized(page), 'a forged share counts for nothing').toBe(halted);
  // Nobody holds the forgery against its victim.
  await doFault(page, 'restart', fourth);
  await waitForHeight(page, halted + 3);
  await doFault(page, 'restart', third);
  await expectUnharmed(page);
});

test('a flood of junk slows the subnet, but does not stop it', async ({ page }) => {
  await openPage(page);
  await recordRoots(page);
  await openChannel(page);
  const before = await highestFinalized(page);
  await page.evaluate(async () => {
    const junk = Array.from({ length: 50 }, (_, index) => new Uint8Array(200).fill(index + 1));
    for (let round = 0; round < 100; round += 1) {
      for (const bytes of junk) {
        window.hostile?.channel.postMessage(bytes);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
  expect(await highestFinalized(page)).toBeGreaterThan(before);
  await expectUnharmed(page);
});
