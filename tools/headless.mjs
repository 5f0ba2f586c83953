import { usageError } from './lib/command.mjs';
import { runTypeScript } from './run-typescript.mjs';

const USAGE = `
npm run serve -- [options]     npm run sim -- [options]
Runs src/headless/<entry>.ts in Node; --help shows that program's own options.
`;

const [entry, ...args] = process.argv.slice(2);
if (entry === undefined || !/^[a-z][a-z-]*$/.test(entry)) {
  usageError('name an entry of src/headless', USAGE);
}
process.exit(await runTypeScript(`src/headless/${entry}.ts`, args));
