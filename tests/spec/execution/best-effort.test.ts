import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { principalToBytes } from '../../../src/protocol/crypto/principal.ts';
import {
  CLASSROOM_EXECUTION_LIMITS,
  type ExecutionLimits,
} from '../../../src/protocol/limits/execution.ts';
import type {
  CanisterMessage,
  CanisterResponse,
} from '../../../src/protocol/replicated-state/canister-messages.ts';
import type { CanisterState } from '../../../src/protocol/replicated-state/canister-state.ts';
import { DEFAULT_PRIORITY } from '../../../src/protocol/replicated-state/schedule.ts';
import type { CanisterId } from '../../../src/protocol/types/ids.ts';
import { TestSubnet } from '../../support/test-subnet.ts';
import { answer, call, op, program, type Code } from '../../support/universal.ts';
import { universalWasm } from '../../support/universal-module.ts';

/** Best-effort messages that hold more than their room are dropped: IC0602, or silence until the deadline. */

const SECOND_NS = 1_000_000_000n;
const KIB = 1024;
const LIMITS: ExecutionLimits = {
  ...CLASSROOM_EXECUTION_LIMITS,
  messageInstructions: 100_000_000n,
  bestEffortBytes: BigInt(100 * KIB),
};

let wasm: Uint8Array;
beforeAll(async () => {
  wasm = await universalWasm();
});

describe('best-effort messages', () => {
  let subnet: TestSubnet;
  let a: CanisterId;
  let b: CanisterId;
  let total: bigint;

  beforeEach(() => {
    subnet = new TestSubnet(LIMITS);
    a = subnet.createWith(wasm);
    b = subnet.createWith(wasm);
    total = subnet.totalCycles();
  });

  /** Sends so many KiB and a thousand cycles to b; notes "y" or what went wrong. */
  const send = (kib: number, timeout?: number): Code =>
    call({
      callee: principalToBytes(b),
      arg: program(op('drop_blob', new Uint8Array(kib * KIB)), op('reply')).bytes,
      cycles: 1000,
      onReply: program(op('global_append', 'y')),
      onReject: program(op('global_append', op('reject_message'))),
      ...(timeout === undefined ? {} : { timeout }),
    });
  const run = (...parts: readonly Code[]): void => {
    const message = program(...parts, op('reply')).bytes;
    subnet.round([subnet.ingress(a, 'update', message)]);
    expect(subnet.imbalance).toBe(0n);
  };
  const heard = (): string => subnet.answerTo(a, 'query', program(answer(op('global'))).bytes);
  const waiting = (canisterId: CanisterId): readonly CanisterMessage[] =>
    subnet.canister(canisterId).inputQueues.flatMap(({ messages }) => messages);
  /** Whether a canister still runs after the first message of a round. */
  const onlyOneMessage = (isNarrow: boolean): void => {
    const limits = { ...LIMITS, ...(isNarrow ? { roundInstructions: 1n } : {}) };
    Object.assign(subnet, { env: { ...subnet.env, limits } });
  };
  const put = (canister: CanisterState): void => {
    const canisters = subnet.state.canisters.set(canister.canisterId, canister);
    subnet.state = { ...subnet.state, canisters };
  };
  const rest = (canisterId: CanisterId, isResting: boolean): void => {
    const { schedule } = subnet.state;
    const priorities = isResting
      ? schedule.priorities.set(canisterId, { ...DEFAULT_PRIORITY, heapDeltaDebit: 10 ** 12 })
      : schedule.priorities.delete(canisterId);
    subnet.state = { ...subnet.state, schedule: { ...schedule, priorities } };
  };

  it('below the limit are all delivered', () => {
    run(send(40, 5), send(40, 5));
    expect(heard()).toBe('yy');
  });

  it('of requests the largest is dropped; the caller has its cycles at once and hears at the deadline', () => {
    onlyOneMessage(true);
    run(send(30, 5), send(80, 5), send(80));
    // Guaranteed ones are not touched, however large.
    expect(waiting(b).map((one) => one.kind === 'request' && one.arg.length >> 10)).toEqual([
      30, 80,
    ]);
    expect(subnet.totalCycles()).toBe(total);
    onlyOneMessage(false);
    subnet.round();
    expect(heard()).toBe('yy');
    subnet.round([], { afterNs: 6n * SECOND_NS });
    subnet.round();
    expect(heard()).toBe('yyCall deadline has expired.');
    expect(subnet.canister(a).calls.callbacks).toEqual([]);
    expect(subnet.totalCycles()).toBe(total);
  });

  it('IC0602: of responses the largest is replaced by the word that it was dropped', () => {
    onlyOneMessage(true);
    run(send(1, 20), send(2, 20), send(3));
    // As if b had answered all three at length, and a could not run yet.
    const sizes = [60, 70, 90];
    const responses = waiting(b).map(
      (request, i): CanisterResponse => ({
        kind: 'response',
        originator: a,
        respondent: b,
        callbackId: request.callbackId,
        refund: 1000n,
        payload: { kind: 'reply', data: new Uint8Array((sizes[i] ?? 0) * KIB) },
        deadlineNs: request.deadlineNs,
      }),
    );
    put({ ...subnet.canister(b), inputQueues: [] });
    put({
      ...subnet.canister(a),
      inputQueues: [{ sender: b, isRemote: false, messages: responses }],
    });
    rest(a, true);
    const { cycles } = subnet.canister(a);
    subnet.round();
    expect(subnet.canister(a).cycles - cycles).toBe(1000n);
    expect(waiting(a)).toEqual([
      responses[0],
      {
        ...responses[1],
        refund: 0n,
        payload: { kind: 'reject', code: 6, message: 'Response was dropped.' },
      },
      responses[2],
    ]);
    rest(a, false);
    onlyOneMessage(false);
    subnet.round();
    expect(heard()).toBe('yResponse was dropped.y');
    expect(subnet.canister(a).calls.callbacks).toEqual([]);
    expect(subnet.totalCycles()).toBe(total);
    expect(subnet.imbalance).toBe(0n);
  });

  it('count as answered once the response is there, though the caller looks after the deadline', () => {
    onlyOneMessage(true);
    run(send(1, 5));
    rest(a, true);
    onlyOneMessage(false);
    subnet.round();
    const [response] = waiting(a);
    expect(response).toMatchObject({ kind: 'response', payload: { kind: 'reply' } });
    subnet.round([], { afterNs: 6n * SECOND_NS });
    expect(waiting(a)).toEqual([response]);
    rest(a, false);
    subnet.round();
    expect(heard()).toBe('y');
    expect(subnet.totalCycles()).toBe(total);
  });

  it('are taken from the canister that holds most of them', () => {
    onlyOneMessage(true);
    const c = subnet.createWith(wasm);
    total = subnet.totalCycles();
    const toOther = call({
      callee: principalToBytes(c),
      arg: program(op('drop_blob', new Uint8Array(60 * KIB)), op('reply')).bytes,
      timeout: 5,
    });
    run(send(35, 5), send(35, 5), toOther);
    expect([waiting(b).length, waiting(c).length]).toEqual([1, 1]);
    expect(subnet.totalCycles()).toBe(total);
  });
});
