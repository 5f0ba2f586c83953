import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  canisterIdFromU64,
  principalToBytes,
  principalToText,
} from '../../src/protocol/crypto/principal.ts';
import { CLASSROOM_EXECUTION_LIMITS } from '../../src/protocol/limits/execution.ts';
import { MAX_SYSTEM_STREAM_MESSAGES, QUEUE_CAPACITY } from '../../src/protocol/limits/messaging.ts';
import type { CanisterRequest } from '../../src/protocol/replicated-state/canister-messages.ts';
import type { StreamMessage } from '../../src/protocol/replicated-state/streams.ts';
import type { CanisterId } from '../../src/protocol/types/ids.ts';
import { CALLER_WAT, decodeForwarded, forwardTo, type Forwarded } from '../support/caller-wat.ts';
import { sliceOf, TestNetwork } from '../support/test-network.ts';
import { compileWat } from '../support/wat.ts';

const SECOND = 1_000_000_000n;
const KIB = 1024;
const about = (id: CanisterId): Uint8Array =>
  Uint8Array.from(
    IDL.encode(
      [IDL.Record({ canister_id: IDL.Principal })],
      [{ canister_id: Principal.fromUint8Array(principalToBytes(id)) }],
    ),
  );

describe('calls between canisters of two subnets', () => {
  let wasm: Uint8Array;
  let network: TestNetwork;
  /** On the root subnet, and on the other. */
  let a: CanisterId;
  let b: CanisterId;

  beforeAll(async () => {
    wasm = await compileWat(CALLER_WAT);
  });
  beforeEach(() => {
    network = new TestNetwork();
    a = network.subnet(0).createWith(wasm);
    b = network.subnet(1).createWith(wasm);
  });

  const isQuiet = (): boolean =>
    network.subnets.every(({ state, env }) =>
      [
        ...[...state.canisters.values()].map(
          ({ calls, inputQueues, outputQueues }) =>
            calls.contexts.length +
            calls.callbacks.length +
            inputQueues.length +
            outputQueues.length,
        ),
        ...[...state.streams].map(
          ([id, { messages, rejectSignals }]) =>
            (id === env.subnetId ? 0 : rejectSignals.length) + messages.length,
        ),
        state.refunds.length,
        state.subnetOutputs.length,
      ].every((open) => open === 0),
    );

  /** Calls a canister of subnet `from` and runs both until the answer is there. */
  const call = (from: number, id: CanisterId, method: string, arg: Uint8Array): string => {
    const subnet = network.subnet(from);
    const message = subnet.ingress(id, method, arg);
    network.round(from, [message]);
    for (let round = 0; round < 20; round += 1) {
      const answer = subnet.answerOf(message);
      if (answer !== 'processing' && answer !== 'received') {
        return answer;
      }
      network.round(1 - from);
      network.round(from);
      expect(network.imbalance()).toBe(0n);
    }
    return subnet.answerOf(message);
  };
  const forward = (...request: Parameters<typeof forwardTo>): Forwarded =>
    decodeForwarded(call(0, a, 'forward', forwardTo(...request)));

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
    const own = { end: 1, bytes: expect.any(Number) as number, rejected: 0 };
    expect(facts).toMatchObject([
      [{ stream: { ...own, begin: 0, enqueued: 1, inducted: 0, signalsEnd: 0, collected: 0 } }],
      [{ stream: { ...own, begin: 0, enqueued: 1, inducted: 1, signalsEnd: 1, collected: 0 } }],
      [{ stream: { ...own, begin: 1, enqueued: 0, inducted: 1, signalsEnd: 1, collected: 1 } }],
    ]);
  });

  it('pass through several subnets and back', () => {
    const inner = forwardTo(a, 'forward', 0n, forwardTo(b, 'echo', 0n, Buffer.from('far')));
    const outer = decodeForwarded(call(1, b, 'forward', inner));
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
      network = new TestNetwork(['system', 'application'], CLASSROOM_EXECUTION_LIMITS);
      a = network.subnet(0).createWith(wasm);
      b = network.subnet(1).createWith(wasm);
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
        text: expect.stringMatching(/^IC0512: Only the controllers of the canister /) as string,
      });
    });

    it('go to the subnet that is named as their receiver', () => {
      const target = network.subnet(1).env.subnetId;
      const reply = forward(target, 'raw_rand', 0n, Uint8Array.from(IDL.encode([], [])));
      expect(reply).toHaveProperty('data');
      network.rounds(1);
      expect(network.stream(1, 0)).toMatchObject({ begin: 1, messages: [] });
    });

    it('stay here when they are about this subnet', () => {
      const reply = forward('', 'raw_rand', 0n, Uint8Array.from(IDL.encode([], [])));
      expect(reply).toHaveProperty('data');
      expect(network.stream(0, 1)).toMatchObject({ begin: 0, messages: [] });
    });
  });

  describe('with a deadline', () => {
    const bestEffort = (): ReturnType<typeof network.round> => {
      const message = network
        .subnet(0)
        .ingress(a, 'forward_best_effort', forwardTo(b, 'echo', 1000n));
      return network.round(0, [message]);
    };
    const answers = (): string[] =>
      network
        .subnet(0)
        .trace.flatMap((event) => (event.kind === 'messageExecuted' ? [event.outcome] : []));

    it('end with it, and what comes later gives its cycles back', () => {
      bestEffort();
      const spent = network.subnet(0).canister(a).cycles;
      network.round(0, [], { afterNs: 30n * SECOND, xnet: [] });
      expect(answers().at(-1)).toBe('replied');
      expect(network.subnet(0).canister(a).calls.callbacks).toEqual([]);
      // b knows nothing of it and answers.
      network.rounds(3);
      expect(isQuiet()).toBe(true);
      expect(network.imbalance()).toBe(0n);
      expect(network.subnet(0).canister(a).cycles).toBeGreaterThan(spent);
    });

    it('send cycles back without a response when they expire in the queue of the receiver', () => {
      bestEffort();
      const subnet = network.subnet(1);
      const limits = { ...subnet.env.limits };
      // Nothing runs in this round.
      Object.assign(subnet.env, { limits: { ...limits, roundInstructions: 0n } });
      network.round(1);
      expect(subnet.canister(b).inputQueues).toHaveLength(1);
      Object.assign(subnet.env, { limits });
      network.round(1, [], { afterNs: 30n * SECOND });
      expect(subnet.canister(b).inputQueues).toEqual([]);
      expect(network.stream(1, 0).messages).toEqual([
        { kind: 'refund', recipient: a, cycles: 1000n },
      ]);
      const before = network.subnet(0).canister(a).cycles;
      network.round(0);
      expect(network.subnet(0).canister(a).cycles - before).toBe(1000n);
      expect(network.imbalance()).toBe(0n);
      expect(network.inTransit()).toBe(0n);
    });
  });

  describe('of a stream that is full', () => {
    const LIMIT = 2 * MAX_SYSTEM_STREAM_MESSAGES;
    const fill = (count: number): void => {
      // Calls of b to the system subnet, one at a time.
      const subnet = network.subnet(1);
      const messages = Array.from({ length: count }, () =>
        subnet.ingress(b, 'forward_silent', forwardTo(a, 'echo', 10n)),
      );
      network.round(1, messages);
      for (let round = 0; round < 40 && subnet.canister(b).ingressQueue.length > 0; round += 1) {
        subnet.round();
      }
    };

    it('wait in the output queue, in order, and go on when the other subnet took some', () => {
      fill(LIMIT + 50);
      expect(network.stream(1, 0).messages).toHaveLength(LIMIT);
      const { outputQueues } = network.subnet(1).canister(b);
      expect(outputQueues[0]?.messages).toHaveLength(50);
      network.rounds(3);
      expect(network.subnet(1).canister(b).outputQueues).toEqual([]);
      network.rounds(6);
      expect(isQuiet()).toBe(true);
      expect(network.imbalance()).toBe(0n);
    });

    it('time out there after five minutes if their response is guaranteed', () => {
      fill(LIMIT + 3);
      const subnet = network.subnet(1);
      const held = subnet.canister(b).outputQueues[0]?.messages ?? [];
      expect(held).toHaveLength(3);
      subnet.round([], { afterNs: 200n * SECOND });
      expect(subnet.canister(b).outputQueues[0]?.messages).toHaveLength(3);
      const told = subnet.canister(b).calls.callbacks.length;
      subnet.round([], { afterNs: 101n * SECOND });
      expect(subnet.canister(b).outputQueues).toEqual([]);
      expect(subnet.canister(b).calls.callbacks).toHaveLength(told - 3);
      expect(subnet.imbalance).toBe(0n);
      network.rounds(8);
      expect(isQuiet()).toBe(true);
    });
  });

  describe('when a subnet lies', () => {
    const critical = (events: readonly { readonly kind: string }[]): unknown[] =>
      events.flatMap((event) => (event.kind === 'criticalError' ? [event] : []));
    const forged = (message: StreamMessage): ReturnType<TestNetwork['round']> => {
      const stream = network.stream(1, 0);
      const lie = { ...stream, messages: [...stream.messages, message] };
      const from = network.subnet(1).env.subnetId;
      const xnet = [{ from, slice: sliceOf(lie, network.stream(0, 1).signalsEnd, 10) }];
      return network.round(0, [], { xnet });
    };
    const response = {
      kind: 'response' as const,
      originator: canisterIdFromU64(0n),
      callbackId: 1,
      refund: 0n,
      payload: { kind: 'reply' as const, data: Buffer.from('lie') },
      deadlineNs: 0n,
    };

    it('messages of canisters that it does not host are dropped', () => {
      const respondent = canisterIdFromU64(1n << 40n);
      const told = forged({ ...response, originator: a, respondent });
      expect(critical(told)).toMatchObject([{ code: 'SENDER_SUBNET_MISMATCH' }]);
      expect(network.stream(0, 1)).toMatchObject({ signalsEnd: 1, rejectSignals: [] });
    });

    it('messages to canisters that are not here are dropped', () => {
      const told = forged({ ...response, originator: b, respondent: b });
      expect(critical(told)).toMatchObject([{ code: 'RECEIVER_SUBNET_MISMATCH' }]);
    });

    it('nobody answers in the place of another, or gives more back than there was', () => {
      const other = network.subnet(1).create();
      const message = network.subnet(0).ingress(a, 'forward', forwardTo(b, 'echo', 100n));
      network.round(0, [message]);
      const callbackId = network.subnet(0).canister(a).calls.callbacks[0]?.id ?? 0;
      const lie = { ...response, originator: a, callbackId, refund: 5000n };
      const told = forged({ ...lie, respondent: other });
      expect(critical(told)).toMatchObject([{ code: 'INDUCT_RESPONSE_FAILED' }]);
      expect(network.subnet(0).statusOf(message)?.kind).toBe('processing');
      const stream = { ...network.stream(1, 0), begin: 1 };
      const from = network.subnet(1).env.subnetId;
      const slice = sliceOf({ ...stream, messages: [{ ...lie, respondent: b }] }, 1, 10);
      const again = network.round(0, [], { xnet: [{ from, slice }] });
      expect(critical(again)).toMatchObject([{ code: 'INDUCT_RESPONSE_FAILED' }]);
      expect(decodeForwarded(network.subnet(0).answerOf(message))).toEqual({
        refunded: 100n,
        data: Buffer.from('lie'),
      });
      expect(network.subnet(0).imbalance).toBe(0n);
    });

    it.each([
      ['signals of messages that were never sent', { signalsEnd: 3 }, {}],
      ['messages before their turn', { begin: 0, end: 9 }, { messagesBegin: 2 }],
      ['a stream that begins behind what was taken', { begin: 4, end: 9 }, {}],
    ])('a slice with %s is left out', (_name, header, slice) => {
      const good = sliceOf(network.stream(1, 0), 0, 10);
      const from = network.subnet(1).env.subnetId;
      const bad = {
        ...good,
        messages: [{ kind: 'refund' as const, recipient: a, cycles: 9n }],
        ...slice,
        header: { ...good.header, ...header },
      };
      const told = network.round(0, [], { xnet: [{ from, slice: bad }] });
      expect(critical(told)).toMatchObject([{ code: 'INVALID_STREAM_SLICE' }]);
      expect(network.stream(0, 1)).toMatchObject({ begin: 0, signalsEnd: 0 });
    });
  });

  it('follow a canister that moves: responses are sent after it, requests are to be tried again', () => {
    const message = network.subnet(0).ingress(a, 'forward', forwardTo(b, 'echo', 100n));
    network.round(0, [message]);
    const { topology } = network.subnet(0);
    const [own, other] = network.subnets.map(({ env }) => env.subnetId);
    if (topology === undefined || own === undefined || other === undefined) {
      throw new Error('two subnets have a topology');
    }
    // b's range is said to have moved to the root subnet by way of the other.
    const first = 1n << 20n;
    const last = (2n << 20n) - 1n;
    const moved = {
      ...topology,
      routingTable: topology.routingTable.map((entry) =>
        entry.subnetId === other ? { ...entry, subnetId: own } : entry,
      ),
      migrations: [{ first, last, trace: [other, own] }],
    };
    network.subnet(1).topology = moved;
    network.round(1);
    expect(network.stream(1, 0)).toMatchObject({
      signalsEnd: 1,
      rejectSignals: [{ reason: 'canisterMigrating', index: 0 }],
    });
    network.round(0);
    expect(decodeForwarded(network.subnet(0).answerOf(message))).toEqual({
      code: 2,
      text: 'Canister migration in progress',
    });
    expect(network.imbalance()).toBe(0n);
  });
});
