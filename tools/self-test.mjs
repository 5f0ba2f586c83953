import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inPairs, ROOT } from './lib/command.mjs';
import {
  deadCodeGate,
  formatGate,
  lintGate,
  rulesGate,
  sizeGate,
  tidyGate,
  typesGate,
} from './lib/gates.mjs';

/**
 * A gate that has never failed proves nothing. Each case plants one violation in a small tree that
 * uses the real configuration, and demands that the gate fails *and names it*.
 */
const CONFIGS = [
  '.oxlintrc.json',
  '.size-limit.json',
  'biome.json',
  'index.html',
  'knip.json',
  'package.json',
  'tsconfig.base.json',
  'tools/lint/house.js',
  'vite.config.ts',
];
const CLEAN = { 'src/base/one.ts': 'export const ONE = 1;\n' };

const lint = (name, files, expected) => ({ name, files, expected, gate: lintGate });
const CASES = [
  lint(
    'layer: protocol imports workers',
    {
      'src/workers/host.ts': 'export const HOST = 1;\n',
      'src/protocol/bad.ts': "import { HOST } from '../workers/host.ts';\nexport const X = HOST;\n",
    },
    /no-restricted-imports|boundaries/,
  ),
  lint(
    'layer: boundaries alone sees base importing protocol types',
    {
      'src/protocol/p.ts': 'export const P = 1;\n',
      'src/base/bad.ts': "import { P } from '../protocol/p.ts';\nexport const X = P;\n",
    },
    /boundaries\(dependencies\)/,
  ),
  lint(
    'layer: ui imports protocol',
    {
      'src/protocol/p.ts': 'export const P = 1;\n',
      'src/ui/bad.ts': "import { P } from '../protocol/p.ts';\nexport const X = P;\n",
    },
    /no-restricted-imports/,
  ),
  lint(
    'import cycle',
    {
      'src/base/a.ts': "import { B } from './b.ts';\nexport const A = (): number => B();\n",
      'src/base/b.ts': "import { A } from './a.ts';\nexport const B = (): number => A();\n",
    },
    /no-cycle/,
  ),
  lint(
    'impure core call',
    { 'src/protocol/bad.ts': 'export const now = (): number => Date.now();\n' },
    /house\(pure-core\).*Date/s,
  ),
  lint(
    'async core function',
    { 'src/protocol/bad.ts': 'export async function f(): Promise<void> {\n  await f();\n}\n' },
    /house\(pure-core\)/,
  ),
  lint(
    'bare Error in the core',
    { 'src/protocol/bad.ts': "export function f(): never {\n  throw new Error('x');\n}\n" },
    /house\(pure-core\)/,
  ),
  lint(
    'floating promise',
    {
      'src/workers/tsconfig.json': '{ "extends": "../../tsconfig.base.json" }\n',
      'src/workers/bad.ts':
        'const work = (): Promise<number> => Promise.resolve(1);\nexport function f(): void {\n  work();\n}\n',
    },
    /no-floating-promises/,
  ),
  lint(
    'non-exhaustive switch',
    {
      'src/base/tsconfig.json': '{ "extends": "../../tsconfig.base.json" }\n',
      'src/base/bad.ts':
        "export function f(x: 'a' | 'b'): number {\n  switch (x) {\n    case 'a':\n      return 1;\n  }\n  return 0;\n}\n",
    },
    /switch-exhaustiveness-check/,
  ),
  lint(
    'sort without comparator',
    {
      'src/base/tsconfig.json': '{ "extends": "../../tsconfig.base.json" }\n',
      'src/base/bad.ts': 'export const f = (x: number[]): number[] => x.sort();\n',
    },
    /require-array-sort-compare/,
  ),
  lint(
    'file too long',
    {
      'src/base/bad.ts': Array.from({ length: 401 }, (_, i) => `export const V${i} = ${i};\n`).join(
        '',
      ),
    },
    /max-lines/,
  ),
  {
    name: 'format',
    files: { 'src/base/bad.ts': 'export const X   =  "a"\n' },
    expected: /bad\.ts/,
    gate: formatGate,
  },
  {
    name: 'type error: a timer in the core',
    files: {
      'src/protocol/tsconfig.json':
        '{ "extends": "../../tsconfig.base.json", "compilerOptions": { "lib": ["es2023"], "types": [] }, "include": ["./**/*.ts"] }\n',
      'src/protocol/bad.ts': 'export const x = setTimeout(() => undefined, 1);\n',
    },
    expected: /setTimeout/,
    gate: (root) => typesGate(root, ['src/protocol']),
  },
  {
    name: 'unused export',
    files: {
      'src/app/main.tsx': "import { USED } from '../base/two.ts';\nglobalThis.name = USED;\n",
      'src/base/two.ts': "export const USED = 'a';\nexport const NEVER_USED = 'b';\n",
    },
    expected: /NEVER_USED/,
    gate: deadCodeGate,
  },
  {
    name: 'bundle over budget',
    files: {
      'dist/assets/index-1.js': Array.from({ length: 60_000 }, (_, i) =>
        (i * 7919).toString(36),
      ).join(';'),
      'dist/assets/node.worker-1.js': '1',
      'dist/assets/monaco-1.js': '1',
      'dist/assets/moc.min-1.js': '1',
    },
    expected: /exceeded/,
    gate: sizeGate,
  },
  ...[
    ['rule without a test', "it('CN1 proves one', () => undefined);\n", /no test proves CN2/],
    [
      'test of an unknown rule',
      "it('CN1 CN2: both', () => undefined);\nit(`CN3 of ${1}`, () => undefined);\n",
      /one\.test\.ts:2: CN3 is no rule/,
    ],
    [
      'ids of a group are no proof',
      "it('CN1', () => undefined);\ndescribe('CN2', () => undefined);\n",
      /no test proves CN2/,
    ],
  ].map(([name, test, expected]) => ({
    name: `rules: ${name}`,
    files: {
      'docs/spec/one.md': '- **CN1** First. — own\n- **CN2** Second. — own\n',
      'src/base/one.test.ts': test,
    },
    expected,
    gate: rulesGate,
  })),
  {
    name: 'rules: no source, number used twice',
    files: {
      'docs/spec/one.md': '- **CN1** First.\n- **CN1** Again. — own\n',
      'src/base/one.test.ts': "it('CN1', () => undefined);\n",
    },
    expected: /CN1 is not "a sentence.*CN1 is there twice/s,
    gate: rulesGate,
  },
  ...[
    ['reminder', '// TODO later\n'],
    ['machine path', "export const P = '/work/x/y';\n"],
    ['focused test', "it.only('x', () => undefined);\n"],
    ['retries', 'export const C = { retries: 2 };\n'],
  ].map(([name, text]) => ({
    name: `tidy: ${name}`,
    files: { 'src/base/bad.ts': text },
    expected: /bad\.ts:1/,
    gate: (root) => tidyGate(root, ['src/base/bad.ts']),
  })),
];

/** @returns {Promise<{passed: number, failures: string[]}>} */
export async function selfTestGates() {
  const base = mkdtempSync(join(tmpdir(), 'subnetarium-gates-'));
  const findings = await inPairs(CASES, async ({ name, files, expected, gate }, index) => {
    const root = plant(join(base, String(index)), { ...CLEAN, ...files });
    const { ok, output } = await gate(root);
    rmSync(root, { recursive: true, force: true });
    return ok || !expected.test(output)
      ? [`gate did not report "${name}" (ok=${ok}): ${output.slice(-900)}`]
      : [];
  });
  const failures = findings.flat();
  const clean = plant(join(base, 'clean'), CLEAN);
  const { ok, output } = await lintGate(clean);
  if (!ok) {
    failures.push(`lint reported a clean tree: ${output.slice(0, 400)}`);
  }
  rmSync(clean, { recursive: true, force: true });
  return { passed: CASES.length + 1 - failures.length, failures };
}

function plant(root, files) {
  rmSync(root, { recursive: true, force: true });
  for (const config of CONFIGS) {
    mkdirSync(dirname(join(root, config)), { recursive: true });
    copyFileSync(join(ROOT, config), join(root, config));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  return root;
}

if (process.argv[1] === join(ROOT, 'tools/self-test.mjs')) {
  const { passed, failures } = await selfTestGates();
  console.log(failures.join('\n\n'));
  console.log(`${passed} passed, ${failures.length} failed`);
  process.exit(failures.length === 0 ? 0 : 1);
}
