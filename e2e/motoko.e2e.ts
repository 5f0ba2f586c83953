import { expect, test, type Page } from '@playwright/test';
import { bundleForBrowser, compileActor } from '../tests/support/browser-agent.ts';
import type {} from '../tests/support/calls-client.ts';
import {
  type JourneyHost,
  type JourneyModule,
  walkJourney,
} from '../tests/support/motoko-journey.ts';
import { journeyPrograms, MotokoSubnet } from '../tests/support/motoko-subnet.ts';
import { expectEqualRoots, openPage, readNodes, readRecorded, recordRoots } from './network.ts';

/** The page's own network, as a host of Motoko actors. */
function pageHost(page: Page): JourneyHost {
  const withModule = (
    act: 'deploy' | 'upgrade',
    wasm: Uint8Array,
    id: string | null,
  ): Promise<string> =>
    page
      .evaluate(
        async ([how, base64, target]) => {
          const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
          const client = await window.callsClient;
          return how === 'deploy'
            ? client?.deploy(bytes, target)
            : client?.upgrade(target ?? '', bytes);
        },
        [act, Buffer.from(wasm).toString('base64'), id] as const,
      )
      .then((answer) => answer ?? 'no client');
  const named =
    (kind: 'text' | 'ask') =>
    (canisterId: string, name: string): Promise<string> =>
      page.evaluate(
        async ([how, id, method]) => (await window.callsClient)?.[how](id, method) ?? 'no client',
        [kind, canisterId, name] as const,
      );
  return {
    deploy: (wasm, told) => withModule('deploy', wasm, told),
    upgrade: (canisterId, wasm) => withModule('upgrade', wasm, canisterId),
    text: named('text'),
    ask: named('ask'),
  };
}

/** Method and instructions of each executed call, as one node of the page tells them. */
async function recordCalls(page: Page): Promise<() => Promise<readonly string[]>> {
  await page.evaluate(() => {
    const calls: [node: string, call: string][] = [];
    Object.assign(window, { calls });
    window.networkUnderTest?.events.subscribe(({ from, events }) => {
      for (const event of events) {
        if (event.kind === 'messageExecuted') {
          calls.push([from, `${event.method} ${event.instructions}`]);
        }
      }
    });
  });
  return async () => {
    const calls = (await page.evaluate('window.calls')) as readonly (readonly [string, string])[];
    const node = (await readNodes(page))[0]?.nodeId;
    return calls.filter(([from]) => from === node).map(([, call]) => call);
  };
}

test('Motoko actors answer alike and use the same instructions in the page and in Node', async ({
  page,
}) => {
  // Four actors are compiled first, unless an earlier run kept them.
  test.setTimeout(400_000);
  const sources = journeyPrograms();
  const compile = (name: JourneyModule): Uint8Array => compileActor(sources[name]);
  const modules = {
    keeper: compile('keeper'),
    newKeeper: compile('newKeeper'),
    wrongKeeper: compile('wrongKeeper'),
    worker: compile('worker'),
  };
  await openPage(page, '?nodes=2&pace=turbo');
  await recordRoots(page);
  const calls = await recordCalls(page);
  const content = await bundleForBrowser('tests/support/calls-client.ts');
  await page.addScriptTag({ content, type: 'module' });
  await page.waitForFunction(() => window.callsClient !== undefined);

  const here = new MotokoSubnet('enhanced');
  const expected = await walkJourney(here, modules);
  const lines = await walkJourney(pageHost(page), modules);
  expect(lines.filter(({ holds }) => !holds)).toEqual([]);
  expect(lines.map(({ answer }) => answer)).toEqual(expected.map(({ answer }) => answer));
  // Creations differ in what they are asked for, and nodes refuse a composite query that is sent as an
  // update before any block has it; all the rest is the same message.
  const comparable = (all: readonly string[]): readonly string[] =>
    all.filter((call) => !call.startsWith('provisional_create') && call !== 'gather 0');
  expect(comparable(here.executed()).length).toBeGreaterThan(40);
  await expect(async () => {
    expect(comparable(await calls())).toEqual(comparable(here.executed()));
  }).toPass({ timeout: 10_000 });

  const ids = (await readNodes(page)).map((node) => node.nodeId);
  await expect(async () => {
    const recorded = await readRecorded(page);
    expect(recorded.violations).toEqual([]);
    expect(expectEqualRoots(recorded, ids)).toBeGreaterThanOrEqual(10);
  }).toPass({ timeout: 20_000 });
});
