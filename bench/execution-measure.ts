import { median } from './execution-statistics.ts';
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
  /** Medians of one call. */
  readonly plainMs: number;
  readonly rewrittenMs: number;
  /** Median of the ratios of calls side by side. */
  readonly ratio: number;
  /** Of the code section, in bytes. */
  readonly code: number;
  readonly rewrittenCode: number;
  /** Both gave the same answer, which the engine alone would give. */
  readonly sameAnswer: boolean;
}

/** The engine's optimising tier needs both: calls, and time for its compiler. */
const WARM_UP_RUNS = 10;
const WARM_UP_MS = 400;
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
    const { subject } = make({});
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
  for (let i = 0; i < runs; i += 1) {
    rewritten.prepare();
    const startMs = now();
    plain.run();
    const betweenMs = now();
    rewritten.run();
    const endMs = now();
    times.plain.push(betweenMs - startMs);
    times.rewritten.push(endMs - betweenMs);
  }
  return {
    name: kernel.name,
    language: kernel.language,
    plainMs: median(times.plain),
    rewrittenMs: median(times.rewritten),
    ratio: median(times.rewritten.map((ms, i) => ms / (times.plain[i] ?? ms))),
    code: codeBytes(kernel.wasm),
    rewrittenCode: codeBytes(rewriting.rewritten.wasm),
    sameAnswer,
  };
}

/** Milliseconds of each of so many rewritings, the first one first. */
export function measureRewriting(wasm: Uint8Array, times: number): number[] {
  return Array.from({ length: times }, () => {
    const startedMs = performance.now();
    const parsed = parse(wasm);
    if (parsed.ok) {
      rewrite(parsed.module);
    }
    return performance.now() - startedMs;
  });
}
