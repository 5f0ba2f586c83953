import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { canisterIdFromU64, principalToText } from '../../src/protocol/crypto/principal.ts';
import { MAX_SYSTEM_STREAM_MESSAGES } from '../../src/protocol/limits/messaging.ts';
import type { CanisterResponse } from '../../src/protocol/replicated-state/canister-messages.ts';
import type { StreamMessage } from '../../src/protocol/replicated-state/streams.ts';
import type { CanisterId } from '../../src/protocol/types/ids.ts';
import { CALLER_WAT, decodeForwarded, forwardTo } from '../support/caller-wat.ts';
import { sliceOf, type TestNetwork } from '../support/test-network.ts';
import { TwoSubnets } from '../support/two-subnets.ts';
import { compileWat } from '../support/wat.ts';

const SECOND = 1_000_000_000n;
describe('calls between subnets, late, too many, or forged', () => {
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

  const isQuiet = (): boolean => scene.isQuiet();

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

    it('are answered with the IC’s words when they time out', () => {
      fill(LIMIT);
      const subnet = network.subnet(1);
      const message = subnet.ingress(b, 'forward', forwardTo(a, 'echo', 1000n));
      subnet.round([message]);
      const { cycles } = subnet.canister(b);
      subnet.round([], { afterNs: 301n * SECOND });
      expect(decodeForwarded(subnet.answerOf(message))).toEqual({
        code: 2,
        text: 'Request timed out.',
      });
      expect(subnet.canister(b).cycles).toBeGreaterThan(cycles + 1000n);
    });

    it('expire there at their deadline if it is best effort, and leave their cycles', () => {
      fill(LIMIT);
      const subnet = network.subnet(1);
      const message = subnet.ingress(b, 'forward_best_effort', forwardTo(a, 'echo', 1000n));
      subnet.round([message]);
      expect(subnet.canister(b).outputQueues[0]?.messages).toHaveLength(1);
      subnet.round([], { afterNs: 30n * SECOND });
      expect(subnet.canister(b).outputQueues).toEqual([]);
      expect(decodeForwarded(subnet.answerOf(message))).toEqual({
        code: 6,
        text: 'Call deadline has expired.',
      });
      expect(subnet.imbalance).toBe(0n);
      network.rounds(6);
      expect(network.imbalance()).toBe(0n);
      expect(isQuiet()).toBe(true);
    });

    it('are dropped there when best-effort messages take too much room', () => {
      fill(LIMIT);
      const subnet = network.subnet(1);
      const { limits } = subnet.env;
      const send = (method: string, bytes: number): ReturnType<typeof subnet.ingress> => {
        const message = subnet.ingress(b, method, forwardTo(a, 'echo', 7n, new Uint8Array(bytes)));
        subnet.round([message]);
        return message;
      };
      const waiting = (): number[] =>
        (subnet.canister(b).outputQueues[0]?.messages ?? []).map(({ message }) =>
          message.kind === 'request' ? message.arg.length : -1,
        );
      send('forward_best_effort', 1000);
      send('forward_best_effort', 3000);
      send('forward', 3000);
      expect(waiting()).toEqual([1000, 3000, 3000]);
      const { cycles } = subnet.canister(b);
      Object.assign(subnet.env, { limits: { ...limits, bestEffortBytes: 2000n } });
      subnet.round();
      expect(waiting()).toEqual([1000, 3000]);
      expect(subnet.canister(b).cycles - cycles).toBe(7n);
      expect(subnet.imbalance).toBe(0n);
      Object.assign(subnet.env, { limits });
    });
  });

  describe('when a subnet lies', () => {
    const critical = (events: readonly { readonly kind: string }[]): unknown[] =>
      events.flatMap((event) => (event.kind === 'criticalError' ? [event] : []));
    const forged = (message: StreamMessage): ReturnType<TestNetwork['round']> => {
      const stream = network.stream(1, 0);
      const lie = { ...stream, messages: [...stream.messages, message] };
      const from = network.subnet(1).env.subnetId;
      const slice = sliceOf(lie, network.stream(0, 1).signalsEnd, 10);
      const xnet = [{ from, certifiedHeight: 1, slice }];
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
      const again = network.round(0, [], { xnet: [{ from, certifiedHeight: 2, slice }] });
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
      const told = network.round(0, [], { xnet: [{ from, certifiedHeight: 1, slice: bad }] });
      expect(critical(told)).toMatchObject([{ code: 'INVALID_STREAM_SLICE' }]);
      expect(network.stream(0, 1)).toMatchObject({ begin: 0, signalsEnd: 0 });
    });
  });

  describe('with replies that no stream carries', () => {
    const put = (payload: CanisterResponse['payload'], originator: CanisterId): void => {
      const subnet = network.subnet(1);
      const message: CanisterResponse = {
        kind: 'response',
        originator,
        respondent: b,
        callbackId: 1,
        refund: 0n,
        payload,
        deadlineNs: 0n,
      };
      const outputQueues = [{ receiver: originator, messages: [{ message, expiresNs: 0n }] }];
      const canister = { ...subnet.canister(b), outputQueues };
      subnet.state = { ...subnet.state, canisters: subnet.state.canisters.set(b, canister) };
    };
    const LIMIT = 2 * 1024 * 1024;

    it('carry a reject in their place', () => {
      put({ kind: 'reply', data: new Uint8Array(LIMIT + 1) }, a);
      const told = network.round(1);
      expect(told).toContainEqual(
        expect.objectContaining({ kind: 'criticalError', code: 'STREAM_PAYLOAD_TOO_LARGE' }),
      );
      const message = `Canister ${principalToText(b)} violated contract: attempted to send a message of size ${LIMIT + 1} exceeding the limit ${LIMIT}`;
      expect(network.stream(1, 0).messages).toMatchObject([
        { kind: 'response', payload: { kind: 'reject', code: 5, message } },
      ]);
    });

    it('cut the text of a reject', () => {
      put({ kind: 'reject', code: 4, message: 'x'.repeat(LIMIT + 1) }, a);
      network.round(1);
      const [response] = network.stream(1, 0).messages as readonly CanisterResponse[];
      const message = `${'x'.repeat(6144)}...${'x'.repeat(2045)}`;
      expect(response?.payload).toEqual({ kind: 'reject', code: 4, message });
    });

    it('are dropped when no subnet hosts who waits for them', () => {
      put({ kind: 'reply', data: new Uint8Array(1) }, canisterIdFromU64(1n << 40n));
      const told = network.round(1);
      expect(told).toContainEqual(
        expect.objectContaining({ code: 'RESPONSE_DESTINATION_NOT_FOUND' }),
      );
      expect(network.subnet(1).canister(b).outputQueues).toEqual([]);
      expect(network.stream(1, 0).messages).toEqual([]);
    });
  });

  it('follow a canister that moved while its answer was under way', () => {
    network.round(1, [network.subnet(1).ingress(b, 'forward', forwardTo(a, 'echo', 100n))]);
    network.round(0);
    const [own, other] = network.subnets.map(({ env }) => env.subnetId);
    const { topology } = network.subnet(0);
    if (topology === undefined || own === undefined || other === undefined) {
      throw new Error('two subnets have a topology');
    }
    // The answer is in the stream when b is said to have moved to the root subnet.
    const moved = {
      ...topology,
      routingTable: topology.routingTable.map((entry) => ({ ...entry, subnetId: own })),
      migrations: [{ first: 1n << 20n, last: (2n << 20n) - 1n, trace: [other, own] }],
    };
    network.subnet(1).topology = moved;
    network.round(1);
    const { rejectSignals } = network.stream(1, 0);
    expect(rejectSignals).toEqual([{ reason: 'canisterMigrating', index: 0 }]);
    const canister = network.subnet(1).canister(b);
    const { state } = network.subnet(0);
    network.subnet(0).topology = moved;
    network.subnet(0).state = { ...state, canisters: state.canisters.set(b, canister) };
    network.round(0);
    expect(network.subnet(0).state.streams.get(own)?.messages).toMatchObject([
      { kind: 'response', originator: b, respondent: a, refund: 50n },
    ]);
    network.round(0);
    expect(network.subnet(0).state.streams.get(own)?.messages).toEqual([]);
    const { inputQueues, calls } = network.subnet(0).canister(b);
    expect([inputQueues, calls.callbacks, calls.contexts]).toEqual([[], [], []]);
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
