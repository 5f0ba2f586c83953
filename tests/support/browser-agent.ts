import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { rolldown } from 'rolldown';
import './page-globals.ts';

/** Both Playwright and `npm run bench` start in the root of the repository. */
const ROOT = process.cwd();
const CACHE = join(ROOT, 'node_modules/.cache/subnetarium/motoko');

let bundled: Promise<string> | undefined;

/** Puts the agent client into the page; the page's network must be there. */
export async function addBrowserClient(page: Page): Promise<void> {
  bundled ??= bundleForBrowser('tests/support/browser-client.ts');
  await page.addScriptTag({ content: await bundled, type: 'module' });
  await page.waitForFunction(() => window.subnetariumClient !== undefined);
}

/** A module of this repository and what it imports, as one text for a page. */
export async function bundleForBrowser(entry: string): Promise<string> {
  const bundle = await rolldown({
    input: join(ROOT, entry),
    platform: 'browser',
    logLevel: 'warn',
  });
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false });
  await bundle.close();
  return output[0].code;
}

/** The counter of the workshop, compiled by the npm compiler; kept per source. */
export function compileCounter(): Uint8Array {
  return compileActor(readFileSync(join(ROOT, 'canisters/counter/main.mo'), 'utf8'));
}

/** A Motoko program, compiled by the npm compiler; kept per source. */
export function compileActor(source: string): Uint8Array {
  const compiler = join(ROOT, 'tests/support/motoko-compile.mjs');
  const key = createHash('sha256').update(readFileSync(compiler)).update(source).digest('hex');
  const cached = join(CACHE, `${key}.counter.json`);
  if (!existsSync(cached)) {
    mkdirSync(CACHE, { recursive: true });
    const partial = `${cached}.${process.pid}`;
    execFileSync(process.execPath, ['--stack-size=2000', compiler, partial], {
      input: source,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    renameSync(partial, cached);
  }
  const { wasm } = JSON.parse(readFileSync(cached, 'utf8')) as { readonly wasm: string };
  return Uint8Array.from(Buffer.from(wasm, 'base64'));
}

/** Deploys the counter through the agent in the page; answers its canister id. */
export async function deployCounter(page: Page): Promise<string> {
  await addBrowserClient(page);
  const wasm = Buffer.from(compileCounter()).toString('base64');
  return page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const client = await window.subnetariumClient;
    return client === undefined ? '' : client.deploy(bytes);
  }, wasm);
}
