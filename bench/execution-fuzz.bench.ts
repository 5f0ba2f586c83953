import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fuzzScript } from '../tests/spec/wasm/fuzz-module.ts';
import type { ScriptReport } from '../tests/spec/wasm/run-script.ts';
import { runScript } from '../tests/spec/wasm/run-script.ts';

const USAGE = `
npm run bench -- execution-fuzz [--json] [--modules 500] [--seed fuzz] [--from 0] [--out DIR]
Modules made of random bytes by binaryen's fuzzer, as they are and as the rewriter makes them: results, traps,
logs, memories and globals are compared after each call. --out keeps the modules with their calls, in the form
of wast2json: npm run test:wasm-spec -- DIR --tiers, or --chromium, runs them again elsewhere.
Exits with 1 when anything differs.
`;

const PROGRESS_EVERY = 50;

function optionOf(name: string, otherwise: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
}

function main(): number {
  if (process.argv.includes('--help')) {
    console.log(USAGE.trim());
    return 0;
  }
  const modules = Number(optionOf('modules', '500'));
  const from = Number(optionOf('from', '0'));
  const seed = optionOf('seed', 'fuzz');
  const out = optionOf('out', '');
  const reports: ScriptReport[] = [];
  for (let i = from; i < from + modules; i += 1) {
    const script = fuzzScript(`${seed} ${i}`);
    if (out !== '') {
      mkdirSync(out, { recursive: true });
      const { files, ...rest } = script;
      writeFileSync(join(out, `${seed}-${i}.json`), JSON.stringify(rest));
      for (const [name, bytes] of Object.entries(files)) {
        writeFileSync(join(out, name), bytes);
      }
    }
    const report = runScript(script);
    for (const { line, what } of report.failures) {
      console.error(`seed "${script.name}", export ${line}: ${what}`);
    }
    reports.push(report);
    if (reports.length % PROGRESS_EVERY === 0) {
      console.error(`${reports.length} modules`);
    }
  }
  const result = {
    modules: reports.length,
    checks: reports.reduce((sum, { passed }) => sum + passed, 0),
    notApplicable: reports.filter(({ passed }) => passed === 0).length,
    differences: reports.reduce((sum, { failures }) => sum + failures.length, 0),
    failingSeeds: reports.filter(({ failures }) => failures.length > 0).map(({ file }) => file),
  };
  console.log(process.argv.includes('--json') ? JSON.stringify(result) : result);
  return result.differences > 0 || result.checks === 0 ? 1 : 0;
}

process.exitCode = main();
