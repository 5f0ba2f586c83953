import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Page } from 'playwright-core';
import { launchChromium, round } from '../tests/support/browser.ts';
import { bundleForBrowser } from '../tests/support/browser-agent.ts';
import { compileWat } from '../tests/support/wat.ts';
import { DEEP_WAT } from './execution-hops.ts';
import { compileKernels } from './execution-kernels.ts';
import type { KernelFigures, KernelModule } from './execution-measure.ts';
import { measureGrowth, measureKernel, measureRewriting } from './execution-measure.ts';
import { geometricMean } from './execution-statistics.ts';
import { optionsOf } from './options.ts';

const USAGE = `
npm run bench -- execution [--json] [--node] [--chromium] [--runs 15] [--only TEXT]
Compute-heavy programs in WebAssembly text, AssemblyScript and Motoko (bench/kernels) with everything the
rewriter injects, against the same modules on the bare engine; in Node and in a worker of Chromium unless one
is named. In Node by processor time. Calls of both alternate; the fastest ones are compared, as the load of the
machine only ever adds. Motoko needs 64-bit memory: in Node 20 it is left out of the times, and is not lowered
for the growth, which is one of code as browsers run it.
rewriting: milliseconds of the rewriter alone per MB of module (hot), and for the largest Motoko kernel in a
fresh process or worker (cold). hopMicros: of going on with a call on another stack, and back (Chromium, one hop for
16 KiB of stack, less the same descent in segments of 512 KiB). --only takes part of language/name.
`;

const HOT_TIMES = 12;
const MIB = 1 << 20;
const LARGE_CODE_BYTES = 4096;

interface HostFigures {
  readonly geoMean: number;
  readonly worst: number;
  readonly byLanguage: Readonly<Record<string, number>>;
  /**
   * Of all code sections together, also of programs that this engine cannot run, and of the worst one of
   * at least 4 KiB: in smaller ones the helpers weigh.
   */
  readonly growth: number;
  readonly worstGrowth: number;
  readonly wrongAnswers: readonly string[];
  readonly leftOut: readonly string[];
  readonly rewriting: {
    readonly module: string;
    readonly bytes: number;
    readonly coldMs: number;
    readonly hotMsPerMb: number;
  };
  /** Of a call that goes on with another stack, with its return. */
  readonly hopMicros?: number | null;
  readonly modules: readonly (KernelFigures & { readonly growth: number })[];
}

type Measure = (kernel: KernelModule, runs: number) => Promise<KernelFigures | null>;
type Rewriting = (wasm: Uint8Array, times: number) => Promise<number[]>;

function inWorker<T>(page: Page, script: string, request: unknown): Promise<T> {
  return page.evaluate(
    ({ source, message }) =>
      new Promise<T>((resolve, reject) => {
        const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
        const worker = new Worker(url);
        worker.addEventListener('error', (event) => reject(new Error(event.message)));
        worker.addEventListener('message', (event: MessageEvent<T>) => {
          worker.terminate();
          resolve(event.data);
        });
        worker.postMessage(message);
      }),
    { source: script, message: request },
  );
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

type CodeSizes = Pick<KernelFigures, 'code' | 'rewrittenCode'>;

function growthOf(modules: readonly CodeSizes[]): number {
  const before = modules.reduce((sum, { code }) => sum + code, 0);
  const after = modules.reduce((sum, { rewrittenCode }) => sum + rewrittenCode, 0);
  return round(after / before, 3);
}

/** Processor time: comparable on a loaded machine. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function figuresOf(
  kernels: readonly KernelModule[],
  runs: number,
  measure: Measure,
  rewriting: Rewriting,
): Promise<HostFigures> {
  const modules: KernelFigures[] = [];
  const leftOut: string[] = [];
  for (const kernel of kernels) {
    const figures = await measure(kernel, runs);
    if (figures === null) {
      leftOut.push(`${kernel.language}/${kernel.name}`);
    } else {
      modules.push(figures);
    }
  }
  const largest = kernels.toSorted((a, b) => b.wasm.length - a.wasm.length)[0] as KernelModule;
  const times = await rewriting(largest.wasm, HOT_TIMES);
  const languages = [...new Set(modules.map(({ language }) => language))];
  const ratios = modules.map(({ ratio }) => ratio);
  const sizes = kernels.map(({ wasm }) => measureGrowth(wasm));
  return {
    geoMean: round(geometricMean(ratios), 3),
    worst: round(Math.max(...ratios), 3),
    byLanguage: Object.fromEntries(
      languages.map((language) => {
        const own = modules.filter((one) => one.language === language);
        return [language, round(geometricMean(own.map(({ ratio }) => ratio)), 3)];
      }),
    ),
    growth: growthOf(sizes),
    worstGrowth: Math.max(
      0,
      ...sizes.filter(({ code }) => code >= LARGE_CODE_BYTES).map((one) => growthOf([one])),
    ),
    wrongAnswers: modules.filter(({ sameAnswer }) => !sameAnswer).map(({ name }) => name),
    leftOut,
    rewriting: {
      module: `${largest.language}/${largest.name}`,
      bytes: largest.wasm.length,
      coldMs: round(times[0] ?? Number.NaN, 1),
      hotMsPerMb: round((Math.min(...times.slice(HOT_TIMES / 2)) * MIB) / largest.wasm.length, 1),
    },
    modules: modules.map((one) => ({
      ...one,
      plainMs: round(one.plainMs, 2),
      rewrittenMs: round(one.rewrittenMs, 2),
      ratio: round(one.ratio, 3),
      growth: growthOf([one]),
    })),
  };
}

/** The first rewriting must be the process's first work: this program again, as a child. */
function rewritingInNode(wasm: Uint8Array, times: number): Promise<number[]> {
  const directory = mkdtempSync(join(tmpdir(), 'subnetarium-rewriting-'));
  try {
    const file = join(directory, 'module.wasm');
    writeFileSync(file, wasm);
    const output = execFileSync(
      process.execPath,
      [process.argv[1] as string, '--rewrite', file, String(times)],
      { encoding: 'utf8' },
    );
    return Promise.resolve(JSON.parse(output) as number[]);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function inChromium(kernels: readonly KernelModule[], runs: number): Promise<HostFigures> {
  const script = await bundleForBrowser('bench/execution-in-browser.ts');
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    const { hopMicros } = await inWorker<{ readonly hopMicros: number | null }>(page, script, {
      deep: toBase64(await compileWat(DEEP_WAT)),
    });
    const figures = await figuresOf(
      kernels,
      runs,
      ({ wasm, ...kernel }) => inWorker(page, script, { kernel, wasm: toBase64(wasm), runs }),
      (wasm, times) => inWorker(page, script, { wasm: toBase64(wasm), times }),
    );
    return { ...figures, hopMicros: hopMicros === null ? null : round(hopMicros, 2) };
  } finally {
    await browser.close();
  }
}

async function main(args: readonly string[]): Promise<void> {
  const option = optionsOf(args);
  if (args.includes('--help')) {
    console.log(USAGE.trim());
    return;
  }
  if (args[0] === '--rewrite') {
    const wasm = new Uint8Array(readFileSync(args[1] as string));
    console.log(JSON.stringify(measureRewriting(wasm, Number(args[2]), cpuMs)));
    return;
  }
  const runs = Number(option('--runs', '15'));
  const kernels = await compileKernels(option('--only', ''));
  const both = args.includes('--node') === args.includes('--chromium');
  const node =
    both || args.includes('--node')
      ? await figuresOf(
          kernels,
          runs,
          (kernel, times) => Promise.resolve(measureKernel(kernel, times, cpuMs)),
          rewritingInNode,
        )
      : null;
  const chromium = both || args.includes('--chromium') ? await inChromium(kernels, runs) : null;
  const main = chromium ?? node;
  const result = { ...main, host: chromium === null ? 'node' : 'chromium', node, chromium };
  for (const [host, figures] of Object.entries({ node, chromium })) {
    console.error(host);
    console.table(figures?.modules);
  }
  console.log(args.includes('--json') ? JSON.stringify(result) : result);
  process.exitCode = [node, chromium].some((one) => (one?.wrongAnswers.length ?? 0) > 0) ? 1 : 0;
}

await main(process.argv.slice(2));
