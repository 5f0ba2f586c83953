import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  canisterIdFromU64,
  principalToBytes,
  principalToText,
} from '../../src/protocol/crypto/principal.ts';
import { CLASSROOM_EXECUTION_LIMITS } from '../../src/protocol/limits/execution.ts';
import { QUEUE_CAPACITY } from '../../src/protocol/limits/messaging.ts';
import type { CanisterRequest } from '../../src/protocol/replicated-state/canister-messages.ts';
import type { StreamMessage } from '../../src/protocol/replicated-state/streams.ts';
import type { CanisterId } from '../../src/protocol/types/ids.ts';
import { CALLER_WAT, decodeForwarded, forwardTo, type Forwarded } from '../support/caller-wat.ts';
import type { TestNetwork } from '../support/test-network.ts';
import { TwoSubnets } from '../support/two-subnets.ts';
import { compileWat } from '../support/wat.ts';

const KIB = 1024;
const about = (id: CanisterId): Uint8Array =>
  Uint8Array.from(
    IDL.encode(
      [IDL.Record({ canister_id: IDL.Principal })],
      [{ canister_id: Principal.fromUint8Array(principalToBytes(id)) }],
    ),
  );

const emptyRecord = (): Uint8Array => Uint8Array.from(IDL.encode([IDL.Record({})], [{}]));

describe('calls between canisters of two subnets', () => {
  let wasm: Uint8Array;
  let scene: TwoSubnets;
  let network: TestNetwork;
  /** On the root subnet, and on the other. */
  let a: CanisterId;
  let b: CanisterId;

  beforeAll(async () => {
    wasm = await compileWat(CALLER_WAT);
  });
  beforeEach(() => {
    scene = new TwoSubnets(wasm);
    ({ network, a, b } = scene);
  });

  const forward = (...request: Parameters<typeof forwardTo>): Forwarded =>
    scene.forward(...request);
  const isQuiet = (): boolean => scene.isQuiet();

  it('bring the reply to the callback, with the cycles not accepted, and leave nothing behind', () => {
    expect(forward(b, 'echo', 1000n, Buffer.from('hi'))).toEqual({
      refunded: 500n,
      data: Buffer.from('hi'),
    });
    network.rounds(2);
    expect(isQuiet()).toBe(true);
    expect(network.inTransit()).toBe(0n);
    const [there, back] = [network.stream(0, 1), network.stream(1, 0)];
    expect([there.begin, there.signalsEnd, back.begin, back.signalsEnd]).toEqual([1, 1, 1, 1]);
    expect(network.subnets.map(({ imbalance }) => imbalance)).toEqual([0n, 0n]);
    const [first, second] = network.subnets.map(({ state }) => state.metrics);
    expect([first?.sentCycles, first?.receivedCycles]).toEqual([1000n, 500n]);
    expect([second?.sentCycles, second?.receivedCycles]).toEqual([500n, 1000n]);
  });

  it('take two rounds of the caller and one of the callee, and are told stream by stream', () => {
    const message = network.subnet(0).ingress(a, 'forward', forwardTo(b, 'echo'));
    const sent = network.round(0, [message]);
    const answered = network.round(1);
    const received = network.round(0);
    expect(network.subnet(0).statusOf(message)?.kind).toBe('replied');
    const facts = [sent, answered, received].map((events) =>
      events.filter(({ kind }) => kind === 'streamAdvanced'),
    );
    const [root, other] = network.subnets.map(({ env }) => env.subnetId);
    const tree = [sent, answered, received].map((events) =>
      events.filter(({ kind }) => kind === 'callMade' || kind === 'callAnswered'),
    );
    expect(tree).toMatchObject([
      [{ parent: message.messageId, caller: a, canisterId: b, method: 'echo' }],
      [],
      [{ call: expect.stringContaining(`${a}#`) as string, outcome: 'replied' }],
    ]);
    const own = {
      end: 1,
      rejectSignals: 0,
      refusals: [],
      bytes: expect.any(Number) as number,
      rejected: 0,
    };
    expect(facts).toMatchObject([
      [
        {
          stream: {
            ...own,
            begin: 0,
            enqueued: 1,
            inducted: 0,
            signalsEnd: 0,
            collected: 0,
            from: root,
            subnetId: other,
            sliceHeight: null,
          },
        },
      ],
      [
        {
          stream: {
            ...own,
            begin: 0,
            enqueued: 1,
            inducted: 1,
            signalsEnd: 1,
            collected: 0,
            from: other,
            subnetId: root,
            sliceHeight: expect.any(Number) as number,
          },
        },
      ],
      [{ stream: { ...own, begin: 1, enqueued: 0, inducted: 1, signalsEnd: 1, collected: 1 } }],
    ]);
  });

  it('pass through several subnets and back', () => {
    const inner = forwardTo(a, 'forward', 0n, forwardTo(b, 'echo', 0n, Buffer.from('far')));
    const outer = decodeForwarded(scene.call(1, b, 'forward', inner));
    expect('data' in outer && decodeForwarded(outer.data.toString('hex'))).toMatchObject({
      data: Buffer.from('far'),
    });
  });

  it('know how deep they are and when the first began', () => {
    const seen: StreamMessage[] = [];
    const inner = forwardTo(a, 'forward', 0n, forwardTo(b, 'echo'));
    const message = network.subnet(1).ingress(b, 'forward', inner);
    network.round(1, [message]);
    const startTimeNs = network.subnet(1).state.timeNs;
    seen.push(...network.stream(1, 0).messages);
    network.round(0);
    seen.push(...network.stream(0, 1).messages);
    expect(seen).toMatchObject([
      { kind: 'request', callTree: { depth: 1, startTimeNs } },
      { kind: 'request', callTree: { depth: 2, startTimeNs } },
    ]);
  });

  it.each([
    ['trap', 5, /^IC0502: Error from Canister .*: Canister trapped: unreachable\./],
    ['refuse', 4, /^on purpose$/],
    ['nothing', 5, /^IC0536: /],
  ] as const)('bring the reject of %s, code %i, and all cycles back', (method, code, text) => {
    const before = network.subnet(0).canister(a).cycles;
    expect(forward(b, method, 5000n)).toEqual({
      code,
      text: expect.stringMatching(text) as string,
    });
    network.rounds(2);
    expect(isQuiet()).toBe(true);
    // Canisters of the system pay for nothing.
    expect(network.subnet(0).canister(a).cycles).toBe(before);
    expect(network.inTransit()).toBe(0n);
  });

  describe('that cannot be delivered', () => {
    const name = (): string => principalToText(b);

    it("are answered with why, by the caller's own subnet", () => {
      network.round(1, [network.subnet(1).manage(b, 'stop_canister')]);
      expect(forward(b, 'echo', 7n)).toEqual({ code: 5, text: `Canister ${name()} is stopped` });
      network.round(1, [network.subnet(1).manage(b, 'delete_canister')]);
      expect(forward(b, 'echo', 7n)).toEqual({ code: 3, text: `Canister ${name()} not found` });
      const missing = canisterIdFromU64((1n << 20n) + 77n);
      expect(forward(missing, 'echo')).toEqual({
        code: 3,
        text: `Canister ${principalToText(missing)} not found`,
      });
      network.rounds(2);
      expect(isQuiet()).toBe(true);
    });

    it('because the receiver is stopping, say so', () => {
      // A call that b waits for keeps it from having stopped.
      const waits = network.subnet(1).ingress(b, 'forward', forwardTo(a, 'echo'));
      network.round(1, [waits]);
      network.round(1, [network.subnet(1).manage(b, 'stop_canister')]);
      const late = network.subnet(0).ingress(a, 'forward', forwardTo(b, 'echo'));
      const none = { slice: { age: 0, messages: 0 } };
      network.round(0, [late], none);
      network.round(1, [], { ...none, slice: { age: 0, messages: 1 } });
      network.round(0);
      expect(decodeForwarded(network.subnet(0).answerOf(late))).toEqual({
        code: 5,
        text: `Canister ${name()} is stopping`,
      });
    });

    it('because there is no route, never leave their subnet', () => {
      const far = canisterIdFromU64(1n << 40n);
      expect(forward(far, 'echo', 3n)).toEqual({
        code: 3,
        text: `No route to canister ${principalToText(far)}`,
      });
      expect(network.stream(0, 1).messages).toEqual([]);
    });

    it('because they are larger than streams carry, never leave their subnet', () => {
      const limit = 2 * 1024 * KIB;
      const subnet = network.subnet(0);
      network.round(0, [subnet.ingress(a, 'forward', forwardTo(b, 'echo'))]);
      const put = (payloadBytes: number): void => {
        const [sent] = network.stream(0, 1).messages as readonly CanisterRequest[];
        const message = { ...sent, arg: new Uint8Array(payloadBytes - 4) } as CanisterRequest;
        const outputQueues = [{ receiver: b, messages: [{ message, expiresNs: 0n }] }];
        const canister = { ...subnet.canister(a), outputQueues };
        subnet.state = { ...subnet.state, canisters: subnet.state.canisters.set(a, canister) };
        network.round(0);
      };
      put(limit);
      expect(network.stream(0, 1).messages).toHaveLength(2);
      put(limit + 1);
      expect(network.stream(0, 1).messages).toHaveLength(2);
      const text = `Canister ${principalToText(a)} violated contract: attempted to send a message of size ${limit + 1} exceeding the limit ${limit}`;
      expect(subnet.canister(a).inputQueues).toMatchObject([
        { messages: [{ kind: 'response', payload: { code: 5, message: text } }] },
      ]);
    });

    it('because the memory for messages is used up, say how much they asked for', () => {
      const limits = { ...CLASSROOM_EXECUTION_LIMITS, guaranteedResponseBytes: 2_000_000n };
      Object.assign(network.subnet(1).env, { limits });
      expect(forward(b, 'echo', 5n)).toEqual({
        code: 5,
        text: 'Cannot induct request. Out of memory: requested 2097152',
      });
    });

    it("because the receiver's queue is full, can be tried again", () => {
      const subnet = network.subnet(1);
      const request = (callbackId: number): CanisterRequest => ({
        kind: 'request',
        sender: a,
        receiver: b,
        callbackId,
        methodName: 'mute',
        arg: new Uint8Array(0),
        cycles: 0n,
        deadlineNs: 0n,
        callTree: { depth: 1, startTimeNs: 0n },
      });
      const messages = Array.from({ length: QUEUE_CAPACITY }, (_, i) => request(1000 + i));
      const canister = {
        ...subnet.canister(b),
        inputQueues: [{ sender: a, isRemote: true, messages }],
      };
      subnet.state = { ...subnet.state, canisters: subnet.state.canisters.set(b, canister) };
      const late = network.subnet(0).ingress(a, 'forward', forwardTo(b, 'echo'));
      network.round(0, [late]);
      network.round(1);
      expect(network.stream(1, 0).rejectSignals).toEqual([{ reason: 'queueFull', index: 0 }]);
      network.round(0);
      expect(decodeForwarded(network.subnet(0).answerOf(late))).toEqual({
        code: 2,
        text: `Canister ${name()} input queue is full`,
      });
      // Answers to calls that nobody made are nobody's.
      network.rounds(3);
      expect(network.subnet(0).canister(a).inputQueues).toEqual([]);
      expect(network.stream(1, 0).rejectSignals).toEqual([]);
    });
  });

  describe('of the management canister', () => {
    it('go to the subnet of the canister that they are about', () => {
      const other = network.subnet(1);
      const canister = { ...other.canister(b), controllers: [a] };
      other.state = { ...other.state, canisters: other.state.canisters.set(b, canister) };
      const done = forward('', 'stop_canister', 11n, about(b));
      expect(done).toMatchObject({ refunded: 11n });
      expect(other.canister(b).status).toBe('stopped');
      expect(forward('', 'start_canister', 0n, about(b))).toMatchObject({ refunded: 0n });
      expect(other.canister(b).status).toBe('running');
      const before = other.canister(b).cycles;
      expect(forward('', 'deposit_cycles', 1_000_000n, about(b))).toMatchObject({ refunded: 0n });
      expect(other.canister(b).cycles - before).toBe(1_000_000n);
      network.rounds(2);
      expect(isQuiet()).toBe(true);
    });

    it('are refused there to those who may not', () => {
      expect(forward('', 'stop_canister', 11n, about(b))).toMatchObject({
        code: 5,
        text: expect.stringMatching(/^Only the controllers of the canister /) as string,
      });
    });

    it('go to the subnet that is named as their receiver', () => {
      const target = network.subnet(1).env.subnetId;
      const reply = forward(target, 'raw_rand', 0n, Uint8Array.from(IDL.encode([], [])));
      expect(reply).toHaveProperty('data');
      network.rounds(1);
      expect(network.stream(1, 0)).toMatchObject({ begin: 1, messages: [] });
    });

    it('for what a subnet does only for its own are refused, but to canisters of the root subnet', () => {
      const target = network.subnet(0).env.subnetId;
      const arg = forwardTo(target, 'raw_rand', 0n, Uint8Array.from(IDL.encode([], [])));
      expect(decodeForwarded(scene.call(1, b, 'forward', arg))).toEqual({
        code: 5,
        text: `Incorrect sender subnet id: ${principalToText(network.subnet(1).env.subnetId)}. Sender should be on the same subnet or on the NNS subnet.`,
      });
    });

    it('make canisters on the subnet that is named', () => {
      const target = network.subnet(1).env.subnetId;
      const before = network.subnet(1).state.canisters.size;
      const done = forward(target, 'create_canister', 600_000_000_000n, emptyRecord());
      expect(done).toMatchObject({ refunded: 0n });
      const { canisters } = network.subnet(1).state;
      expect(canisters.size).toBe(before + 1);
      expect([...canisters.values()].at(-1)?.controllers).toEqual([a]);
    });

    it('stay here when they are about this subnet', () => {
      const reply = forward('', 'raw_rand', 0n, Uint8Array.from(IDL.encode([], [])));
      expect(reply).toHaveProperty('data');
      expect(network.stream(0, 1)).toMatchObject({ begin: 0, messages: [] });
    });
  });
});
