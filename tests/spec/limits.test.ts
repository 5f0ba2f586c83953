import { expect, it } from 'vitest';
import { type Limit, readLimits } from './limits-page.ts';

const AREAS: Readonly<Record<string, string>> = {
  'consensus.ts': 'Consensus',
  'dkg.ts': 'Distributed key generation',
  'execution.ts': 'Execution and cycles',
  'interface.ts': 'HTTP interface',
  'management.ts': 'Management canister and its arguments',
  'memory.ts': 'Stable memory',
  'messaging.ts': 'Message routing',
  'query.ts': 'Queries',
  'state-sync.ts': 'State sync',
  'wasm.ts': 'Canister modules',
  'xnet.ts': 'Streams between subnets',
};

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function tableOf(file: string, limits: readonly Limit[]): readonly string[] {
  const area = AREAS[file] ?? file.replace('.ts', '');
  const rows = limits.map(({ name, here, mainnet, meaning, source }) =>
    ['', `\`${name}\``, here, mainnet, meaning, source, ''].map(cell).join(' | ').trim(),
  );
  return [
    '',
    `## ${area}`,
    '',
    '| Name | Here | Mainnet | Meaning | Source |',
    '|---|---|---|---|---|',
    ...rows.map((row) => row.replaceAll('\\|', '|')),
  ];
}

/** `npx vitest run tests/spec/limits.test.ts --update` renews the page. */
function limitsPage(limits: readonly Limit[]): string {
  const files = [...new Set(limits.map(({ file }) => file))];
  return [
    '# Limits and prices',
    '',
    'Made from `src/protocol/limits` and `src/protocol/execution/wasm/limits.ts`, whose comments state meaning and source.',
    '"Mainnet: the same" means the value of the source named; `CLASSROOM_…` is the preset in force unless the spec says `limits: "mainnet"`,',
    'which takes the column beside it.',
    "`rs/…` are paths of the IC's replica (July 2025), prices are those of its 13-node reference subnet.",
    ...files.flatMap((file) =>
      tableOf(
        file,
        limits.filter((limit) => limit.file === file),
      ),
    ),
    '',
  ].join('\n');
}

it('every limit of the core says what it means', async () => {
  const limits = await readLimits();
  expect(limits.length).toBeGreaterThan(60);
  const silent = limits
    .filter(({ meaning }) => meaning === '')
    .map(({ file, name }) => `${file}: ${name}`);
  expect(silent, 'limits without a comment').toEqual([]);
});

it('the documentation lists the limits as the code has them', async () => {
  await expect(limitsPage(await readLimits())).toMatchFileSnapshot('../../docs/limits.md');
});
