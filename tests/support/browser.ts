import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { exposeNetwork } from './page-globals.ts';

/** The built app, served on a free port, and a browser: what benchmarks measure in. */
export interface BuiltApp {
  readonly url: string;
  readonly browser: Browser;
  close(): Promise<void>;
}

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const READY_TIMEOUT_MS = 120_000;

/** Builds the app if its sources changed, serves it and starts headless Chromium. */
export async function openBuiltApp(): Promise<BuiltApp> {
  const { browser, ...served } = await serveBuiltApp(launchChromium);
  return { ...served, browser };
}

/** The same with a profile on the disk, as people have: files of other pages are in memory. */
export async function openBuiltAppOnDisk(): Promise<
  Omit<BuiltApp, 'browser'> & { readonly browser: BrowserContext }
> {
  const profile = mkdtempSync(join(tmpdir(), 'subnetarium-bench-'));
  const served = await serveBuiltApp(() =>
    chromium.launchPersistentContext(profile, launchOptions()),
  );
  return {
    ...served,
    close: async () => {
      await served.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

async function serveBuiltApp<B extends Browser | BrowserContext>(launch: () => Promise<B>) {
  const server = spawn(process.execPath, ['tools/start.mjs', '--port', '0', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = await readUrl(server);
    const browser = await launch();
    return {
      url,
      browser,
      close: async () => {
        await browser.close();
        server.kill();
      },
    };
  } catch (error) {
    server.kill();
    throw error;
  }
}

/** Headless, the installed one if there is one. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch(launchOptions());
}

function launchOptions() {
  return {
    executablePath: findChromium(),
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  };
}

function findChromium(): string {
  const named = process.env['CHROMIUM_PATH'];
  if (named !== undefined && named !== '') {
    return named;
  }
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return candidates.find((path) => existsSync(path)) ?? chromium.executablePath();
}

function readUrl(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    server.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      const url = /\{"url":"([^"]+)"\}/.exec(output)?.[1];
      if (url !== undefined) {
        resolve(url);
      }
    });
    server.on('exit', (code) => reject(new Error(`the server ended with ${code}: ${output}`)));
  });
}

/** Opens the page with these parameters and waits for its first finalized block. */
export async function openNetwork(
  app: { readonly url: string; readonly browser: Pick<Browser, 'newPage'> },
  parameters: Readonly<Record<string, string>>,
): Promise<Page> {
  const page = await app.browser.newPage();
  page.on('pageerror', (error) => console.error(`the page threw: ${error.message}`));
  await page.goto(`${app.url}?${new URLSearchParams(parameters).toString()}`);
  await waitForFirstBlock(page);
  return page;
}

export async function waitForFirstBlock(page: Page): Promise<void> {
  const options = { timeout: READY_TIMEOUT_MS };
  await page.waitForFunction(
    () => performance.getEntriesByName('subnetarium:ready').length > 0,
    null,
    options,
  );
  // The first block may be there before the last node has started.
  await page.waitForFunction(exposeNetwork, null, options);
}

/** The value below which `percent` of the values lie; nearest rank. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

export const round = (value: number, digits = 1): number => Number(value.toFixed(digits));
