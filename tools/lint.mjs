import { bin, helpOrContinue, run, takeFlag, usageError } from './lib/command.mjs';
import { formatGate, lintGate, tidyGate } from './lib/gates.mjs';
import { ensureInstalled, requireNode } from './lib/setup.mjs';

const USAGE = `
npm run lint -- [--fix]
Checks format (biome), lint and layers (oxlint) and tidiness.
  --fix   writes the format first
`;

const args = process.argv.slice(2);
helpOrContinue(args, USAGE);
const fix = takeFlag(args, '--fix');
if (args.length > 0) {
  usageError(`unknown argument ${args[0]}`, USAGE);
}
requireNode();
await ensureInstalled();
if (fix) {
  await run(bin('biome'), ['format', '--write', '.'], { echo: true });
}
let failed = 0;
const gates = { format: formatGate, lint: lintGate, tidy: tidyGate };
for (const [name, gate] of Object.entries(gates)) {
  const { ok, output } = await gate();
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}`);
  if (!ok) {
    failed += 1;
    console.log(output);
  }
}
process.exit(failed === 0 ? 0 : 1);
