import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bin, inPairs, ROOT, run } from './command.mjs';
import { checkRules } from '../lint/rules.mjs';
import { tidy } from '../lint/tidy.mjs';

export const LAYERS = [
  'src/base',
  'src/protocol',
  'src/sandbox',
  'src/wire',
  'src/sim',
  'src/workers',
  'src/headless',
  'src/ui',
  'src/app',
  'tests',
  'bench',
  'e2e',
  '.',
];

/** Each gate checks the tree at `root` and answers {ok, output}. The self-test runs the same functions on a planted tree. */
export async function formatGate(root = ROOT) {
  return verdict(await run(bin('biome'), ['format', '.', '--max-diagnostics=50'], { cwd: root }));
}

export async function lintGate(root = ROOT) {
  const args = ['--type-aware', '--quiet', '-c', '.oxlintrc.json', '.'];
  return verdict(await run(bin('oxlint'), args, { cwd: root }));
}

export async function tidyGate(root = ROOT, files) {
  const findings = await tidy(root, files);
  return { ok: findings.length === 0, output: findings.join('\n') };
}

/** Numbered rules of docs/spec against the titles of the tests that prove them. */
export async function rulesGate(root = ROOT) {
  const { findings } = checkRules(root);
  return { ok: findings.length === 0, output: findings.join('\n') };
}

export async function typesGate(root = ROOT, layers = LAYERS) {
  const known = layers.filter((layer) => existsSync(join(root, layer, 'tsconfig.json')));
  const outputs = await inPairs(known, async (layer) => {
    const ran = await run(bin('tsc'), ['--noEmit', '-p', layer], { cwd: root });
    // A layer without sources yet has nothing to check.
    const isRight = ran.code === 0 || /error TS18003/.test(ran.output);
    return isRight ? '' : `${layer}\n${ran.output}`;
  });
  const output = outputs.join('');
  return { ok: output === '', output };
}

export async function deadCodeGate(root = ROOT) {
  return verdict(await run(bin('knip'), ['--no-progress'], { cwd: root }));
}

export async function sizeGate(root = ROOT) {
  return verdict(await run(bin('size-limit'), [], { cwd: root }));
}

function verdict({ code, output }) {
  return { ok: code === 0, output };
}
