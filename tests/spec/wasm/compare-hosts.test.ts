import { describe, expect, it } from 'vitest';
import type { Script } from './commands.ts';
import { HostComparison, isClean } from './compare-hosts.ts';
import type { Host } from './hosts.ts';
import type { ScriptReport } from './run-script.ts';

const SCRIPT: Script = { name: 'a.wast', commands: [], files: {} };

function host(name: string, report: Partial<ScriptReport>): Host {
  const whole = {
    file: 'a.wast',
    passed: 3,
    failures: [],
    notApplicable: {},
    hashes: [],
    ...report,
  };
  return { name, run: () => Promise.resolve(whole), close: () => Promise.resolve() };
}

async function compared(...hosts: readonly Host[]): Promise<readonly [string[], boolean, number]> {
  const comparison = new HostComparison(hosts);
  await comparison.run(SCRIPT);
  const result = comparison.result();
  return [
    result.failures.map((failure) => `${failure.host}: ${failure.what}`),
    isClean(result),
    result.modulesCompared,
  ];
}

describe('hosts that run the same modules', () => {
  it('agree when every module has one hash everywhere', async () => {
    const hashes = ['aa', null, 'cc'];
    expect(await compared(host('node', { hashes }), host('chromium', { hashes }))).toEqual([
      [],
      true,
      2,
    ]);
  });

  it('are compared only on modules that both could load, and on one at least', async () => {
    const [failures, clean, modules] = await compared(
      host('node', { hashes: ['aa', null] }),
      host('chromium', { hashes: [null, 'bb'] }),
    );
    expect([failures, clean, modules]).toEqual([[], false, 0]);
  });

  it('differ when one hash differs', async () => {
    expect(
      await compared(
        host('node', { hashes: ['aa', 'bb'] }),
        host('chromium', { hashes: ['aa', 'bc'] }),
      ),
    ).toEqual([['chromium: module 1 has other results, counts or memory than in node'], false, 2]);
  });

  it('fail when one of them fails or runs nothing', async () => {
    const failures = [{ file: 'a.wast', line: 7, what: 'f: 1 instead of 2' }];
    const hashes = ['aa'];
    expect(
      await compared(host('node', { hashes }), host('chromium', { hashes, failures })),
    ).toEqual([['chromium: f: 1 instead of 2'], false, 1]);
    expect((await compared(host('node', { hashes }), host('idle', { hashes, passed: 0 })))[1]).toBe(
      false,
    );
  });
});
