import { existsSync } from 'node:fs';
import process from 'node:process';
import type { Comparison } from './compare-hosts.ts';
import { HostComparison, isClean } from './compare-hosts.ts';
import { findScripts, hasWast2json } from './find-scripts.ts';
import type { Host } from './hosts.ts';
import { chromiumHost, NODE_TIERS, nodeHost, servesScripts, TINY_SEGMENT_BYTES } from './hosts.ts';

const USAGE = `
npm run test:wasm-spec -- <dir or file> [--chromium] [--tiers] [--json]
Runs WebAssembly specification tests (.wast, or wast2json's output) on every module as it is and as the
rewriter makes it, and compares results, traps, memories and globals after each action; marks of written
pages are held against the memory.
  --chromium  in a worker of headless Chromium too: hashes of results, instruction counts and memories
              must be those of Node, module by module
  --tiers     in Node with ${NODE_TIERS.map(([flag]) => flag).join(', ')} too:
              and with a stack in tiny segments: the same hashes again
  --json      one JSON object on the last line
.wast files are read by wast2json (Debian: apt-get install wabt); without it a small reader takes those that
hold only modules in text form and assertions on calls.
Exits with 1 when a check failed, hosts differ, a file could not be read, or there was nothing to check.
`;

const MAX_SHOWN = 40;

type Unreadable = Awaited<ReturnType<typeof findScripts>>['unreadable'];

function print({ files, byHost, failures, modulesCompared }: Comparison, unread: Unreadable): void {
  for (const { host, file, line, what } of failures.slice(0, MAX_SHOWN)) {
    console.log(`FAIL ${host}: ${file}:${line}: ${what}`);
  }
  for (const { file, reason } of unread) {
    console.log(`unreadable ${file}: ${reason}`);
  }
  for (const [host, { passed, failed, notApplicable }] of Object.entries(byHost)) {
    for (const [reason, count] of Object.entries(notApplicable)) {
      console.log(`${host}: not applicable ${count}: ${reason}`);
    }
    console.log(`${host}: ${files} files, ${passed} passed, ${failed} failed`);
  }
  console.log(`${modulesCompared} modules compared between hosts`);
}

async function openHosts(flags: readonly string[]): Promise<Host[]> {
  const hosts = [nodeHost([])];
  if (flags.includes('--tiers')) {
    hosts.push(nodeHost([], TINY_SEGMENT_BYTES), ...NODE_TIERS.map((flags) => nodeHost(flags)));
  }
  if (flags.includes('--chromium')) {
    hosts.push(await chromiumHost());
  }
  return hosts;
}

async function main(args: readonly string[]): Promise<number> {
  const [path, ...more] = args.filter((arg) => !arg.startsWith('--'));
  const flags = args.filter((arg) => arg.startsWith('--'));
  const unknown = flags.find(
    (flag) => !['--chromium', '--tiers', '--json', '--help'].includes(flag),
  );
  if (flags.includes('--help')) {
    console.log(USAGE.trim());
    return 0;
  }
  if (path === undefined || more.length > 0 || unknown !== undefined || !existsSync(path)) {
    console.error(`${unknown ?? 'name one folder or file that is there'}\n${USAGE.trimEnd()}`);
    return 2;
  }
  if (!hasWast2json()) {
    console.error('wast2json is not installed: .wast files go to the small reader');
  }
  const { scripts, unreadable } = await findScripts(path);
  const hosts = await openHosts(flags);
  const comparison = new HostComparison(hosts);
  try {
    for (const script of scripts) {
      await comparison.run(script);
    }
  } finally {
    await Promise.all(hosts.map((host) => host.close()));
  }
  const result = comparison.result();
  print(result, unreadable);
  if (flags.includes('--json')) {
    console.log(JSON.stringify({ ...result, unreadable }));
  }
  return isClean(result) && unreadable.length === 0 ? 0 : 1;
}

if (!servesScripts()) {
  process.exitCode = await main(process.argv.slice(2));
}
