import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  canisterIdFromU64,
  principalToBytes,
  principalToText,
} from '../../../src/protocol/crypto/principal.ts';
import { QueryHandler } from '../../../src/protocol/execution/query/execute-query.ts';
import { CLASSROOM_EXECUTION_LIMITS } from '../../../src/protocol/limits/execution.ts';
import type { CanisterId, PrincipalId } from '../../../src/protocol/types/ids.ts';
import { createSandbox } from '../../../src/sandbox/sandbox.ts';
import { TestSubnet } from '../../support/test-subnet.ts';
import { answer, call, op, program, type Code, type Program } from '../../support/universal.ts';
import { universalWasm } from '../../support/universal-module.ts';

const LIMITS = { ...CLASSROOM_EXECUTION_LIMITS, queryInstructions: 1_000_000_000n };
const FOREIGN = canisterIdFromU64(1n << 40n);

const id = (canisterId: CanisterId): Uint8Array => principalToBytes(canisterId);
/** "5: text" of a reject. */
const codeAndText = program(
  answer(
    op(
      'concat',
      op('bytes', op('add', op('reject_code'), 48), 1),
      op('concat', ': ', op('reject_message')),
    ),
  ),
);

describe.each([false, true])('composite queries, memory64 %s', (memory64) => {
  let wasm: Uint8Array;
  let subnet: TestSubnet;
  let a: CanisterId;
  let b: CanisterId;

  beforeAll(async () => {
    wasm = await universalWasm({ memory64 });
  });
  beforeEach(() => {
    subnet = new TestSubnet(LIMITS);
    a = subnet.createWith(wasm);
    b = subnet.createWith(wasm);
  });

  const composite = (...parts: readonly Code[]): string =>
    subnet.answerTo(a, 'composite_query', program(...parts).bytes);
  /** Calls a method of a canister in a composite query. */
  const ask = (
    canisterId: CanisterId,
    method: string,
    arg: Program,
    more: Partial<Parameters<typeof call>[0]> = {},
  ): Code => call({ callee: id(canisterId), method, arg: arg.bytes, ...more });

  it('calls queries of others, which see the caller', () => {
    const callee = program(answer(op('concat', 'from ', op('caller'))));
    const answered = subnet.ask(a, 'composite_query', program(ask(b, 'query', callee)).bytes);
    expect(answered).toEqual({
      kind: 'replied',
      reply: Uint8Array.from([...Buffer.from('from '), ...id(a)]),
    });
  });

  it('keeps what it wrote for its callbacks, and for nobody else', () => {
    const read = program(answer(op('concat', '', op('global'))));
    const parts = [
      op('global_set', 'mine'),
      ask(a, 'query', read, {
        onReply: program(
          op('global_append', op('concat', '+', op('arg'))),
          ask(b, 'query', program(answer('theirs')), {
            onReply: program(answer(op('concat', op('global'), op('arg')))),
          }),
        ),
      }),
    ];
    // The nested call of the same canister sees the committed state, which is empty.
    expect(composite(...parts)).toBe('mine+theirs');
    expect(subnet.answerTo(a, 'query', read.bytes)).toBe('');
    expect(subnet.call(a, 'update', read.bytes).answer).toBe('');
  });

  it('makes its calls one after the other, and none after its answer', () => {
    const note = (text: string): Partial<Parameters<typeof call>[0]> => ({
      onReply: program(op('global_append', text)),
    });
    const nop = program(answer('x'));
    const last = { onReply: program(answer(op('global'))) };
    const after = { onReply: program(op('trap', 'never')) };
    expect(
      composite(
        ask(b, 'query', nop, note('1')),
        ask(b, 'query', nop, note('2')),
        ask(b, 'query', nop, last),
        ask(b, 'query', nop, after),
      ),
    ).toBe('12');
  });

  it('goes on after a trap of a callback while calls are open, with its changes undone', () => {
    const nop = program(answer('x'));
    const parts = (final: Program): Code[] => [
      ask(b, 'query', nop, {
        onReply: program(op('global_append', 'lost'), op('trap', 'first')),
        onCleanup: program(op('global_append', 'cleaned')),
      }),
      ask(b, 'query', nop, { onReply: final }),
    ];
    expect(composite(...parts(program(answer(op('global')))))).toBe('cleaned');
    expect(composite(...parts(program(op('trap', 'second'))))).toMatch(
      /^IC0503: Error from Canister .* with message: 'second'/,
    );
    expect(composite(...parts(program()))).toBe(
      `IC0506: Canister ${principalToText(a)} did not produce a response`,
    );
  });

  it('tells of a cleanup that fails too', () => {
    const failing = { onReply: program(op('trap', 'one')), onCleanup: program(op('trap', 'two')) };
    expect(composite(ask(b, 'query', program(answer('')), failing))).toMatch(
      /^IC0503: .*'one'.*\n\ncall_on_cleanup also failed:\n\n.*'two'/s,
    );
  });

  it('gives the rejects of what it calls to its callback', () => {
    const reject = (canisterId: CanisterId, method: string, arg: Program = program()): string =>
      composite(ask(canisterId, method, arg, { onReject: codeAndText }));
    expect(reject(b, 'query', program(op('reject', 'no')))).toBe('4: no');
    expect(reject(b, 'query', program(op('trap', 'oh')))).toMatch(/^5: Error from Canister .*'oh'/);
    expect(reject(b, 'query')).toBe(`5: Canister ${principalToText(b)} did not produce a response`);
    expect(reject(b, 'update')).toMatch(
      /^5: Error from Canister .*Canister has no query method 'update'/,
    );
    expect(reject(FOREIGN, 'query')).toBe(`3: Canister ${principalToText(FOREIGN)} not found`);
    expect(reject(subnet.create(), 'query')).toMatch(/^5: Error from Canister .* no Wasm module/);
  });

  it('asks the management canister what queries may ask', () => {
    const management = (method: string, of: CanisterId): string => {
      const arg = Uint8Array.from(
        IDL.encode(
          [IDL.Record({ canister_id: IDL.Principal })],
          [{ canister_id: Principal.fromUint8Array(id(of)) }],
        ),
      );
      const onReply = program(answer(op('slice', op('arg'), 0, 4)));
      return composite(
        call({ callee: new Uint8Array(0), method, arg, onReply, onReject: codeAndText }),
      );
    };
    expect(management('raw_rand', a)).toBe('5: Query method raw_rand not found.');
    expect(management('canister_status', b)).toMatch(
      /^5: Caller .* is not allowed to read the canister status$/,
    );
    expect(management('fetch_canister_logs', b)).toMatch(
      /^4: Caller .* is not allowed to access canister logs$/,
    );
    expect(management('canister_status', FOREIGN)).toMatch(/^3: Canister .* not found$/);
  });

  it('nests calls to a depth of six', () => {
    const nested = (depth: number): Program =>
      depth === 0
        ? program(answer('deep'))
        : program(ask(depth % 2 === 0 ? a : b, 'composite_query', nested(depth - 1)));
    expect(subnet.answerTo(a, 'composite_query', nested(6).bytes)).toBe('deep');
    expect(subnet.answerTo(a, 'composite_query', nested(7).bytes)).toBe(
      'IC0525: Composite query calls exceeded the maximum call depth.',
    );
  });

  it('limits the instructions of all calls together', () => {
    const spin = program(op('spin', 9_000_000), answer('x'));
    const many = (count: number, onReject: Program): Code[] => [
      ...Array.from({ length: count }, () =>
        ask(b, 'query', spin, { onReply: program(), onReject }),
      ),
      ask(b, 'query', program(answer('end'))),
    ];
    expect(composite(...many(3, program()))).toBe('end');
    expect(composite(...many(12, program()))).toBe(
      'IC0526: Composite query calls exceeded the instruction limit.',
    );
    expect(composite(op('forever'))).toMatch(
      /^IC0522: .*exceeded the limit of 1000000000 instructions/,
    );
  });

  it('ends when it takes too long by the clock of the node', () => {
    let nowNs = 0n;
    const clock = (): bigint => {
      nowNs += 4_000_000_000n;
      return nowNs;
    };
    const handler = new QueryHandler(subnet.env, { nowNs: clock });
    const chain = [1, 2, 3].map(() => ask(b, 'query', program(answer('')), { onReply: program() }));
    expect(subnet.ask(a, 'composite_query', program(...chain).bytes, handler)).toEqual({
      kind: 'rejected',
      error: { code: 528, message: 'Composite query call exceeded the time limit.' },
    });
  });

  it('needs nothing that a sandbox remembers between two runs', () => {
    const parts = [
      op('global_set', 'one'),
      ask(b, 'query', program(answer(' two')), {
        onReply: program(
          op('global_append', op('arg')),
          op('stable_write', 0, op('bytes', op('stable_grow', 1), 9)),
          ask(a, 'query', program(answer(' three')), {
            onReply: program(answer(op('concat', op('global'), op('arg')))),
          }),
        ),
      }),
    ];
    const { state, env } = subnet;
    const sender = '04' as PrincipalId;
    const query = { sender, canisterId: a, methodName: 'composite_query' };
    const handler = new QueryHandler(env);
    const task = handler.execute(state, { ...query, arg: program(...parts).bytes }, null);
    let step = task.next();
    let requests = 0;
    while (step.done !== true) {
      requests += 1;
      step = task.next(createSandbox().handle(step.value));
    }
    expect(step.value).toEqual({
      kind: 'replied',
      reply: Uint8Array.from(Buffer.from('one two three')),
    });
    // Five runs, and each sandbox lacked the module, the memory or both.
    expect(requests).toBeGreaterThan(5);
  });

  it('is not for replicated execution', () => {
    expect(subnet.call(a, 'composite_query').answer).toBe(
      'IC0527: Composite query cannot be called in replicated mode',
    );
  });
});
