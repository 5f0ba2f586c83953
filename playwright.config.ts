import { defineConfig } from '@playwright/test';

/** tools/test.mjs names a free one, so that no other server is tested by mistake. */
const PORT = Number(process.env['E2E_PORT'] ?? 4173);
/** tools/test.mjs finds a browser and names it here; unset means Playwright's own. */
const executablePath = process.env['CHROMIUM_PATH'];

export default defineConfig({
  testDir: 'e2e',
  testMatch: '**/*.e2e.ts',
  // A page waits for its network's delays half of the time; two of them use two cores.
  workers: 2,
  fullyParallel: true,
  // A loaded machine takes its time; what a test waits for has bounds of its own.
  timeout: 400_000,
  expect: { timeout: 30_000 },
  use: {
    baseURL: `http://localhost:${PORT}/`,
    // A trace films the page: a third of the processor's time, which the networks lack then.
    trace: process.env['E2E_TRACE'] === undefined ? 'off' : 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
      ...(executablePath === undefined ? {} : { executablePath }),
    },
  },
  webServer: {
    command: `node tools/start.mjs --port ${PORT} --strict-port`,
    port: PORT,
    reuseExistingServer: false,
    timeout: 180_000,
  },
});
