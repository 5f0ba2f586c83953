import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { ROOT } from './lib/command.mjs';
import { ensureInstalled, requireNode } from './lib/setup.mjs';
import { stackFlags } from './lib/stack.mjs';

/**
 * The core makes many short-lived objects: in a large nursery, large from the start, they die before
 * they are copied (measured: 15 % of the simulator's time). Its work is spread over a thousand functions,
 * which the engine calls hot too late for a run of seconds (measured: 5 % of ten minutes of four nodes).
 */
const ENGINE_FLAGS = [
  '--enable-source-maps',
  '--min-semi-space-size=128',
  '--max-semi-space-size=128',
  '--interrupt-budget=12000',
];
const OUTPUT = join(ROOT, 'node_modules/.cache/subnetarium/run');

/** Bundles a TypeScript entry file for Node; returns the path of the bundle. Packages stay external. */
export async function bundleTypeScript(entryFile) {
  const { rolldown } = await import('rolldown');
  const name = basename(entryFile).replace(/\.ts$/, '');
  // One file per process: two commands may run at the same time.
  const file = join(OUTPUT, `${name}.${process.pid}.mjs`);
  mkdirSync(OUTPUT, { recursive: true });
  const bundle = await rolldown({
    input: resolve(ROOT, entryFile),
    platform: 'node',
    external: (id) => id.startsWith('node:') || /^(?:@[\w.-]+\/)?[a-z][\w.-]*(?:\/|$)/i.test(id),
    logLevel: 'warn',
  });
  await bundle.write({ file, format: 'esm', sourcemap: true, codeSplitting: false });
  await bundle.close();
  return file;
}

/**
 * Bundles and runs a TypeScript program with Node, its standard streams being ours.
 * @param {string} entryFile relative to the root of the repository
 * @param {readonly string[]} args passed on to the program
 * @returns {Promise<number>} its exit code
 */
export async function runTypeScript(entryFile, args) {
  requireNode();
  await ensureInstalled();
  if (!existsSync(resolve(ROOT, entryFile))) {
    console.error(`There is no ${entryFile}.`);
    return 2;
  }
  const file = await bundleTypeScript(entryFile);
  const child = spawn(process.execPath, [...ENGINE_FLAGS, ...stackFlags(), file, ...args], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => child.kill(signal));
  }
  return new Promise((done) => {
    child.on('exit', (code, signal) => done(code ?? (signal === null ? 1 : 130)));
  });
}
