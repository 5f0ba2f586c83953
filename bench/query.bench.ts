import type { Page } from 'playwright-core';
import { openBuiltApp, openNetwork, percentile, round } from '../tests/support/browser.ts';
import { addBrowserClient, deployCounter } from '../tests/support/browser-agent.ts';
import { compileWat } from '../tests/support/wat.ts';

const USAGE = `
npm run bench -- query [--json] [--count N] [--nodes N] [--pace mainnet|classroom|turbo] [--busy]
Sequential queries of a Motoko counter, 4 nodes, without the agent's own verification, ms. Unless a pace
is told: at the page's own pace, and in turbo, where queries compete with signatures for every core.
  busy   queries of a canister that works at an update of 2 billion instructions, and of one beside it,
         against the same queries just before and after (target: p95 three times the idle one)
--busy measures only that. Each node executes the update: with fewer cores than nodes queries wait for the
operating system too, so the processor's share is told as cores.
`;

const COUNT = 100;
const BUSY_TURNS = 4;
const IDLE_QUERIES_PER_TURN = 100;

/** `long`: some 2 billion instructions; `get` answers a Candid nat, as the counter does. */
const BUSY = `(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (memory 1)
  (data (i32.const 0) "DIDL\\00\\01\\7d\\2a")
  (func $spin (param $n i64)
    (local $i i64)
    (loop $again
      (i64.store offset=64 (i32.wrap_i64 (i64.and (local.get $i) (i64.const 32760))) (local.get $i))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br_if $again (i64.lt_u (local.get $i) (local.get $n)))))
  (func (export "canister_update long") (call $spin (i64.const 140000000)) (call $reply))
  (func (export "canister_query get") (call $append (i32.const 0) (i32.const 8)) (call $reply)))`;

async function measure(app: Awaited<ReturnType<typeof openBuiltApp>>, pace: string, count: number) {
  const page = await openNetwork(app, { nodes: '4', pace });
  const canisterId = await deployCounter(page);
  const times = await page.evaluate(
    async ([id, calls]) => {
      const client = await window.subnetariumClient;
      await client?.timeQueries(id, 5);
      return client?.timeQueries(id, calls);
    },
    [canisterId, count] as const,
  );
  await page.close();
  const tookMs = times ?? [];
  return {
    p50Ms: round(percentile(tookMs, 50)),
    p95Ms: round(percentile(tookMs, 95)),
    count: tookMs.length,
    pace,
  };
}

async function deploy(page: Page, wasm: Uint8Array): Promise<string> {
  return page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    return (await window.subnetariumClient)?.deploy(bytes) ?? '';
  }, Buffer.from(wasm).toString('base64'));
}

/** Queries of `asked` while nothing else happens, and while `worker` works, in turns. */
async function turns(page: Page, worker: string, asked: string) {
  return page.evaluate(
    async ([busyId, id, count, perTurn]) => {
      const client = await window.subnetariumClient;
      const idle: number[] = [];
      const busy: number[] = [];
      if (client === undefined) {
        return { idle, busy };
      }
      await client.timeQueries(id, 5);
      for (let turn = 0; turn < count; turn += 1) {
        idle.push(...(await client.timeQueries(id, perTurn)));
        let done = false;
        const call = client.call(busyId, 'long').finally(() => {
          done = true;
        });
        // Accepted, in a block and begun.
        await new Promise((resolve) => setTimeout(resolve, 800));
        while (!done) {
          busy.push(...(await client.timeQueries(id, 1)));
        }
        await call;
      }
      return { idle, busy };
    },
    [worker, asked, BUSY_TURNS, IDLE_QUERIES_PER_TURN] as const,
  );
}

function compared({ idle, busy }: Awaited<ReturnType<typeof turns>>) {
  return {
    idleP50Ms: round(percentile(idle, 50)),
    idleP95Ms: round(percentile(idle, 95)),
    busyP50Ms: round(percentile(busy, 50)),
    busyP95Ms: round(percentile(busy, 95)),
    p95Ratio: round(percentile(busy, 95) / percentile(idle, 95), 2),
    count: busy.length,
  };
}

async function measureBusy(
  app: Awaited<ReturnType<typeof openBuiltApp>>,
  nodes: string,
  pace: string,
) {
  const page = await openNetwork(app, { nodes, pace });
  await addBrowserClient(page);
  const wasm = await compileWat(BUSY);
  const worker = await deploy(page, wasm);
  const beside = await deploy(page, wasm);
  const sameCanister = compared(await turns(page, worker, worker));
  const otherCanister = compared(await turns(page, worker, beside));
  const cores = await page.evaluate(() => navigator.hardwareConcurrency);
  await page.close();
  return { sameCanister, otherCanister, nodes: Number(nodes), cores, pace };
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(USAGE.trim());
    return;
  }
  const option = (name: string): string | undefined => {
    const at = args.indexOf(name);
    return at === -1 ? undefined : args[at + 1];
  };
  const count = Number(option('--count') ?? COUNT);
  const told = option('--pace');
  const app = await openBuiltApp();
  try {
    const busy = await measureBusy(app, option('--nodes') ?? '4', told ?? 'classroom');
    const result = args.includes('--busy')
      ? { busy }
      : {
          ...(await measure(app, told ?? 'classroom', count)),
          ...(told === undefined ? { turbo: await measure(app, 'turbo', count) } : {}),
          busy,
        };
    console.log(args.includes('--json') ? JSON.stringify(result) : result);
  } finally {
    await app.close();
  }
}

await main(process.argv.slice(2));
