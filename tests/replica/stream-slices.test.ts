import { beforeEach, describe, expect, it } from 'vitest';
import { canisterIdFromU64 } from '../../src/protocol/crypto/principal.ts';
import { RejectCode } from '../../src/protocol/execution/user-error.ts';
import { MAX_RESPONSE_PAYLOAD_BYTES } from '../../src/protocol/limits/execution.ts';
import { MAX_SUBNET_MESSAGE_BYTES } from '../../src/protocol/limits/messaging.ts';
import type { InductedSlice } from '../../src/protocol/interfaces/replica.ts';
import type {
  CanisterRequest,
  CanisterResponse,
} from '../../src/protocol/replicated-state/canister-messages.ts';
import {
  EMPTY_STREAM,
  type RefundMessage,
  type Stream,
  type StreamHeader,
  type StreamMessage,
} from '../../src/protocol/replicated-state/streams.ts';
import type { CanisterId, PrincipalId, SubnetId } from '../../src/protocol/types/ids.ts';
import type { NetworkTopology } from '../../src/protocol/types/network-topology.ts';
import { present } from '../../src/base/assert.ts';
import { TestNetwork } from '../support/test-network.ts';

const RANGE = 1n << 20n;

describe('slices that a subnet takes in', () => {
  let network: TestNetwork;
  let own: SubnetId;
  let other: SubnetId;
  let topology: NetworkTopology;
  /** On the own subnet, and on the other. */
  let a: CanisterId;
  let b: CanisterId;

  beforeEach(() => {
    network = new TestNetwork(['application', 'application']);
    a = network.subnet(0).create();
    b = network.subnet(1).create();
    [own, other] = network.subnets.map(({ env }) => env.subnetId) as [SubnetId, SubnetId];
    topology = present(network.subnet(0).topology, 'two subnets have a topology');
  });

  const refund = (cycles = 0n): RefundMessage => ({ kind: 'refund', recipient: a, cycles });
  const request = (sender: CanisterId, receiver: PrincipalId, cycles = 0n): CanisterRequest => ({
    kind: 'request',
    sender,
    receiver,
    callbackId: 77,
    cycles,
    methodName: 'm',
    arg: new Uint8Array(0),
    callTree: { depth: 1, startTimeNs: 5n },
    deadlineNs: 0n,
  });
  const response = (originator: CanisterId, respondent: CanisterId): CanisterResponse => ({
    kind: 'response',
    originator,
    respondent,
    callbackId: 77,
    refund: 0n,
    payload: { kind: 'reply', data: new Uint8Array(3) },
    deadlineNs: 0n,
  });
  const setStream = (to: SubnetId, stream: Partial<Stream>): void => {
    const subnet = network.subnet(0);
    const streams = new Map(subnet.state.streams).set(to, { ...EMPTY_STREAM, ...stream });
    subnet.state = { ...subnet.state, streams };
  };
  const streamTo = (to: SubnetId): Stream =>
    network.subnet(0).state.streams.get(to) ?? EMPTY_STREAM;
  /** A round of the own subnet with one slice; what went wrong. */
  const take = (
    header: Partial<StreamHeader>,
    slice: { messages?: readonly StreamMessage[]; messagesBegin?: number; from?: SubnetId } = {},
  ): readonly string[] => {
    const { from = other, messages = [], messagesBegin = 0 } = slice;
    const { messages: _none, ...empty } = EMPTY_STREAM;
    const taken: InductedSlice = {
      from,
      certifiedHeight: 1,
      slice: { header: { ...empty, end: messages.length, ...header }, messages, messagesBegin },
    };
    const told = network.round(0, [], { xnet: [taken] });
    return told.flatMap((event) => (event.kind === 'criticalError' ? [event.code] : []));
  };

  it('fit their stream in each of their numbers, or are left out as a whole', () => {
    const before = {
      begin: 3,
      messages: [request(a, b), request(a, b), request(a, b)],
      signalsEnd: 5,
      rejectSignals: [{ reason: 'queueFull', index: 4 }],
    } as const;
    const messages = [refund(), refund()];
    const fits = { begin: 4, end: 7, signalsEnd: 4 };
    const wrong: readonly (readonly [Partial<StreamHeader>, Parameters<typeof take>[1]])[] = [
      [
        { ...fits, signalsEnd: 2 },
        { messages, messagesBegin: 5 },
      ],
      [
        { ...fits, signalsEnd: 7 },
        { messages, messagesBegin: 5 },
      ],
      [fits, { messages, messagesBegin: 4 }],
      [fits, { messages, messagesBegin: 6 }],
      [
        { ...fits, begin: 6 },
        { messages, messagesBegin: 5 },
      ],
      [
        { ...fits, end: 6 },
        { messages, messagesBegin: 5 },
      ],
      [{ ...fits, end: 4 }, { messagesBegin: 5 }],
      [fits, { messages, messagesBegin: 5, from: own }],
    ];
    for (const [header, slice] of wrong) {
      setStream(other, before);
      expect(take(header, slice)).toEqual(['INVALID_STREAM_SLICE']);
      expect(streamTo(other)).toEqual({ ...EMPTY_STREAM, ...before });
    }
    expect(take({}, { messages, from: own })).toEqual(['INVALID_STREAM_SLICE']);
    setStream(other, before);
    expect(take(fits, { messages, messagesBegin: 5 })).toEqual([]);
    expect(streamTo(other)).toMatchObject({ begin: 4, signalsEnd: 7 });
  });

  it('say which reject signals are still of use: those of messages that are kept', () => {
    const rejectSignals = [3, 4, 5].map((index) => ({ reason: 'queueFull', index }) as const);
    setStream(other, { signalsEnd: 6, rejectSignals });
    take({ begin: 4, end: 6 });
    expect(streamTo(other).rejectSignals.map(({ index }) => index)).toEqual([4, 5]);
  });

  it('may reject a response only because its receiver moves; it is sent again all the same', () => {
    const rejects = (reason: 'queueFull' | 'canisterMigrating') => {
      setStream(other, { begin: 2, messages: [response(b, a)] });
      const told = take({ signalsEnd: 3, rejectSignals: [{ reason, index: 2 }] });
      expect(streamTo(other)).toMatchObject({ begin: 3, messages: [response(b, a)] });
      return told;
    };
    expect(rejects('canisterMigrating')).toEqual([]);
    expect(rejects('queueFull')).toEqual(['BAD_REJECT_SIGNAL_FOR_RESPONSE']);
  });

  it('may name messages that are gone, or were not signalled: nothing comes of those', () => {
    const rejectSignals = [1, 3].map((index) => ({ reason: 'queueFull', index }) as const);
    setStream(other, { begin: 2, messages: [response(b, a), response(b, a)] });
    expect(take({ signalsEnd: 3, rejectSignals })).toEqual([]);
    expect(streamTo(other)).toMatchObject({ begin: 3, messages: [response(b, a)] });
  });

  it('reject a request whose sender moved on: the answer goes after it', () => {
    network.subnet(0).topology = {
      ...topology,
      routingTable: topology.routingTable.map((entry) => ({ ...entry, subnetId: other })),
    };
    setStream(other, { messages: [request(a, b, 50n)] });
    const rejectSignals = [{ reason: 'canisterNotFound', index: 0 }] as const;
    expect(take({ signalsEnd: 1, rejectSignals })).toEqual([]);
    expect(streamTo(other)).toMatchObject({
      begin: 1,
      messages: [{ originator: a, refund: 50n, payload: { code: RejectCode.destinationInvalid } }],
    });
  });

  it('reject what has no receiver any more: its cycles are lost, and booked so', () => {
    const lost = canisterIdFromU64(1n << 40n);
    const gone = { ...response(lost, a), refund: 70n };
    const subnet = network.subnet(0);
    setStream(other, { messages: [gone] });
    const { imbalance } = subnet;
    const signal = { reason: 'canisterMigrating', index: 0 } as const;
    const told = take({ signalsEnd: 1, rejectSignals: [signal] });
    expect(told).toEqual(['RESPONSE_DESTINATION_NOT_FOUND']);
    expect(streamTo(other).messages).toEqual([]);
    expect(subnet.imbalance).toBe(imbalance);
  });

  it('may hold what a canister sent before it moved here, and refunds of anybody', () => {
    network.subnet(0).topology = {
      ...topology,
      routingTable: topology.routingTable.map((entry) => ({ ...entry, subnetId: own })),
      migrations: [{ first: RANGE, last: 2n * RANGE - 1n, trace: [other, own] }],
    };
    expect(take({}, { messages: [request(b, a), refund()] })).toEqual([]);
    network.subnet(0).topology = { ...network.subnet(0).topology, migrations: [] } as never;
    const told = take({ begin: 2, end: 3 }, { messages: [request(b, a)], messagesBegin: 2 });
    expect(told).toEqual(['SENDER_SUBNET_MISMATCH']);
  });

  it('may hold a reject in the place of who was called, if the caller moved here from there', () => {
    const reject = { kind: 'reject', code: RejectCode.sysTransient, message: 'moved' } as const;
    const from = (trace: readonly SubnetId[], answer: CanisterResponse) => {
      network.subnet(0).topology = {
        ...topology,
        routingTable: topology.routingTable.map((entry) => ({ ...entry, subnetId: own })),
        migrations: [{ first: RANGE, last: 2n * RANGE - 1n, trace }],
      };
      setStream(other, {});
      return take({}, { messages: [answer] });
    };
    const answer = { ...response(b, a), payload: reject };
    expect(from([other, own], answer)).toEqual([]);
    expect(from([own, other], answer)).toEqual(['SENDER_SUBNET_MISMATCH']);
    expect(from([other, own], response(b, a))).toEqual(['SENDER_SUBNET_MISMATCH']);
    expect(from([other, own], { ...answer, originator: a })).toEqual(['SENDER_SUBNET_MISMATCH']);
  });

  it('hold messages for canisters that were never on their way here: they are dropped', () => {
    network.subnet(0).topology = {
      ...topology,
      migrations: [{ first: RANGE, last: 2n * RANGE - 1n, trace: [own, other] }],
    };
    const moves = take({}, { messages: [response(b, b)] });
    expect([moves, streamTo(other).rejectSignals]).toEqual([
      [],
      [{ reason: 'canisterMigrating', index: 0 }],
    ]);
    const elsewhere = { first: RANGE, last: 2n * RANGE - 1n, trace: [own, 'ff' as SubnetId] };
    network.subnet(0).topology = { ...topology, migrations: [elsewhere] };
    setStream(other, {});
    expect(take({}, { messages: [response(b, b)] })).toEqual(['RECEIVER_SUBNET_MISMATCH']);
    setStream(other, { signalsEnd: 1, rejectSignals: [{ reason: 'canisterMigrating', index: 0 }] });
    network.subnet(0).topology = topology;
    const told = take({ end: 2 }, { messages: [response(b, b)], messagesBegin: 1 });
    expect(told).toEqual(['RECEIVER_SUBNET_MISMATCH']);
    expect(streamTo(other).rejectSignals).toHaveLength(1);
  });

  it('neither make nor lose cycles, whatever becomes of their messages', () => {
    const subnet = network.subnet(0);
    const stranger = canisterIdFromU64(1n << 40n);
    const missing = canisterIdFromU64(RANGE - 7n);
    const { imbalance } = subnet;
    const messages = [
      request(stranger, a, 11n),
      { ...response(b, b), refund: 13n },
      request(b, missing, 17n),
      refund(19n),
      { kind: 'refund', recipient: missing, cycles: 23n } as const,
      { ...response(missing, b), refund: 29n },
      { ...response(a, b), refund: 31n },
    ];
    expect(take({}, { messages })).toEqual(['SENDER_SUBNET_MISMATCH', 'RECEIVER_SUBNET_MISMATCH']);
    expect(streamTo(other).rejectSignals).toEqual([{ reason: 'canisterNotFound', index: 2 }]);
    expect(subnet.imbalance).toBe(imbalance);
  });

  it('leave streams in the order of their subnets, and what their heads say', () => {
    const subnet = network.subnet(0);
    const ids = [own, other].toSorted().toReversed();
    subnet.state = {
      ...subnet.state,
      streams: new Map(ids.map((id) => [id, { ...EMPTY_STREAM, responsesOnly: true }])),
    };
    take({}, { messages: [refund()] });
    expect([...subnet.state.streams.keys()]).toEqual(ids.toReversed());
    expect(streamTo(other).responsesOnly).toBe(true);
  });

  describe('take room', () => {
    const CALL = MAX_RESPONSE_PAYLOAD_BYTES;
    const bestEffort = (argBytes: number): CanisterRequest => ({
      ...request(b, a),
      deadlineNs: 2n ** 62n,
      arg: new Uint8Array(argBytes),
    });
    const refusedOf = (messages: readonly StreamMessage[], guaranteedBytes = 100 * CALL) => {
      const subnet = network.subnet(0);
      // Nothing runs in this round.
      const more = { guaranteedResponseBytes: BigInt(guaranteedBytes), roundInstructions: 0n };
      Object.assign(subnet.env, { limits: { ...subnet.env.limits, ...more } });
      take({}, { messages });
      return streamTo(other).rejectSignals.map(({ reason, index }) => `${index} ${reason}`);
    };

    it('of the memory for guaranteed responses, each its own; best-effort calls take none', () => {
      const messages = [request(b, a), bestEffort(3), request(b, a), bestEffort(3)];
      expect(refusedOf(messages, 2 * CALL - 1)).toEqual(['2 outOfMemory']);
      const queues = network.subnet(0).canister(a).inputQueues;
      expect(queues).toMatchObject([{ sender: b, isRemote: true }]);
      expect(queues[0]?.messages).toHaveLength(3);
    });

    it('of the memory for messages, by their arguments', () => {
      const subnet = network.subnet(0);
      const half = new Uint8Array(MAX_SUBNET_MESSAGE_BYTES / 2);
      const filler = { ...request(a, own), arg: half.subarray(0, half.length - 10) };
      subnet.state = { ...subnet.state, subnetQueue: [{ ...filler, arg: half }, filler] };
      expect(refusedOf([bestEffort(8), bestEffort(3), bestEffort(2)])).toEqual(['1 outOfMemory']);
    });

    it('on a system subnet none, whatever is full', () => {
      const { env } = network.subnet(0);
      Object.assign(env, { subnetType: 'system' });
      expect(refusedOf([request(b, a)], 0)).toEqual([]);
    });

    it('of the management canister’s queue: 500 for each sender', () => {
      const second = network.subnet(1).create();
      const calls = Array.from({ length: 501 }, () => request(b, own));
      const subnet = network.subnet(0);
      Object.assign(subnet.env, { subnetType: 'system' });
      expect(refusedOf([...calls, request(second, own)])).toEqual(['500 queueFull']);
    });
  });

  it('hold calls whose time is over when they run: one refund for each caller, none of nothing', () => {
    const subnet = network.subnet(0);
    const second = network.subnet(1).create();
    const missing = canisterIdFromU64(RANGE - 7n);
    const late = (sender: CanisterId, cycles: bigint): CanisterRequest => ({
      ...request(sender, a, cycles),
      deadlineNs: 1n,
    });
    const queue = (sender: CanisterId, ...cycles: readonly bigint[]) => ({
      sender,
      isRemote: true,
      messages: cycles.map((each) => late(sender, each)),
    });
    const inputQueues = [queue(b, 5n, 6n), queue(second, 0n), queue(missing, 9n)];
    const canisters = subnet.state.canisters.set(a, { ...subnet.canister(a), inputQueues });
    subnet.state = { ...subnet.state, canisters };
    const { imbalance } = subnet;
    network.round(0, [], { xnet: [] });
    expect(subnet.canister(a).inputQueues).toEqual([]);
    expect(streamTo(other).messages).toEqual([{ kind: 'refund', recipient: b, cycles: 11n }]);
    expect([subnet.state.refunds, streamTo(own).messages]).toEqual([[], []]);
    expect(subnet.imbalance - imbalance).toBe(20n);
  });

  it('leave no reject signal on the loopback stream', () => {
    const missing = canisterIdFromU64(RANGE - 7n);
    setStream(own, { messages: [request(a, missing)] });
    network.round(0, [], { xnet: [] });
    expect(streamTo(own)).toMatchObject({
      begin: 1,
      signalsEnd: 1,
      messages: [],
      rejectSignals: [],
    });
  });
});
