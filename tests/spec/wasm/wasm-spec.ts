import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import process from 'node:process';
import type { Page } from 'playwright-core';
import { launchChromium } from '../../support/browser.ts';
import { bundleForBrowser } from '../../support/browser-agent.ts';
import type { Script } from './commands.ts';
import { findScripts, hasWast2json } from './find-scripts.ts';
import type { ScriptReport } from './run-script.ts';
import { runScript } from './run-script.ts';

const USAGE = `
npm run test:wasm-spec -- <dir or file> [--chromium] [--tiers] [--json]
Runs WebAssembly specification tests (.wast, or wast2json's output) on every module as it is and as the
rewriter makes it, and compares results, traps, memories and globals after each action.
  --chromium  in a worker of headless Chromium instead of Node
  --tiers     Node again with --liftoff-only, --no-liftoff and --stack-size=600: all must give one hash
              (results, instruction counters and memories)
  --json      one JSON object on the last line
.wast files are read by wast2json (Debian: apt-get install wabt); without it a small reader takes those that
hold only modules in text form and assertions on calls.
Exits with 1 when a check failed, a file could not be read, or there was nothing to check.
`;

const TIERS: readonly (readonly string[])[] = [
  ['--liftoff-only'],
  ['--no-liftoff'],
  ['--stack-size=600'],
];
const MAX_SHOWN = 40;
const MAX_OUTPUT_BYTES = 1 << 28;

interface Totals {
  readonly host: string;
  readonly files: number;
  readonly passed: number;
  readonly failed: number;
  readonly failures: ScriptReport['failures'];
  readonly notApplicable: Readonly<Record<string, number>>;
  readonly unreadable: readonly { readonly file: string; readonly reason: string }[];
  /** Of results, counters and memories, by file. */
  readonly hashes: Readonly<Record<string, string>>;
  /** Files whose hash differs from the default's, by flags of the engine. */
  readonly tiers?: Readonly<Record<string, readonly string[]>>;
}

/** JSON keeps no bytes. */
function packed(script: Script): Omit<Script, 'files'> & { files: [string, string][] } {
  const files = Object.entries(script.files).map(([name, bytes]): [string, string] => [
    name,
    Buffer.from(bytes).toString('base64'),
  ]);
  return { ...script, files };
}

function runInWorker(page: Page, source: string, script: Script): Promise<ScriptReport> {
  return page.evaluate(
    ({ text, request }) =>
      new Promise<ScriptReport>((resolve, reject) => {
        const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
        const worker = new Worker(url);
        worker.addEventListener('error', (event) => reject(new Error(event.message)));
        worker.addEventListener('message', (event: MessageEvent<ScriptReport>) => {
          worker.terminate();
          resolve(event.data);
        });
        worker.postMessage(request);
      }),
    { text: source, request: packed(script) },
  );
}

async function runInChromium(scripts: readonly Script[]): Promise<ScriptReport[]> {
  const source = await bundleForBrowser('tests/spec/wasm/script-in-browser.ts');
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    const reports: ScriptReport[] = [];
    for (const script of scripts) {
      reports.push(await runInWorker(page, source, script));
    }
    return reports;
  } finally {
    await browser.close();
  }
}

function runTiers(
  path: string,
  hashes: Readonly<Record<string, string>>,
): Record<string, readonly string[]> {
  const differing: Record<string, readonly string[]> = {};
  for (const flags of TIERS) {
    const child = spawnSync(
      process.execPath,
      [...flags, process.argv[1] as string, path, '--json'],
      { encoding: 'utf8', maxBuffer: MAX_OUTPUT_BYTES },
    );
    const last = child.stdout.trim().split('\n').at(-1) ?? '';
    const others = last.startsWith('{') ? (JSON.parse(last) as Totals).hashes : {};
    differing[flags.join(' ')] = Object.keys(hashes).filter(
      (file) => hashes[file] !== others[file],
    );
  }
  return differing;
}

function summed(host: string, reports: readonly ScriptReport[]): Omit<Totals, 'unreadable'> {
  const notApplicable: Record<string, number> = {};
  for (const report of reports) {
    for (const [reason, count] of Object.entries(report.notApplicable)) {
      notApplicable[reason] = (notApplicable[reason] ?? 0) + count;
    }
  }
  const failures = reports.flatMap((report) => report.failures);
  return {
    host,
    files: reports.length,
    passed: reports.reduce((sum, report) => sum + report.passed, 0),
    failed: failures.length,
    failures,
    notApplicable,
    hashes: Object.fromEntries(reports.map(({ file, hash }) => [file, hash])),
  };
}

function print(totals: Totals): void {
  for (const { file, line, what } of totals.failures.slice(0, MAX_SHOWN)) {
    console.log(`FAIL ${file}:${line}: ${what}`);
  }
  for (const { file, reason } of totals.unreadable) {
    console.log(`unreadable ${file}: ${reason}`);
  }
  for (const [reason, count] of Object.entries(totals.notApplicable)) {
    console.log(`not applicable ${count}: ${reason}`);
  }
  for (const [flags, files] of Object.entries(totals.tiers ?? {})) {
    console.log(
      `${flags}: ${files.length === 0 ? 'same hashes' : `differs in ${files.join(', ')}`}`,
    );
  }
  console.log(
    `${totals.host}: ${totals.files} files, ${totals.passed} passed, ${totals.failed} failed`,
  );
}

async function main(args: readonly string[]): Promise<number> {
  const [path, ...more] = args.filter((arg) => !arg.startsWith('--'));
  const flags = args.filter((arg) => arg.startsWith('--'));
  const unknown = flags.find(
    (flag) => !['--chromium', '--tiers', '--json', '--help'].includes(flag),
  );
  if (flags.includes('--help')) {
    console.log(USAGE.trim());
    return 0;
  }
  if (path === undefined || more.length > 0 || unknown !== undefined || !existsSync(path)) {
    console.error(`${unknown ?? 'name one folder or file that is there'}\n${USAGE.trimEnd()}`);
    return 2;
  }
  if (!hasWast2json()) {
    console.error('wast2json is not installed: .wast files go to the small reader');
  }
  const { scripts, unreadable } = await findScripts(path);
  const inChromium = flags.includes('--chromium');
  const reports = inChromium ? await runInChromium(scripts) : scripts.map(runScript);
  const result = { ...summed(inChromium ? 'chromium' : 'node', reports), unreadable };
  const totals: Totals = flags.includes('--tiers')
    ? { ...result, tiers: runTiers(path, result.hashes) }
    : result;
  print(totals);
  if (flags.includes('--json')) {
    console.log(JSON.stringify(totals));
  }
  const differing = Object.values(totals.tiers ?? {}).flat().length;
  return totals.failed + unreadable.length + differing > 0 || totals.passed === 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
