import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';

/** What a network in a tab costs and does, for several benchmarks. */

const MIB = 1024 * 1024;

/** Processor seconds of all processes of the browser since their start. */
export async function processorSeconds(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}

/** Resident memory of the largest renderer: the page and its workers are one process. */
export async function tabMiB(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const sizes = processInfo
    .filter(({ type }) => type === 'renderer')
    .map(({ id }) => {
      const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1];
      return (Number(resident ?? 0) * 1024) / MIB;
    });
  return Math.max(0, ...sizes);
}

/** The finalized height of each subnet: of its node that got furthest. */
export async function finalizedBySubnet(page: Page): Promise<readonly number[]> {
  return page.evaluate(async () => {
    const network = window.networkUnderTest;
    const nodes = (await network?.snapshot())?.nodes ?? [];
    return (network?.topology().subnets ?? []).map((subnet) =>
      Math.max(
        0,
        ...nodes
          .filter(({ nodeId }) => subnet.nodes.some((one) => one.nodeId === nodeId))
          .map(({ heights }) => heights.finalized),
      ),
    );
  });
}

/** Waits until every subnet has finalized `height`. */
export async function untilFinalized(page: Page, height: number): Promise<void> {
  while ((await finalizedBySubnet(page)).some((reached) => reached < height)) {
    await page.waitForTimeout(200);
  }
}

/** Processor time and blocks over a while. */
export async function watchLoad(browser: Browser, page: Page, seconds: number) {
  const [fromBlocks, fromCpu, fromMs] = [
    await finalizedBySubnet(page),
    await processorSeconds(browser),
    performance.now(),
  ];
  await page.waitForTimeout(seconds * 1000);
  const elapsed = (performance.now() - fromMs) / 1000;
  const cpuSeconds = (await processorSeconds(browser)) - fromCpu;
  const blocks = (await finalizedBySubnet(page)).map(
    (height, at) => height - (fromBlocks[at] ?? 0),
  );
  return { elapsed, cpuSeconds, blocks };
}
