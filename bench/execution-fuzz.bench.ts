import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Script } from '../tests/spec/wasm/commands.ts';
import { HostComparison, isClean } from '../tests/spec/wasm/compare-hosts.ts';
import { fuzzScript } from '../tests/spec/wasm/fuzz-module.ts';
import type { Host } from '../tests/spec/wasm/hosts.ts';
import {
  chromiumHost,
  NODE_TIERS,
  nodeHost,
  servesScripts,
  TINY_SEGMENT_BYTES,
} from '../tests/spec/wasm/hosts.ts';

const USAGE = `
npm run bench -- execution-fuzz [--json] [--modules 560] [--seed fuzz] [--from 0] [--quick] [--out DIR]
Modules made of random bytes by binaryen's fuzzer, as they are and as the rewriter makes them: results, traps,
logs, memories, globals and the marks of written pages are compared after each call. Each runs in Node, in
every tier of its engine, with a small stack and with one in tiny segments, and in Chromium, where results, instruction counts and memories
must be the same. Modules with 64-bit memory run natively where the engine has it and lowered elsewhere.
  --quick  only in Node as it is
  --out    keeps the modules with their calls: npm run test:wasm-spec -- DIR runs them again
About 3 s of CPU time a module (0.7 with --quick). Exits with 1 when anything differs.
`;

const PROGRESS_EVERY = 20;

function optionOf(name: string, otherwise: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
}

/** In the form of wast2json. */
function keep(directory: string, name: string, { files, ...rest }: Script): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${name}.json`), JSON.stringify(rest));
  for (const [file, bytes] of Object.entries(files)) {
    writeFileSync(join(directory, file), bytes);
  }
}

async function openHosts(): Promise<Host[]> {
  return process.argv.includes('--quick')
    ? [nodeHost([]), nodeHost([], TINY_SEGMENT_BYTES)]
    : [
        nodeHost([]),
        nodeHost([], TINY_SEGMENT_BYTES),
        ...NODE_TIERS.map((flags) => nodeHost(flags)),
        await chromiumHost(),
      ];
}

async function compareAll(hosts: readonly Host[]): Promise<number> {
  const modules = Number(optionOf('modules', '560'));
  const from = Number(optionOf('from', '0'));
  const seed = optionOf('seed', 'fuzz');
  const out = optionOf('out', '');
  const comparison = new HostComparison(hosts);
  const failingSeeds: string[] = [];
  let coming = fuzzScript(`${seed} ${from}`);
  for (let i = from; i < from + modules; i += 1) {
    const script = await coming;
    coming = fuzzScript(`${seed} ${i + 1}`);
    if (out !== '') {
      keep(out, `${seed}-${i}`, script);
    }
    const found = await comparison.run(script);
    if (found.length > 0) {
      failingSeeds.push(script.name);
    }
    for (const { host, line, what } of found) {
      console.error(`${host}: seed "${script.name}", export ${line}: ${what}`);
    }
    if ((i + 1 - from) % PROGRESS_EVERY === 0) {
      console.error(`${i + 1 - from} modules, ${failingSeeds.length} differ`);
    }
  }
  const result = comparison.result();
  const { failures, files, byHost, modulesCompared } = result;
  const summary = {
    modules: files,
    differences: failures.length,
    failingSeeds,
    hashesCompared: modulesCompared,
    byHost,
  };
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify(summary));
  } else {
    console.dir(summary, { depth: null });
  }
  return isClean(result) ? 0 : 1;
}

async function main(): Promise<number> {
  if (process.argv.includes('--help')) {
    console.log(USAGE.trim());
    return 0;
  }
  const hosts = await openHosts();
  try {
    return await compareAll(hosts);
  } finally {
    await Promise.all(hosts.map((host) => host.close()));
  }
}

if (!servesScripts()) {
  process.exitCode = await main();
}
