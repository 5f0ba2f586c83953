import { expect, test } from '@playwright/test';
import { bundleForBrowser } from '../tests/support/browser-agent.ts';
import { openPage } from './network.ts';

test('a node worker runs real crypto only; a genesis that names test crypto is refused', async ({
  page,
}) => {
  await openPage(page, '?nodes=1&pace=classroom');
  const probe = await bundleForBrowser('tests/support/node-worker-probe.ts');
  await page.addScriptTag({ content: probe, type: 'module' });
  await page.waitForFunction(() => window.nodeWorkerProbe !== undefined);
  const url =
    page
      .workers()
      .find((worker) => worker.url().includes('node.worker'))
      ?.url() ?? '';
  const startWith = (crypto: 'real' | 'insecure-test-crypto') =>
    page.evaluate(([workerUrl, name]) => window.nodeWorkerProbe?.start(workerUrl, name), [
      url,
      crypto,
    ] as const);
  expect(await startWith('insecure-test-crypto')).toMatchObject({
    ok: true,
    value: { ok: false, error: { kind: 'trust', code: 'INSECURE_CRYPTO_REFUSED' } },
  });
  // The same start with a genesis of real keys is taken: it was the crypto that was refused.
  expect(await startWith('real')).toMatchObject({ ok: true, value: { ok: true } });
});

test('a spec cannot ask the page for another crypto', async ({ page }) => {
  await openPage(page, '?nodes=1&pace=classroom');
  const refused = await page.evaluate(async () => {
    const { subnetarium } = window;
    const spec = { ...subnetarium?.network.spec, crypto: 'insecure-test-crypto' };
    const wanted = spec as unknown as NonNullable<typeof subnetarium>['network']['spec'];
    return subnetarium?.createNetwork(wanted).then(
      () => 'started',
      (error: unknown) => JSON.parse(JSON.stringify(error)) as unknown,
    );
  });
  expect(refused).toMatchObject({ name: 'NetworkStartError', error: { code: 'INVALID_ARGUMENT' } });
});

test('the page says which library computes the signatures, as the nodes report it', async ({
  page,
}) => {
  await openPage(page, '?nodes=1&pace=classroom');
  await expect(page.getByTestId('bls-backend')).toHaveText('BLS12-381 in WebAssembly (mcl)');
  const reported = await page.evaluate(async () => {
    const snapshot = await window.networkUnderTest?.snapshot();
    return snapshot?.nodes.map(({ load }) => load?.blsBackend);
  });
  expect(reported).toEqual(['mcl-bls12-381']);
  await page.getByTestId('node-1').click();
  await expect(page.getByTestId('inspector')).toContainText('BLS12-381 in WebAssembly (mcl)');
});
