import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { WasmHost } from '../../src/protocol/interfaces/wasm-host.ts';
import { CLASSROOM_EXECUTION_LIMITS } from '../../src/protocol/limits/execution.ts';
import type { SignedIngress } from '../../src/protocol/interfaces/replica.ts';
import { decodeCanister } from '../../src/protocol/replicated-state/decode-state.ts';
import { encodeCanister } from '../../src/protocol/replicated-state/encode-state.ts';
import { isPaused } from '../../src/protocol/replicated-state/schedule.ts';
import type { CanisterId } from '../../src/protocol/types/ids.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { TestSubnet } from '../support/test-subnet.ts';
import { compileWat } from '../support/wat.ts';

const SLICE = 100_000n;
const LIMITS = {
  ...CLASSROOM_EXECUTION_LIMITS,
  messageInstructions: 5_000_000n,
  sliceInstructions: SLICE,
  installInstructions: 5_000_000n,
  installSliceInstructions: SLICE,
  roundInstructions: 4n * SLICE,
  subnetMessageInstructions: SLICE,
};

/** `spin n`: n turns of a loop, stores each number, replies with time at start and end. */
const MODULE = `
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_arg_data_copy" (func $arg (param i32 i32 i32)))
  (import "ic0" "msg_arg_data_size" (func $argSize (result i32)))
  (import "ic0" "time" (func $time (result i64)))
  (import "ic0" "call_new" (func $call_new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_on_cleanup" (func $on_cleanup (param i32 i32)))
  (import "ic0" "call_data_append" (func $call_data (param i32 i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (import "ic0" "canister_self_copy" (func $self (param i32 i32 i32)))
  (memory 2)
  (table funcref (elem $on_reply $on_reply_trap $cleanup))
  (data (i32.const 100) "spin")
  (global $count (mut i32) (i32.const 0))
  (func $turns
    (call $arg (i32.const 0) (i32.const 0) (i32.const 4))
    (call $loop (i32.load (i32.const 0))))
  (func $loop (param $n i32)
    (loop $again
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (i32.store (i32.add (i32.const 1000) (i32.and (i32.mul (global.get $count) (i32.const 64)) (i32.const 65535))) (global.get $count))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $n) (i32.const 0)))))
  (func $answer
    (i32.store (i32.const 16) (global.get $count))
    (call $append (i32.const 16) (i32.const 4))
    (call $reply))
  (func $init (if (call $argSize) (then (call $turns))))
  (func (export "canister_init") (call $init))
  (func (export "canister_post_upgrade") (call $init))
  (func (export "canister_pre_upgrade") (call $loop (i32.const 30000)))
  (func (export "canister_update spin") (call $turns) (call $answer))
  (func (export "canister_update trap") (call $turns) (unreachable))
  (func (export "canister_update clock")
    (i64.store (i32.const 32) (call $time))
    (call $turns)
    (i64.store (i32.const 40) (call $time))
    (call $append (i32.const 32) (i32.const 16))
    (call $reply))
  (func (export "canister_query count") (call $answer))
  (func $call_self (param $handler i32)
    (call $self (i32.const 200) (i32.const 0) (i32.const 10))
    (call $call_new (i32.const 200) (i32.const 10) (i32.const 100) (i32.const 4) (local.get $handler) (i32.const 30000) (local.get $handler) (i32.const 30000))
    (call $on_cleanup (i32.const 2) (i32.const 50000))
    (call $arg (i32.const 0) (i32.const 0) (i32.const 4))
    (call $call_data (i32.const 0) (i32.const 4))
    (drop (call $perform)))
  (func (export "canister_update call") (call $call_self (i32.const 0)))
  (func (export "canister_update call_trap") (call $call_self (i32.const 1)))
  (func $on_reply (param $n i32) (call $loop (local.get $n)) (call $answer))
  (func $on_reply_trap (param $n i32) (call $loop (local.get $n)) (unreachable))
  (func $cleanup (param $n i32) (call $loop (local.get $n))))
`;

function number(n: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, n, true);
  return bytes;
}

function hex(n: number): string {
  return Buffer.from(number(n)).toString('hex');
}

describe('messages that take several rounds', () => {
  let wasm: Uint8Array;
  let subnet: TestSubnet;
  let id: CanisterId;

  beforeAll(async () => {
    wasm = await compileWat(MODULE);
  });

  function start(limits = LIMITS): void {
    subnet = new TestSubnet(limits);
    id = subnet.createWith(wasm);
  }

  /** Rounds until an answer is there. */
  function finish(message: SignedIngress, checkpoints = false): number {
    for (let rounds = 1; rounds < 200; rounds += 1) {
      subnet.round(rounds === 1 ? [message] : [], {
        isCheckpoint: checkpoints && rounds % 3 === 0,
      });
      expect(subnet.imbalance).toBe(0n);
      if (/^(?!received|processing)/.test(subnet.answerOf(message))) {
        return rounds;
      }
    }
    return 200;
  }

  it('pauses at the end of its slice, shows nothing meanwhile, and commits at the end', () => {
    start();
    const { cycles } = subnet.canister(id);
    const message = subnet.ingress(id, 'spin', number(30_000));
    subnet.round([message]);
    expect(subnet.answerOf(message)).toBe('processing');
    expect(isPaused(subnet.canister(id))).toBe(true);
    expect(subnet.query(id, 'count').toString('hex')).toBe(hex(0));
    // All that it may cost is taken already, with what its induction cost.
    const paused = subnet.canister(id);
    const prepaid = ((5_000_000n + LIMITS.messageInstructions) * 4n) / 13n;
    expect(paused.longExecution?.prepaid).toBe(prepaid);
    expect(cycles - paused.cycles - prepaid).toBe(((1_200_000n + 2000n * 8n) * 4n) / 13n);
    const rounds = finish(message);
    expect(rounds).toBeGreaterThan(3);
    expect(subnet.answerOf(message)).toBe(hex(30_000));
    expect(subnet.canister(id).longExecution).toBeNull();
    expect(subnet.canister(id).cycles).toBeLessThan(paused.cycles + prepaid);
    expect(subnet.canister(id).cycles).toBeGreaterThan(paused.cycles);
    const whole = new TestSubnet({ ...LIMITS, sliceInstructions: LIMITS.messageInstructions });
    const other = whole.createWith(wasm);
    expect(whole.call(other, 'spin', number(30_000))).toEqual({ answer: hex(30_000), rounds: 1 });
    expect(instructionsOf(whole, 'spin')).toEqual(instructionsOf(subnet, 'spin'));
    expect(whole.canister(other).execution?.globals).toEqual(
      subnet.canister(id).execution?.globals,
    );
    expect(whole.canister(other).cycles).toBe(subnet.canister(id).cycles);
  });

  it('sees one time throughout, that of the round in which it began', () => {
    start();
    const message = subnet.ingress(id, 'clock', number(30_000));
    const began = subnet.state.timeNs + 1_000_000_000n;
    expect(finish(message)).toBeGreaterThan(3);
    const reply = Buffer.from(subnet.answerOf(message), 'hex');
    expect(reply.readBigUInt64LE(0)).toBe(began);
    expect(reply.readBigUInt64LE(8)).toBe(began);
  });

  it('lets other canisters run, and its own other messages wait', () => {
    start();
    const other = subnet.createWith(wasm);
    const long = subnet.ingress(id, 'spin', number(30_000));
    const second = subnet.ingress(id, 'spin', number(1));
    const beside = subnet.ingress(other, 'spin', number(1));
    subnet.round([long, second, beside]);
    expect(subnet.answerOf(long)).toBe('processing');
    expect(subnet.answerOf(second)).toBe('received');
    expect(subnet.answerOf(beside)).toBe(hex(1));
    finish(long);
    subnet.round();
    expect(subnet.answerOf(second)).toBe(hex(30_001));
  });

  it('undoes all of a message that traps in a late slice, and charges what it used', () => {
    start();
    const message = subnet.ingress(id, 'trap', number(30_000));
    const before = subnet.canister(id);
    expect(finish(message)).toBeGreaterThan(3);
    expect(subnet.answerOf(message)).toMatch(/^IC0502: .*unreachable/);
    expect(subnet.query(id, 'count').toString('hex')).toBe(hex(0));
    expect(subnet.canister(id).execution).toEqual(before.execution);
    expect(before.cycles - subnet.canister(id).cycles).toBeGreaterThan((30_000n * 10n) / 13n);
  });

  it('ends at the limit of a message, however many slices that takes', () => {
    start();
    const message = subnet.ingress(id, 'spin', number(2_000_000_000));
    expect(finish(message)).toBe(Number(LIMITS.messageInstructions / SLICE));
    expect(subnet.answerOf(message)).toMatch(
      /^IC0522: .*exceeded the limit of 5000000 instructions/,
    );
    expect(instructionsOf(subnet, 'spin')).toBe(LIMITS.messageInstructions);
  });

  it('begins anew after a checkpoint, and no node needs the sandbox of another', () => {
    start();
    const plain = subnet.ingress(id, 'spin', number(9_000));
    expect(finish(plain, true)).toBeLessThan(10);
    const message = subnet.ingress(id, 'spin', number(9_000));
    subnet.round([message], { isCheckpoint: true });
    const aborted = subnet.canister(id);
    expect(aborted.longExecution).toMatchObject({ paused: null });
    const decoded = decodeCanister(encodeCanister(aborted));
    expect(decoded.ok && decoded.value.longExecution).toEqual(aborted.longExecution);
    expect(decoded.ok && encodeCanister(decoded.value)).toEqual(encodeCanister(aborted));
    expect(finish(subnet.ingress(id, 'spin', number(1)))).toBeGreaterThan(1);
    expect(subnet.answerOf(message)).toBe(hex(18_000));
  });

  it('begins anew with what was paid for it, however poor its canister got', () => {
    start();
    const message = subnet.ingress(id, 'spin', number(9_000));
    subnet.round([message]);
    subnet.round([], { isCheckpoint: true });
    const aborted = subnet.canister(id);
    expect(aborted.longExecution).toMatchObject({ paused: null });
    const total = subnet.totalCycles();
    // It would be frozen now: no new message begins.
    const settings = { ...aborted.settings, freezingThresholdSeconds: 10n ** 15n };
    const canisters = subnet.state.canisters.set(id, { ...aborted, settings });
    subnet.state = { ...subnet.state, canisters };
    for (let rounds = 0; rounds < 20; rounds += 1) {
      subnet.round();
      expect(subnet.imbalance).toBe(0n);
    }
    expect(subnet.answerOf(message)).toBe(hex(9_000));
    expect(subnet.canister(id).cycles).toBeGreaterThan(aborted.cycles);
    expect(subnet.totalCycles()).toBe(total);
    expect(subnet.call(id, 'spin', number(1)).answer).toMatch(/^IC0207/);
  });

  it('ends although its slices do not fit between two checkpoints', () => {
    start();
    const message = subnet.ingress(id, 'spin', number(100_000));
    for (
      let rounds = 1;
      rounds < 100 && !/^[0-9a-f]+$/.test(subnet.answerOf(message));
      rounds += 1
    ) {
      subnet.round(rounds === 1 ? [message] : [], { isCheckpoint: subnet.state.height % 10 === 9 });
    }
    expect(subnet.answerOf(message)).toBe(hex(100_000));
  });

  it('takes slices for callbacks and their cleanup', () => {
    start();
    const good = subnet.ingress(id, 'call', number(30_000));
    expect(finish(good)).toBeGreaterThan(6);
    expect(subnet.answerOf(good)).toBe(hex(60_000));
    const bad = subnet.ingress(id, 'call_trap', number(30_000));
    expect(finish(bad)).toBeGreaterThan(10);
    expect(subnet.answerOf(bad)).toMatch(/^IC0503|^IC0502/);
    // The callee's 30,000 and the cleanup's 50,000 stay.
    expect(subnet.query(id, 'count').toString('hex')).toBe(hex(140_000));
  });

  it('installs and upgrades in slices; other installations and calls about the canister wait', () => {
    start();
    const slow = subnet.create();
    const second = subnet.create();
    const install = subnet.installMessage(slow, wasm, number(30_000));
    subnet.round([install]);
    expect(subnet.answerOf(install)).toBe('processing');
    expect(isPaused(subnet.canister(slow))).toBe(true);
    const stop = subnet.manage(slow, 'stop_canister');
    const waits = subnet.installMessage(second, wasm);
    subnet.round([stop, waits]);
    expect(subnet.answerOf(stop)).toBe('received');
    expect(subnet.answerOf(waits)).toBe('received');
    finish(install);
    subnet.round();
    subnet.round();
    expect(subnet.answerOf(install)).not.toMatch(/^IC/);
    expect(subnet.canister(slow).status).toBe('stopped');
    expect(subnet.canister(second).execution).not.toBeNull();
    const upgrade = subnet.installMessage(id, wasm, number(20_000), 'upgrade');
    expect(finish(upgrade)).toBeGreaterThan(4);
    expect(subnet.answerOf(upgrade)).not.toMatch(/^IC/);
    expect(subnet.query(id, 'count').toString('hex')).toBe(hex(20_000));
  });

  it('holds charges back while a message counts on the balance', () => {
    start();
    const long = subnet.ingress(id, 'spin', number(30_000));
    subnet.round([long]);
    const { cycles } = subnet.canister(id);
    subnet.round([subnet.ingress(id, 'spin', number(1))], { afterNs: 20_000_000_000n });
    expect(subnet.canister(id).cycles).toBe(cycles);
    expect(subnet.canister(id).longExecution?.heldCharges).toBeGreaterThan(0n);
    finish(long);
    expect(subnet.imbalance).toBe(0n);
  });

  it('keeps four paused, and the others begin anew', () => {
    start({ ...LIMITS, executionThreads: 4 });
    const ids = [id, ...[1, 2, 3, 4, 5].map(() => subnet.createWith(wasm))];
    const messages = ids.map((one) => subnet.ingress(one, 'spin', number(30_000)));
    subnet.round(messages);
    subnet.round();
    const paused = ids.filter((one) => isPaused(subnet.canister(one)));
    expect(paused.length).toBeLessThanOrEqual(4);
    for (let rounds = 0; rounds < 60; rounds += 1) {
      subnet.round();
    }
    expect(messages.map((message) => subnet.answerOf(message))).toEqual(ids.map(() => hex(30_000)));
  });

  it('comes to the same state whatever the sandbox lost and in whatever order threads ran', () => {
    const load = fc.array(
      fc.record({
        canister: fc.nat(2),
        method: fc.constantFrom('spin', 'trap', 'call', 'call_trap', 'clock'),
        turns: fc.integer({ min: 1, max: 12_000 }),
        round: fc.nat(6),
      }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(load, fc.nat(1000), (calls, seed) => {
        const results = [0, 1, 2].map((variant) => {
          const node = new TestSubnet({ ...LIMITS, executionThreads: 3 });
          const ids = [0, 1, 2].map(() => node.createWith(wasm));
          let picked = seed;
          if (variant > 0) {
            node.pick = (count) => {
              picked = (picked * 7 + 5) % 1009;
              return picked % count;
            };
          }
          const trail: unknown[] = [];
          for (let round = 0; round < 40; round += 1) {
            if (variant === 2 && round % 2 === 1) {
              node.loseSandbox();
            }
            const due = calls.filter((call) => call.round === round);
            node.round(
              due.map(({ canister, method, turns }) =>
                node.ingress(ids[canister] ?? ('none' as CanisterId), method, number(turns)),
              ),
              { isCheckpoint: round % 10 === 9 },
            );
            trail.push(node.fingerprint());
          }
          return trail;
        });
        expect(results[1]).toEqual(results[0]);
        expect(results[2]).toEqual(results[0]);
      }),
      { numRuns: 12, seed: 20_261_121 },
    );
  });
});

function instructionsOf(subnet: TestSubnet, method: string): bigint | undefined {
  for (const event of subnet.trace) {
    if (event.kind === 'messageExecuted' && event.method === method) {
      return event.instructions;
    }
  }
  return undefined;
}

it('a sandbox names what is paused, and forgets what is dropped', async () => {
  const host: WasmHost = createSandbox();
  expect(host.handle({ kind: 'resume', canisterId: '01' as CanisterId, commitAs: 1 })).toEqual({
    kind: 'notPaused',
  });
});
