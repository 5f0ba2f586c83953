import { join } from 'node:path';
import { helpOrContinue, ROOT, takeFlag, takeOption, usageError } from './lib/command.mjs';
import { ensureBuilt, ensureInstalled, requireNode } from './lib/setup.mjs';
import { createStaticServer, listen } from './lib/static-server.mjs';

const USAGE = `
npm start -- [--port N] [--strict-port] [--json]
Installs and builds what is missing, then serves the page on localhost.
  --port N       first port to try (5173); the next free one is taken when it is in use
  --strict-port  fail instead when the port is in use
  --no-open      the default: no browser is opened
  --json         print one JSON object {"url"} when ready
`;

const args = process.argv.slice(2);
helpOrContinue(args, USAGE);
const port = Number(takeOption(args, '--port', USAGE) ?? 5173);
const strict = takeFlag(args, '--strict-port');
const json = takeFlag(args, '--json');
takeFlag(args, '--no-open');
if (args.length > 0) {
  usageError(`unknown argument ${args[0]}`, USAGE);
}
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  usageError('--port needs a number from 0 to 65535', USAGE);
}
requireNode();
await ensureInstalled();
if (!(await ensureBuilt())) {
  console.error('The build failed: see the message above.');
  process.exit(1);
}
const server = createStaticServer(join(ROOT, 'dist'));
try {
  const url = `http://localhost:${await listen(server, port, { strict })}/`;
  console.log(json ? JSON.stringify({ url }) : `Subnetarium is ready: ${url}`);
} catch (error) {
  console.error(`Cannot serve on port ${port}: ${error.message}`);
  process.exit(1);
}
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => process.exit(0));
}
