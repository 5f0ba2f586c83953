import type { Page } from 'playwright-core';
import { openBuiltApp, openNetwork, round } from '../tests/support/browser.ts';
import { addBrowserClient, compileCounter } from '../tests/support/browser-agent.ts';
import { tabMiB } from './tab-load.ts';

/** Many canisters on many nodes of one tab, which has far fewer Wasm memories than that. */

const NODES = 13;
const CANISTERS = 20;
const TURNS = 3;

export interface TabFigures {
  readonly nodes: number;
  readonly canisters: number;
  /** Updates that were answered with the right number, of so many. */
  readonly answered: number;
  readonly asked: number;
  /** Nodes that run at the end, and why others do not. */
  readonly nodesRunning: number;
  readonly nodesEnded: readonly string[];
  /** Of the process that holds the page and all its workers. */
  readonly tabMiB: number;
  readonly seconds: number;
}

async function deployAll(page: Page): Promise<readonly string[]> {
  return page.evaluate(
    async ([base64, count]) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const client = await window.subnetariumClient;
      const deploy = async (): Promise<string> => (await client?.deploy(bytes)) ?? '';
      return Promise.all(Array.from({ length: count }, deploy));
    },
    [Buffer.from(compileCounter()).toString('base64'), CANISTERS] as const,
  );
}

/** How many canisters count to `TURNS` as they must, all at the same time. */
async function countUp(page: Page, canisterIds: readonly string[]): Promise<number> {
  return page.evaluate(
    async ([ids, turns]) => {
      const client = await window.subnetariumClient;
      let right = 0;
      if (client === undefined) {
        return right;
      }
      for (let turn = 1; turn <= turns; turn += 1) {
        const answers = await Promise.all(ids.map((id) => client.increment(id)));
        right += answers.filter((answer) => answer === String(turn)).length;
      }
      return right;
    },
    [canisterIds, TURNS] as const,
  );
}

export async function measureTab(): Promise<TabFigures> {
  const app = await openBuiltApp();
  try {
    const page = await openNetwork(app, { nodes: String(NODES), pace: 'classroom' });
    await addBrowserClient(page);
    const startedMs = Date.now();
    const canisterIds = await deployAll(page);
    const answered = await countUp(page, canisterIds);
    const seconds = (Date.now() - startedMs) / 1000;
    const nodesEnded = await page.evaluate(async () => {
      const snapshot = await window.networkUnderTest?.snapshot();
      const ended = snapshot?.nodes.filter(({ state }) => state !== 'running') ?? [];
      return ended.map(({ state, reason }) => `${state}: ${reason ?? ''}`);
    });
    return {
      nodes: NODES,
      canisters: canisterIds.length,
      answered,
      asked: CANISTERS * TURNS,
      nodesRunning: NODES - nodesEnded.length,
      nodesEnded,
      tabMiB: round(await tabMiB(app.browser), 0),
      seconds: round(seconds, 0),
    };
  } finally {
    await app.close();
  }
}
