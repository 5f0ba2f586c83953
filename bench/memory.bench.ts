import { compileWat } from '../tests/support/wat.ts';
import { replyOf, TestCanister } from '../tests/support/test-canister.ts';
import { createSandbox } from '../src/sandbox/sandbox.ts';

const USAGE = `
npm run bench -- memory [--json] [--count N]
What a message costs in the sandbox by the size of the heap: an update that touches one page, one that
traps after it, one that touches 256 pages, at 1, 16, 128 and 512 MB of non-zero heap; and one call of
stable64_write and stable64_read for 8 B, 1 KB and 64 KB, at
offsets all over 1 MB. Microseconds, medians of interleaved runs, in Node.
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
    (func $touch (param $pages i32) (local $at i32)
      (global.set $n (i32.add (global.get $n) (i32.const 1)))
      (loop
        (i32.store offset=8 (local.get $at) (global.get $n))
        (local.set $at (i32.add (local.get $at) (i32.const 4096)))
        (br_if 0 (local.tee $pages (i32.sub (local.get $pages) (i32.const 1))))))
    (func (export "canister_update one") (call $touch (i32.const 1)) (call $reply))
    (func (export "canister_update many") (call $touch (i32.const ${MANY_PAGES})) (call $reply))
    (func (export "canister_update trap") (call $touch (i32.const 1)) unreachable))`;
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

async function heaps(count: number) {
  const canisters: (readonly [number, TestCanister])[] = [];
  for (const megabytes of SIZES_MB) {
    canisters.push([megabytes, await installed(heapCanister(megabytes))]);
  }
  const methods = ['one', 'trap', 'many'] as const;
  const times = new Map<string, number[]>();
  for (let run = 0; run < count + 20; run += 1) {
    for (const [megabytes, canister] of canisters) {
      for (const method of methods) {
        const tookUs = timeUs(canister, method);
        if (run >= 20) {
          const key = `${method}${megabytes}`;
          times.set(key, [...(times.get(key) ?? []), tookUs]);
        }
      }
    }
  }
  const of = (method: string, megabytes: number): number =>
    median(times.get(`${method}${megabytes}`) ?? []);
  const sizes = SIZES_MB.map((megabytes) => ({
    megabytes,
    updateUs: rounded(of('one', megabytes)),
    trapUs: rounded(of('trap', megabytes)),
    perDirtyPageUs: rounded((of('many', megabytes) - of('one', megabytes)) / (MANY_PAGES - 1), 2),
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

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(USAGE.trim());
    return;
  }
  const at = args.indexOf('--count');
  const count = at === -1 ? 200 : Number(args[at + 1]);
  const result = { ...(await heaps(count)), stable: await stable(count) };
  console.log(args.includes('--json') ? JSON.stringify(result) : result);
}

await main(process.argv.slice(2));
