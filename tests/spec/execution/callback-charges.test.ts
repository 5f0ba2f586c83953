import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { principalToBytes, principalToText } from '../../../src/protocol/crypto/principal.ts';
import { executionFee } from '../../../src/protocol/execution/cycles-account-manager.ts';
import {
  CLASSROOM_EXECUTION_LIMITS,
  type ExecutionLimits,
} from '../../../src/protocol/limits/execution.ts';
import type { CanisterId } from '../../../src/protocol/types/ids.ts';
import { TestSubnet } from '../../support/test-subnet.ts';
import { answer, call, op, program, type Code } from '../../support/universal.ts';
import { universalWasm } from '../../support/universal-module.ts';

/** What a callback may use and pays: its instructions, those kept for its cleanup, the module's width. */

const LIMIT = 20_000_000n;
const LIMITS: ExecutionLimits = { ...CLASSROOM_EXECUTION_LIMITS, messageInstructions: LIMIT };
/** Five percent of a callback's instructions. */
const RESERVE = 1_000_000n;
const MANAGEMENT = new Uint8Array(0);
const NO_ARGS = Uint8Array.from(Buffer.from('DIDL\0\0'));

let wasm32: Uint8Array;
let wasm64: Uint8Array;
beforeAll(async () => {
  wasm32 = await universalWasm();
  wasm64 = await universalWasm({ memory64: true });
});

/** Of the last round. */
function instructionsOf({ executed }: TestSubnet): bigint {
  const last = executed.at(-1);
  return last?.kind === 'executed' ? last.instructions : 0n;
}

describe('a callback that uses up its instructions', () => {
  let subnet: TestSubnet;
  let a: CanisterId;
  let b: CanisterId;
  let perTurn: number;

  beforeEach(() => {
    subnet = new TestSubnet(LIMITS);
    a = subnet.createWith(wasm32);
    b = subnet.createWith(wasm32);
    const turns = (count: number): bigint => {
      subnet.call(a, 'update', program(op('spin', count), op('reply')).bytes);
      return instructionsOf(subnet);
    };
    perTurn = Number(turns(2000) - turns(1000)) / 1000;
  });

  /** Runs a callback without end; its cleanup notes "c", having used about so many instructions. */
  const run = (cleanupInstructions: number): string => {
    const spin: Code = op('spin', Math.floor(cleanupInstructions / perTurn));
    const ask = call({
      callee: principalToBytes(b),
      arg: program(op('reply')).bytes,
      onReply: program(op('global_append', 'x'), op('forever')),
      onCleanup: program(spin, op('global_append', 'c')),
    });
    const told = subnet.call(a, 'update', program(ask).bytes).answer;
    expect(subnet.imbalance).toBe(0n);
    return told;
  };
  const noted = (): string => subnet.answerTo(a, 'query', program(answer(op('global'))).bytes);
  const spent = (): bigint => subnet.canister(a).consumed.instructions;

  it('has its cleanup run, with the instructions that were kept for it', () => {
    const before = spent();
    const told = run(0.9 * Number(RESERVE));
    expect(told).toMatch(/^IC0522: /);
    expect(told).not.toContain('call_on_cleanup');
    expect(noted()).toBe('c');
    // The callback with its cleanup, and the message that made the call.
    const fee = executionFee(subnet.env, LIMIT, false);
    expect(spent() - before).toBeGreaterThan((fee * 99n) / 100n);
    expect(spent() - before).toBeLessThan(fee + executionFee(subnet.env, RESERVE, false));
  });

  it('has no more than those for its cleanup', () => {
    const told = run(1.1 * Number(RESERVE));
    expect(told).toMatch(/^IC0522: [^]*\n\ncall_on_cleanup also failed:\n\n/);
    expect(noted()).toBe('');
  });
});

describe('a callback of a module of another width than the one that made the call', () => {
  let subnet: TestSubnet;

  beforeEach(() => {
    // At the reference size prices are not rounded.
    subnet = new TestSubnet(LIMITS, 13);
  });

  /** A canister that called with one module and has another when the answer comes. */
  const upgraded = (from: Uint8Array, to: Uint8Array) => {
    const id = subnet.createWith(from);
    const code = program(call({ callee: MANAGEMENT, method: 'raw_rand', arg: NO_ARGS }));
    const asked = subnet.ingress(id, 'update', code.bytes);
    subnet.round([asked]);
    const { randomRequests } = subnet.state;
    subnet.state = { ...subnet.state, randomRequests: [] };
    subnet.install(id, to, program().bytes, 'upgrade');
    subnet.state = { ...subnet.state, randomRequests };
    return { id, asked };
  };
  /** Books all that the canister has above so many cycles as consumed. */
  const leave = (id: CanisterId, cycles: bigint): void => {
    const { canisters, metrics } = subnet.state;
    const canister = subnet.canister(id);
    const consumedCycles = metrics.consumedCycles + canister.cycles - cycles;
    subnet.state = {
      ...subnet.state,
      canisters: canisters.set(id, { ...canister, cycles }),
      metrics: { ...metrics, consumedCycles },
    };
  };
  /** Brings the answer; what the canister had before and has after. */
  const hear = (id: CanisterId) => {
    const before = subnet.canister(id);
    const total = subnet.totalCycles();
    subnet.round();
    expect(subnet.totalCycles()).toBe(total);
    expect(subnet.imbalance).toBe(0n);
    const after = subnet.canister(id);
    expect(after.calls.callbacks).toEqual([]);
    const [callback] = before.calls.callbacks;
    const used = instructionsOf(subnet);
    const transmission =
      after.consumed.requestAndResponseTransmission -
      before.consumed.requestAndResponseTransmission;
    return {
      prepaid: callback?.executionPrepayment,
      used,
      paid: after.consumed.instructions - before.consumed.instructions,
      // Without what the response's bytes cost and give back.
      gained:
        after.cycles - before.cycles - (callback?.transmissionPrepayment ?? 0n) + transmission,
    };
  };

  it.each([
    ['32 bits to 64', false, true],
    ['64 bits to 32', true, false],
    ['32 bits to 32', false, false],
  ])('pays by the present one, and has the rest back: %s', (_, was64, is64) => {
    const { id } = upgraded(was64 ? wasm64 : wasm32, is64 ? wasm64 : wasm32);
    const { prepaid, used, paid, gained } = hear(id);
    const { env } = subnet;
    expect(prepaid).toBe(executionFee(env, LIMIT, was64));
    expect(used).toBeGreaterThan(100n);
    expect(paid).toBe(executionFee(env, used, is64));
    expect(gained).toBe(executionFee(env, LIMIT, was64) - executionFee(env, used, is64));
  });

  it('does not run when the canister cannot pay the difference, and pays the fixed part', () => {
    subnet = new TestSubnet({ ...LIMITS, messageInstructions: 10_000_000_000n }, 13);
    const { id, asked } = upgraded(wasm32, wasm64);
    leave(id, 1_000_000_000n);
    const { prepaid, used, paid, gained } = hear(id);
    const fixed = executionFee(subnet.env, 0n, false);
    expect(subnet.answerOf(asked)).toBe(`IC0207: Canister ${principalToText(id)} is out of cycles`);
    expect(used).toBe(0n);
    expect(paid).toBe(fixed);
    expect(gained).toBe((prepaid ?? 0n) - fixed);
  });
});
