import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run } from './command.mjs';

const NODE_NEEDED = [20, 19];
const CACHE = join(ROOT, 'node_modules/.cache/subnetarium');
const INSTALL_STAMP = join(CACHE, 'install.sha256');
const BUILD_STAMP = join(ROOT, 'dist/.source-hash');
const BUILD_INPUTS = [
  'index.html',
  'vite.config.ts',
  'tsconfig.base.json',
  'src',
  'public',
  'canisters',
  'package-lock.json',
];

/** Ends the process with a sentence a person can act on when this Node is too old. */
export function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [wantedMajor, wantedMinor] = NODE_NEEDED;
  if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
    console.error(
      `Subnetarium needs Node.js ${wantedMajor}.${wantedMinor} or newer; this is ${process.versions.node}. See https://nodejs.org/`,
    );
    process.exit(1);
  }
}

/** Installs the pinned packages when node_modules is missing or was made from another lock file. */
export async function ensureInstalled() {
  const lockHash = sha256(readFileSync(join(ROOT, 'package-lock.json')));
  if (isInstalled(lockHash)) {
    return;
  }
  console.log('Installing the pinned packages (npm install)…');
  // Not `npm ci`: it refuses a lock file that was written where a registry lacks other platforms'
  // optional binaries. Versions are pinned exactly in package.json and by the lock file's hashes.
  const args = ['install', '--no-audit', '--no-fund', '--prefer-offline'];
  const { code } = await run('npm', args, { echo: true });
  if (code !== 0) {
    console.error('npm install failed: see its message above. It needs a network connection once.');
    process.exit(1);
  }
  mkdirSync(CACHE, { recursive: true });
  writeFileSync(INSTALL_STAMP, sha256(readFileSync(join(ROOT, 'package-lock.json'))));
}

function isInstalled(lockHash) {
  if (existsSync(INSTALL_STAMP)) {
    return readFileSync(INSTALL_STAMP, 'utf8') === lockHash;
  }
  // A plain `npm install` leaves no stamp of ours, but its own record of what it installed.
  return installedVersionsMatchLock();
}

function installedVersionsMatchLock() {
  const record = join(ROOT, 'node_modules/.package-lock.json');
  if (!existsSync(record)) {
    return false;
  }
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, entry]) =>
      path === '' || entry.optional === true || installed[path]?.version === entry.version,
  );
}

/** Builds dist unless it was made from exactly the present sources. Returns false when that fails. */
export async function ensureBuilt({ force = false } = {}) {
  const wanted = sourceHash();
  if (!force && existsSync(BUILD_STAMP) && readFileSync(BUILD_STAMP, 'utf8') === wanted) {
    return true;
  }
  console.log('Building the page (vite build)…');
  // Removed first: a build that fails half way must never look like a finished one.
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  const vite = join(ROOT, 'node_modules/vite/bin/vite.js');
  const { code } = await run(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
    echo: true,
  });
  if (code !== 0) {
    return false;
  }
  writeFileSync(BUILD_STAMP, wanted);
  return true;
}

/** Hash of everything the build reads, tests left out. */
export function sourceHash() {
  const hash = createHash('sha256');
  for (const input of BUILD_INPUTS) {
    for (const file of filesBelow(join(ROOT, input))) {
      const content = sha256(readFileSync(file));
      hash.update(`${file.slice(ROOT.length)}\0${content}\0`);
    }
  }
  return hash.digest('hex');
}

function filesBelow(path) {
  if (!existsSync(path)) {
    return [];
  }
  const entries = tryReadDirectory(path);
  if (entries === undefined) {
    return /\.test\.tsx?$/.test(path) ? [] : [path];
  }
  return entries.sort().flatMap((name) => filesBelow(join(path, name)));
}

function tryReadDirectory(path) {
  try {
    return readdirSync(path);
  } catch (error) {
    if (error.code === 'ENOTDIR') {
      return undefined;
    }
    throw error;
  }
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
