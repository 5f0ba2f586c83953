import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { bin, helpOrContinue, ROOT, run, takeOption, usageError } from './lib/command.mjs';
import { ensureBuilt, ensureInstalled, requireNode } from './lib/setup.mjs';

const USAGE = `
npm test -- [--only GATE,GATE…]
Installs what is missing (packages, a Chromium), runs every gate and test, ends with "N passed, N failed".
Gates: format, lint, tidy, rules, types, knip, self-test, vitest, build, size, e2e
`;
const REPORTS = join(ROOT, 'node_modules/.cache/subnetarium/reports');
const SHOWN_CHARS = 20_000;
const SUMMARY_CHARS = 4_000;
const MESSAGE_CHARS = 600;

const args = process.argv.slice(2);
helpOrContinue(args, USAGE);
const only = takeOption(args, '--only', USAGE)?.split(',');
if (args.length > 0) {
  usageError(`unknown argument ${args[0]}`, USAGE);
}
requireNode();
await ensureInstalled();
// Loaded only now: on a fresh clone their packages were missing until the line above.
const gates = await import('./lib/gates.mjs');
const { selfTestGates } = await import('./self-test.mjs');
const { findBrowser } = await import('./lib/browser.mjs');

/** A gate counts as one check; a test run counts its tests. */
const asOne = (gate) => async () => {
  const { ok, output } = await gate();
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, output: ok ? '' : output };
};
const STAGES = {
  format: asOne(gates.formatGate),
  lint: asOne(gates.lintGate),
  tidy: asOne(gates.tidyGate),
  rules: asOne(gates.rulesGate),
  types: asOne(gates.typesGate),
  knip: asOne(gates.deadCodeGate),
  'self-test': async () => {
    const { passed, failures } = await selfTestGates();
    return { passed, failed: failures.length, output: failures.join('\n\n') };
  },
  vitest: unitTests,
  build: asOne(async () => ({ ok: await ensureBuilt(), output: 'the build failed' })),
  size: asOne(gates.sizeGate),
  e2e: browserTests,
};
const unknown = only?.find((name) => !(name in STAGES));
if (unknown !== undefined) {
  usageError(`no gate is named ${unknown}`, USAGE);
}

mkdirSync(REPORTS, { recursive: true });
let passed = 0;
let failed = 0;
const failures = [];
for (const [name, stage] of Object.entries(STAGES)) {
  if (only !== undefined && !only.includes(name)) {
    continue;
  }
  const startedMs = performance.now();
  const result = await stage();
  passed += result.passed;
  failed += result.failed;
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const counts = `${result.passed} passed, ${result.failed} failed`;
  console.log(
    `${result.failed === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(10)} ${seconds} s  ${counts}`,
  );
  if (result.failed > 0) {
    console.log(result.output.slice(-SHOWN_CHARS));
    failures.push(`${name}:\n${(result.failures ?? result.output).slice(-SUMMARY_CHARS)}`);
  }
}
// Said again at the very end, and short: a log that is cut keeps its last lines.
for (const failure of failures) {
  console.log(`\n${failure}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);

async function unitTests() {
  const report = join(REPORTS, 'vitest.json');
  rmSync(report, { force: true });
  const { code, output } = await run(
    bin('vitest'),
    ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    { env: { CI: 'true', NO_COLOR: '1' } },
  );
  const json = readReport(report);
  return {
    ...counted(json?.numPassedTests ?? 0, json?.numFailedTests ?? 0, code, output),
    failures: unitFailures(json),
  };
}

/** Name and message of each failed test, and of each file that could not be run; undefined when the report tells of none. */
function unitFailures(report) {
  const texts = (report?.testResults ?? []).flatMap(
    ({ name, status, message, assertionResults }) => {
      const tests = assertionResults.filter((test) => test.status === 'failed');
      return tests.length > 0
        ? tests.map(
            (test) =>
              `${test.fullName}\n${(test.failureMessages[0] ?? '').slice(0, MESSAGE_CHARS)}`,
          )
        : status === 'failed'
          ? [`${name}\n${message.slice(0, MESSAGE_CHARS)}`]
          : [];
    },
  );
  return texts.length === 0 ? undefined : texts.join('\n');
}

async function browserTests() {
  const executablePath = await findBrowser();
  if (executablePath === undefined) {
    return { passed: 0, failed: 1, output: 'no Chromium to test with' };
  }
  const report = join(REPORTS, 'playwright.json');
  rmSync(report, { force: true });
  const { code, output } = await run(bin('playwright'), ['test', '--reporter=list,json'], {
    env: {
      CHROMIUM_PATH: executablePath,
      E2E_PORT: String(await freePort()),
      PLAYWRIGHT_JSON_OUTPUT_NAME: report,
    },
  });
  const stats = readReport(report)?.stats;
  return counted(stats?.expected ?? 0, stats?.unexpected ?? 0, code, output);
}

/** A run that ends badly without a failed test (a crash, a broken file, no test at all) is one failure. */
function counted(passedTests, failedTests, code, output) {
  const broken = failedTests === 0 && (code !== 0 || passedTests === 0);
  return { passed: passedTests, failed: broken ? 1 : failedTests, output };
}

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, 'localhost', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
