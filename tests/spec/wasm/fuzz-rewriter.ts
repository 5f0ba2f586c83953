import process from 'node:process';
import { createPrng } from '../../../src/base/prng.ts';
import { instrument } from '../../../src/protocol/execution/wasm/instrument.ts';
import { mutateModule } from './mutate-module.ts';
import { parse, rewrite } from './subjects.ts';

export interface RewriterFindings {
  readonly inputs: number;
  /** Still modules by the engine's rules and rewritten. */
  readonly rewritten: number;
  readonly refused: number;
  /** What must not be: a throw, an invalid module made of a valid one, or a slow answer. */
  readonly faults: readonly {
    readonly input: number;
    readonly what: string;
    readonly bytes: Uint8Array;
  }[];
}

/** Processor time of one rewriting, far above any small module's: other work on the machine does not count. */
const BOUND_MS = 250;
const TRIES = 5;

function faultOf(bytes: Uint8Array): string {
  for (const lowerMemory64 of [false, true]) {
    const outcome = instrument(bytes, { lowerMemory64 });
    if (outcome.ok && WebAssembly.validate(bytes as BufferSource)) {
      if (!WebAssembly.validate(outcome.value.wasm as BufferSource)) {
        return 'a valid module became an invalid one';
      }
    }
  }
  const parsed = parse(bytes);
  const rewriting = parsed.ok ? rewrite(parsed.module) : parsed;
  if (!rewriting.ok) {
    return 'refused';
  }
  if (!WebAssembly.validate(bytes as BufferSource)) {
    return 'refused';
  }
  return WebAssembly.validate(rewriting.rewritten.wasm as BufferSource)
    ? 'rewritten'
    : 'a valid module became an invalid one';
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Whether each of several tries is above the bound: the engine's compiler and collector count too. */
function isSlow(bytes: Uint8Array): boolean {
  for (let i = 0; i < TRIES; i += 1) {
    const startedMs = cpuMs();
    instrument(bytes, { lowerMemory64: false });
    if (cpuMs() - startedMs <= BOUND_MS) {
      return false;
    }
  }
  return true;
}

/** Gives changed modules to the rewriter. The same seed gives the same inputs. */
export function fuzzRewriter(
  seed: string,
  inputs: number,
  seeds: readonly Uint8Array[],
): RewriterFindings {
  const prng = createPrng(seed);
  const faults: RewriterFindings['faults'][number][] = [];
  const counts = { rewritten: 0, refused: 0 };
  for (let input = 0; input < inputs; input += 1) {
    const bytes = mutateModule(prng, seeds);
    const startedMs = cpuMs();
    try {
      const outcome = faultOf(bytes);
      if (outcome === 'rewritten' || outcome === 'refused') {
        counts[outcome] += 1;
      } else {
        faults.push({ input, what: outcome, bytes });
      }
    } catch (error) {
      faults.push({ input, what: String(error), bytes });
    }
    const tookMs = cpuMs() - startedMs;
    if (tookMs > BOUND_MS) {
      if (isSlow(bytes)) {
        faults.push({ input, what: `took ${tookMs} ms`, bytes });
      }
    }
  }
  return { inputs, ...counts, faults };
}
