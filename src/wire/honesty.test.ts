import { expect, it } from 'vitest';
import { DIFFERENCES } from './honesty.ts';

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

/** The documentation's copy of the table; `npx vitest run src/wire/honesty.test.ts --update` renews it. */
function honestyPage(): string {
  const rows = DIFFERENCES.map(
    ({ area, here, mainnet, consequence }) =>
      `| ${area} | ${cell(here)} | ${cell(mainnet)} | ${cell(consequence)} |`,
  );
  return [
    '# Differences from mainnet',
    '',
    'Made from `src/wire/honesty.ts`, which the app shows too. A difference that is missing here is a defect.',
    '',
    '| Area | Here | Mainnet | What follows |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

it('the documentation has the same table of differences as the app', async () => {
  await expect(honestyPage()).toMatchFileSnapshot('../../docs/honesty.md');
});
