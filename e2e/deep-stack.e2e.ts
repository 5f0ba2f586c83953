import { expect, test } from '@playwright/test';
import { deepest, deepWat } from '../tests/support/deep-wat.ts';
import { compileWat } from '../tests/support/wat.ts';
import { STACK_BYTES } from '../src/protocol/execution/wasm/limits.ts';
import { openProbe } from './probe.ts';

test('runs on several stacks pause, end, trap and are dropped as on one', async ({ page }) => {
  const worker = await openProbe(page);
  const bytes = 300 * 1024;
  const base64 = Buffer.from(await compileWat(deepWat(bytes))).toString('base64');
  // Pauses come at the deepest point, on the second, fourth and some fiftieth stack.
  for (const segmentBytes of [120 * 1024, 60 * 1024, 4 * 1024]) {
    const told = await page.evaluate(
      async ([source, wasm, stack]) =>
        window.sandboxProbe?.compare(
          source,
          Uint8Array.from(atob(wasm), (character) => character.charCodeAt(0)),
          3,
          stack,
        ),
      [worker, base64, { bytes, segmentBytes }] as const,
    );
    const [ofWorker = '', ofInline = 'nothing'] = told ?? [];
    expect(ofWorker.match(/"kind":"paused"/gu)?.length ?? 0).toBeGreaterThanOrEqual(6);
    expect(ofWorker.match(/Canister trapped: stack overflow/gu)?.length).toBe(3);
    expect(ofWorker).toBe(ofInline);
  }
});

test('canisters have the stack that they have on the IC, to its last byte', async ({ page }) => {
  const worker = await openProbe(page);
  const base64 = Buffer.from(await compileWat(deepWat(STACK_BYTES))).toString('base64');
  const told = await page.evaluate(
    async ([source, wasm]) =>
      window.sandboxProbe?.run(
        source,
        Uint8Array.from(atob(wasm), (character) => character.charCodeAt(0)),
        ['canister_update fits', 'canister_update over', 'canister_update fits'],
      ),
    [worker, base64] as const,
  );
  const replies = JSON.parse(told ?? '[]') as readonly {
    readonly outcome: { readonly ok: boolean };
  }[];
  expect(replies.map(({ outcome }) => outcome.ok)).toEqual([true, false, true]);
  expect(told).toContain('Canister trapped: stack overflow');
  expect(deepest(STACK_BYTES)).toBeGreaterThan(40_000);
});
