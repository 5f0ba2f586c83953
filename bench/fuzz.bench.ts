import process from 'node:process';
import { createPrng } from '../src/base/prng.ts';
import { bytesToHex } from '../src/base/hex.ts';
import { fuzzTargets } from '../src/protocol/p2p/testing/fuzz-targets.ts';
import type { FuzzTarget } from '../src/protocol/p2p/testing/fuzz-targets.ts';
import { mutate } from '../src/protocol/p2p/testing/mutate.ts';

/**
 * Fuzzes every decoder of peers' bytes with changed valid encodings. Fails on a throw, on a second
 * encoding that is accepted, and on a decode that takes longer than its bound.
 * Usage: npm run bench -- fuzz [--json] [--inputs 100000] [--seed text] [--kind name]
 */
function optionOf(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
}

/** The bound of one decode: a fixed part and one for each byte. The fastest of several tries counts. */
const BOUND_MS = 10;
const BOUND_MS_PER_KIB = 0.5;
const TRIES = 5;
const KIB = 1024;

interface Findings {
  inputs: number;
  accepted: number;
  rejected: number;
  throws: number;
  secondEncodings: number;
  slow: number;
  slowestMs: number;
  worst: string | null;
}

function timeOf(target: FuzzTarget, bytes: Uint8Array): number {
  const startedMs = performance.now();
  target.run(bytes);
  return performance.now() - startedMs;
}

function isSlow(target: FuzzTarget, bytes: Uint8Array, firstMs: number): boolean {
  const boundMs = BOUND_MS + (BOUND_MS_PER_KIB * bytes.length) / KIB;
  let fastest = firstMs;
  for (let i = 0; i < TRIES && fastest > boundMs; i += 1) {
    fastest = Math.min(fastest, timeOf(target, bytes));
  }
  return fastest > boundMs;
}

function fuzz(target: FuzzTarget, inputs: number, seed: string): Findings {
  const prng = createPrng(`${seed} ${target.kind}`);
  const found: Findings = {
    inputs,
    accepted: 0,
    rejected: 0,
    throws: 0,
    secondEncodings: 0,
    slow: 0,
    slowestMs: 0,
    worst: null,
  };
  for (let i = 0; i < inputs; i += 1) {
    const bytes = mutate(prng, target.seeds);
    const startedMs = performance.now();
    try {
      const outcome = target.run(bytes);
      found.accepted += outcome === 'accepted' ? 1 : 0;
      found.rejected += outcome === 'rejected' ? 1 : 0;
      found.secondEncodings += outcome === 'second' ? 1 : 0;
      const tookMs = performance.now() - startedMs;
      found.slowestMs = Math.max(found.slowestMs, Math.round(tookMs * 100) / 100);
      const slow = tookMs > BOUND_MS && isSlow(target, bytes, tookMs);
      found.slow += slow ? 1 : 0;
      if (slow || outcome === 'second') {
        found.worst ??= bytesToHex(bytes.slice(0, KIB));
      }
    } catch (error) {
      found.throws += 1;
      found.worst ??= `${String(error)}: ${bytesToHex(bytes.slice(0, KIB))}`;
    }
  }
  return found;
}

const inputs = Number(optionOf('inputs') ?? 100_000);
const seed = optionOf('seed') ?? 'fuzz';
const only = optionOf('kind');
const kinds: Record<string, Findings> = {};
for (const target of fuzzTargets()) {
  if (only === undefined || only === target.kind) {
    kinds[target.kind] = fuzz(target, inputs, seed);
  }
}
const all = Object.values(kinds);
const sum = (field: 'throws' | 'secondEncodings' | 'slow'): number =>
  all.reduce((total, findings) => total + findings[field], 0);
const result = {
  kinds,
  throws: sum('throws'),
  secondEncodings: sum('secondEncodings'),
  aboveWorkBound: sum('slow'),
};
process.stdout.write(
  process.argv.includes('--json')
    ? `${JSON.stringify(result)}\n`
    : `${Object.entries(kinds)
        .map(
          ([kind, { accepted, rejected }]) => `${kind}: ${accepted} accepted, ${rejected} refused`,
        )
        .join('\n')}\n${result.throws} throws, ${result.aboveWorkBound} above the work bound\n`,
);
process.exitCode = result.throws + result.secondEncodings + result.aboveWorkBound > 0 ? 1 : 0;
