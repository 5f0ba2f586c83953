import type { Page } from '@playwright/test';
import { bundleForBrowser } from '../tests/support/browser-agent.ts';

/** Adds `window.sandboxProbe` to an empty page. @returns the source of a sandbox worker */
export async function openProbe(page: Page): Promise<string> {
  await page.route('**/blank', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }),
  );
  await page.goto('./blank');
  const content = await bundleForBrowser('tests/support/sandbox-probe.ts');
  await page.addScriptTag({ content, type: 'module' });
  return bundleForBrowser('src/workers/sandbox/sandbox.worker.ts');
}
