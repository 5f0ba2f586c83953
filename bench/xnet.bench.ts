import { cpus, loadavg } from 'node:os';
import type { HttpAgent } from '@icp-sdk/core/agent';
import type { Principal } from '@icp-sdk/core/principal';
import type { Page } from 'playwright-core';
import { type BuiltApp, openBuiltApp, percentile, round } from '../tests/support/browser.ts';
import { agentOfPage } from '../tests/support/page-agent.ts';
import { optionsOf } from './options.ts';
import { untilFinalized, watchLoad } from './tab-load.ts';
import { answerTimes, installPinger, startPings, stateOf } from './xnet-canister.ts';

const USAGE = `
npm run bench -- xnet [--json] [--rounds 8] [--pairs 4] [--lanes 400] [--seconds 20] [--parts idle,load,cpu]
Two 4-node subnets in the page. idle, at the pace "classroom" (some three blocks a second): a canister of one calls one of the
other again and again, and nothing else happens; idleRoundTripBlocks and p50Ms: medians of the distance between
callbacks, in blocks of the caller's subnet and in milliseconds of its block time. load, at the pace "turbo": so many
pairs of canisters on two 4-node application subnets (streams of a system subnet hold 200 messages at most) with so
many calls of each under way at once (a queue has room for 500), beside a root of one node; messagesPerSecond:
requests that arrived (as many answers went back).
cpu: three 4-node subnets, notaries waiting long enough for a block a second; cpuShare: processor time of the whole
browser, of two cores.
`;

const TWO = 'system:4,application:4';
const TWO_APPLICATION = 'system:1,application:4,application:4';
const THREE = 'system:4,application:4,application:4';
/** Cores that the target is stated for. */
const CORES = 2;
const ENOUGH = 2 ** 31 - 1;
/** With what gossip and signatures take after it, a block a second. */
const SECOND_PER_BLOCK = { pace: 'classroom', notaryDelay: '950' };

declare global {
  interface Window {
    /** Heights of the caller's subnet by their block time, ns. */
    heightAt?: ReadonlyMap<bigint, number>;
  }
}

interface Scene {
  readonly page: Page;
  readonly agent: HttpAgent;
  /** The subnet that calls, and the one that is called. */
  readonly subnets: readonly [number, number];
  readonly pairs: readonly Pair[];
}

interface Pair {
  readonly caller: Principal;
  readonly callee: Principal;
}

async function openPage(app: BuiltApp, parameters: Record<string, string>): Promise<Page> {
  const page = await app.browser.newPage();
  page.on('pageerror', (error) => console.error(`the page threw: ${error.message}`));
  await page.goto(`${app.url}?${new URLSearchParams(parameters).toString()}`);
  return page;
}

/** Pairs of pingers on the first two of these subnets, or on the two after the first. */
async function openScene(
  app: BuiltApp,
  { pairs: count, ...parameters }: { subnets: string; pace: string; pairs: number },
): Promise<Scene> {
  const page = await openPage(app, parameters);
  const agent = await agentOfPage(page);
  const ranges = await page.evaluate(() =>
    window.networkUnderTest?.topology().subnets.map((one) => one.canisterRanges[0]?.[0] ?? ''),
  );
  const subnets = ranges?.length === 2 ? ([0, 1] as const) : ([1, 2] as const);
  const pairs: Pair[] = [];
  while (pairs.length < count) {
    const caller = await installPinger(agent, ranges?.[subnets[0]] ?? '');
    const callee = await installPinger(agent, ranges?.[subnets[1]] ?? '');
    pairs.push({ caller, callee });
  }
  return { page, agent, subnets, pairs };
}

/** From now on the page notes the block times of the caller's subnet. */
async function watchBlocks({ page, subnets: [subnet] }: Scene): Promise<void> {
  await page.evaluate((at) => {
    const network = window.networkUnderTest;
    const own = new Set<string>(network?.topology().subnets[at]?.nodes.map(({ nodeId }) => nodeId));
    const heightAt = new Map<bigint, number>();
    window.heightAt = heightAt;
    network?.events.subscribe(({ from, events }) => {
      for (const event of own.has(from) ? events : []) {
        if (event.kind === 'executed') {
          heightAt.set(event.timeNs, event.height);
        }
      }
    });
  }, subnet);
}

/** Round trips one after another: the answer's callback makes the next call. */
async function pingPong(scene: Scene, rounds: number) {
  await watchBlocks(scene);
  const { page, agent } = scene;
  const { caller, callee } = firstOf(scene);
  await startPings(agent, caller, { callee, lanes: 1, following: rounds - 1 });
  while ((await stateOf(agent, caller)).answered < rounds) {
    await page.waitForTimeout(500);
  }
  const times = await answerTimes(agent, caller);
  // What a node executed is told a moment later.
  await page.waitForFunction((last) => window.heightAt?.has(last) === true, times.at(-1) ?? 0n);
  const heights = await page.evaluate(
    (all) => all.map((time) => window.heightAt?.get(time) ?? Number.NaN),
    times,
  );
  const between = (values: readonly number[]): readonly number[] =>
    values.slice(1).map((value, at) => value - (values[at] ?? 0));
  const blocks = between(heights);
  return {
    blocks: percentile(blocks, 50),
    ms: round(percentile(between(times.map((time) => Number(time) / 1_000_000)), 50), 0),
    all: blocks,
  };
}

function firstOf({ pairs: [pair] }: Scene): Pair {
  if (pair === undefined) {
    throw new RangeError('--pairs needs at least 1');
  }
  return pair;
}

async function idle(app: BuiltApp, rounds: number) {
  const scene = await openScene(app, { subnets: TWO, pace: 'classroom', pairs: 1 });
  const { blocks, ms, all } = await pingPong(scene, rounds);
  await scene.page.close();
  return { idleRoundTripBlocks: blocks, p50Ms: ms, roundTripsBlocks: all };
}

async function load(
  app: BuiltApp,
  { rounds, lanes, seconds, count }: Record<'rounds' | 'lanes' | 'seconds' | 'count', number>,
) {
  const scene = await openScene(app, { subnets: TWO_APPLICATION, pace: 'turbo', pairs: count });
  const { page, agent, pairs } = scene;
  const alone = await pingPong(scene, rounds);
  await Promise.all(
    pairs.map(({ caller, callee }) =>
      startPings(agent, caller, { callee, lanes, following: ENOUGH }),
    ),
  );
  const total = async (of: keyof Pair, field: 'received' | 'rejected'): Promise<number> => {
    const states = await Promise.all(pairs.map((pair) => stateOf(agent, pair[of])));
    return states.reduce((sum, state) => sum + state[field], 0);
  };
  // The first round trip under load is of the crowd that starts at once.
  await page.waitForTimeout(5000);
  const before = await total('callee', 'received');
  const watched = await watchLoad(app.browser, page, seconds);
  const messages = (await total('callee', 'received')) - before;
  const rejected = await total('caller', 'rejected');
  await page.close();
  return {
    messagesPerSecond: round(messages / watched.elapsed),
    load: {
      lanes: lanes * count,
      rejected,
      messagesPerProcessorSecond: round(messages / watched.cpuSeconds),
      blocksPerSecond: watched.blocks.map((blocks) => round(blocks / watched.elapsed, 2)),
      turboRoundTripBlocks: alone.blocks,
      turboRoundTripMs: alone.ms,
    },
  };
}

async function cpu(app: BuiltApp, seconds: number) {
  const page = await openPage(app, { subnets: THREE, ...SECOND_PER_BLOCK });
  await agentOfPage(page);
  await untilFinalized(page, 5);
  const { elapsed, cpuSeconds, blocks } = await watchLoad(app.browser, page, seconds);
  await page.close();
  const made = blocks.reduce((sum, one) => sum + one, 0);
  return {
    cpuShare: round(cpuSeconds / elapsed / CORES, 3),
    cpu: {
      cores: cpus().length,
      blocksPerSecond: blocks.map((one) => round(one / elapsed, 2)),
      // On a busy machine blocks come late; what each costs does not depend on it.
      processorMsPerBlock: round((cpuSeconds * 1000) / made, 0),
    },
  };
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(USAGE.trim());
    return;
  }
  const option = optionsOf(args);
  const rounds = Number(option('--rounds', '8'));
  const lanes = Number(option('--lanes', '400'));
  const count = Number(option('--pairs', '4'));
  const seconds = Number(option('--seconds', '20'));
  const parts = option('--parts', 'idle,load,cpu').split(',');
  const app = await openBuiltApp();
  try {
    const result = {
      ...(parts.includes('idle') && (await idle(app, rounds))),
      ...(parts.includes('load') && (await load(app, { rounds, lanes, seconds, count }))),
      ...(parts.includes('cpu') && (await cpu(app, seconds))),
      machineLoad: loadavg()[0],
    };
    console.log(args.includes('--json') ? JSON.stringify(result) : result);
  } finally {
    await app.close();
  }
}

await main(process.argv.slice(2));
