import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { principalToBytes, principalToText } from '../../../src/protocol/crypto/principal.ts';
import {
  CLASSROOM_EXECUTION_LIMITS,
  type ExecutionLimits,
} from '../../../src/protocol/limits/execution.ts';
import type {
  CanisterSettings,
  CanisterState,
} from '../../../src/protocol/replicated-state/canister-state.ts';
import type { CanisterId } from '../../../src/protocol/types/ids.ts';
import { TestSubnet } from '../../support/test-subnet.ts';
import { answer, answerInt, call, op, program, type Code } from '../../support/universal.ts';
import { universalWasm } from '../../support/universal-module.ts';

/** Prices and rules of spec/2 §4 and §5, on the universal canister. */

const MIB = 1n << 20n;
const T = 1_000_000_000_000n;
const LIMITS: ExecutionLimits = {
  ...CLASSROOM_EXECUTION_LIMITS,
  messageInstructions: 100_000_000n,
  // Each thread has its part of what the subnet can give, and sees its part of what is used.
  executionThreads: 2,
  subnetMemoryBytes: 2n * 72n * MIB,
  subnetMemoryThresholdBytes: 2n * 32n * MIB,
  callbackMemoryBytes: 2n * 8n * MIB,
};
/** A page of Wasm. */
const PAGE = 65_536n;
const MAX_RESPONSE = 2n * MIB;

const id = (canisterId: CanisterId): Uint8Array => principalToBytes(canisterId);
const int = (hex: string): bigint => Buffer.from(hex, 'hex').readBigUInt64LE();

let wasm32: Uint8Array;
let wasm64: Uint8Array;
beforeAll(async () => {
  wasm32 = await universalWasm();
  wasm64 = await universalWasm({ memory64: true });
});

function edit(
  subnet: TestSubnet,
  canisterId: CanisterId,
  change: Partial<CanisterState> | ((canister: CanisterState) => Partial<CanisterState>),
): void {
  const canister = subnet.canister(canisterId);
  const fields = typeof change === 'function' ? change(canister) : change;
  const canisters = subnet.state.canisters.set(canisterId, { ...canister, ...fields });
  subnet.state = { ...subnet.state, canisters };
}

function set(subnet: TestSubnet, canisterId: CanisterId, change: Partial<CanisterSettings>): void {
  edit(subnet, canisterId, ({ settings }) => ({ settings: { ...settings, ...change } }));
}

/** Runs one update; answers and what it took from the balance. */
function update(
  subnet: TestSubnet,
  canisterId: CanisterId,
  ...parts: readonly Code[]
): { readonly answer: string; readonly paid: bigint; readonly instructions: bigint } {
  const before = subnet.canister(canisterId);
  const from = subnet.trace.length;
  const { answer: said } = subnet.call(canisterId, 'update', program(...parts).bytes);
  const executed = subnet.trace
    .slice(from)
    .find((event) => event.kind === 'messageExecuted' && event.canisterId === canisterId);
  const after = subnet.canister(canisterId);
  return {
    answer: said,
    paid: before.cycles - after.cycles,
    instructions: executed?.kind === 'messageExecuted' ? executed.instructions : 0n,
  };
}

describe.each([4, 13])('prices on %i nodes', (nodes) => {
  const scaled = (fee: bigint): bigint => (fee * BigInt(nodes)) / 13n;

  it.each([
    ['32', 1n],
    ['64', 2n],
  ])('take induction and execution from the balance, %s-bit', (width, perInstruction) => {
    const subnet = new TestSubnet(LIMITS, nodes);
    const a = subnet.createWith(width === '64' ? wasm64 : wasm32);
    const code = program(op('spin', 1000), op('reply'));
    const before = subnet.canister(a).consumed;
    const { paid, instructions } = update(subnet, a, op('spin', 1000), op('reply'));
    const induction = scaled(1_200_000n + 2000n * BigInt(code.bytes.length + 'update'.length));
    const { messageInstructions: limit } = LIMITS;
    const execution =
      scaled(5_000_000n + perInstruction * limit) - scaled(perInstruction * (limit - instructions));
    expect(instructions).toBeGreaterThan(1000n);
    expect(paid).toBe(induction + execution);
    const { consumed } = subnet.canister(a);
    expect(consumed.ingressInduction - before.ingressInduction).toBe(induction);
    expect(consumed.instructions - before.instructions).toBe(execution);
  });

  it('take a call’s transmission both ways, and give back what the answer did not use', () => {
    const subnet = new TestSubnet(LIMITS, nodes);
    const [a, b] = [subnet.createWith(wasm32), subnet.createWith(wasm32)];
    const before = subnet.canister(a).consumed.requestAndResponseTransmission;
    const arg = program(answer('12345'));
    update(subnet, a, call({ callee: id(b), arg }));
    const request = scaled(260_000n + 1000n * BigInt(arg.bytes.length + 'update'.length));
    expect(subnet.canister(a).consumed.requestAndResponseTransmission - before).toBe(
      request + scaled(5000n),
    );
    expect(subnet.canister(a).calls.callbacks).toEqual([]);
    expect(subnet.imbalance).toBe(0n);
  });

  it('take storage, messages and compute allocation every ten seconds, from the reserve first', () => {
    const subnet = new TestSubnet(LIMITS, nodes);
    const a = subnet.createWith(wasm32);
    set(subnet, a, { computeAllocation: 7n, memoryAllocationBytes: 4096n * MIB });
    edit(subnet, a, { reservedCycles: 1000n, chargedUntilNs: subnet.state.timeNs });
    const before = subnet.canister(a);
    subnet.round([], { afterNs: 9_900_000_000n });
    expect(subnet.canister(a)).toEqual(before);
    subnet.round([], { afterNs: 1_000_000_000n });
    const perDay = scaled((4096n * MIB * 127_000n * 86_400n) / (1024n * MIB));
    const storage = (perDay * 10n) / 86_400n;
    const compute = (scaled(7n * 10_000_000n * 86_400n) * 10n) / 86_400n;
    const after = subnet.canister(a);
    expect(after.consumed.memory - before.consumed.memory).toBe(storage);
    expect(after.consumed.computeAllocation - before.consumed.computeAllocation).toBe(compute);
    expect(after.reservedCycles).toBe(0n);
    expect(before.cycles - after.cycles).toBe(storage + compute - 1000n);
  });
});

describe('a message', () => {
  let subnet: TestSubnet;
  let a: CanisterId;
  let b: CanisterId;
  beforeEach(() => {
    subnet = new TestSubnet(LIMITS);
    a = subnet.createWith(wasm32, 10n * T);
    b = subnet.createWith(wasm32, 10n * T);
  });
  const scaled = (fee: bigint): bigint => (fee * 4n) / 13n;
  const induction = (bytes: number): bigint => scaled(1_200_000n + 2000n * BigInt(bytes));

  it('pays the fixed part when it cannot run: no such method, no module', () => {
    const pays = (method: string): readonly [string, bigint] => {
      const before = subnet.canister(a).cycles;
      const said = subnet.call(a, method).answer.slice(0, 7);
      return [said, before - subnet.canister(a).cycles - induction(method.length)];
    };
    const fixed = scaled(5_000_000n + 100_000_000n) - scaled(100_000_000n);
    expect(pays('nothing')).toEqual(['IC0536:', fixed]);
    edit(subnet, a, { execution: null });
    expect(pays('update')).toEqual(['IC0537:', fixed]);
  });

  it('pays nothing when its canister is frozen; only a controller hears how much is missing', () => {
    const price = scaled(5_000_000n + 100_000_000n);
    edit(subnet, a, { cycles: price });
    set(subnet, a, { freezingThresholdSeconds: 0n });
    const code = program(op('reply'));
    const before = subnet.canister(a).cycles;
    const { answer: said } = subnet.call(a, 'update', code.bytes);
    const fee = induction(code.bytes.length + 6);
    expect(said).toBe(
      `IC0207: Canister ${principalToText(a)} is out of cycles: please top up the canister with at least ${fee} additional cycles`,
    );
    expect(before - subnet.canister(a).cycles).toBe(fee);
    edit(subnet, a, { cycles: price, controllers: [] });
    expect(subnet.call(a, 'update', code.bytes).answer).toBe(
      `IC0207: Canister ${principalToText(a)} is out of cycles`,
    );
  });

  it('that traps changes no balance but for its execution', () => {
    const before = subnet.canister(a);
    const {
      answer: said,
      paid,
      instructions,
    } = update(
      subnet,
      a,
      op('cycles_burn', 1_000_000_000n),
      call({ callee: id(b), cycles: 5_000_000_000n }),
      op('trap', 'no'),
    );
    expect(said).toMatch(/^IC0503/);
    expect(paid).toBeLessThan(induction(200) + scaled(5_000_000n + instructions) + 2n);
    const { consumed, calls } = subnet.canister(a);
    expect(consumed.burnedCycles).toBe(before.consumed.burnedCycles);
    expect([calls.contexts, calls.callbacks]).toEqual([[], []]);
    expect(subnet.imbalance).toBe(0n);
  });

  it('of which callback and cleanup trap is told so, with the callback’s code', () => {
    const { answer: said } = update(
      subnet,
      a,
      call({
        callee: id(b),
        arg: program(op('reply')),
        onReply: program(op('trap', 'first')),
        onCleanup: program(op('unreachable')),
      }),
    );
    expect(said).toMatch(
      new RegExp(
        `^IC0503: Error from Canister ${principalToText(a)}: Canister called \`ic0.trap\` with message: 'first'\\n\\ncall_on_cleanup also failed:\\n\\nCanister trapped: unreachable`,
      ),
    );
  });
});

describe('memory', () => {
  let subnet: TestSubnet;
  let a: CanisterId;
  beforeEach(() => {
    subnet = new TestSubnet(LIMITS);
    a = subnet.createWith(wasm32, 1000n * T);
    set(subnet, a, { reservedCyclesLimit: 1000n * T });
  });
  const grow = (pages: number): Code => answerInt(op('memory_grow', pages));
  const growStable = (pages: number): Code => answerInt(op('stable_grow', pages));
  const used = (): bigint => subnet.canister(a).reservedCycles;

  it('below the threshold is free to take; above it cycles are set aside by a rising price', () => {
    expect(int(update(subnet, a, grow(16 * 16)).answer)).toBe(16n);
    expect(used()).toBe(0n);
    const canister = subnet.canister(a);
    const bytes =
      PAGE * 272n +
      BigInt(wasm32.length) +
      BigInt((canister.execution?.globals.length ?? 0) * 8) +
      128n * BigInt(canister.changes.length);
    update(subnet, a, growStable(16 * 32));
    const memory = (amount: bigint, seconds: bigint): bigint =>
      (((amount * 127_000n * seconds) / (1024n * MIB)) * 4n) / 13n;
    const above = 64n * MIB - (128n * MIB - bytes) / 2n;
    const period = (300_000_000n * above) / (32n * MIB);
    const first = memory(above, period / 2n);
    expect(first).toBeGreaterThan(0n);
    expect(used()).toBe(first);
    update(subnet, a, growStable(16 * 16));
    expect(used()).toBeGreaterThan(first);
    expect(subnet.imbalance).toBe(0n);
  });

  it('is refused when the subnet has no more: the heap traps, stable memory says so', () => {
    expect(update(subnet, a, grow(16 * 80)).answer).toMatch(
      /^IC0507: Error from Canister .*: Canister cannot grow its memory usage\.\.\nCheck the canister's memory usage against its allocation/,
    );
    expect(BigInt.asIntN(64, int(update(subnet, a, growStable(16 * 80)).answer))).toBe(-1n);
    expect(subnet.canister(a).execution?.heapWasmPages).toBe(16);
    expect(subnet.canister(a).execution?.stableWasmPages).toBe(0);
  });

  it('is refused at the very instruction that asks for it', () => {
    const refused = update(subnet, a, grow(16 * 80), op('spin', 1_000_000));
    expect(refused.answer).toMatch(/^IC0507/);
    expect(refused.instructions).toBeLessThan(100_000n);
    // A canister that dies of something else later was refused first.
    expect(update(subnet, a, grow(16 * 80), op('trap', 'later')).answer).toMatch(/^IC0507/);
  });

  it('is kept for callbacks when nobody else gets any', () => {
    const b = subnet.createWith(wasm32);
    const ask = (onReply: Code): string =>
      update(
        subnet,
        a,
        call({ callee: id(b), arg: program(op('reply')), onReply: program(onReply) }),
      ).answer;
    update(subnet, a, growStable(16 * 60));
    expect(BigInt.asIntN(64, int(update(subnet, a, growStable(16 * 36)).answer))).toBe(-1n);
    expect(int(ask(growStable(16 * 36)))).toBe(16n * 60n);
  });

  it('is refused when the reserve may not hold what it costs, and when the balance cannot pay', () => {
    set(subnet, a, { reservedCyclesLimit: 1000n });
    const limited = update(subnet, a, grow(16 * 40)).answer;
    expect(limited).toMatch(
      /^IC0534: Error from Canister .*: Canister cannot grow memory by 41943040 bytes due to its reserved cycles limit\. The current limit \(1000\) would be exceeded by \d+\.\.\nTry increasing the canister's reserved cycles limit\. See documentation/,
    );
    expect(update(subnet, a, growStable(16 * 40)).answer).toMatch(/^IC0534/);
    set(subnet, a, { reservedCyclesLimit: 10_000n * T });
    edit(subnet, a, { cycles: 100_000_000_000n });
    const poor = update(subnet, a, grow(16 * 62)).answer;
    expect(poor).toMatch(
      /^IC0532: Error from Canister .*: Canister cannot grow memory by 65011712 bytes due to insufficient cycles\. At least \d+ additional cycles are required\.\.\nTry topping up the canister\. See documentation/,
    );
    edit(subnet, a, { controllers: [] });
    expect(update(subnet, a, growStable(16 * 62)).answer).toMatch(
      /^IC0532: .* due to insufficient cycles\.\.\nTry topping up/,
    );
    expect(used()).toBe(0n);
  });

  it('must not freeze its canister, but for callbacks and queries', () => {
    const b = subnet.createWith(wasm32);
    set(subnet, a, { freezingThresholdSeconds: 10n ** 10n });
    // Enough for what it has and for a call, not for twenty megabytes more.
    edit(subnet, a, { cycles: 2n * T });
    expect(update(subnet, a, grow(16 * 20)).answer).toMatch(/^IC0532: .*by 20971520 bytes/);
    const onReply = program(grow(16 * 20));
    const late = update(subnet, a, call({ callee: id(b), arg: program(op('reply')), onReply }));
    expect(late.answer.slice(0, 6)).not.toBe('IC0532');
    expect(subnet.canister(a).execution?.heapWasmPages).toBe(16 + 16 * 20);
  });

  it('above the canister’s own limit is refused to updates, not to callbacks and queries', () => {
    const b = subnet.createWith(wasm32);
    set(subnet, a, { wasmMemoryLimitBytes: 2n * MIB });
    const over = update(subnet, a, grow(16 * 2)).answer;
    expect(over).toMatch(
      new RegExp(
        `^IC0539: Error from Canister .*: Canister exceeded its current Wasm memory limit of ${2n * MIB} bytes\\. The peak Wasm memory usage was ${3n * MIB} bytes\\.`,
      ),
    );
    const onReply = program(grow(16 * 2));
    update(subnet, a, call({ callee: id(b), arg: program(op('reply')), onReply }));
    expect(subnet.canister(a).execution?.heapWasmPages).toBe(48);
    // From now on no update even begins.
    const spent = subnet.canister(a).cycles;
    expect(update(subnet, a, op('reply')).answer).toMatch(/^IC0539/);
    expect(spent - subnet.canister(a).cycles).toBeLessThan(10_000_000n);
  });

  it('that is allocated was paid for: growth within sets nothing aside', () => {
    set(subnet, a, { memoryAllocationBytes: 60n * MIB });
    update(subnet, a, growStable(16 * 50));
    expect(subnet.canister(a).execution?.stableWasmPages).toBe(16 * 50);
    expect(used()).toBe(0n);
  });
});

describe('a bankrupt canister', () => {
  it('loses code, history and allocations; its callers hear it, and the rest is burned', () => {
    const subnet = new TestSubnet(LIMITS);
    const [a, b] = [subnet.createWith(wasm32), subnet.createWith(wasm32, 10n * T)];
    // b waits for raw_rand while a waits for b.
    const wait = program(
      call({
        callee: '',
        method: 'raw_rand',
        arg: Uint8Array.from(Buffer.from('4449444c0000', 'hex')),
      }),
    );
    const asked = subnet.ingress(
      a,
      'update',
      program(call({ callee: id(b), arg: wait, cycles: 7n })).bytes,
    );
    subnet.round([asked]);
    expect(subnet.canister(b).calls.contexts).toHaveLength(1);
    subnet.state = { ...subnet.state, randomRequests: [] };
    set(subnet, b, { computeAllocation: 10n, memoryAllocationBytes: MIB });
    edit(subnet, b, { cycles: 500n, reservedCycles: 40n });
    const before = subnet.canister(b);
    subnet.round([], { afterNs: 11_000_000_000n });
    const after = subnet.canister(b);
    expect(after.execution).toBeNull();
    expect([after.cycles, after.reservedCycles, after.changes]).toEqual([0n, 0n, []]);
    expect(after.totalChanges).toBe(before.totalChanges);
    expect([after.settings.computeAllocation, after.settings.memoryAllocationBytes]).toEqual([
      0n,
      0n,
    ]);
    expect(after.consumed.uninstall).toBeGreaterThan(0n);
    subnet.round();
    // a's callback rejects with the text it was given.
    expect(subnet.answerOf(asked)).toBe('IC0406: Canister has been uninstalled.');
    expect(subnet.canister(a).calls.callbacks).toEqual([]);
  });
});

describe('guaranteed responses', () => {
  it('keep room for the largest answer on both sides, which counts against the subnet and for the freezing limit', () => {
    const subnet = new TestSubnet({ ...LIMITS, guaranteedResponseBytes: 2n * 5n * MAX_RESPONSE });
    const [a, b] = [subnet.createWith(wasm32), subnet.createWith(wasm32)];
    const one = call({ callee: id(b), arg: program(op('reply')), onReply: program() });
    const five = Array.from({ length: 5 }, () => one);
    expect(update(subnet, a, ...five, answer('all')).answer).toBe(
      Buffer.from('all').toString('hex'),
    );
    const six = update(subnet, a, ...five, one);
    expect(six.answer).toBe('IC0406: call_perform failed');
    const timed = call({
      callee: id(b),
      arg: program(op('reply')),
      onReply: program(),
      timeout: 10,
    });
    expect(update(subnet, a, ...five, timed, answer('all')).answer).toBe(
      Buffer.from('all').toString('hex'),
    );
  });
});
