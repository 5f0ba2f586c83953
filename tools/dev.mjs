import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { helpOrContinue, ROOT } from './lib/command.mjs';
import { ensureInstalled, requireNode } from './lib/setup.mjs';

const USAGE = `
npm run dev -- [options of vite, e.g. --port N]
Serves the sources with hot reload.
`;

const args = process.argv.slice(2);
helpOrContinue(args, USAGE);
requireNode();
await ensureInstalled();
const vite = spawn(process.execPath, [join(ROOT, 'node_modules/vite/bin/vite.js'), ...args], {
  cwd: ROOT,
  stdio: 'inherit',
});
vite.on('exit', (code) => process.exit(code ?? 1));
