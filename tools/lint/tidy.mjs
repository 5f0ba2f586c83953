import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../lib/command.mjs';

/** Checks that no linter makes: what must not be committed at all. */
const RULES = [
  { name: 'reminder without an issue number', pattern: /\b(?:TODO|FIXME|XXX)\b(?!\(#\d+\))/ },
  { name: 'path of one machine', pattern: /(?:^|["'\s(])\/(?:work|farm|home\/\w+|Users\/\w+)\// },
  { name: 'focused or skipped test', pattern: /\b(?:it|test|describe)\.(?:only|skip|todo)\(/ },
  { name: 'retried test', pattern: /\bretries:\s*[1-9]/ },
  { name: 'debugger statement', pattern: /^\s*debugger;/ },
  { name: 'banned word', pattern: /\b(?:Oops|[Ss]imply|[Bb]lazing)\b/ },
];
const CODE = /\.(?:ts|tsx|mjs|js|css|html|mo)$/;
/** This file and its self-test must be able to name what they look for. */
const EXEMPT = new Set(['tools/lint/tidy.mjs', 'tools/self-test.mjs']);
const LINES_MAX = 620;

/** @returns {Promise<string[]>} one line per finding; empty when the tree at `root` is tidy */
export async function tidy(root, files) {
  const findings = [];
  for (const file of files ?? (await trackedFiles(root))) {
    if (!CODE.test(file) || EXEMPT.has(file)) {
      continue;
    }
    const lines = readFileSync(join(root, file), 'utf8').split('\n');
    if (lines.length > LINES_MAX) {
      findings.push(`${file}: ${lines.length} lines, more than ${LINES_MAX} with comments`);
    }
    lines.forEach((line, index) => {
      for (const { name, pattern } of RULES) {
        if (pattern.test(line)) {
          findings.push(`${file}:${index + 1}: ${name}`);
        }
      }
    });
  }
  return findings;
}

async function trackedFiles(root) {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard'];
  const { code, output } = await run('git', args, { cwd: root });
  if (code !== 0) {
    throw new Error(`git ls-files failed: ${output}`);
  }
  const deleted = await run('git', ['ls-files', '--deleted'], { cwd: root });
  const gone = new Set(deleted.output.split('\n'));
  return output.split('\n').filter((file) => file !== '' && !gone.has(file));
}
