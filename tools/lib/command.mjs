import { spawn } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** Path of a command-line tool that package-lock.json pins. */
export function bin(name) {
  return resolve(ROOT, 'node_modules/.bin', name);
}

/**
 * Runs a program to its end, never throws.
 * @returns {Promise<{code: number, output: string}>} code 127 when it cannot be started
 */
export function run(program, args, { cwd = ROOT, env = {}, echo = false, input = 'ignore' } = {}) {
  return new Promise((done) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: [input, 'pipe', 'pipe'],
    });
    let output = '';
    const take = (chunk) => {
      output += chunk;
      if (echo) {
        process.stdout.write(chunk);
      }
    };
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    child.on('error', (error) => done({ code: 127, output: `${output}${error.message}\n` }));
    child.on('close', (code, signal) =>
      done({ code: code ?? (signal === null ? 1 : 130), output }),
    );
  });
}

/** Two at a time, as the reference machine has two cores. @returns the results in the order of `items` */
export async function inPairs(items, act) {
  const results = [];
  const waiting = [...items].entries();
  const takeTurns = async () => {
    for (const [index, item] of waiting) {
      results[index] = await act(item, index);
    }
  };
  await Promise.all([takeTurns(), takeTurns()]);
  return results;
}

/** Prints usage and ends the process when --help or -h is among the arguments. */
export function helpOrContinue(args, usage) {
  if (args.includes('--help') || args.includes('-h')) {
    console.log(usage.trim());
    process.exit(0);
  }
}

/** Says what is wrong with the call, and ends with exit code 2. */
export function usageError(message, usage) {
  console.error(`${message}\n\n${usage.trim()}`);
  process.exit(2);
}

/** Removes `--name value` from `args` and returns the value; undefined when absent. */
export function takeOption(args, name, usage) {
  const at = args.indexOf(name);
  if (at === -1) {
    return undefined;
  }
  const [, value] = args.splice(at, 2);
  if (value === undefined || value.startsWith('--')) {
    usageError(`${name} needs a value`, usage);
  }
  return value;
}

/** Removes the flag from `args` and tells whether it was there. */
export function takeFlag(args, name) {
  const at = args.indexOf(name);
  if (at !== -1) {
    args.splice(at, 1);
  }
  return at !== -1;
}
