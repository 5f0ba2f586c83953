import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { principalToBytes, principalToText } from '../../src/protocol/crypto/principal.ts';
import { CLASSROOM_EXECUTION_LIMITS } from '../../src/protocol/limits/execution.ts';
import { MAX_SUBNET_MESSAGE_BYTES } from '../../src/protocol/limits/messaging.ts';
import type { CanisterRequest } from '../../src/protocol/replicated-state/canister-messages.ts';
import type { CanisterId } from '../../src/protocol/types/ids.ts';
import { CALLER_WAT, decodeForwarded, forwardTo } from '../support/caller-wat.ts';
import { TestSubnet } from '../support/test-subnet.ts';
import { compileWat } from '../support/wat.ts';

const MANAGEMENT = '';
const SECOND_NS = 1_000_000_000n;
const noArgs = Uint8Array.from(IDL.encode([], []));
const IdRecord = IDL.Record({ canister_id: IDL.Principal });
const aboutCanister = (id: CanisterId): Uint8Array =>
  Uint8Array.from(
    IDL.encode([IdRecord], [{ canister_id: Principal.fromUint8Array(principalToBytes(id)) }]),
  );

describe('a canister with open calls', () => {
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

  /** Leaves a call of `a` waiting: each raw_rand is answered a round later. */
  const waiting = (method = 'forward') => {
    const call = subnet.ingress(a, method, forwardTo(MANAGEMENT, 'raw_rand', 9n, noArgs));
    subnet.round([call]);
    expect(subnet.answerOf(call)).toBe('processing');
    return call;
  };

  /** Takes the waiting raw_rand requests out of the state, as if they were still on their way. */
  const hold = () => {
    const { randomRequests } = subnet.state;
    subnet.state = { ...subnet.state, randomRequests: [] };
    return randomRequests;
  };

  it('stops when the last of them ended, and takes no new ones meanwhile', () => {
    const call = waiting();
    const stop = subnet.manage(a, 'stop_canister');
    const late = subnet.ingress(a, 'echo', noArgs);
    const before = subnet.totalCycles();
    const requests = hold();
    subnet.round([stop, late]);
    expect(subnet.canister(a).status).toBe('stopping');
    expect(subnet.answerOf(stop)).toBe('processing');
    expect(subnet.answerOf(late)).toBe(`IC0509: Canister ${principalToText(a)} is not running`);
    subnet.state = { ...subnet.state, randomRequests: requests };
    subnet.round();
    expect(decodeForwarded(subnet.answerOf(call))).toMatchObject({ refunded: 9n });
    expect(subnet.canister(a).status).toBe('stopped');
    expect(subnet.answerOf(stop)).toBe(Buffer.from(noArgs).toString('hex'));
    expect(subnet.totalCycles()).toBe(before);
  });

  it('is not stopped when it is started again, or when the calls last too long', () => {
    waiting();
    hold();
    const stop = subnet.manage(a, 'stop_canister');
    subnet.round([stop]);
    subnet.round([subnet.manage(a, 'start_canister')]);
    expect(subnet.answerOf(stop)).toBe(
      `IC0511: Canister ${principalToText(a)}'s stop request was cancelled.`,
    );
    expect(subnet.canister(a).status).toBe('running');
    const again = subnet.manage(a, 'stop_canister');
    subnet.round([again]);
    subnet.round([], { afterNs: 299n * SECOND_NS });
    expect(subnet.answerOf(again)).toBe('processing');
    subnet.round([], { afterNs: SECOND_NS });
    expect(subnet.answerOf(again)).toBe('IC0206: Stop canister request timed out');
    expect(subnet.canister(a).status).toBe('stopping');
  });

  it('loses its code: open calls are rejected, late responses run nothing and bring their cycles', () => {
    const before = subnet.totalCycles();
    const call = waiting();
    const requests = hold();
    subnet.round([subnet.manage(a, 'uninstall_code')]);
    expect(subnet.answerOf(call)).toBe('IC0406: Canister has been uninstalled.');
    expect(subnet.canister(a).calls.contexts).toMatchObject([{ deleted: true, responded: true }]);
    subnet.state = { ...subnet.state, randomRequests: requests };
    subnet.round();
    expect(subnet.canister(a).calls.contexts).toEqual([]);
    expect(subnet.totalCycles()).toBe(before);
  });

  it('rejects a canister that waits for it when it loses its code', () => {
    const before = subnet.totalCycles();
    const inner = forwardTo(MANAGEMENT, 'raw_rand', 9n, noArgs);
    const call = subnet.ingress(a, 'forward', forwardTo(b, 'forward', 100n, inner));
    subnet.round([call]);
    hold();
    subnet.round([subnet.manage(b, 'uninstall_code')]);
    expect(decodeForwarded(subnet.answerOf(call))).toEqual({
      code: 4,
      text: 'Canister has been uninstalled.',
    });
    // The 9 cycles of the request that is held.
    expect(subnet.totalCycles()).toBe(before - 9n);
  });

  it('loses its code when it cannot pay its storage; who called hears of it', () => {
    const call = waiting();
    const requests = hold();
    const poor = { ...subnet.canister(a), cycles: 1n };
    subnet.state = { ...subnet.state, canisters: subnet.state.canisters.set(a, poor) };
    const before = subnet.totalCycles();
    subnet.round([], { afterNs: 11n * SECOND_NS });
    expect(subnet.canister(a)).toMatchObject({ execution: null, cycles: 0n });
    expect(subnet.answerOf(call)).toBe('IC0406: Canister has been uninstalled.');
    subnet.state = { ...subnet.state, randomRequests: requests };
    subnet.round();
    expect(subnet.canister(a).calls).toMatchObject({ contexts: [], callbacks: [] });
    expect(subnet.canister(a).cycles).toBeGreaterThan(0n);
    expect(subnet.totalCycles()).toBe(before + 9n);
  });

  it('hears of the deadline when a best-effort response does not come; its cycles come later', () => {
    const before = subnet.totalCycles();
    const call = waiting('forward_best_effort');
    const requests = hold();
    subnet.round([], { afterNs: 15n * SECOND_NS });
    expect(subnet.answerOf(call)).toBe('processing');
    subnet.round([], { afterNs: 6n * SECOND_NS });
    expect(decodeForwarded(subnet.answerOf(call))).toEqual({
      code: 6,
      text: 'Call deadline has expired.',
    });
    expect(subnet.canister(a).calls.callbacks).toEqual([]);
    subnet.state = { ...subnet.state, randomRequests: requests };
    subnet.round();
    expect(subnet.totalCycles()).toBe(before);
  });

  it('sees the deadline of a best-effort call', () => {
    const reply = decodeForwarded(
      subnet.call(a, 'forward_best_effort', forwardTo(b, 'deadline')).answer,
    );
    const deadline = 'data' in reply ? reply.data.readBigUInt64LE(0) : 0n;
    expect(deadline).toBe((subnet.state.timeNs / SECOND_NS + 20n) * SECOND_NS);
    const none = decodeForwarded(subnet.call(a, 'forward', forwardTo(b, 'deadline')).answer);
    expect('data' in none && none.data.readBigUInt64LE(0)).toBe(0n);
  });
});

describe('the management canister, called by a canister', () => {
  let wasm: Uint8Array;
  let subnet: TestSubnet;
  let a: CanisterId;

  beforeAll(async () => {
    wasm = await compileWat(CALLER_WAT);
  });
  beforeEach(() => {
    subnet = new TestSubnet();
    a = subnet.createWith(wasm);
  });
  const manage = (method: string, arg: Uint8Array, cycles = 0n) =>
    decodeForwarded(subnet.call(a, 'forward', forwardTo(MANAGEMENT, method, cycles, arg)).answer);
  const create = (cycles: bigint) => {
    const answer = manage(
      'create_canister',
      Uint8Array.from(IDL.encode([IDL.Record({})], [{}])),
      cycles,
    );
    if (!('data' in answer)) {
      return answer;
    }
    const [record] = IDL.decode([IdRecord], Uint8Array.from(answer.data));
    return (record as unknown as { canister_id: Principal }).canister_id;
  };

  it('creates a canister for its fee, controlled by the creator, and deletes it', () => {
    const before = subnet.totalCycles();
    const fee = (500_000_000_000n * 4n) / 13n;
    expect(create(fee - 1n)).toEqual({
      code: 4,
      text: `Creating a canister requires a fee of ${fee} that is deducted from the canister's initial balance but only ${fee - 1n} cycles were received with the create_canister request.\nTry sending more cycles with the request. See documentation: https://internetcomputer.org/docs/current/references/execution-errors#create-canister-not-enough-cycles`,
    });
    const made = create(fee + 5_000_000_000_000n);
    const id = Buffer.from((made as Principal).toUint8Array()).toString('hex') as CanisterId;
    expect(subnet.canister(id)).toMatchObject({ cycles: 5_000_000_000_000n, controllers: [a] });
    expect(manage('deposit_cycles', aboutCanister(id), 7n)).toMatchObject({ refunded: 0n });
    expect(subnet.canister(id).cycles).toBe(5_000_000_000_007n);
    expect(subnet.totalCycles()).toBe(before);
    const install = IDL.encode(
      [
        IDL.Record({
          mode: IDL.Variant({ install: IDL.Null }),
          canister_id: IDL.Principal,
          wasm_module: IDL.Vec(IDL.Nat8),
          arg: IDL.Vec(IDL.Nat8),
        }),
      ],
      [{ mode: { install: null }, canister_id: made, wasm_module: wasm, arg: noArgs }],
    );
    expect(manage('install_code', Uint8Array.from(install), 3n)).toMatchObject({ refunded: 3n });
    expect(subnet.query(id, 'peek').toString()).toBe('echo');
    expect(manage('canister_status', aboutCanister(id))).toMatchObject({ refunded: 0n });
    expect(manage('delete_canister', aboutCanister(id))).toMatchObject({
      code: 5,
      text: expect.stringMatching(/^Canister .* must be stopped before it is deleted/) as string,
    });
    expect(manage('stop_canister', aboutCanister(id), 8n)).toMatchObject({ refunded: 8n });
    expect(subnet.canister(id).status).toBe('stopped');
    expect(manage('delete_canister', aboutCanister(id))).toMatchObject({ refunded: 0n });
    expect(subnet.state.canisters.has(id)).toBe(false);
  });

  it('lets a canister look at itself and manage only what it controls', () => {
    const other = subnet.createWith(wasm);
    expect(manage('canister_status', aboutCanister(a))).toMatchObject({ refunded: 0n });
    expect(manage('stop_canister', aboutCanister(other), 5n)).toMatchObject({
      code: 5,
      text: expect.stringMatching(/^Only the controllers of the canister /) as string,
    });
    expect(manage('stop_canister', Uint8Array.of(1, 2), 5n)).toMatchObject({
      code: 4,
      text: expect.stringMatching(/^Error decoding candid/) as string,
    });
  });

  it('takes no more calls when those that wait fill the memory for them', () => {
    const big: CanisterRequest = {
      kind: 'request',
      sender: a,
      receiver: a,
      callbackId: 99,
      methodName: 'm',
      arg: new Uint8Array(MAX_SUBNET_MESSAGE_BYTES),
      cycles: 0n,
      deadlineNs: 0n,
      callTree: { depth: 1, startTimeNs: 0n },
    };
    const canister = {
      ...subnet.canister(a),
      inputQueues: [{ sender: a, isRemote: false, messages: [big] }],
    };
    const full = { ...subnet.state, canisters: subnet.state.canisters.set(a, canister) };
    const free = subnet.state;
    for (const [state, answer] of [
      [full, 'IC0406: busy'],
      [free, expect.stringMatching(/^59/) as string],
    ] as const) {
      subnet.state = state;
      expect(subnet.call(a, 'forward', forwardTo(a, 'echo')).answer).toEqual(answer);
    }
  });

  it('serves users and canisters in turn', () => {
    const narrow = new TestSubnet({
      ...CLASSROOM_EXECUTION_LIMITS,
      subnetMessageInstructions: 1n,
    });
    const id = narrow.createWith(wasm);
    const request = (callbackId: number): CanisterRequest => ({
      kind: 'request',
      sender: id,
      receiver: MANAGEMENT as CanisterId,
      callbackId,
      methodName: 'canister_status',
      arg: aboutCanister(id),
      cycles: 0n,
      deadlineNs: 0n,
      callTree: { depth: 1, startTimeNs: 0n },
    });
    narrow.state = { ...narrow.state, subnetQueue: [request(1), request(2), request(3)] };
    const call = narrow.manage(id, 'start_canister');
    narrow.round([call]);
    narrow.round();
    expect(narrow.statusOf(call)?.kind).toBe('replied');
    expect(narrow.state.subnetQueue).toHaveLength(2);
  });
});
