import { expect, test, type Page } from '@playwright/test';
import { bundleForBrowser, compileActor } from '../tests/support/browser-agent.ts';
import type {} from '../tests/support/calls-client.ts';
import { expectEqualRoots, openPage, readNodes, readRecorded, recordRoots } from './network.ts';

const COUNTER = `
import Runtime "mo:core/Runtime";
persistent actor {
  var sum = 0;
  public func add(n : Nat) : async Nat { sum += n; sum };
  public func fail() : async () { sum += 1000; Runtime.trap("on purpose") };
}`;

const CALLER = `
import Blob "mo:core/Blob";
import Error "mo:core/Error";
import Nat "mo:core/Nat";
import Principal "mo:core/Principal";
import Runtime "mo:core/Runtime";
persistent actor class Caller(service : Principal) {
  type Counter = actor { add : Nat -> async Nat; fail : () -> async () };
  type Management = actor { raw_rand : () -> async Blob };
  var begun = 0;
  func counter() : Counter = actor (Principal.toText(service));
  public func sum() : async Text { begun += 1; Nat.toText(await counter().add(5)) };
  public func caught() : async Text {
    try { await counter().fail(); "no error" } catch (e) { Error.message(e) }
  };
  public func trapAfter() : async Text { begun += 10; ignore await counter().add(1); begun := 0; Runtime.trap("after") };
  public func random() : async Text {
    debug_show (Blob.toArray(await (actor "aaaaa-aa" : Management).raw_rand()))
  };
  public func count() : async Text { Nat.toText(begun) };
}`;

async function deploy(page: Page, source: string, arg: string | null): Promise<string> {
  const wasm = Buffer.from(compileActor(source)).toString('base64');
  return page.evaluate(
    async ([base64, told]) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const client = await window.callsClient;
      return client === undefined ? '' : client.deploy(bytes, told);
    },
    [wasm, arg] as const,
  );
}

test('actors await each other and random bytes, certified, with equal states on all nodes', async ({
  page,
}) => {
  // Two actors are compiled first, unless an earlier run kept them.
  test.setTimeout(300_000);
  await openPage(page);
  await recordRoots(page);
  const content = await bundleForBrowser('tests/support/calls-client.ts');
  await page.addScriptTag({ content, type: 'module' });
  await page.waitForFunction(() => window.callsClient !== undefined);
  const counter = await deploy(page, COUNTER, null);
  const caller = await deploy(page, CALLER, counter);
  const call = (name: string): Promise<string> =>
    page.evaluate(async ([id, method]) => (await window.callsClient)?.text(id, method) ?? '', [
      caller,
      name,
    ] as const);
  expect(await call('sum')).toBe('5');
  expect(await call('sum')).toBe('10');
  expect(await call('caught')).toContain("ic0.trap` with message: 'on purpose'");
  expect(await call('trapAfter')).toContain('IC0503');
  expect(await call('count')).toBe('12');
  const [first, second] = [await call('random'), await call('random')];
  expect(first.match(/\d+/g)).toHaveLength(32);
  expect(second).not.toBe(first);
  const ids = (await readNodes(page)).map((node) => node.nodeId);
  await expect(async () => {
    const recorded = await readRecorded(page);
    expect(recorded.violations).toEqual([]);
    expect(expectEqualRoots(recorded, ids)).toBeGreaterThanOrEqual(10);
  }).toPass({ timeout: 20_000 });
});
