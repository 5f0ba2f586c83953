import { helpOrContinue, takeFlag, usageError } from './lib/command.mjs';
import { ensureBuilt, ensureInstalled, requireNode } from './lib/setup.mjs';

const USAGE = `
npm run build -- [--json]
Builds the page into dist/ with relative addresses, so that any base path works.
`;

const args = process.argv.slice(2);
helpOrContinue(args, USAGE);
const json = takeFlag(args, '--json');
if (args.length > 0) {
  usageError(`unknown argument ${args[0]}`, USAGE);
}
requireNode();
await ensureInstalled();
const startedMs = performance.now();
const ok = await ensureBuilt({ force: true });
const ms = Math.round(performance.now() - startedMs);
console.log(json ? JSON.stringify({ ok, ms }) : ok ? `built dist in ${ms} ms` : 'the build failed');
process.exit(ok ? 0 : 1);
