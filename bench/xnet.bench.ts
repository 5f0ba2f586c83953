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
npm run bench -- xnet [--json] [--rounds 8] [--lanes 200] [--seconds 20] [--parts idle,load,cpu]
Two 4-node subnets in the page. idle, at the pace "classroom" (some three blocks a second): a canister of one calls one of the
other again and again, and nothing else happens; idleRoundTripBlocks and p50Ms: medians of the distance between
callbacks, in blocks of the caller's subnet and in milliseconds of its block time. load, at the pace "turbo": so many
calls are under way at once; messagesPerSecond: requests that arrived (as many answers went back).
cpu: three 4-node subnets, notaries waiting long enough for a block a second; cpuShare: processor time of the whole
browser, of two cores.
`;

const TWO = 'system:4,application:4';
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
  readonly caller: Principal;
  readonly callee: Principal;
}

async function openPage(app: BuiltApp, parameters: Record<string, string>): Promise<Page> {
  const page = await app.browser.newPage();
  page.on('pageerror', (error) => console.error(`the page threw: ${error.message}`));
  await page.goto(`${app.url}?${new URLSearchParams(parameters).toString()}`);
  return page;
}

/** Two subnets with a pinger each; the caller is on the root. */
async function openScene(app: BuiltApp, pace: string): Promise<Scene> {
  const page = await openPage(app, { subnets: TWO, pace });
  const agent = await agentOfPage(page);
  const ranges = await page.evaluate(() =>
    window.networkUnderTest?.topology().subnets.map((one) => one.canisterRanges[0]?.[0] ?? ''),
  );
  const caller = await installPinger(agent, ranges?.[0] ?? '');
  const callee = await installPinger(agent, ranges?.[1] ?? '');
  return { page, agent, caller, callee };
}

/** From now on the page notes the block times of the caller's subnet. */
async function watchBlocks({ page }: Scene): Promise<void> {
  await page.evaluate(() => {
    const network = window.networkUnderTest;
    const own = new Set<string>(network?.topology().subnets[0]?.nodes.map(({ nodeId }) => nodeId));
    const heightAt = new Map<bigint, number>();
    window.heightAt = heightAt;
    network?.events.subscribe(({ from, events }) => {
      for (const event of own.has(from) ? events : []) {
        if (event.kind === 'executed') {
          heightAt.set(event.timeNs, event.height);
        }
      }
    });
  });
}

/** Round trips one after another: the answer's callback makes the next call. */
async function pingPong(scene: Scene, rounds: number) {
  await watchBlocks(scene);
  const { page, agent, caller, callee } = scene;
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

async function idle(app: BuiltApp, rounds: number) {
  const scene = await openScene(app, 'classroom');
  const { blocks, ms, all } = await pingPong(scene, rounds);
  await scene.page.close();
  return { idleRoundTripBlocks: blocks, p50Ms: ms, roundTripsBlocks: all };
}

async function load(app: BuiltApp, rounds: number, lanes: number, seconds: number) {
  const scene = await openScene(app, 'turbo');
  const { page, agent, caller, callee } = scene;
  const alone = await pingPong(scene, rounds);
  await startPings(agent, caller, { callee, lanes, following: ENOUGH });
  const before = await stateOf(agent, callee);
  const watched = await watchLoad(app.browser, page, seconds);
  const after = await stateOf(agent, callee);
  const { rejected } = await stateOf(agent, caller);
  await page.close();
  const messages = after.received - before.received;
  return {
    messagesPerSecond: round(messages / watched.elapsed),
    load: {
      lanes,
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
  const lanes = Number(option('--lanes', '200'));
  const seconds = Number(option('--seconds', '20'));
  const parts = option('--parts', 'idle,load,cpu').split(',');
  const app = await openBuiltApp();
  try {
    const result = {
      ...(parts.includes('idle') && (await idle(app, rounds))),
      ...(parts.includes('load') && (await load(app, rounds, lanes, seconds))),
      ...(parts.includes('cpu') && (await cpu(app, seconds))),
      machineLoad: loadavg()[0],
    };
    console.log(args.includes('--json') ? JSON.stringify(result) : result);
  } finally {
    await app.close();
  }
}

await main(process.argv.slice(2));
