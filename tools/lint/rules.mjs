import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** A rule: "- **CN12** One sentence. — source". */
const RULE_LINE = /^- \*\*([A-Z]{2}\d+)\*\* (.*)$/;
const RULE_TEXT = /^\S.*\.(?:\)|`)? — \S.*$/;
/** A title that begins with rule ids, as first argument of a call that is no `describe`. */
const TITLE = /(?<!describe)\(\s*['"`]((?:[A-Z]{2}\d+[ ,:]*)+)/g;
const TEST_FILE = /\.(?:test|e2e)\.tsx?$/;
const TEST_FOLDERS = ['src', 'tests', 'e2e'];

/**
 * Holds the numbered rules of docs/spec against the titles of the tests.
 * @returns {{rules: number, findings: string[]}} one line per finding; empty when every rule has a test
 */
export function checkRules(root) {
  const rules = new Map();
  const findings = [];
  for (const file of filesBelow(join(root, 'docs/spec'), /\.md$/)) {
    const name = relative(root, file);
    for (const [index, line] of readFileSync(file, 'utf8').split('\n').entries()) {
      const [, id, text] = RULE_LINE.exec(line) ?? [];
      if (id === undefined) {
        continue;
      }
      if (rules.has(id)) {
        findings.push(`${name}:${index + 1}: ${id} is there twice`);
      }
      if (!RULE_TEXT.test(text)) {
        findings.push(`${name}:${index + 1}: ${id} is not "a sentence. — source"`);
      }
      rules.set(id, { place: `${name}:${index + 1}`, tests: 0 });
    }
  }
  const prefixes = new Set([...rules.keys()].map((id) => id.slice(0, 2)));
  for (const file of TEST_FOLDERS.flatMap((folder) => filesBelow(join(root, folder), TEST_FILE))) {
    const source = readFileSync(file, 'utf8');
    for (const match of source.matchAll(TITLE)) {
      for (const id of match[1].match(/[A-Z]{2}\d+/g)) {
        const rule = rules.get(id);
        if (rule !== undefined) {
          rule.tests += 1;
        } else if (prefixes.has(id.slice(0, 2))) {
          const line = source.slice(0, match.index).split('\n').length;
          findings.push(`${relative(root, file)}:${line}: ${id} is no rule of docs/spec`);
        }
      }
    }
  }
  for (const [id, { place, tests }] of rules) {
    if (tests === 0) {
      findings.push(`${place}: no test proves ${id}`);
    }
  }
  return { rules: rules.size, findings };
}

function filesBelow(folder, pattern) {
  if (!existsSync(folder)) {
    return [];
  }
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}
