import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { principalToBytes } from '../../../src/protocol/crypto/principal.ts';
import { idlingOf } from '../../../src/protocol/execution/cycles-account-manager.ts';
import { freezingLimit } from '../../../src/protocol/execution/storage-price.ts';
import {
  CLASSROOM_EXECUTION_LIMITS,
  MAX_RESPONSE_PAYLOAD_BYTES,
  type ExecutionLimits,
} from '../../../src/protocol/limits/execution.ts';
import { DEFAULT_PRIORITY } from '../../../src/protocol/replicated-state/schedule.ts';
import type { CanisterId } from '../../../src/protocol/types/ids.ts';
import { TestSubnet } from '../../support/test-subnet.ts';
import { answer, op, program, type Code } from '../../support/universal.ts';
import { universalWasm } from '../../support/universal-module.ts';

/** Only a call whose response is guaranteed takes room for the largest one. */

/** Of which each has an equal part of the subnet's room. */
const THREADS = 2;
const LIMITS: ExecutionLimits = {
  ...CLASSROOM_EXECUTION_LIMITS,
  messageInstructions: 100_000_000n,
  executionThreads: THREADS,
};
type Kind = 'guaranteed' | 'bestEffort';
const SENT = 0;
const REFUSED = 2;

let wasm: Uint8Array;
beforeAll(async () => {
  wasm = await universalWasm();
});

describe('room for guaranteed responses', () => {
  let subnet: TestSubnet;
  let a: CanisterId;
  let b: CanisterId;

  const begin = (guaranteedResponseBytes: bigint): void => {
    subnet = new TestSubnet({ ...LIMITS, guaranteedResponseBytes });
    a = subnet.createWith(wasm);
    b = subnet.createWith(wasm);
    // So that calls wait: b runs nothing.
    const { schedule } = subnet.state;
    const resting = { ...DEFAULT_PRIORITY, heapDeltaDebit: 10 ** 12 };
    const priorities = schedule.priorities.set(b, resting);
    subnet.state = { ...subnet.state, schedule: { ...schedule, priorities } };
  };
  beforeEach(() => {
    begin(LIMITS.guaranteedResponseBytes);
  });

  const send = (kind: Kind): Code => ({
    code: [
      op('call', principalToBytes(b), 'update', program(), program(), program()),
      ...(kind === 'guaranteed' ? [] : [op('call_timeout', 20)]),
      op('global_append', op('int_to_blob', op('perform'))),
    ].flatMap(({ code }) => code),
  });
  /** Makes calls in one message: which were sent. */
  const run = (...calls: readonly Kind[]): number[] => {
    const code = program(op('global_set', ''), ...calls.map(send), op('reply'));
    subnet.round([subnet.ingress(a, 'update', code.bytes)]);
    expect(subnet.imbalance).toBe(0n);
    const told = subnet.ask(a, 'query', program(answer(op('global'))).bytes);
    const bytes = told.kind === 'replied' ? told.reply : new Uint8Array(0);
    return [...bytes].filter((_, at) => at % 8 === 0);
  };

  it('is taken by guaranteed calls alone: best-effort ones are sent before and after it is full', () => {
    begin(BigInt(THREADS * MAX_RESPONSE_PAYLOAD_BYTES));
    expect(run('bestEffort', 'bestEffort', 'guaranteed', 'guaranteed', 'bestEffort')).toEqual([
      SENT,
      SENT,
      SENT,
      REFUSED,
      SENT,
    ]);
    // The same in a later message, while those wait.
    expect(run('guaranteed', 'bestEffort')).toEqual([REFUSED, SENT]);
    const { callbacks } = subnet.canister(a).calls;
    expect(callbacks.map(({ deadlineNs }) => deadlineNs === 0n)).toEqual([
      false,
      false,
      true,
      false,
      false,
    ]);
  });

  it('counts for the freezing threshold; best-effort calls only with what they are', () => {
    // As much for a guaranteed call as an idle canister needs for decades.
    subnet.setSettings(a, { freezing_threshold: 10n ** 9n });
    const { canisters, metrics } = subnet.state;
    const canister = subnet.canister(a);
    const idling = idlingOf(subnet.env, canister);
    const threshold = freezingLimit(idling);
    const messageBytes = BigInt(MAX_RESPONSE_PAYLOAD_BYTES);
    const cycles = threshold + (freezingLimit({ ...idling, messageBytes }) - threshold) / 2n;
    const consumedCycles = metrics.consumedCycles + canister.cycles - cycles;
    subnet.state = {
      ...subnet.state,
      canisters: canisters.set(a, { ...canister, cycles }),
      metrics: { ...metrics, consumedCycles },
    };
    expect(run('guaranteed', 'bestEffort', 'bestEffort', 'guaranteed', 'bestEffort')).toEqual([
      REFUSED,
      SENT,
      SENT,
      REFUSED,
      SENT,
    ]);
  });
});
