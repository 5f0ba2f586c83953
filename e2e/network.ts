import { expect, type Page } from '@playwright/test';
import { exposeNetwork } from '../tests/support/page-globals.ts';

/** Opens the page on a network and waits until scripts can reach it and blocks are finalized. */
export async function openPage(page: Page, search = '?pace=turbo'): Promise<void> {
  await page.goto(`./${search}`);
  await page.waitForFunction(exposeNetwork, null, { timeout: 120_000 });
  await waitForHeight(page, 1);
  // The network answers scripts a moment before its view stands and listens to keys.
  await page.getByTestId('headline').waitFor();
}

export interface NodeView {
  readonly nodeId: string;
  readonly state: string;
  readonly reason: string | null;
  readonly finalized: number;
  readonly certified: number;
  readonly executed: number;
  readonly stateRoot: string | null;
}

export function readNodes(page: Page): Promise<readonly NodeView[]> {
  return page.evaluate(async () => {
    const snapshot = await window.networkUnderTest?.snapshot();
    return (snapshot?.nodes ?? []).map(({ nodeId, state, reason, heights, stateRoot }) => {
      const { finalized, certified, executed } = heights;
      return { nodeId, state, reason, finalized, certified, executed, stateRoot };
    });
  });
}

export async function highestFinalized(page: Page): Promise<number> {
  return Math.max(0, ...(await readNodes(page)).map((node) => node.finalized));
}

/** Waits until every running node has finalized `height`. */
export async function waitForHeight(page: Page, height: number): Promise<void> {
  await expect(async () => {
    const running = (await readNodes(page)).filter((node) => node.state === 'running');
    expect(running.length).toBeGreaterThan(0);
    for (const node of running) {
      expect(node.finalized, `node ${node.nodeId.slice(0, 8)}`).toBeGreaterThanOrEqual(height);
    }
  }).toPass({ timeout: 120_000 });
}

/** What was under way has ended once nothing was finalized for so long. */
const SETTLED_MS = 1_000;

/** Lets what is under way end, then nothing may be finalized for `stillMs`. @returns the height */
export async function expectStandstill(page: Page, stillMs: number): Promise<number> {
  let still = await highestFinalized(page);
  await expect(async () => {
    const before = still;
    await page.waitForTimeout(SETTLED_MS);
    still = await highestFinalized(page);
    expect(still, 'what was under way has ended').toBe(before);
  }).toPass({ intervals: [0], timeout: 20_000 });
  await page.waitForTimeout(stillMs);
  expect(await highestFinalized(page), 'nothing is finalized any more').toBe(still);
  return still;
}

/**
 * Records the state root that each node reports for each height, from telemetry, until closed by
 * the page. Needs to be started before the heights of interest.
 */
export async function recordRoots(page: Page): Promise<void> {
  await page.evaluate(() => {
    const roots: Record<string, Record<number, string>> = {};
    const violations: string[] = [];
    window.recorded = { roots, violations, instructions: {} };
    window.networkUnderTest?.events.subscribe((batch) => {
      for (const event of batch.events) {
        if (event.kind === 'executed' && batch.from !== 'host') {
          roots[batch.from] = { ...roots[batch.from], [event.height]: event.root };
        } else if (event.kind === 'safetyViolated') {
          violations.push(`${event.rule}: ${event.message}`);
        } else if (event.kind === 'messageExecuted' && window.recorded !== undefined) {
          const known = window.recorded.instructions[event.messageId] ?? {};
          const outcome = `${event.instructions} ${event.outcome}`;
          window.recorded.instructions[event.messageId] = { ...known, [batch.from]: outcome };
        }
      }
    });
  });
}

export interface Recorded {
  /** By node, then height. */
  readonly roots: Record<string, Record<number, string>>;
  readonly violations: string[];
  /** By message, then node: instructions and outcome. */
  readonly instructions: Record<string, Record<string, string>>;
}

declare global {
  interface Window {
    recorded?: Recorded;
  }
}

export async function readRecorded(page: Page): Promise<Recorded> {
  const recorded = await page.evaluate(() => window.recorded);
  return recorded ?? { roots: {}, violations: ['nothing was recorded'], instructions: {} };
}

/** All nodes reported the same root at every height that several reported, up to `height`. */
export function expectEqualRoots(
  { roots, violations }: Recorded,
  nodes: readonly string[],
): number {
  expect(violations).toEqual([]);
  const [first = '', ...others] = nodes;
  let compared = 0;
  for (const [height, root] of Object.entries(roots[first] ?? {})) {
    for (const other of others) {
      const theirs = roots[other]?.[Number(height)];
      if (theirs !== undefined) {
        expect(theirs, `root of ${other.slice(0, 8)} at height ${height}`).toBe(root);
        compared += 1;
      }
    }
  }
  return compared;
}

type Fault = 'kill' | 'restart';

/** Does it through the network object; fails when the network refuses. */
export async function doFault(page: Page, fault: Fault, nodeId: string): Promise<void> {
  const outcome = await page.evaluate(
    async ([name, id]) => {
      const network = window.networkUnderTest;
      const node = network?.topology().subnets[0]?.nodes.find(({ nodeId: other }) => other === id);
      if (network === undefined || node === undefined) {
        return 'no such node';
      }
      const result = await network.faults[name](node.nodeId);
      return result.ok ? 'done' : `${result.error.code}: ${result.error.message}`;
    },
    [fault, nodeId] as const,
  );
  expect(outcome).toBe('done');
}
