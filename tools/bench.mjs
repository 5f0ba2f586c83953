import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, usageError } from './lib/command.mjs';
import { runTypeScript } from './run-typescript.mjs';

const directory = join(ROOT, 'bench');
const names = (existsSync(directory) ? readdirSync(directory) : [])
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length))
  .sort();
const USAGE = `
npm run bench -- <name> [--json] [options of the benchmark]
  --json  print one JSON object on the last line
Names: ${names.join(', ') || '(none yet)'}
`;

const [name, ...args] = process.argv.slice(2);
if (name === undefined || name === '--help' || name === '-h') {
  console.log(USAGE.trim());
  process.exit(name === undefined ? 2 : 0);
}
if (!names.includes(name)) {
  usageError(`there is no benchmark ${name}`, USAGE);
}
process.exit(await runTypeScript(`bench/${name}.bench.ts`, args));
