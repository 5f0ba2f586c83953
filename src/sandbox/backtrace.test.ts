import { fc, test } from '@fast-check/vitest';
import { beforeAll, describe, expect, it } from 'vitest';
import { replyOf, TestCanister } from '../../tests/support/test-canister.ts';
import { compileWat } from '../../tests/support/wat.ts';
import { backtraceText } from '../protocol/execution/system-api/backtrace.ts';
import { functionNames } from '../protocol/execution/wasm/function-names.ts';
import { createSandbox } from './sandbox.ts';

const DEEP = 3000;

/** Traps in some ways below functions with names; `canister_update …` functions have none. */
const TRAPPER = `(module
  (import "ic0" "stable64_write" (func $ic0::stable64_write (param i64 i64 i64)))
  (import "ic0" "stable_size" (func $ic0::stable_size (result i32)))
  (import "ic0" "trap" (func $ic0::trap (param i32 i32)))
  (import "ic0" "debug_print" (func $ic0::debug_print (param i32 i32)))
  (import "ic0" "msg_reply" (func $ic0::msg_reply))
  (memory 1)
  (data (i32.const 0) "why not")
  (table funcref (elem $inner))
  (func $inner unreachable)
  (func $_ZN4main5outer17h0123456789abcdefE (call_indirect (i32.const 0)))
  (func $far (drop (i32.load (i32.const 0x7fffffff))))
  (func $deep (param $times i32) (result i32)
    (if (i32.eqz (local.get $times)) (then (call $inner)))
    (i32.add (call $deep (i32.sub (local.get $times) (i32.const 1))) (i32.const 1)))
  (func (export "canister_update code") (call $_ZN4main5outer17h0123456789abcdefE))
  (func (export "canister_query memory") (call $far))
  (func (export "canister_update stable") (call $ic0::stable64_write (i64.const 0) (i64.const 0) (i64.const 1)))
  (func (export "canister_update said") (call $ic0::trap (i32.const 0) (i32.const 7)))
  (func (export "canister_update deep") (drop (call $deep (i32.const ${DEEP}))))
  (func (export "canister_update twice") (call $ic0::msg_reply) (call $ic0::msg_reply))
  (func $again (call $again))
  (func (export "canister_update endless") (call $again)))`;

const TEXTS = {
  code: 'Canister trapped: unreachable\nCanister Backtrace:\ninner\nmain::outer\nunknown function at index 9\n',
  memory:
    'Canister trapped: heap out of bounds\nCanister Backtrace:\nfar\nunknown function at index 10\n',
  stable:
    'Canister trapped: stable memory out of bounds\nCanister Backtrace:\nic0::stable64_write\nunknown function at index 11\n',
  deep: `Canister trapped: unreachable\nCanister Backtrace:\ninner\n${'deep\n'.repeat(19)}`,
} as const;

function logsOf(run: ReturnType<TestCanister['update']>): readonly string[] {
  return run.effects.logs.map((line) => Buffer.from(line).toString());
}

describe('backtraces', () => {
  let named: Uint8Array;
  let nameless: Uint8Array;
  beforeAll(async () => {
    named = await compileWat(TRAPPER, true);
    nameless = await compileWat(TRAPPER);
  });
  const canister = (
    wasm: Uint8Array,
    options: Parameters<typeof createSandbox>[0] = {},
  ): TestCanister => {
    const made = new TestCanister(createSandbox(options), wasm);
    made.install();
    return made;
  };

  it.each(['code', 'stable', 'deep'] as const)('name the functions of a trap: %s', (method) => {
    const run = canister(named).update(method);
    expect(replyOf(run)).toBe(`IC0502: ${TEXTS[method]}`);
    expect(logsOf(run)).toEqual([`[TRAP]: ${TEXTS[method].slice('Canister trapped: '.length)}`]);
  });

  it('do not depend on how long a trace other code of the thread wants', () => {
    const engine = Error as { stackTraceLimit?: number };
    const limit = engine.stackTraceLimit;
    const made = canister(named);
    try {
      engine.stackTraceLimit = 0;
      expect(replyOf(made.update('code'))).toBe(`IC0502: ${TEXTS.code}`);
    } finally {
      Object.assign(engine, { stackTraceLimit: limit });
    }
  });

  it('name those of a query', () => {
    expect(replyOf(canister(named).query('memory'))).toBe(`IC0502: ${TEXTS.memory}`);
  });

  it('are not where no function that ran has a name, in a module without names, or in other errors', () => {
    const said = canister(named).update('said');
    expect(replyOf(said)).toBe("IC0503: Canister called `ic0.trap` with message: 'why not'");
    expect(logsOf(said)).toEqual(['[TRAP]: why not']);
    expect(replyOf(canister(nameless).update('code'))).toBe(
      'IC0502: Canister trapped: unreachable',
    );
    expect(replyOf(canister(named).update('twice'))).not.toContain('Backtrace');
  });

  it('are for the log only where the caller may not see the log', () => {
    const run = canister(named).update('code', { seesBacktrace: false });
    expect(replyOf(run)).toBe('IC0502: Canister trapped: unreachable');
    expect(logsOf(run)[0]).toContain('Canister Backtrace:\ninner\nmain::outer\n');
  });

  it.each([16 * 1024, 2000, 700])(
    'are the same with stack segments of %i bytes',
    (segmentBytes) => {
      const bytes = 340 * 1024;
      const whole = canister(named, { stack: { bytes, segmentBytes: bytes } });
      const parts = canister(named, { stack: { bytes, segmentBytes } });
      for (const method of ['deep', 'endless', 'code', 'deep']) {
        const run = parts.update(method);
        expect(run).toEqual(whole.update(method));
        expect(replyOf(run)).toContain('Canister Backtrace:');
      }
    },
  );
});

describe('the names in a module', () => {
  it('are read as far as they go', () => {
    const section = Uint8Array.of(0, 1, 0, 1, 7, 2, 1, 1, 0x61, 5, 1, 0xff);
    expect([...functionNames(section, new Set([1, 5]))]).toEqual([[1, 'a']]);
    expect(backtraceText([5, 1], section)).toBe(
      'Canister Backtrace:\nunknown function at index 5\na\n',
    );
    expect(backtraceText([5], section)).toBeNull();
  });

  test.prop([fc.uint8Array({ maxLength: 80 })])('may be any bytes', (bytes) => {
    const section = Uint8Array.of(1, bytes.length, ...bytes);
    expect(functionNames(section, new Set([0, 1, 2])).size).toBeLessThan(4);
  });
});
