import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export interface CompiledMotoko {
  readonly wasm: Uint8Array;
  /** The service's Candid interface. */
  readonly candid: string;
}

const CHILD = fileURLToPath(new URL('./motoko-compile.mjs', import.meta.url));
const CACHE = fileURLToPath(
  new URL('../../node_modules/.cache/subnetarium/motoko/', import.meta.url),
);

/**
 * `enhanced`: 64-bit memory that an upgrade keeps. `classic`: 32-bit memory; an upgrade writes stable
 * variables to stable memory and reads them back.
 */
export type Persistence = 'enhanced' | 'classic';

/**
 * Compiles a Motoko actor with the npm compiler and the `core` library. Takes seconds the first time; the result is kept per compiler and source.
 * Throws with the compiler's diagnostics when the program is wrong.
 */
export async function compileMotoko(
  source: string,
  persistence: Persistence = 'enhanced',
): Promise<CompiledMotoko> {
  const { version } = createRequire(import.meta.url)('motoko/package.json') as { version: string };
  const key = createHash('sha256')
    .update(version)
    .update(readFileSync(CHILD))
    .update(persistence)
    .update(source)
    .digest('hex');
  const cached = `${CACHE}${key}.json`;
  if (!existsSync(cached)) {
    mkdirSync(CACHE, { recursive: true });
    // Test files run in parallel: write aside, then rename, so nobody reads half a file.
    const partial = `${cached}.${process.pid}`;
    execFileSync(process.execPath, ['--stack-size=2000', CHILD, partial, persistence], {
      input: source,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    renameSync(partial, cached);
  }
  const stored = JSON.parse(readFileSync(cached, 'utf8')) as { wasm: string; candid: string };
  return { wasm: Uint8Array.from(Buffer.from(stored.wasm, 'base64')), candid: stored.candid };
}
