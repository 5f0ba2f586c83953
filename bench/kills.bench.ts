import { loadavg } from 'node:os';
import {
  type HttpAgent,
  lookupResultToBuffer,
  Certificate,
  polling,
  type RequestId,
} from '@icp-sdk/core/agent';
import type { BrowserContext, Page } from 'playwright-core';
import { createPrng, type Prng } from '../src/base/prng.ts';
import { openBuiltApp, round } from '../tests/support/browser.ts';
import {
  callerOf,
  type CallPair,
  countOf,
  installPair,
  submitAsk,
} from '../tests/support/call-pair.ts';
import { agentOfPage, crashPage } from '../tests/support/page-agent.ts';
import { optionsOf } from './options.ts';

const USAGE = `
npm run bench -- kills [--json] [--times 20] [--seed kills] [--subnets system:1,application:4,application:4] [--lanes 4]
Ends the renderer process at random moments while canisters of one subnet call another, and opens the network again.
repliesChecked: replies that an agent had verified and that were asked for again after a kill, with the same bytes
expected (as long as their expiry has not passed: those count in pastExpiry). lost: replies that were not there.
countersEqual: after each kill, once quiet, the caller's questions, its answers and the counter are one number,
not below any verified reply.
`;

/** An agent gives a message five minutes; a reply is kept as long. Some seconds for the question. */
const READABLE_MS = 285_000;
const QUIET_TIMEOUT_MS = 180_000;
const MAX_REPLIES = 8;
const MAX_MORE_MS = 2_000;

interface Verified {
  readonly requestId: Uint8Array;
  readonly sentMs: number;
  readonly reply: Uint8Array;
}

interface Tally {
  repliesChecked: number;
  pastExpiry: number;
  lost: number;
  countersEqual: boolean;
  readonly reopenMs: number[];
}

/** One call after another until the page dies; what the agent verified is noted. */
async function lane(agent: HttpAgent, pair: CallPair, notes: Verified[]): Promise<void> {
  try {
    for (;;) {
      const sentMs = Date.now();
      const requestId = await submitAsk(agent, pair);
      const { reply } = await polling.pollForResponse(
        agent,
        { canisterId: pair.callerId },
        requestId as RequestId,
      );
      notes.push({ requestId, sentMs, reply });
    }
  } catch {
    // The page is gone; calls that were under way have no answer to keep.
  }
}

async function loadAndKill(
  page: Page,
  agent: HttpAgent,
  pair: CallPair,
  { lanes, prng, notes }: { lanes: number; prng: Prng; notes: Verified[] },
): Promise<void> {
  const wanted = notes.length + 1 + prng.below(MAX_REPLIES);
  const running = Array.from({ length: lanes }, () => lane(agent, pair, notes));
  const deadlineMs = Date.now() + QUIET_TIMEOUT_MS;
  while (notes.length < wanted) {
    if (Date.now() > deadlineMs) {
      throw new Error(`only ${notes.length} of ${wanted} replies came`);
    }
    await page.waitForTimeout(20);
  }
  await page.waitForTimeout(prng.below(MAX_MORE_MS));
  await crashPage(page);
  await Promise.all(running);
}

/** The reply of a request as the network certifies it now; undefined = it does not know it. */
async function replyNow(
  agent: HttpAgent,
  { callerId }: CallPair,
  requestId: Uint8Array,
): Promise<Uint8Array | undefined> {
  const path = [new TextEncoder().encode('request_status'), requestId];
  const state = await agent.readState({ canisterId: callerId }, { paths: [path] });
  const certificate = await Certificate.create({
    certificate: state.certificate,
    rootKey: agent.rootKey ?? new Uint8Array(),
    principal: { canisterId: callerId },
    agent,
  });
  return lookupResultToBuffer(
    certificate.lookup_path([...path, new TextEncoder().encode('reply')]),
  );
}

async function check(
  agent: HttpAgent,
  pair: CallPair,
  notes: readonly Verified[],
  tally: Tally,
): Promise<void> {
  for (const { requestId, sentMs, reply } of notes) {
    if (Date.now() - sentMs > READABLE_MS) {
      tally.pastExpiry += 1;
      continue;
    }
    const found = await replyNow(agent, pair, requestId);
    tally.repliesChecked += 1;
    if (found === undefined || Buffer.compare(found, reply) !== 0) {
      tally.lost += 1;
      console.error(`lost: ${Buffer.from(requestId).toString('hex')} of ${sentMs}`);
    }
  }
  const deadlineMs = Date.now() + QUIET_TIMEOUT_MS;
  for (;;) {
    const [asked, answered] = await callerOf(agent, pair).facts();
    const count = await countOf(agent, pair);
    if (asked === answered && answered === count && count >= BigInt(notes.length)) {
      return;
    }
    if (Date.now() > deadlineMs) {
      tally.countersEqual = false;
      console.error(`asked ${asked}, answered ${answered}, count ${count}, of ${notes.length}`);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function open(context: BrowserContext, url: string): Promise<readonly [Page, HttpAgent]> {
  const page = await context.newPage();
  page.on('pageerror', (error) => console.error(`the page threw: ${error.message}`));
  await page.goto(url);
  return [page, await agentOfPage(page)];
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(USAGE.trim());
    return;
  }
  const option = optionsOf(args);
  const times = Number(option('--times', '20'));
  const lanes = Number(option('--lanes', '4'));
  const seed = option('--seed', 'kills');
  const prng = createPrng(seed);
  const notes: Verified[] = [];
  const tally: Tally = {
    repliesChecked: 0,
    pastExpiry: 0,
    lost: 0,
    countersEqual: true,
    reopenMs: [],
  };
  const app = await openBuiltApp();
  try {
    const subnets = option('--subnets', 'system:1,application:4,application:4');
    const url = `${app.url}?${new URLSearchParams({ subnets, pace: 'turbo' }).toString()}`;
    const context = await app.browser.newContext();
    let [page, agent] = await open(context, url);
    const ranges = await page.evaluate(() =>
      window.networkUnderTest?.topology().subnets.map((one) => one.canisterRanges[0]?.[0] ?? ''),
    );
    const pair = await installPair(agent, [ranges?.at(-1) ?? '', ranges?.at(-2) ?? '']);
    for (let kill = 1; kill <= times; kill += 1) {
      await loadAndKill(page, agent, pair, { lanes, prng, notes });
      const startedMs = Date.now();
      [page, agent] = await open(context, url);
      await callerOf(agent, pair).facts();
      tally.reopenMs.push(Date.now() - startedMs);
      await check(agent, pair, notes, tally);
      console.error(`kill ${kill}: ${notes.length} verified, ${tally.lost} lost`);
    }
    const { reopenMs, ...counts } = tally;
    const result = {
      seed,
      kills: times,
      verified: notes.length,
      ...counts,
      slowestReopenMs: round(Math.max(...reopenMs), 0),
      load: loadavg()[0],
    };
    console.log(args.includes('--json') ? JSON.stringify(result) : result);
  } finally {
    await app.close();
  }
}

await main(process.argv.slice(2));
