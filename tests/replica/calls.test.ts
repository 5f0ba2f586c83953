import { IDL } from '@icp-sdk/core/candid';
import { TOOLCHAIN_HELP } from '../../src/protocol/execution/user-error.ts';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { canisterIdFromU64, principalToText } from '../../src/protocol/crypto/principal.ts';
import type { CanisterId } from '../../src/protocol/types/ids.ts';
import { CALLER_WAT, decodeForwarded, forwardTo } from '../support/caller-wat.ts';
import { TestSubnet } from '../support/test-subnet.ts';
import { compileWat } from '../support/wat.ts';

const MANAGEMENT = '';
const noArgs = Uint8Array.from(IDL.encode([], []));
const hex = (text: string): string => Buffer.from(text).toString('hex');

describe('calls between canisters', () => {
  let wasm: Uint8Array;
  let subnet: TestSubnet;
  let a: CanisterId;
  let b: CanisterId;

  beforeAll(async () => {
    wasm = await compileWat(CALLER_WAT);
  });
  beforeEach(() => {
    subnet = new TestSubnet();
    a = subnet.createWith(wasm);
    b = subnet.createWith(wasm);
  });

  const counters = (id: CanisterId): number[] => {
    const bytes = subnet.query(id, 'state');
    return [0, 4, 8].map((at) => bytes.readUInt32LE(at));
  };
  const isQuiet = (): boolean =>
    [a, b].every((id) => {
      const { calls, inputQueues } = subnet.canister(id);
      return calls.contexts.length + calls.callbacks.length + inputQueues.length === 0;
    });

  it('brings the reply to the callback within the round, with the cycles not accepted', () => {
    const before = subnet.totalCycles();
    const { answer, rounds } = subnet.call(
      a,
      'forward',
      forwardTo(b, 'echo', 1000n, Buffer.from('hi')),
    );
    expect(decodeForwarded(answer)).toEqual({ refunded: 500n, data: Buffer.from('hi') });
    expect(rounds).toBe(1);
    expect(counters(a)).toEqual([1, 7, 0]);
    expect(isQuiet()).toBe(true);
    expect(subnet.totalCycles()).toBe(before);
  });

  it('is told in the trace, with the instructions of all its messages', () => {
    const { answer } = subnet.call(a, 'forward', forwardTo(b, 'refuse'));
    expect(decodeForwarded(answer)).toMatchObject({ code: 4 });
    const told = subnet.trace.filter((event) => event.kind === 'messageExecuted').slice(-2);
    expect(told).toMatchObject([
      { canisterId: b, method: 'refuse', outcome: 'IC0406: on purpose' },
      { canisterId: a, method: 'forward', outcome: 'replied' },
    ]);
    expect(told.every(({ instructions }) => instructions > 1000n)).toBe(true);
  });

  it('calls itself, and a query method', () => {
    expect(decodeForwarded(subnet.call(a, 'forward', forwardTo(a, 'echo')).answer)).toMatchObject({
      refunded: 0n,
    });
    expect(decodeForwarded(subnet.call(a, 'forward', forwardTo(b, 'peek')).answer)).toMatchObject({
      data: Buffer.from('echo'),
    });
    expect(counters(a)).toEqual([2, 14, 0]);
  });

  it('passes a call on over several canisters', () => {
    const inner = forwardTo(a, 'forward', 0n, forwardTo(b, 'echo', 0n, Buffer.from('far')));
    const outer = decodeForwarded(subnet.call(b, 'forward', inner).answer);
    expect('data' in outer && decodeForwarded(outer.data.toString('hex'))).toMatchObject({
      data: Buffer.from('far'),
    });
    expect(isQuiet()).toBe(true);
  });

  it.each([
    ['trap', 5, /^IC0502: Error from Canister .*: Canister trapped: unreachable\./],
    ['mute', 5, /^No response$/],
    ['refuse', 4, /^on purpose$/],
    ['nothing', 5, /^IC0536: Error from Canister .*: Canister has no update method 'nothing'\./],
  ] as const)('brings the reject of %s, code %i, and all cycles back', (method, code, text) => {
    const before = subnet.totalCycles();
    const reject = decodeForwarded(subnet.call(a, 'forward', forwardTo(b, method, 5000n)).answer);
    expect(reject).toEqual({ code, text: expect.stringMatching(text) as string });
    expect(counters(a)).toEqual([1, 9, 0]);
    expect(subnet.totalCycles()).toBe(before);
    expect(isQuiet()).toBe(true);
  });

  it('says where there is no canister, no route and no module', () => {
    const missing = canisterIdFromU64(500n);
    const name = principalToText(missing);
    const reject = (to: string): unknown =>
      decodeForwarded(subnet.call(a, 'forward', forwardTo(to, 'echo', 10n)).answer);
    expect(reject(missing)).toEqual({ code: 3, text: `Canister ${name} not found` });
    const far = canisterIdFromU64(1n << 40n);
    expect(reject(far)).toEqual({ code: 3, text: `No route to canister ${principalToText(far)}` });
    expect(reject('abcdef')).toMatchObject({ code: 3 });
    const empty = subnet.create();
    expect(reject(empty)).toMatchObject({
      code: 5,
      text: expect.stringMatching(/^IC0537: /) as string,
    });
  });

  it('rejects a call to a stopped canister', () => {
    subnet.round([subnet.manage(b, 'stop_canister')]);
    expect(subnet.canister(b).status).toBe('stopped');
    expect(decodeForwarded(subnet.call(a, 'forward', forwardTo(b, 'echo')).answer)).toEqual({
      code: 5,
      text: `Canister ${principalToText(b)} is stopped`,
    });
  });

  it('keeps what happened before the await when the callback traps, and runs the cleanup', () => {
    const before = subnet.totalCycles();
    const { answer } = subnet.call(a, 'forward_trap', forwardTo(b, 'echo'));
    expect(answer).toMatch(/^IC0502: .*unreachable/);
    expect(counters(a)).toEqual([1, 0, 11]);
    expect(subnet.totalCycles()).toBe(before);
    expect(isQuiet()).toBe(true);
  });

  it('swallows a trap of the cleanup', () => {
    expect(subnet.call(a, 'forward_trap_all', forwardTo(b, 'echo')).answer).toMatch(/^IC0502/);
    expect(counters(a)).toEqual([1, 0, 0]);
    expect(isQuiet()).toBe(true);
  });

  it('sends nothing when the message that made the call traps', () => {
    expect(subnet.call(a, 'forward_then_trap', forwardTo(b, 'echo', 77n)).answer).toMatch(
      /^IC0502/,
    );
    expect(counters(a)).toEqual([0, 0, 0]);
    expect(isQuiet()).toBe(true);
  });

  it('rejects a call whose last callback gave no answer', () => {
    expect(subnet.call(a, 'forward_silent', forwardTo(b, 'echo')).answer).toMatch(/^IC0506/);
    expect(subnet.call(a, 'forward_call', forwardTo(b, 'echo')).answer).toBe(
      hex('Y') + '00'.repeat(8) + hex('echo'),
    );
  });

  it('names a callback that the table does not hold', () => {
    for (const [method, index] of [
      ['forward_null', 0],
      ['forward_missing', 99],
    ] as const) {
      expect(subnet.call(a, method, forwardTo(b, 'echo')).answer).toBe(
        `IC0513: Error from Canister ${principalToText(a)}: Canister requested to invoke a non-existent Wasm function ${index} from table 0.${TOOLCHAIN_HELP}`,
      );
    }
  });

  it('answers once: a second answer from a callback is a trap that nobody hears', () => {
    expect(subnet.call(a, 'reply_first', forwardTo(b, 'echo')).answer).toBe('');
    expect(counters(a)).toEqual([1, 7, 0]);
    expect(subnet.call(a, 'reply_twice', forwardTo(b, 'echo')).answer).toBe('');
    expect(counters(a)).toEqual([2, 7, 11]);
    expect(isQuiet()).toBe(true);
  });

  it('takes 500 open calls to one canister and refuses more', () => {
    const before = subnet.totalCycles();
    expect(subnet.call(a, 'flood').answer).toBe('f4010000');
    while (!isQuiet()) {
      subnet.round();
      expect(subnet.totalCycles()).toBe(before);
    }
    expect(counters(a)).toEqual([0, 500, 0]);
  });

  it('refuses a call that would bring the balance under the freezing threshold', () => {
    const poor = subnet.createWith(wasm);
    const balance = { ...subnet.canister(poor), cycles: 25_080_000_000n };
    subnet.state = { ...subnet.state, canisters: subnet.state.canisters.set(poor, balance) };
    const answer = subnet.call(poor, 'forward', forwardTo(b, 'echo', 1_000_000n)).answer;
    expect(answer).toBe('IC0406: busy');
    expect(subnet.call(poor, 'forward', forwardTo(b, 'echo', 1n << 60n)).answer).toBe(
      `IC0504: Error from Canister ${principalToText(poor)}: Canister ${principalToText(poor)} is out of cycles`,
    );
  });

  it('burns what it may spend, and no more', () => {
    const bytes = Buffer.from(subnet.call(a, 'burn').answer, 'hex');
    expect(bytes.readBigUInt64LE(0)).toBe(1000n);
    expect(bytes.readBigUInt64LE(20)).toBe(0n);
    const left = subnet.canister(a).cycles;
    expect(left).toBeGreaterThan(0n);
    expect(bytes.readBigUInt64LE(8)).toBeGreaterThan(left);
    expect(subnet.call(a, 'echo').answer).toMatch(
      /^IC0207: Canister .* is out of cycles: please top up the canister with at least \d+ additional cycles$/,
    );
  });

  it('gives raw_rand of a later round, 32 bytes, different for each call', () => {
    const before = subnet.totalCycles();
    const calls = [1, 2].map(() =>
      subnet.ingress(a, 'forward', forwardTo(MANAGEMENT, 'raw_rand', 9n, noArgs)),
    );
    subnet.round(calls);
    expect(calls.map((call) => subnet.answerOf(call))).toEqual(['processing', 'processing']);
    expect(subnet.state.randomRequests).toHaveLength(2);
    expect(subnet.totalCycles()).toBe(before);
    subnet.round();
    const values = calls.map((call) => {
      const reply = decodeForwarded(subnet.answerOf(call));
      expect(reply).toMatchObject({ refunded: 9n });
      const [bytes] = IDL.decode(
        [IDL.Vec(IDL.Nat8)],
        Uint8Array.from('data' in reply ? reply.data : []),
      );
      return Buffer.from(bytes as unknown as Uint8Array).toString('hex');
    });
    expect(values[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(values[0]).not.toBe(values[1]);
    expect(subnet.totalCycles()).toBe(before);
    expect(isQuiet()).toBe(true);
  });

  it('refuses raw_rand with an argument, and methods that do not exist', () => {
    const forward = (method: string, arg: Uint8Array): unknown =>
      decodeForwarded(subnet.call(a, 'forward', forwardTo(MANAGEMENT, method, 3n, arg)).answer);
    expect(forward('raw_rand', Uint8Array.of(1))).toMatchObject({
      code: 4,
      text: expect.stringMatching(/^Error decoding candid: /) as string,
    });
    expect(forward('no_such_method', noArgs)).toEqual({
      code: 5,
      text: "Management canister has no method 'no_such_method'",
    });
  });
});
