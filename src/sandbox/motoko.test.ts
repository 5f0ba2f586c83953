import { IDL } from '@icp-sdk/core/candid';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileMotoko } from '../../tests/support/motoko.ts';
import { present } from '../base/assert.ts';
import { emptyPageMap } from '../protocol/replicated-state/page-map.ts';
import { SMALL_STACK_BYTES, STACK_BYTES } from '../protocol/execution/wasm/limits.ts';
import { nativeStackSize } from './native-stack.ts';
import { createSandbox } from './sandbox.ts';
import { apiInput, logLines, replyOf, TestCanister } from '../../tests/support/test-canister.ts';

const SOURCE = `
import Debug "mo:core/Debug";
import Runtime "mo:core/Runtime";
persistent actor Counter {
  var count = 0;
  transient var volatile = 0;
  public func inc() : async Nat { count += 1; volatile += 1; Debug.print("inc"); count };
  public query func read() : async Nat { count };
  public query func both() : async (Nat, Nat) { count += 100; (count, volatile) };
  public func incThenTrap() : async () { count += 1000; Runtime.trap("no \\u{2713}") };
  public func grow(n : Nat) : async Nat { var l : [Nat8] = []; let a = Array_tabulate(n); count += a.size(); count };
  public func growThenTrap(n : Nat) : async () { count += 1; let a = Array_tabulate(n); ignore a.size(); assert false };
  type List = ?(Nat, List);
  func upTo(n : Nat) : List { var l : List = null; var i = 0; while (i < n) { i += 1; l := ?(i, l) }; l };
  func sum(l : List) : Nat = switch l { case null 0; case (?(x, rest)) x + sum(rest) };
  public query func deepList(n : Nat) : async Nat { sum(upTo(n)) };
  func Array_tabulate(n : Nat) : [var Nat] { Prim.Array_init(n, 7) };
}
`.replace('import Debug', 'import Prim "mo:⛔";\nimport Debug');

const nat = (bytes: Uint8Array | string, ...types: IDL.Type[]): unknown[] => {
  if (typeof bytes === 'string') {
    throw new TypeError(bytes);
  }
  return IDL.decode(types.length === 0 ? [IDL.Nat] : types, bytes);
};
const noArgs = IDL.encode([], []);
const natArg = (n: number): Uint8Array => IDL.encode([IDL.Nat], [n]);

describe('a Motoko actor with enhanced orthogonal persistence', () => {
  let wasm: Uint8Array;
  beforeAll(async () => {
    ({ wasm } = await compileMotoko(SOURCE));
  }, 120_000);

  const install = (): TestCanister => {
    const canister = new TestCanister(createSandbox(), wasm);
    const installed = canister.install(noArgs);
    expect(replyOf(installed)).toBe('none');
    return canister;
  };

  it('installs, counts, answers queries and keeps its state', () => {
    const canister = install();
    for (let i = 1; i <= 3; i += 1) {
      expect(nat(replyOf(canister.update('inc', { arg: noArgs })))).toEqual([BigInt(i)]);
    }
    expect(nat(replyOf(canister.query('read', { arg: noArgs })))).toEqual([3n]);
    expect(logLines(canister.update('inc', { arg: noArgs }))).toEqual(['inc']);
  });

  it('rolls memory and globals back after a query', () => {
    const canister = install();
    canister.update('inc', { arg: noArgs });
    const both = (): unknown =>
      nat(replyOf(canister.query('both', { arg: noArgs })), IDL.Nat, IDL.Nat);
    expect(both()).toEqual([101n, 1n]);
    expect(both()).toEqual([101n, 1n]);
    expect(nat(replyOf(canister.update('inc', { arg: noArgs })))).toEqual([2n]);
  });

  it('rolls back after a trap, also when memory grew', () => {
    const canister = install();
    canister.update('inc', { arg: noArgs });
    const trapped = canister.update('incThenTrap', { arg: noArgs });
    expect(replyOf(trapped)).toBe(
      "IC0503: Canister called `ic0.trap` with message: 'no ✓'\nCanister Backtrace:\nic_trap\ntrap\n$lambda\nincThenTrap\n",
    );
    expect(trapped.delta).toBeNull();
    const grown = canister.update('growThenTrap', { arg: natArg(2_000_000) });
    expect(replyOf(grown)).toMatch(/^IC0503: .*assertion failed/);
    const pages = canister.update('inc', { arg: noArgs }).delta?.heapWasmPages;
    expect(nat(replyOf(canister.query('read', { arg: noArgs })))).toEqual([2n]);
    const big = canister.update('grow', { arg: natArg(2_000_000) });
    expect(nat(replyOf(big))).toEqual([2_000_002n]);
    expect(big.delta?.heapWasmPages).toBeGreaterThan(pages ?? Number.MAX_VALUE);
  });

  it('uses the same instructions for the same message on two hosts', () => {
    const [a, b] = [install(), install()];
    a.query('read', { arg: noArgs });
    expect(a.update('inc', { arg: noArgs }).instructionsUsed).toBe(
      b.update('inc', { arg: noArgs }).instructionsUsed,
    );
  });

  it('recurses over a list as deep as the stack allows', () => {
    const { bytes } = nativeStackSize();
    for (const [stack, deep, deeper] of [
      [SMALL_STACK_BYTES, 1500, 10_000],
      [bytes, bytes === STACK_BYTES ? 20_000 : 1500, 200_000],
    ] as const) {
      const host = createSandbox({ stack: { bytes: stack, segmentBytes: stack } });
      const canister = new TestCanister(host, wasm);
      canister.install(noArgs);
      const sum = canister.query('deepList', { arg: natArg(deep) });
      expect(nat(replyOf(sum))).toEqual([(BigInt(deep) * BigInt(deep + 1)) / 2n]);
      const beyond = replyOf(canister.query('deepList', { arg: natArg(deeper) }));
      expect(beyond).toMatch(/^IC0502: Canister trapped: stack overflow\nCanister Backtrace:\n/);
    }
  });

  it('keeps its heap over an upgrade', () => {
    const canister = install();
    canister.update('inc', { arg: noArgs });
    const pre = canister.run(
      { from: 'version', version: canister.version },
      [{ entry: 'canister_pre_upgrade', input: apiInput('preUpgrade'), optional: true }],
      true,
    );
    expect(replyOf(pre)).toBe('none');
    const post = canister.run(
      { from: 'upgrade', version: canister.version, keepHeap: true },
      [
        { entry: 'canister_start', input: apiInput('start'), optional: true },
        {
          entry: 'canister_post_upgrade',
          input: apiInput('postUpgrade', { arg: noArgs }),
          optional: true,
        },
      ],
      true,
    );
    expect(replyOf(post)).toBe('none');
    expect(nat(replyOf(canister.update('inc', { arg: noArgs })))).toEqual([2n]);
  });

  it('continues elsewhere, byte for byte, from what the deltas say', () => {
    const canister = new TestCanister(createSandbox(), wasm);
    const installed = canister.install(noArgs);
    const deltas = [installed.delta, canister.update('inc', { arg: noArgs }).delta];
    let [heap, stable] = [emptyPageMap(), emptyPageMap()];
    for (const delta of deltas) {
      heap = heap.with(delta?.heap ?? []);
      stable = stable.with(delta?.stable ?? []);
    }
    const last = present(deltas.at(-1), 'the update committed');
    const elsewhere = new TestCanister(createSandbox(), wasm);
    const from = { from: 'version', version: 2 } as const;
    const steps = [
      {
        entry: 'canister_update inc',
        input: apiInput('update', { arg: noArgs }),
        optional: false,
      },
    ];
    expect(elsewhere.raw(from, steps, 3)).toEqual({ kind: 'missing', module: false, image: true });
    const image = { ...last, heap: [...heap.pages()], stable: [...stable.pages()] };
    const there = elsewhere.raw(from, steps, 3, image);
    expect(there).toEqual(canister.update('inc', { arg: noArgs }));
    expect(there).toMatchObject({ outcome: { ok: true } });
  });
});
