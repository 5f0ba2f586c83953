import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import process from 'node:process';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../../support/browser.ts';
import { bundleForBrowser } from '../../support/browser-agent.ts';
import type { Script } from './commands.ts';
import type { ScriptReport } from './run-script.ts';
import { runScript } from './run-script.ts';

/** An engine that runs test files in a process of its own: neither a crash nor an endless loop ends the run. */
export interface Host {
  readonly name: string;
  run(script: Script): Promise<ScriptReport>;
  close(): Promise<void>;
}

/** Every tier of the engine, a small stack, and 64-bit memories where Node has them only on request. */
export const NODE_TIERS: readonly (readonly string[])[] = [
  ['--liftoff-only'],
  ['--no-liftoff'],
  ['--stack-size=600'],
  ['--experimental-wasm-memory64'],
];

/** On a loaded machine the longest takes some ten seconds. */
const ANSWER_WITHIN_MS = 180_000;
const SERVE_FLAG = '--serve-scripts';

function unanswered(script: Script, why: string): ScriptReport {
  return {
    file: script.name,
    passed: 0,
    failures: [{ file: script.name, line: 0, what: why }],
    notApplicable: {},
    hashes: [],
  };
}

/** Rejects when nothing came in time. */
async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no answer within ${ANSWER_WITHIN_MS / 1000} s`)),
      ANSWER_WITHIN_MS,
    );
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** To be called first by every program that opens a Node host: true in the child, which then serves. */
export function servesScripts(): boolean {
  if (!process.argv.includes(SERVE_FLAG)) {
    return false;
  }
  process.on('disconnect', () => process.exit());
  process.on('message', (script: Script) => {
    process.send?.(runScript(script));
  });
  return true;
}

/** A frame or a few: calls go on in another segment of the stack all the time. */
export const TINY_SEGMENT_BYTES = 512;

/**
 * Node with these flags, in a child that runs the same program.
 * @param segmentBytes see `Script`
 */
export function nodeHost(flags: readonly string[], segmentBytes?: number): Host {
  let child: ChildProcess | null = null;
  const started = (): ChildProcess => {
    child ??= spawn(process.execPath, [...flags, process.argv[1] as string, SERVE_FLAG], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    return child;
  };
  const ask = (script: Script): Promise<ScriptReport> =>
    new Promise((resolve, reject) => {
      const asked = started();
      const ended = (code: number | null, signal: string | null): void =>
        reject(new Error(`the engine ended: ${signal ?? code}`));
      asked.once('exit', ended);
      asked.once('message', (report) => {
        asked.off('exit', ended);
        resolve(report as ScriptReport);
      });
      asked.send(segmentBytes === undefined ? script : { ...script, segmentBytes });
    });
  const stop = (): void => {
    child?.removeAllListeners();
    child?.kill('SIGKILL');
    child = null;
  };
  return {
    name: ['node', ...flags, ...(segmentBytes === undefined ? [] : ['in segments'])].join(' '),
    run: async (script) => {
      try {
        return await inTime(ask(script));
      } catch (error) {
        stop();
        return unanswered(script, String(error));
      }
    },
    close: () => {
      stop();
      return Promise.resolve();
    },
  };
}

/** JSON keeps no bytes. */
function packed(script: Script): Omit<Script, 'files'> & { files: [string, string][] } {
  const files = Object.entries(script.files).map(([name, bytes]): [string, string] => [
    name,
    Buffer.from(bytes).toString('base64'),
  ]);
  return { ...script, files };
}

/** Runs a file in a worker of the page; `source` bundles `script-in-browser.ts`. Rejects when it fails. */
export function runInWorker(page: Page, source: string, script: Script): Promise<ScriptReport> {
  return page.evaluate(
    ({ text, request, withinMs }) =>
      new Promise<ScriptReport>((resolve, reject) => {
        const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
        const worker = new Worker(url);
        const end = (): void => {
          worker.terminate();
          URL.revokeObjectURL(url);
        };
        setTimeout(() => {
          end();
          reject(new Error(`no answer within ${withinMs / 1000} s`));
        }, withinMs);
        worker.addEventListener('error', (event) => {
          end();
          reject(new Error(event.message));
        });
        worker.addEventListener('message', (event: MessageEvent<ScriptReport>) => {
          end();
          resolve(event.data);
        });
        worker.postMessage(request);
      }),
    { text: source, request: packed(script), withinMs: ANSWER_WITHIN_MS },
  );
}

/** A worker of headless Chromium for each test file. */
export async function chromiumHost(): Promise<Host> {
  const source = await bundleForBrowser('tests/spec/wasm/script-in-browser.ts');
  let browser: Browser | null = null;
  let page: Page | null = null;
  return {
    name: 'chromium',
    run: async (script) => {
      try {
        browser ??= await launchChromium();
        page ??= await browser.newPage();
        return await runInWorker(page, source, script);
      } catch (error) {
        await browser?.close();
        browser = null;
        page = null;
        return unanswered(script, String(error));
      }
    },
    close: async () => browser?.close(),
  };
}
