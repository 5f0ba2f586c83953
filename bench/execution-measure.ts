import { createMotokoHost } from './execution-motoko-host.ts';
import {
  instantiateOriginal,
  instantiateRewritten,
  parse,
  rewrite,
} from '../tests/spec/wasm/subjects.ts';

export interface KernelModule {
  readonly name: string;
  readonly language: 'wat' | 'assemblyscript' | 'motoko';
  readonly wasm: Uint8Array;
}

export interface KernelFigures {
  readonly name: string;
  readonly language: KernelModule['language'];
  /** The fastest of all calls. */
  readonly plainMs: number;
  readonly rewrittenMs: number;
  /** Of the two: what others do on the machine only ever adds. */
  readonly ratio: number;
  /** Of the code section, in bytes. */
  readonly code: number;
  readonly rewrittenCode: number;
  /** Both gave the same answer, which the engine alone would give. */
  readonly sameAnswer: boolean;
}

/** The engine's optimising tier needs both: calls, and time for its compiler. */
const WARM_UP_RUNS = 10;
const WARM_UP_MS = 800;
/** Short kernels are called more often than was asked for. */
const MEASURE_MS = 800;
const MOST_RUNS = 400;
/** Browsers tell the time in steps of 0.1 ms. */
const MIN_SAMPLE_MS = 4;
const ENTRY = { wat: 'run', assemblyscript: 'run', motoko: 'canister_update run' } as const;

/** Size of the code section. */
function codeBytes(wasm: Uint8Array): number {
  for (let at = 8; at < wasm.length; ) {
    const id = wasm[at];
    let size = 0;
    at += 1;
    for (let shift = 0; ; shift += 7) {
      const byte = wasm[at] ?? 0;
      at += 1;
      size += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        break;
      }
    }
    if (id === 10) {
      return size;
    }
    at += size;
  }
  return 0;
}

interface Runner {
  readonly run: () => unknown;
  /** What the host does before each call. */
  readonly prepare: () => void;
}

function runnerOf(
  { language }: KernelModule,
  make: (imports: WebAssembly.Imports) => ReturnType<typeof instantiateOriginal>,
): Runner {
  if (language !== 'motoko') {
    const { subject, start } = make({});
    subject.prepare();
    start();
    return {
      run: subject.exports[ENTRY[language]] as () => unknown,
      prepare: () => subject.prepare(),
    };
  }
  const host = createMotokoHost();
  const { subject, start } = make({ ic0: host.imports });
  host.memory = () => subject.memory() ?? new Uint8Array(0);
  subject.prepare();
  start();
  (subject.exports['canister_init'] as () => void)();
  const entry = subject.exports[ENTRY.motoko] as () => void;
  return {
    prepare: () => subject.prepare(),
    run: () => {
      entry();
      return host.takeReply();
    },
  };
}

/** Milliseconds of one of so many calls in a row. */
function timeCalls({ run, prepare }: Runner, calls: number, now: () => number): number {
  const startMs = now();
  for (let i = 0; i < calls; i += 1) {
    prepare();
    run();
  }
  return (now() - startMs) / calls;
}

/**
 * Times a kernel as it is and rewritten, call for call side by side; null when the engine cannot run it.
 * @param now milliseconds of the clock to use
 */
export function measureKernel(
  kernel: KernelModule,
  runs: number,
  now: () => number = () => performance.now(),
): KernelFigures | null {
  if (!WebAssembly.validate(kernel.wasm as BufferSource)) {
    return null;
  }
  const parsed = parse(kernel.wasm);
  if (!parsed.ok) {
    throw new TypeError(`${kernel.name}: ${parsed.reason}`);
  }
  const { module } = parsed;
  const rewriting = rewrite(module);
  if (!rewriting.ok) {
    throw new TypeError(`${kernel.name}: ${rewriting.reason}`);
  }
  const plain = runnerOf(kernel, (imports) => instantiateOriginal(module, imports));
  const rewritten = runnerOf(kernel, (imports) =>
    instantiateRewritten(module, rewriting.rewritten, imports),
  );
  const times: { readonly plain: number[]; readonly rewritten: number[] } = {
    plain: [],
    rewritten: [],
  };
  let sameAnswer = true;
  const warmUntilMs = performance.now() + WARM_UP_MS;
  for (let i = 0; i < WARM_UP_RUNS || performance.now() < warmUntilMs; i += 1) {
    rewritten.prepare();
    sameAnswer &&= String(plain.run()) === String(rewritten.run());
  }
  const calls = Math.max(
    1,
    Math.ceil(MIN_SAMPLE_MS / timeCalls(plain, 1, () => performance.now())),
  );
  const measureUntilMs = performance.now() + MEASURE_MS;
  for (let i = 0; i < runs || (i < MOST_RUNS && performance.now() < measureUntilMs); i += 1) {
    times.plain.push(timeCalls(plain, calls, now));
    times.rewritten.push(timeCalls(rewritten, calls, now));
  }
  const plainMs = Math.min(...times.plain);
  const rewrittenMs = Math.min(...times.rewritten);
  return {
    name: kernel.name,
    language: kernel.language,
    plainMs,
    rewrittenMs,
    ratio: rewrittenMs / plainMs,
    code: codeBytes(kernel.wasm),
    rewrittenCode: codeBytes(rewriting.rewritten.wasm),
    sameAnswer,
  };
}

/** Bytes of the code section before and after; the same in every engine that has what the module uses. */
export function measureGrowth(wasm: Uint8Array): Pick<KernelFigures, 'code' | 'rewrittenCode'> {
  const parsed = parse(wasm);
  const rewriting = parsed.ok ? rewrite(parsed.module) : parsed;
  if (!rewriting.ok) {
    throw new TypeError(rewriting.reason);
  }
  return { code: codeBytes(wasm), rewrittenCode: codeBytes(rewriting.rewritten.wasm) };
}

/** Milliseconds of each of so many rewritings, the first one first. */
export function measureRewriting(
  wasm: Uint8Array,
  times: number,
  now: () => number = () => performance.now(),
): number[] {
  return Array.from({ length: times }, () => {
    const startedMs = now();
    const parsed = parse(wasm);
    if (parsed.ok) {
      rewrite(parsed.module);
    }
    return now() - startedMs;
  });
}
