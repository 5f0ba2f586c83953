import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { principalToBytes } from '../../../src/protocol/crypto/principal.ts';
import { QueryHandler } from '../../../src/protocol/execution/query/execute-query.ts';
import type { CanisterId } from '../../../src/protocol/types/ids.ts';
import { TestSubnet } from '../../support/test-subnet.ts';
import { answer, answerInt, call, op, program, type Program } from '../../support/universal.ts';
import { universalWasm } from '../../support/universal-module.ts';

const SECOND_NS = 1_000_000_000n;
const PLAIN = program(answer(op('global')));

describe('query cache', () => {
  let wasm: Uint8Array;
  let subnet: TestSubnet;
  let handler: QueryHandler;
  let a: CanisterId;
  let b: CanisterId;

  beforeAll(async () => {
    wasm = await universalWasm();
  });
  beforeEach(() => {
    subnet = new TestSubnet();
    handler = new QueryHandler(subnet.env);
    a = subnet.createWith(wasm);
    b = subnet.createWith(wasm);
  });

  /** How many runs a query took. */
  const runs = (arg: Program, method = 'query'): number => {
    const spy = vi.spyOn(subnet.sandbox, 'handle');
    subnet.ask(a, method, arg.bytes, handler);
    const { length } = spy.mock.calls;
    spy.mockRestore();
    return length;
  };
  const nothing = (afterSeconds: bigint): void => {
    subnet.round([], { afterNs: afterSeconds * SECOND_NS });
  };

  it('answers the same query of the same user without running it', () => {
    expect(runs(PLAIN)).toBe(1);
    expect(runs(PLAIN)).toBe(0);
    nothing(5n);
    expect(runs(PLAIN)).toBe(0);
    expect(runs(program(answer(op('arg'))))).toBe(1);
  });

  it('tells nobody what another user was told', () => {
    const whoAmI = program(answer(op('caller')));
    const ask = (sender: string, callerInfo?: object): readonly [number, string] => {
      const query = {
        sender,
        canisterId: a,
        methodName: 'query',
        arg: whoAmI.bytes,
        ...(callerInfo && { callerInfo }),
      };
      const task = handler.execute(subnet.state, query as never, null);
      let count = 0;
      let step = task.next();
      for (; step.done !== true; count += 1) {
        step = task.next(subnet.sandbox.handle(step.value));
      }
      return [count, Buffer.from(replyOf(step.value)).toString('hex')];
    };
    expect(ask('04')).toEqual([1, '04']);
    expect(ask('abcd02')).toEqual([1, 'abcd02']);
    expect([ask('04'), ask('abcd02')]).toEqual([
      [0, '04'],
      [0, 'abcd02'],
    ]);
    // What others say of the same user is something that the canister can look at.
    const info = { signer: 'ab', data: Uint8Array.of(1) };
    expect(ask('04', info)).toEqual([1, '04']);
    expect(ask('04', { ...info, data: Uint8Array.of(2) })).toEqual([1, '04']);
    expect(ask('04', info)).toEqual([0, '04']);
  });

  it('runs it again when the canister changed, though not when only its balance did', () => {
    runs(PLAIN);
    expect(
      subnet.call(a, 'update', program(op('global_set', 'new'), op('reply')).bytes).answer,
    ).toBe('');
    expect(Buffer.from(replyOf(subnet.ask(a, 'query', PLAIN.bytes, handler))).toString()).toBe(
      'new',
    );
    const before = subnet.canister(a).cycles;
    nothing(60n);
    expect(subnet.canister(a).cycles).toBeLessThan(before);
    expect(runs(PLAIN)).toBe(0);
    const balance = program(answerInt(op('balance')));
    runs(balance);
    expect(runs(balance)).toBe(0);
    nothing(60n);
    expect(runs(balance)).toBe(1);
  });

  it('runs it again at another time when it read the time', () => {
    const time = program(answerInt(op('time')));
    runs(time);
    expect(runs(time)).toBe(0);
    nothing(1n);
    expect(runs(time)).toBe(1);
  });

  it('forgets after ten minutes, and after one minute what shows a certificate', () => {
    runs(PLAIN);
    nothing(599n);
    expect(runs(PLAIN)).toBe(0);
    nothing(2n);
    expect(runs(PLAIN)).toBe(1);
    const certificate = program(answer(op('certificate')));
    const ask = (): number => {
      const query = { sender: '04', canisterId: a, methodName: 'query', arg: certificate.bytes };
      const task = handler.execute(subnet.state, query as never, Uint8Array.of(1, 2));
      let count = 0;
      for (let step = task.next(); step.done !== true; count += 1) {
        step = task.next(subnet.sandbox.handle(step.value));
      }
      return count;
    };
    expect([ask(), ask()]).toEqual([1, 0]);
    nothing(61n);
    expect(ask()).toBe(1);
  });

  it('looks at every canister of a call tree', () => {
    const nested = program(
      call({ callee: principalToBytes(b), method: 'query', arg: PLAIN.bytes }),
    );
    expect(runs(nested, 'composite_query')).toBe(3);
    expect(runs(nested, 'composite_query')).toBe(0);
    subnet.call(b, 'update', program(op('global_set', 'other'), op('reply')).bytes);
    expect(runs(nested, 'composite_query')).toBe(3);
  });

  it('does not remember errors that pass, nor trees that asked the management canister', () => {
    const nested = program(
      call({ callee: new Uint8Array(0), method: 'canister_status', onReject: program(answer('')) }),
    );
    expect(runs(nested, 'composite_query')).toBe(2);
    expect(runs(nested, 'composite_query')).toBe(2);
    const poor = { ...subnet.canister(a), cycles: 0n };
    subnet.state = { ...subnet.state, canisters: subnet.state.canisters.set(a, poor) };
    expect(subnet.ask(a, 'query', PLAIN.bytes, handler)).toMatchObject({ error: { code: 207 } });
    const rich = { ...poor, cycles: 10n ** 13n };
    subnet.state = { ...subnet.state, canisters: subnet.state.canisters.set(a, rich) };
    expect(subnet.ask(a, 'query', PLAIN.bytes, handler)).toMatchObject({ kind: 'replied' });
  });

  it('does not remember what followed from an error that passes, anywhere in a call tree', () => {
    const nested = program(
      call({
        callee: principalToBytes(b),
        method: 'query',
        arg: PLAIN.bytes,
        onReject: program(answer('not now')),
      }),
    );
    const balance = (cycles: bigint): void => {
      const canister = { ...subnet.canister(b), cycles };
      subnet.state = { ...subnet.state, canisters: subnet.state.canisters.set(b, canister) };
    };
    const heard = (): string =>
      Buffer.from(replyOf(subnet.ask(a, 'composite_query', nested.bytes, handler))).toString();
    balance(0n);
    expect(heard()).toBe('not now');
    balance(10n ** 13n);
    expect(heard()).toBe('');
  });

  it('keeps within its bytes and lets go of what was used longest ago', () => {
    handler = new QueryHandler(subnet.env, { cacheBytes: 3500 });
    const big = (letter: string): Program =>
      program(answer(op('bytes', letter.charCodeAt(0), 500)));
    expect([runs(big('x')), runs(big('y')), runs(big('x'))]).toEqual([1, 1, 0]);
    expect([runs(big('z')), runs(big('x')), runs(big('y'))]).toEqual([1, 0, 1]);
    expect([runs(program(answer(op('bytes', 0, 9000))))]).toEqual([1]);
    expect([runs(program(answer(op('bytes', 0, 9000))))]).toEqual([1]);
  });
});

function replyOf(outcome: ReturnType<TestSubnet['ask']>): Uint8Array {
  return outcome.kind === 'replied' ? outcome.reply : new Uint8Array(0);
}
