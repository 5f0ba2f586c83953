import { beforeAll, describe, expect, it } from 'vitest';
import type { SignedIngress } from '../../../src/protocol/interfaces/replica.ts';
import {
  CLASSROOM_EXECUTION_LIMITS,
  type ExecutionLimits,
} from '../../../src/protocol/limits/execution.ts';
import { DEFAULT_PRIORITY } from '../../../src/protocol/replicated-state/schedule.ts';
import type { CanisterId } from '../../../src/protocol/types/ids.ts';
import { TestSubnet } from '../../support/test-subnet.ts';
import { op, program } from '../../support/universal.ts';
import { universalWasm } from '../../support/universal-module.ts';

/** What one round has room for: spec/2 §2 and §3. */

const SHORT = program(op('reply')).bytes;
const RICH = 10n ** 17n;

let wasm: Uint8Array;
beforeAll(async () => {
  wasm = await universalWasm();
});

const subnetWith = (limits: Partial<ExecutionLimits>): TestSubnet =>
  new TestSubnet({ ...CLASSROOM_EXECUTION_LIMITS, messageInstructions: 100_000_000n, ...limits });

const shorts = (subnet: TestSubnet, id: CanisterId, count: number): readonly SignedIngress[] =>
  Array.from({ length: count }, () => subnet.ingress(id, 'update', SHORT));

const answered = (subnet: TestSubnet, messages: readonly SignedIngress[]): number =>
  messages.filter((message) => subnet.answerOf(message) === '').length;

describe('a round', () => {
  it('counts two million instructions for each message beside what it uses', () => {
    const subnet = subnetWith({ roundInstructions: 20_000_000n });
    const id = subnet.createWith(wasm, RICH);
    const messages = shorts(subnet, id, 30);
    subnet.round(messages);
    // The tenth begins below twenty million: none of them uses a tenth of a million by itself.
    expect(answered(subnet, messages)).toBe(10);
    subnet.round();
    expect(answered(subnet, messages)).toBe(20);
  });

  it('runs nothing else of a canister that ended a long message in it', () => {
    const subnet = subnetWith({ sliceInstructions: 1_000_000n, roundInstructions: 50_000_000n });
    const id = subnet.createWith(wasm, RICH);
    const spin = program(op('spin', 1_700_000), op('reply')).bytes;
    const long = subnet.ingress(id, 'update', spin);
    const after = shorts(subnet, id, 2);
    subnet.round([long, ...after]);
    let rounds = 1;
    for (; subnet.answerOf(long) !== '' && rounds < 100; rounds += 1) {
      expect(answered(subnet, after)).toBe(0);
      subnet.round();
    }
    expect(rounds).toBeGreaterThan(2);
    expect(answered(subnet, after)).toBe(0);
    subnet.round();
    expect(answered(subnet, after)).toBe(2);
  });

  it('gives long messages the threads that their canisters are entitled to, not all but one', () => {
    const subnet = subnetWith({
      executionThreads: 4,
      sliceInstructions: 1_000_000n,
      roundInstructions: 1n,
    });
    const ids = Array.from({ length: 6 }, () => subnet.createWith(wasm, RICH));
    const spin = program(op('spin', 8_000_000), op('reply')).bytes;
    const longs = ids.slice(0, 3).map((id) => subnet.ingress(id, 'update', spin));
    const messages = ids.slice(3).flatMap((id) => shorts(subnet, id, 30));
    subnet.round([...longs, ...messages]);
    for (let round = 0; round < 20; round += 1) {
      subnet.round();
    }
    expect(answered(subnet, longs)).toBe(0);
    // Half of three threads is due to the three long ones: two are kept for them, two for the others.
    expect(answered(subnet, messages)).toBeGreaterThanOrEqual(38);
    expect(answered(subnet, messages)).toBeLessThanOrEqual(48);
  });

  it('runs no canister once the subnet changed more memory than has come free since the checkpoint', () => {
    const page = 4096;
    const probe = subnetWith({});
    const { checkpointInterval } = probe.env;
    const subnet = subnetWith({
      heapDeltaBytesAtOnce: 10 * page,
      heapDeltaBytesPerCheckpoint: (10 + checkpointInterval) * page,
    });
    const id = subnet.createWith(wasm, RICH);
    while (subnet.state.height % checkpointInterval !== 0) {
      subnet.round();
    }
    const { state } = subnet;
    // One page comes free in each round: this much is below what is allowed from the fifth on.
    subnet.state = {
      ...state,
      schedule: { ...state.schedule, heapDeltaBytes: 10 * page + 3.5 * page },
    };
    const messages = shorts(subnet, id, 1);
    const ran: number[] = [];
    for (let round = 1; round <= 6; round += 1) {
      subnet.round(round === 1 ? messages : []);
      ran.push(answered(subnet, messages));
    }
    expect(ran).toEqual([0, 0, 0, 0, 1, 1]);
  });

  it('takes a fixed number of instructions off what an installation owes, and then it may go on', () => {
    const subnet = subnetWith({ installInstructionsPerRound: 1_000_000n });
    const id = subnet.createWith(wasm, RICH);
    const { schedule } = subnet.state;
    const priorities = schedule.priorities.set(id, {
      ...DEFAULT_PRIORITY,
      installCodeDebit: 2_500_000n,
    });
    subnet.state = { ...subnet.state, schedule: { ...schedule, priorities } };
    const owed = (): bigint | undefined =>
      subnet.state.schedule.priorities.get(id)?.installCodeDebit;
    const reinstall = (): void => subnet.install(id, wasm, new Uint8Array(0), 'reinstall');
    for (const left of [1_500_000n, 500_000n]) {
      expect(reinstall).toThrow(/^IC0209: /);
      expect(owed()).toBe(left);
    }
    expect(reinstall).toThrow(/^IC0209: /);
    expect(owed() ?? 0n).toBe(0n);
    reinstall();
    expect(owed()).toBeGreaterThan(0n);
  });
});
