import { fc } from '@fast-check/vitest';
import type { Action, CallAction, ManagementMethod, Step } from './actions.ts';

/**
 * Scenarios whose outcome does not depend on the order in which the system runs what may run side by
 * side: a message makes one call, or several whose callbacks do all the same.
 */

export const CANISTERS = 3;

const small = fc.nat(250);
const note: fc.Arbitrary<Action> = fc.record({
  kind: fc.constant('note' as const),
  value: small,
});
const count: fc.Arbitrary<Action> = fc.record({
  kind: fc.constant('count' as const),
  by: fc.integer({ min: 1, max: 9 }),
});
const reply: fc.Arbitrary<Action> = fc.record({
  kind: fc.constant('reply' as const),
  value: small,
});
const anyEnd: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: reply },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('reject' as const), value: small }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'trap' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'unreachable' } as const) },
);
const accept: fc.Arbitrary<Action> = fc.record({
  kind: fc.constant('accept' as const),
  cycles: fc.nat(2000),
});
const RESPONSE: readonly Action[] = [{ kind: 'refunded' }, { kind: 'rejectCode' }];

const work = fc.array(fc.oneof(note, count, accept), { maxLength: 3 });
/** Rarely something that breaks a rule there. */
const cleanup = fc.option(
  fc
    .tuple(fc.array(fc.oneof(note, count), { maxLength: 2 }), fc.option(anyEnd, { freq: 5 }))
    .map(([some, end]) => [...some, ...(end === null ? [] : [end])]),
);

const method: fc.Arbitrary<CallAction['method']> = fc.oneof(
  { weight: 12, arbitrary: fc.constant('update' as const) },
  { weight: 2, arbitrary: fc.constant('query' as const) },
  { weight: 1, arbitrary: fc.constantFrom('missing' as const, 'composite_query' as const) },
);

/** A message that may make calls, nested to a depth. */
function message(depth: number, inCallback: boolean): fc.Arbitrary<readonly Action[]> {
  const start = inCallback ? work.map((some) => [...RESPONSE, ...some]) : work;
  const calls =
    depth === 0
      ? fc.constant([])
      : fc.oneof(
          { weight: 2, arbitrary: fc.constant([]) },
          { weight: 4, arbitrary: call(depth - 1).map((one) => [one]) },
          { weight: 1, arbitrary: several(depth - 1, noted) },
          { weight: 1, arbitrary: several(depth - 1, fc.constant([{ kind: 'trap' }])) },
        );
  return fc
    .tuple(start, calls, fc.option(anyEnd, { freq: 2 }), fc.option(anyEnd, { freq: 12 }))
    .map(([some, made, end, extra]) => [
      ...some,
      ...made,
      ...(end === null ? [] : [end]),
      ...(extra === null ? [] : [extra]),
    ]);
}

const target: fc.Arbitrary<CallAction['to']> = fc.oneof(
  { weight: 5, arbitrary: fc.nat(CANISTERS - 1) },
  { weight: 2, arbitrary: fc.constant('nextRound' as const) },
);

function call(depth: number): fc.Arbitrary<CallAction> {
  return fc.record({
    kind: fc.constant('call' as const),
    to: target,
    method,
    cycles: fc.nat(3000),
    body: message(depth, false),
    onReply: message(Math.max(depth - 1, 0), true),
    onReject: message(Math.max(depth - 1, 0), true),
    onCleanup: cleanup,
  });
}

const noted = fc
  .array(note, { maxLength: 2 })
  .map((notes): readonly Action[] => [...RESPONSE, ...notes]);

/** Calls whose callbacks all only note, or all trap: which one runs last makes no difference. */
function several(
  depth: number,
  callback: fc.Arbitrary<readonly Action[]>,
): fc.Arbitrary<CallAction[]> {
  const one = fc.record({
    kind: fc.constant('call' as const),
    to: target,
    method,
    cycles: fc.nat(3000),
    body: message(depth, false),
    onReply: callback,
    onReject: callback,
    onCleanup: fc.option(fc.constant([{ kind: 'note', value: 1 } as const])),
  });
  return fc.array(one, { minLength: 2, maxLength: 3 });
}

const manage: fc.Arbitrary<ManagementMethod> = fc.constantFrom(
  'stop_canister',
  'stop_canister',
  'stop_canister',
  'start_canister',
  'start_canister',
  'start_canister',
  'uninstall_code',
  'uninstall_code',
  'uninstall_code',
  'install',
  'install',
  'delete_canister',
  'upgrade',
  'reinstall',
  'install',
);

const step: fc.Arbitrary<Step> = fc.record({
  manage: fc.option(fc.record({ method: manage, of: fc.nat(CANISTERS - 1) }), { freq: 2 }),
  calls: fc.array(fc.record({ to: fc.nat(CANISTERS - 1), method, body: message(3, false) }), {
    maxLength: 3,
  }),
});

export const scenario: fc.Arbitrary<readonly Step[]> = fc.array(step, {
  minLength: 1,
  maxLength: 8,
});
