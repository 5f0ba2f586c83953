import { measureTab } from './memory-in-tab.ts';
import { present } from '../src/base/assert.ts';
import { createTopologyReader } from '../src/protocol/canonical-state/canonical-state.ts';
import { CLASSROOM_EXECUTION_LIMITS } from '../src/protocol/limits/execution.ts';
import { createStateManager } from '../src/protocol/state-manager/state-manager.ts';
import type { CanisterId } from '../src/protocol/types/ids.ts';
import { TestSubnet } from '../tests/support/test-subnet.ts';
import { compileWat } from '../tests/support/wat.ts';
import { replyOf, TestCanister } from '../tests/support/test-canister.ts';
import { createSandbox } from '../src/sandbox/sandbox.ts';

const USAGE = `
npm run bench -- memory [--json] [--count N] [--no-tab | --only-tab]
What a message costs by the size of the heap: an update that touches one page, one that traps after it,
one that touches 256 pages next to each other or spread evenly over the heap, at 1, 16, 128 and 512 MB of non-zero heap. Microseconds, medians of
interleaved runs, in Node.
  whole    rounds of one message each, from the batch to the root of the certified state: scheduler,
           execution, sandbox, commit and hashing (no signatures)
  sandbox  the run alone, as the sandbox answers it
  tab      20 Motoko canisters on 13 nodes of one tab in Chromium, all updated at the same time: they
           need 260 Wasm memories, the tab has 56; how many updates were answered rightly
  stable   one call of stable64_write and stable64_read for 8 B, 1 KB and 64 KB, at offsets all over 1 MB
`;

const SIZES_MB = [1, 16, 128, 512] as const;
const MANY_PAGES = 256;
const STABLE_BYTES = [8, 1024, 65_536] as const;
const STABLE_CALLS = 20_000;
const STABLE_MB = 2;
/** Loops before the engine has compiled the host's part for good. */
const STABLE_WARM_UPS = 10;

/** A heap of so many MB with a byte in every page. */
function heapCanister(megabytes: number): string {
  return `(module
    (import "ic0" "msg_reply" (func $reply))
    (memory ${megabytes * 16})
    (global $n (mut i32) (i32.const 0))
    (func (export "canister_init") (local $at i32)
      (loop
        (i32.store (local.get $at) (i32.const 1))
        (local.set $at (i32.add (local.get $at) (i32.const 4096)))
        (br_if 0 (i32.lt_u (local.get $at) (i32.const ${megabytes * 1_048_576})))))
    (func $touch (param $pages i32) (param $step i32) (local $at i32)
      (global.set $n (i32.add (global.get $n) (i32.const 1)))
      (loop
        (i32.store offset=8 (local.get $at) (global.get $n))
        (local.set $at (i32.add (local.get $at) (local.get $step)))
        (br_if 0 (local.tee $pages (i32.sub (local.get $pages) (i32.const 1))))))
    (func (export "canister_update one") (call $touch (i32.const 1) (i32.const 0)) (call $reply))
    (func (export "canister_update many") (call $touch (i32.const ${MANY_PAGES}) (i32.const 4096)) (call $reply))
    (func (export "canister_update spread") (call $touch (i32.const ${MANY_PAGES}) (i32.const ${(megabytes * 1_048_576) / MANY_PAGES})) (call $reply))
    (func (export "canister_update trap") (call $touch (i32.const 1) (i32.const 0)) unreachable))`;
}

/** Loops of stable calls at offsets all over stable memory; an empty loop is measured too. */
function stableCanister(): string {
  const loops = STABLE_BYTES.flatMap((bytes) =>
    ['write', 'read'].map((name) => {
      const offset = `(i64.and (i64.mul (i64.extend_i32_u (local.get $i)) (i64.const 7_919_113)) (i64.const ${STABLE_MB * 524_288 - 1}))`;
      const operands =
        name === 'write'
          ? `${offset} (i64.const 0) (i64.const ${bytes})`
          : `(i64.const 0) ${offset} (i64.const ${bytes})`;
      return `(func (export "canister_update ${name}${bytes}") (local $i i32)
        (loop (call $${name} ${operands})
          (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${STABLE_CALLS}))))
        (call $reply))`;
    }),
  );
  return `(module
    (import "ic0" "msg_reply" (func $reply))
    (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
    (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
    (import "ic0" "stable64_read" (func $read (param i64 i64 i64)))
    (memory 2)
    (func (export "canister_init") (drop (call $grow (i64.const ${STABLE_MB * 16}))))
    (func (export "canister_update nothing") (local $i i32)
      (loop (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${STABLE_CALLS}))))
      (call $reply))
    ${loops.join('\n')})`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

const rounded = (value: number, digits = 1): number => Number(value.toFixed(digits));

async function installed(text: string): Promise<TestCanister> {
  const canister = new TestCanister(createSandbox(), await compileWat(text));
  canister.limit = 1_000_000_000_000n;
  const outcome = replyOf(canister.install());
  if (outcome !== 'none') {
    throw new TypeError(`the canister was not installed: ${String(outcome)}`);
  }
  return canister;
}

function timeUs(canister: TestCanister, method: string): number {
  const startedMs = performance.now();
  canister.update(method);
  const tookUs = (performance.now() - startedMs) * 1000;
  // Versions nobody uses are forgotten, as execution does it.
  canister.oldestVersionInUse = canister.version;
  return tookUs;
}

/** How long a method takes on a canister with such a heap. */
type TimeMethod = (megabytes: number, method: string) => number;

const METHODS = ['one', 'trap', 'many', 'spread'] as const;
const WARM_UPS = 50;

async function inSandbox(count: number) {
  const canisters = new Map<number, TestCanister>();
  for (const megabytes of SIZES_MB) {
    canisters.set(megabytes, await installed(heapCanister(megabytes)));
  }
  return bySize(count, (megabytes, method) =>
    timeUs(present(canisters.get(megabytes), 'there is one of each size'), method),
  );
}

async function inRounds(count: number) {
  const subnet = new TestSubnet({
    ...CLASSROOM_EXECUTION_LIMITS,
    // There are no checkpoints here to begin the count of changed pages anew.
    heapDeltaBytesPerCheckpoint: Number.MAX_SAFE_INTEGER,
    heapDeltaBytesAtOnce: Number.MAX_SAFE_INTEGER,
  });
  const topology = createTopologyReader(subnet.genesis, subnet.env.rootKeyDer);
  const canisters = new Map<number, CanisterId>();
  for (const megabytes of SIZES_MB) {
    canisters.set(megabytes, subnet.createWith(await compileWat(heapCanister(megabytes))));
  }
  const states = createStateManager(topology, subnet.state);
  return bySize(count, (megabytes, method) => {
    const canisterId = present(canisters.get(megabytes), 'there is one of each size');
    const message = subnet.ingress(canisterId, method, new Uint8Array(0));
    const startedMs = performance.now();
    subnet.round([message], { afterNs: 1_000_000n });
    states.commit(subnet.state, false);
    const tookUs = (performance.now() - startedMs) * 1000;
    states.purgeBelow(subnet.state.height);
    const outcome = subnet.statusOf(message)?.kind;
    if (outcome !== (method === 'trap' ? 'rejected' : 'replied')) {
      throw new TypeError(`${method} is ${String(outcome)}`);
    }
    return tookUs;
  });
}

function bySize(count: number, timeMethod: TimeMethod) {
  const times = new Map<string, number[]>();
  for (let run = 0; run < count + WARM_UPS; run += 1) {
    for (const megabytes of SIZES_MB) {
      for (const method of METHODS) {
        const tookUs = timeMethod(megabytes, method);
        if (run >= WARM_UPS) {
          const key = `${method}${megabytes}`;
          const list = times.get(key) ?? [];
          times.set(key, list);
          list.push(tookUs);
        }
      }
    }
  }
  const of = (method: string, megabytes: number): number =>
    median(times.get(`${method}${megabytes}`) ?? []);
  const perPage = (method: string, megabytes: number): number =>
    rounded((of(method, megabytes) - of('one', megabytes)) / (MANY_PAGES - 1), 2);
  const sizes = SIZES_MB.map((megabytes) => ({
    megabytes,
    updateUs: rounded(of('one', megabytes)),
    trapUs: rounded(of('trap', megabytes)),
    perDirtyPageUs: perPage('many', megabytes),
    perSpreadPageUs: perPage('spread', megabytes),
  }));
  return {
    ratio512to1: rounded(of('one', 512) / of('one', 1), 2),
    trapRatio512to1: rounded(of('trap', 512) / of('trap', 1), 2),
    sizes,
  };
}

async function stable(count: number) {
  const canister = await installed(stableCanister());
  const methods = [
    'nothing',
    ...STABLE_BYTES.flatMap((bytes) => [`write${bytes}`, `read${bytes}`]),
  ];
  const times = new Map<string, number[]>(methods.map((method) => [method, []]));
  const runs = Math.max(15, Math.floor(count / 5));
  for (let run = 0; run < STABLE_WARM_UPS + runs; run += 1) {
    for (const method of methods) {
      const tookUs = timeUs(canister, method);
      if (run >= STABLE_WARM_UPS) {
        times.get(method)?.push(tookUs);
      }
    }
  }
  const of = (method: string): number => median(times.get(method) ?? []);
  const perCall = (method: string): number =>
    rounded((of(method) - of('nothing')) / STABLE_CALLS, 2);
  return STABLE_BYTES.map((bytes) => ({
    bytes,
    writeUs: perCall(`write${bytes}`),
    readUs: perCall(`read${bytes}`),
  }));
}

async function inNode(count: number) {
  const whole = await inRounds(count);
  return {
    ratio512to1: whole.ratio512to1,
    trapRatio512to1: whole.trapRatio512to1,
    whole: whole.sizes,
    sandbox: await inSandbox(count),
    stable: await stable(count),
  };
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(USAGE.trim());
    return;
  }
  const at = args.indexOf('--count');
  const count = at === -1 ? 200 : Number(args[at + 1]);
  const result = {
    ...(args.includes('--only-tab') ? {} : await inNode(count)),
    ...(args.includes('--no-tab') ? {} : { tab: await measureTab() }),
  };
  console.log(args.includes('--json') ? JSON.stringify(result) : result);
}

await main(process.argv.slice(2));
