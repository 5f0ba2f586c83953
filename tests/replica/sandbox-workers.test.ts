import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createPrng } from '../../src/base/prng.ts';
import { CLASSROOM_EXECUTION_LIMITS } from '../../src/protocol/limits/execution.ts';
import type { CanisterId } from '../../src/protocol/types/ids.ts';
import { CALLER_WAT, forwardTo } from '../support/caller-wat.ts';
import { SandboxWorkers } from '../support/sandbox-workers.ts';
import { TestSubnet } from '../support/test-subnet.ts';
import { compileWat } from '../support/wat.ts';

const SLICE = 100_000n;
const LIMITS = {
  ...CLASSROOM_EXECUTION_LIMITS,
  messageInstructions: 5_000_000n,
  sliceInstructions: SLICE,
  roundInstructions: 4n * SLICE,
  executionThreads: 4,
};

/** `spin n`: n turns of a loop that writes all over two pages. */
const SPIN = `
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_arg_data_copy" (func $arg (param i32 i32 i32)))
  (memory 2)
  (global $count (mut i32) (i32.const 0))
  (func $turns (local $n i32)
    (call $arg (i32.const 0) (i32.const 0) (i32.const 4))
    (local.set $n (i32.load (i32.const 0)))
    (loop $again
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (i32.store (i32.add (i32.const 1000) (i32.and (i32.mul (global.get $count) (i32.const 64)) (i32.const 65535))) (global.get $count))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $n) (i32.const 0)))))
  (func (export "canister_update spin") (call $turns)
    (i32.store (i32.const 16) (global.get $count))
    (call $append (i32.const 16) (i32.const 4))
    (call $reply))
  (func (export "canister_update trap") (call $turns) (unreachable)))
`;

function number(n: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, n, true);
  return bytes;
}

describe('several sandbox workers', () => {
  let spin: Uint8Array;
  let caller: Uint8Array;

  beforeAll(async () => {
    spin = await compileWat(SPIN);
    caller = await compileWat(CALLER_WAT);
  });

  /** Canisters 0 to 3 spin, 4 and 5 call each other. */
  const createCanisters = (subnet: TestSubnet): readonly CanisterId[] =>
    [spin, spin, spin, spin, caller, caller].map((wasm) => subnet.createWith(wasm));

  it('come to the states and instruction counts of one, whoever answers first and whichever dies', () => {
    const load = fc.array(
      fc.record({
        canister: fc.nat(5),
        traps: fc.boolean(),
        turns: fc.integer({ min: 1, max: 12_000 }),
        round: fc.nat(5),
      }),
      { minLength: 4, maxLength: 12 },
    );
    let kills = 0;
    fc.assert(
      fc.property(load, fc.string(), (calls, seed) => {
        const trails = [0, 1, 2, 4].map((workers) => {
          const subnet = new TestSubnet(LIMITS);
          const pool = workers === 0 ? null : new SandboxWorkers(workers, createPrng(seed), 5);
          subnet.runner = pool?.run;
          const ids = createCanisters(subnet);
          const trail: unknown[] = [];
          for (let round = 0; round < 14; round += 1) {
            const due = calls.filter((call) => call.round === round);
            const messages = due.map(({ canister, traps, turns }) => {
              const id = ids[canister] ?? ('none' as CanisterId);
              const other = ids[canister === 4 ? 5 : 4] ?? id;
              return canister < 4
                ? subnet.ingress(id, traps ? 'trap' : 'spin', number(turns))
                : subnet.ingress(id, 'forward', forwardTo(other, traps ? 'refuse' : 'echo'));
            });
            subnet.round(messages, { isCheckpoint: round % 10 === 9 });
            trail.push(subnet.fingerprint());
          }
          expect(pool?.faults ?? []).toEqual([]);
          kills += pool?.kills ?? 0;
          pool?.close();
          return { trail, trace: subnet.trace, executed: subnet.executed };
        });
        for (const other of trails.slice(1)) {
          expect(other).toEqual(trails[0]);
        }
      }),
      { numRuns: 5, seed: 20_261_122 },
    );
    expect(kills).toBeGreaterThan(10);
  });

  it.each([1, 2, 4])('%i work at the same time on the threads of a round', (workers) => {
    const subnet = new TestSubnet(LIMITS);
    const pool = new SandboxWorkers(workers, createPrng('busy'));
    subnet.runner = pool.run;
    const ids = createCanisters(subnet).slice(0, 4);
    pool.busiest = 0;
    subnet.round(ids.map((id) => subnet.ingress(id, 'spin', number(100))));
    expect(pool.busiest).toBe(workers);
    expect(pool.running()).toBe(workers);
    pool.close();
  });
});
