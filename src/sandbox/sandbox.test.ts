import { beforeAll, describe, expect, it } from 'vitest';
import { compileWat } from '../../tests/support/wat.ts';
import type { CanisterId } from '../protocol/types/ids.ts';
import { HostFault } from './host-fault.ts';
import { MemoryBudget } from './memory-budget.ts';
import { ModuleCache } from './module-cache.ts';
import { createSandbox } from './sandbox.ts';
import { apiInput, logLines, replyOf, TestCanister } from '../../tests/support/test-canister.ts';

const REPLY = `
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (func $answer (param $at i32) (param $size i32)
    (call $append (local.get $at) (local.get $size)) (call $reply))`;

const COUNTER = `(module ${REPLY}
  (memory 2)
  (global $count (mut i32) (i32.const 0))
  (global $ratio (mut f64) (f64.const 1))
  (func (export "canister_init") (i32.store (i32.const 70000) (i32.const 5)))
  (func $inc (export "canister_update inc")
    (i32.store (i32.const 70000) (i32.add (i32.load (i32.const 70000)) (i32.const 1)))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (global.set $ratio (f64.div (global.get $ratio) (f64.const 2)))
    (call $read))
  (func $read (export "canister_query read")
    (i32.store (i32.const 0) (i32.load (i32.const 70000)))
    (i32.store (i32.const 4) (global.get $count))
    (f64.store (i32.const 8) (global.get $ratio))
    (call $answer (i32.const 0) (i32.const 16)))
  (func (export "canister_query incInQuery") (call $inc))
  (func (export "canister_update incThenTrap") (call $inc) unreachable)
  (func (export "canister_update growThenTrap") (call $inc) (drop (memory.grow (i32.const 3))) unreachable)
  (func (export "canister_update size") (i32.store (i32.const 0) (memory.size)) (call $answer (i32.const 0) (i32.const 4)))
  (func (export "canister_update grow") (drop (memory.grow (i32.const 3))) (i32.store (i32.const 250000) (i32.const 1)) (call $reply))
  (func (export "canister_update oob") (drop (i32.load (i32.const 131072))))
  (func (export "canister_update div") (drop (i32.div_u (i32.const 1) (i32.const 0))))
  (func (export "canister_update sig") (call_indirect (param i32) (i32.const 0) (i32.const 0)))
  (func (export "canister_update table") (call_indirect (i32.const 9)))
  (func (export "canister_update trunc") (drop (i32.trunc_f64_s (f64.const 1e99))))
  (func (export "canister_update loop") (loop (br 0)))
  (func $deep (export "canister_update deep") (call $deep))
  (table 2 funcref) (elem (i32.const 0) $inc))`;

/** (stored count, global count, global ratio) of the counter. */
function state(reply: Uint8Array | string): [number, number, number] {
  if (typeof reply === 'string') {
    throw new TypeError(reply);
  }
  const view = new DataView(reply.buffer, reply.byteOffset);
  return [view.getInt32(0, true), view.getInt32(4, true), view.getFloat64(8, true)];
}

const canisterId = (n: number): CanisterId => n.toString(16).padStart(20, '0') as CanisterId;

let counter: Uint8Array;
beforeAll(async () => {
  counter = await compileWat(COUNTER);
});

function installed(host = createSandbox()): TestCanister {
  const canister = new TestCanister(host, counter);
  expect(replyOf(canister.install())).toBe('none');
  return canister;
}

describe('running', () => {
  it('commits updates and tells exactly what changed', () => {
    const canister = installed();
    const reply = canister.update('inc');
    expect(state(replyOf(reply))).toEqual([6, 1, 0.5]);
    expect(reply.delta?.heap.map(({ index }) => index)).toEqual([0, 17]);
    expect(reply.delta?.heapReset).toBe(false);
    expect(reply.delta?.globals).toEqual([
      { type: 'i32', bits: 1n },
      { type: 'f64', bits: 0x3fe0_0000_0000_0000n },
    ]);
  });

  it('rolls back queries, traps and growth', () => {
    const canister = installed();
    canister.update('inc');
    expect(state(replyOf(canister.query('incInQuery')))).toEqual([7, 2, 0.25]);
    expect(replyOf(canister.update('incThenTrap'))).toBe('IC0502: Canister trapped: unreachable');
    expect(replyOf(canister.update('growThenTrap'))).toBe('IC0502: Canister trapped: unreachable');
    expect(replyOf(canister.update('size'))).toEqual(Uint8Array.of(2, 0, 0, 0));
    expect(replyOf(canister.update('oob'))).toBe('IC0502: Canister trapped: heap out of bounds');
    expect(state(replyOf(canister.update('inc')))).toEqual([7, 2, 0.25]);
  });

  it('answers queries on the version they name', () => {
    const canister = installed();
    const versions = [canister.version];
    canister.update('inc');
    versions.push(canister.version);
    canister.update('grow');
    canister.update('inc');
    const [first, second] = versions as [number, number];
    expect(state(replyOf(canister.query('read', {}, first)))).toEqual([5, 0, 1]);
    expect(state(replyOf(canister.query('read')))).toEqual([7, 2, 0.25]);
    expect(state(replyOf(canister.query('read', {}, second)))).toEqual([6, 1, 0.5]);
    expect(state(replyOf(canister.update('inc')))).toEqual([8, 3, 0.125]);
  });

  it('forgets versions nobody uses and asks for them again', () => {
    const canister = installed();
    canister.update('inc');
    const moduleHash = 'ff'.repeat(32) as never;
    const base = { from: 'version', version: 1 } as const;
    const request = {
      kind: 'run',
      canisterId: canister.id,
      base,
      steps: [],
      instructionLimit: 1n,
      commitAs: null,
      oldestVersionInUse: 2,
      moduleHash,
    } as const;
    expect(canister.host.handle(request)).toEqual({ kind: 'missing', module: true, image: true });
  });

  it('says which trap it was, in the words of the IC', () => {
    const canister = installed();
    const cases: Readonly<Record<string, string>> = {
      oob: 'heap out of bounds',
      div: 'integer division by 0',
      sig: 'unknown',
      table: 'table out of bounds',
      trunc: 'unknown',
    };
    for (const [method, cause] of Object.entries(cases)) {
      expect(replyOf(canister.update(method))).toBe(`IC0502: Canister trapped: ${cause}`);
    }
    expect(replyOf(canister.update('nope'))).toBe("IC0536: Canister has no update method 'nope'.");
  });

  it('stops at the instruction limit and reports it', () => {
    const canister = installed();
    canister.limit = 10_000n;
    const reply = canister.update('loop');
    expect(replyOf(reply)).toBe(
      'IC0522: Canister exceeded the limit of 10000 instructions for single message execution.',
    );
    expect(reply.instructionsUsed).toBe(10_000n);
    canister.limit = 1_000_000_000n;
    expect(replyOf(canister.update('deep'))).toBe('IC0502: Canister trapped: stack overflow');
    expect(state(replyOf(canister.update('inc')))).toEqual([6, 1, 0.5]);
  });

  it('tells invalid modules from valid ones', async () => {
    const badlyTyped = await compileWat('(module (func (result i32) (i64.const 1)))');
    expect(new TestCanister(createSandbox(), badlyTyped).compile()).toMatchObject({
      kind: 'invalidModule',
      error: { code: 505 },
    });
    const badlyTyped64 = await compileWat(
      '(module (memory i64 1) (func (drop (i64.load (i32.const 1)))))',
    );
    expect(new TestCanister(createSandbox(), badlyTyped64).compile()).toMatchObject({
      kind: 'invalidModule',
      error: { code: 505 },
    });
    expect(new TestCanister(createSandbox(), counter).compile()).toMatchObject({
      kind: 'compiled',
      info: { memory64: false },
    });
  });

  it('gives every message its passive segments back', async () => {
    const wasm = await compileWat(`(module ${REPLY} (memory 1) (data "kept")
      (func (export "canister_update once")
        (memory.init 0 (i32.const 0) (i32.const 0) (i32.const 4)) (data.drop 0)
        (call $answer (i32.const 0) (i32.const 4))))`);
    const canister = new TestCanister(createSandbox(), wasm);
    canister.install();
    for (let i = 0; i < 3; i += 1) {
      expect(replyOf(canister.update('once'))).toEqual(Uint8Array.from(Buffer.from('kept')));
    }
  });

  it('refuses a module whose segments do not fit its table when it is installed', async () => {
    const wasm = await compileWat('(module (table 1 funcref) (func $f) (elem (i32.const 5) $f))');
    expect(replyOf(new TestCanister(createSandbox(), wasm).install())).toBe(
      'IC0502: Canister trapped: table out of bounds',
    );
  });

  it('keeps stable memory over an upgrade that replaces the heap', async () => {
    const wasm = await compileWat(`(module
      (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
      (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
      (import "ic0" "stable64_read" (func $read (param i64 i64 i64)))
      (import "ic0" "stable64_size" (func $size (result i64)))
      ${REPLY}
      (memory 1) (data (i32.const 100) "stable!!")
      (func (export "canister_update save")
        (drop (call $grow (i64.const 1)))
        (call $write (i64.const 4092) (i64.const 100) (i64.const 8))
        (i32.store8 (i32.const 100) (i32.const 0)) (call $reply))
      (func (export "canister_update trapAfterWrite")
        (call $write (i64.const 4092) (i64.const 0) (i64.const 8)) unreachable)
      (func (export "canister_update beyond")
        (call $write (i64.const 65529) (i64.const 100) (i64.const 8)))
      (func (export "canister_query load")
        (call $read (i64.const 0) (i64.const 4092) (i64.const 8))
        (i64.store (i32.const 8) (call $size))
        (i32.store8 (i32.const 16) (i32.load8_u (i32.const 100)))
        (call $answer (i32.const 0) (i32.const 17))))`);
    const canister = new TestCanister(createSandbox(), wasm);
    canister.install();
    const saved = canister.update('save');
    expect(saved.delta?.stable.map(({ index }) => index)).toEqual([0, 1]);
    expect(replyOf(canister.update('trapAfterWrite'))).toContain('unreachable');
    expect(replyOf(canister.update('beyond'))).toBe(
      'IC0502: Canister trapped: stable memory out of bounds',
    );
    const expected = (first: number): Uint8Array =>
      Uint8Array.from([...Buffer.from('stable!!'), 1, 0, 0, 0, 0, 0, 0, 0, first]);
    expect(replyOf(canister.query('load'))).toEqual(expected(0));
    const base = { from: 'upgrade', version: canister.version, keepHeap: false } as const;
    const upgraded = canister.run(base, [], true);
    expect(upgraded.delta).toMatchObject({ heapReset: true, stableReset: false, stable: [] });
    expect(replyOf(canister.query('load'))).toEqual(expected('s'.charCodeAt(0)));
  });
});

describe('the budget of memories', () => {
  it('serves many canisters from few memories, each with its own state', () => {
    const budget = new MemoryBudget(3);
    const host = createSandbox({ memoryBudget: budget });
    const canisters = Array.from(
      { length: 8 },
      (_, n) => new TestCanister(host, counter, canisterId(n)),
    );
    canisters.forEach((canister, n) => {
      canister.install();
      for (let i = 0; i < n; i += 1) {
        canister.update('inc');
      }
    });
    canisters.forEach((canister, n) => {
      expect(state(replyOf(canister.query('read')))).toEqual([5 + n, n, 0.5 ** n]);
      expect(budget.used).toBeLessThanOrEqual(3);
    });
    host.close();
    expect(budget.used).toBe(0);
  });

  it('takes idle memories from other sandboxes of the tab, and fails as a host when none is left', () => {
    const memoryBudget = new MemoryBudget(1);
    const moduleCache = new ModuleCache();
    const a = installed(createSandbox({ memoryBudget, moduleCache }));
    const b = installed(createSandbox({ memoryBudget, moduleCache }));
    a.update('inc');
    b.update('inc');
    expect(state(replyOf(a.query('read')))).toEqual([6, 1, 0.5]);
    const none = createSandbox({ memoryBudget: new MemoryBudget(0) });
    expect(() => new TestCanister(none, counter).install()).toThrow(HostFault);
  });

  it('never lets a canister see memory of another', async () => {
    const host = createSandbox({ memoryBudget: new MemoryBudget(1) });
    const first = new TestCanister(host, counter, canisterId(1));
    first.install();
    first.update('inc');
    const peek = await compileWat(`(module ${REPLY} (memory 2)
      (func (export "canister_query peek") (call $answer (i32.const 0) (i32.const 131072))))`);
    const second = new TestCanister(host, peek, canisterId(2));
    second.install();
    expect(replyOf(second.query('peek'))).toEqual(new Uint8Array(131_072));
  });
});

describe('the system API', () => {
  const API = `(module
    (import "ic0" "msg_arg_data_size" (func $argSize (result i32)))
    (import "ic0" "msg_arg_data_copy" (func $argCopy (param i32 i32 i32)))
    (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
    (import "ic0" "msg_reply" (func $reply))
    (import "ic0" "msg_reject" (func $reject (param i32 i32)))
    (import "ic0" "trap" (func $trap (param i32 i32)))
    (import "ic0" "debug_print" (func $print (param i32 i32)))
    (import "ic0" "time" (func $time (result i64)))
    (import "ic0" "performance_counter" (func $performance (param i32) (result i64)))
    (import "ic0" "certified_data_set" (func $certify (param i32 i32)))
    (import "ic0" "global_timer_set" (func $timer (param i64) (result i64)))
    (import "ic0" "is_controller" (func $controller (param i32 i32) (result i32)))
    (import "ic0" "msg_cycles_accept128" (func $accept (param i64 i64 i32)))
    (import "ic0" "canister_cycle_balance128" (func $balance (param i32)))
    (import "ic0" "call_new" (func $callNew (param i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "ic0" "call_perform" (func $perform (result i32)))
    (import "ic0" "accept_message" (func $acceptMessage))
    (memory 1) (data (i32.const 0) "hello")
    (func $load (call $argCopy (i32.const 1000) (i32.const 0) (call $argSize)))
    (func $answer (param i32 i32) (call $append (local.get 0) (local.get 1)) (call $reply))
    (func (export "canister_update echo") (call $load) (call $answer (i32.const 1000) (call $argSize)))
    (func (export "canister_update reject") (call $reject (i32.const 0) (i32.const 5)))
    (func (export "canister_update trap") (call $trap (i32.const 0) (i32.const 5)))
    (func (export "canister_update print") (call $print (i32.const 0) (i32.const 5)) unreachable)
    (func (export "canister_update twice") (call $reply) (call $reply))
    (func (export "canister_update far") (call $argCopy (i32.const 65535) (i32.const 0) (call $argSize)))
    (func (export "canister_update long") (call $argCopy (i32.const 0) (i32.const 1) (i32.const 9)))
    (func (export "canister_update effects")
      (call $certify (i32.const 0) (i32.const 5)) (drop (call $timer (i64.const 77)))
      (call $accept (i64.const 0) (i64.const 30) (i32.const 16)) (call $balance (i32.const 32))
      (i64.store (i32.const 48) (call $time))
      (call $load) (i32.store8 (i32.const 56) (call $controller (i32.const 1000) (call $argSize)))
      (call $answer (i32.const 16) (i32.const 41)))
    (func (export "canister_update certifyTooMuch") (call $certify (i32.const 0) (i32.const 33)))
    (func (export "canister_update call")
      (call $callNew (i32.const 0) (i32.const 5) (i32.const 0) (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
      (i32.store8 (i32.const 100) (call $perform)) (call $answer (i32.const 100) (i32.const 1)))
    (func (export "canister_update perform") (drop (call $perform)))
    (func (export "canister_update cost")
      (i64.store (i32.const 200) (call $performance (i32.const 0))) (call $answer (i32.const 200) (i32.const 8)))
    (func (export "canister_query certifyInQuery") (call $certify (i32.const 0) (i32.const 5)))
    (func (export "canister_init") (call $timed))
    (func $timed (drop (call $time)))
    (func (export "canister_inspect_message") (call $acceptMessage)))`;
  let wasm: Uint8Array;
  beforeAll(async () => {
    wasm = await compileWat(API);
  });
  const create = (): TestCanister => {
    const canister = new TestCanister(createSandbox(), wasm);
    expect(replyOf(canister.install())).toBe('none');
    return canister;
  };

  it('replies, rejects, traps and prints', () => {
    const canister = create();
    const arg = Uint8Array.of(1, 2, 3);
    expect(replyOf(canister.update('echo', { arg }))).toEqual(arg);
    expect(canister.update('reject').effects.response).toEqual({
      kind: 'reject',
      message: 'hello',
    });
    expect(replyOf(canister.update('trap'))).toBe(
      "IC0503: Canister called `ic0.trap` with message: 'hello'",
    );
    expect(logLines(canister.update('print'))).toEqual(['hello', '[TRAP]: unreachable']);
  });

  it('collects effects', () => {
    const arg = Uint8Array.of(4);
    const reply = create().update('effects', { arg, cyclesAvailable: 20n, cycleBalance: 100n });
    expect(reply.effects).toMatchObject({
      certifiedData: Uint8Array.from(Buffer.from('hello')),
      globalTimer: 77n,
      cyclesAccepted: 20n,
    });
    const data = replyOf(reply) as Uint8Array;
    const view = new DataView(data.buffer);
    expect(view.getBigUint64(0, true)).toBe(20n);
    expect(view.getBigUint64(16, true)).toBe(120n);
    expect(view.getBigUint64(32, true)).toBe(1_700_000_000_000_000_000n);
    expect(data[40]).toBe(1);
  });

  it('refuses what breaks the contract', () => {
    const canister = create();
    const arg = new Uint8Array(4);
    const cases: readonly (readonly [string, string])[] = [
      ['twice', 'ic0.msg_reply: the call is already replied'],
      ['far', 'ic0.msg_arg_data_copy heap: src=65535 + length=4 exceeds the slice size=65536'],
      ['long', 'ic0.msg_arg_data_copy payload: src=1 + length=9 exceeds the slice size=4'],
      [
        'certifyTooMuch',
        'ic0_certified_data_set failed because the passed data must be no larger than 32 bytes. Found 33 bytes.',
      ],
      ['perform', 'ic0.call_perform called when no call is under construction.'],
    ];
    for (const [method, violation] of cases) {
      expect(replyOf(canister.update(method, { arg }))).toBe(
        `IC0504: Canister violated contract: ${violation}`,
      );
    }
    expect(replyOf(canister.query('certifyInQuery'))).toBe(
      'IC0504: Canister violated contract: "ic0_certified_data_set" cannot be executed in non replicated query mode',
    );
  });

  it('honestly fails to enqueue calls to other canisters', () => {
    expect(replyOf(create().update('call'))).toEqual(Uint8Array.of(2));
  });

  it('accepts ingress only where it may', () => {
    const canister = create();
    const inspect = canister.run(
      { from: 'version', version: canister.version },
      [{ entry: 'canister_inspect_message', input: apiInput('inspectMessage'), optional: true }],
      false,
    );
    expect(inspect.effects.acceptedMessage).toBe(true);
  });

  it('charges system calls: fixed part, bytes, and the import call itself', () => {
    const canister = create();
    const data = replyOf(canister.update('cost')) as Uint8Array;
    // Block of the function: 1 + consts 2 + calls 5 + 5 + store 1 + consts 2; then 200 by the host.
    expect(new DataView(data.buffer).getBigUint64(0, true)).toBe(16n + 200n);
    const one = canister.update('echo', { arg: new Uint8Array(1) }).instructionsUsed;
    const two = canister.update('echo', { arg: new Uint8Array(2) }).instructionsUsed;
    // One for copying the byte in, 50 for taking it out.
    expect(two - one).toBe(51n);
  });

  it('counts the same when host work crosses the limit', () => {
    const canister = create();
    const arg = new Uint8Array(1000);
    canister.limit = 20_000n;
    const reply = canister.update('echo', { arg });
    expect(replyOf(reply)).toMatch(/^IC0522/);
    expect(reply.instructionsUsed).toBe(20_000n);
  });
});
