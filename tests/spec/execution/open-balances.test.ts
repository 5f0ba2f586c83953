import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { principalToBytes } from '../../../src/protocol/crypto/principal.ts';
import { CLASSROOM_EXECUTION_LIMITS } from '../../../src/protocol/limits/execution.ts';
import type { CanisterState } from '../../../src/protocol/replicated-state/canister-state.ts';
import type { CanisterId } from '../../../src/protocol/types/ids.ts';
import { TestSubnet } from '../../support/test-subnet.ts';
import { answer, call, op, program } from '../../support/universal.ts';
import { universalWasm } from '../../support/universal-module.ts';

/** Cycles of calls that were answered, of reserves, and of canisters that are at work. */
describe('cycles', () => {
  const LIMITS = {
    ...CLASSROOM_EXECUTION_LIMITS,
    messageInstructions: 100_000_000n,
    sliceInstructions: 1_000_000n,
    roundInstructions: 1n,
  };
  const PERIOD_NS = 11_000_000_000n;
  let wasm: Uint8Array;
  let subnet: TestSubnet;
  let id: CanisterId;
  beforeAll(async () => {
    wasm = await universalWasm();
  });
  beforeEach(() => {
    subnet = new TestSubnet(LIMITS);
    id = subnet.createWith(wasm);
  });
  const edit = (change: Partial<CanisterState>): void => {
    const canister = { ...subnet.canister(id), ...change };
    subnet.state = { ...subnet.state, canisters: subnet.state.canisters.set(id, canister) };
  };

  it('of a call that was answered are with its caller again: later callbacks find none', () => {
    const caller = subnet.createWith(wasm);
    const total = subnet.totalCycles();
    // Answers at once, calls itself, and then looks for cycles of the call that it answered.
    const note = program(
      op('global_set', op('int_to_blob', op('cycles_available'))),
      op('global_append', op('int_to_blob', op('cycles_accept', 500))),
    );
    const callee = program(
      op('reply'),
      call({
        callee: principalToBytes(id),
        arg: program(op('reply')).bytes,
        onReply: note,
      }),
    ).bytes;
    const refunded = program(answer(op('int_to_blob', op('cycles_refunded'))));
    const ask = call({
      callee: principalToBytes(id),
      arg: callee,
      cycles: 1000,
      onReply: refunded,
    });
    const told = subnet.call(caller, 'update', program(ask).bytes).answer;
    expect(Buffer.from(told, 'hex').readBigUInt64LE()).toBe(1000n);
    for (let round = 0; round < 5; round += 1) {
      subnet.round();
    }
    const seen = subnet.ask(id, 'query', program(answer(op('global'))).bytes);
    expect(seen).toEqual({ kind: 'replied', reply: new Uint8Array(16) });
    expect(subnet.totalCycles()).toBe(total);
    expect(subnet.imbalance).toBe(0n);
  });

  it('that keep a canister from freezing cannot be burned', () => {
    const burn = program(answer(op('int_to_blob', op('cycles_burn', 1n << 62n)))).bytes;
    const before = subnet.canister(id).cycles;
    const told = Buffer.from(subnet.call(id, 'update', burn).answer, 'hex');
    const burned = told.readBigUInt64LE();
    expect(burned).toBeGreaterThan(0n);
    expect(burned).toBeLessThan(before);
    expect(subnet.canister(id).cycles).toBeGreaterThan(0n);
    expect(subnet.imbalance).toBe(0n);
    // Not frozen: what was prepaid for the message came back on top of what the threshold needs.
    expect(subnet.answerTo(id, 'query', program(answer('here')).bytes)).toBe('here');
  });

  it('set aside pay for idling too, and first: a canister that has only those is not bankrupt', () => {
    edit({ cycles: 0n, reservedCycles: 10n ** 12n });
    subnet.round([], { afterNs: PERIOD_NS });
    const { execution, cycles, reservedCycles, consumed } = subnet.canister(id);
    expect(execution).not.toBeNull();
    expect(cycles).toBe(0n);
    expect(reservedCycles).toBeLessThan(10n ** 12n);
    expect(consumed.memory).toBeGreaterThanOrEqual(10n ** 12n - reservedCycles);
  });

  it('for idling wait until a long message has ended, and are then taken for all of its time', () => {
    const spin = program(op('spin', 1_000_000), op('reply')).bytes;
    const long = subnet.ingress(id, 'update', spin);
    subnet.round([long], { afterNs: PERIOD_NS });
    const { chargedUntilNs, consumed } = subnet.canister(id);
    let rounds = 0;
    while (subnet.canister(id).longExecution !== null && rounds < 100) {
      expect(subnet.canister(id).chargedUntilNs).toBe(chargedUntilNs);
      subnet.round([], { afterNs: PERIOD_NS });
      rounds += 1;
    }
    expect(rounds).toBeGreaterThan(3);
    subnet.round([], { afterNs: PERIOD_NS });
    expect(subnet.canister(id).chargedUntilNs).toBe(subnet.state.timeNs);
    expect(subnet.canister(id).consumed.memory).toBeGreaterThan(consumed.memory);
    expect(subnet.imbalance).toBe(0n);
  });
});
