import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import type { Script } from './commands.ts';
import { readWast } from './read-wast.ts';

export interface Found {
  readonly scripts: readonly Script[];
  /** Files that could not be read, with the reason. */
  readonly unreadable: readonly { readonly file: string; readonly reason: string }[];
}

function filesUnder(path: string): string[] {
  if (!statSync(path).isDirectory()) {
    return [path];
  }
  return readdirSync(path, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) =>
      entry.isDirectory() ? filesUnder(join(path, entry.name)) : [join(path, entry.name)],
    )
    .filter((file) => /\.(?:wast|json)$/.test(file));
}

/** wast2json's output: a JSON file with the modules beside it. */
function readConverted(name: string, jsonFile: string): Script {
  const script = JSON.parse(readFileSync(jsonFile, 'utf8')) as Omit<Script, 'files'>;
  const { commands, originalMayDiffer = false } = script;
  const files: Record<string, Uint8Array> = {};
  for (const command of commands) {
    if ('filename' in command && command.filename.endsWith('.wasm')) {
      files[command.filename] = new Uint8Array(
        readFileSync(join(dirname(jsonFile), command.filename)),
      );
    }
  }
  return { name, commands, files, originalMayDiffer };
}

/** Debian's wabt has it; none of its npm packages do. */
export function hasWast2json(): boolean {
  try {
    execFileSync('wast2json', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Features that later editions of the tests use; without them first, as they change how text is read. */
const FEATURE_SETS: readonly (readonly string[])[] = [
  [],
  ['--enable-memory64', '--enable-extended-const', '--enable-tail-call', '--enable-multi-memory'],
];

function convert(name: string, wastFile: string): Script {
  const directory = mkdtempSync(join(tmpdir(), 'subnetarium-wast-'));
  const json = join(directory, `${basename(wastFile, '.wast')}.json`);
  try {
    let reason = '';
    for (const features of FEATURE_SETS) {
      const { stderr } = spawnSync('wast2json', [...features, wastFile, '-o', json], {
        encoding: 'utf8',
      });
      // It writes its output and ends with 0 even when the text is wrong.
      if (!stderr.includes('error:')) {
        return readConverted(name, json);
      }
      reason = stderr;
    }
    throw new SyntaxError(reason.split('\n').slice(0, 2).join(' '));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Every `.wast` file and every output of wast2json in a folder, or one of them. */
export async function findScripts(root: string): Promise<Found> {
  const scripts: Script[] = [];
  const unreadable: { file: string; reason: string }[] = [];
  const converts = hasWast2json();
  for (const file of filesUnder(root)) {
    const name = relative(root, file) === '' ? basename(file) : relative(root, file);
    try {
      if (file.endsWith('.json')) {
        scripts.push(readConverted(name, file));
      } else {
        scripts.push(
          converts ? convert(name, file) : await readWast(name, readFileSync(file, 'utf8')),
        );
      }
    } catch (error) {
      unreadable.push({
        file: name,
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }
  return { scripts, unreadable };
}
