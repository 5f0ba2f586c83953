import type { Page } from '@playwright/test';
import { replaceWallClock } from '../tests/support/shifted-date.ts';

/** In the page and in each of its workers: `Date` runs ahead as it is told to. */
const SHIM = `(() => {
  const RealDate = Date;
  let shiftMs = 0;
  globalThis.Date = class extends RealDate {
    constructor(...args) {
      super(...(args.length === 0 ? [RealDate.now() + shiftMs] : args));
    }
    static now() {
      return RealDate.now() + shiftMs;
    }
  };
  globalThis.shiftWallClock = (ms) => {
    shiftMs = ms;
  };
})();
`;

function shiftThere(ms: number): void {
  (globalThis as { shiftWallClock?: (ms: number) => void }).shiftWallClock?.(ms);
}

export interface WallClock {
  /** Page, workers and this process see a wall clock that jumped ahead. */
  jump(ms: number): Promise<void>;
  restore(): void;
}

/** To be called before the page is opened. */
export async function createWallClock(page: Page): Promise<WallClock> {
  let shiftMs = 0;
  const restore = replaceWallClock((realMs) => realMs + shiftMs);
  await page.addInitScript(SHIM);
  await page.route(/worker[^/]*\.js$/u, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: SHIM + (await response.text()) });
  });
  return {
    jump: async (ms) => {
      const next = shiftMs + ms;
      // This process last: an agent that hears the old time from a node would correct its own by it.
      await Promise.all(page.workers().map((worker) => worker.evaluate(shiftThere, next)));
      await page.evaluate(shiftThere, next);
      shiftMs = next;
    },
    restore,
  };
}
