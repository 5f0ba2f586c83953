import { beforeEach, describe, expect, it } from 'vitest';
import { canisterIdFromU64 } from '../../src/protocol/crypto/principal.ts';
import { MAX_RESPONSE_PAYLOAD_BYTES } from '../../src/protocol/limits/execution.ts';
import type {
  CanisterMessage,
  CanisterRequest,
  CanisterResponse,
  OutputQueue,
} from '../../src/protocol/replicated-state/canister-messages.ts';
import type { ReplicatedState } from '../../src/protocol/replicated-state/replicated-state.ts';
import { EMPTY_STREAM, type StreamMessage } from '../../src/protocol/replicated-state/streams.ts';
import type { CanisterId, PrincipalId, SubnetId } from '../../src/protocol/types/ids.ts';
import { TestNetwork } from '../support/test-network.ts';

describe('what waits for a stream', () => {
  let network: TestNetwork;
  let own: SubnetId;
  let other: SubnetId;
  let a: CanisterId;
  let b: CanisterId;

  beforeEach(() => {
    network = new TestNetwork(['application', 'system']);
    a = network.subnet(0).create();
    b = network.subnet(1).create();
    [own, other] = network.subnets.map(({ env }) => env.subnetId) as [SubnetId, SubnetId];
  });

  const answer = (respondent: PrincipalId): CanisterResponse => ({
    kind: 'response',
    originator: b,
    respondent,
    callbackId: 7,
    refund: 0n,
    payload: { kind: 'reply', data: new Uint8Array(3) },
    deadlineNs: 0n,
  });
  const queueTo = (respondent: PrincipalId): OutputQueue => ({
    receiver: b,
    messages: [{ message: answer(respondent), expiresNs: 0n }],
  });
  const withStream = (messages: readonly StreamMessage[], more: Partial<ReplicatedState>): void => {
    const subnet = network.subnet(0);
    const streams = new Map([[other, { ...EMPTY_STREAM, messages }]]);
    subnet.state = { ...subnet.state, streams, ...more };
  };

  it('of the management canister goes before what canisters have, and stays while there is no room', () => {
    const subnet = network.subnet(0);
    const held = { ...subnet.canister(a), outputQueues: [queueTo(a)] };
    const canisters = subnet.state.canisters.set(a, held);
    const full = Array.from({ length: 200 }, () => answer(a));
    withStream(full, { subnetOutputs: [queueTo(own)], canisters });
    network.round(0, [], { xnet: [] });
    expect(subnet.state.subnetOutputs).toEqual([queueTo(own)]);
    expect(subnet.canister(a).outputQueues).toEqual([queueTo(a)]);
    withStream([], {});
    network.round(0, [], { xnet: [] });
    expect(network.stream(0, 1).messages).toEqual([answer(own), answer(a)]);
    expect([subnet.state.subnetOutputs, subnet.canister(a).outputQueues]).toEqual([[], []]);
  });

  it('of refunds leaves half of a stream to canisters, goes once, and is lost without a receiver', () => {
    const subnet = network.subnet(0);
    const refunds = [
      [b, 5n],
      [canisterIdFromU64(1n << 40n), 9n],
    ] as const;
    const { imbalance } = subnet;
    const full = Array.from({ length: 5000 }, () => answer(a));
    withStream(full, { refunds });
    network.round(0, [], { xnet: [] });
    expect(subnet.state.refunds).toEqual([[b, 5n]]);
    withStream(full.slice(1), {});
    network.round(0, [], { xnet: [] });
    expect(subnet.state.refunds).toEqual([]);
    expect(network.stream(0, 1).messages.slice(4999)).toEqual([
      { kind: 'refund', recipient: b, cycles: 5n },
    ]);
    expect(subnet.imbalance - imbalance).toBe(14n);
  });

  it('of a full stream keeps the order of its receivers', () => {
    const subnet = network.subnet(0);
    const second = network.subnet(1).create();
    const outputQueues = [queueTo(a), { ...queueTo(a), receiver: second }];
    const canisters = subnet.state.canisters.set(a, { ...subnet.canister(a), outputQueues });
    withStream(
      Array.from({ length: 200 }, () => answer(a)),
      { canisters },
    );
    network.round(0, [], { xnet: [] });
    expect(subnet.canister(a).outputQueues).toEqual(outputQueues);
  });

  it('goes as it is up to two megabytes, and within a subnet above', () => {
    const subnet = network.subnet(0);
    const put = (receiver: CanisterId, message: CanisterMessage): void => {
      const outputQueues = [{ receiver, messages: [{ message, expiresNs: 0n }] }];
      const canisters = subnet.state.canisters.set(a, { ...subnet.canister(a), outputQueues });
      withStream([], { canisters });
      network.round(0, [], { xnet: [] });
    };
    const reply = (bytes: number): CanisterResponse => ({
      ...answer(a),
      payload: { kind: 'reply', data: new Uint8Array(bytes) },
    });
    put(b, reply(MAX_RESPONSE_PAYLOAD_BYTES));
    expect(network.stream(0, 1).messages).toMatchObject([{ payload: { kind: 'reply' } }]);
    put(b, reply(MAX_RESPONSE_PAYLOAD_BYTES + 1));
    expect(network.stream(0, 1).messages).toMatchObject([{ payload: { kind: 'reject' } }]);
    const large: CanisterRequest = {
      kind: 'request',
      sender: a,
      receiver: a,
      callbackId: 7,
      cycles: 0n,
      methodName: 'm',
      arg: new Uint8Array(MAX_RESPONSE_PAYLOAD_BYTES),
      callTree: { depth: 1, startTimeNs: 5n },
      deadlineNs: 0n,
    };
    put(a, large);
    expect(subnet.state.streams.get(own)?.messages).toEqual([large]);
  });

  it('and has no receiver gives its cycles up, and they are booked', () => {
    const subnet = network.subnet(0);
    const { imbalance } = subnet;
    const lost = canisterIdFromU64(1n << 40n);
    const message = { ...answer(a), originator: lost, refund: 70n };
    const outputQueues = [{ receiver: lost, messages: [{ message, expiresNs: 0n }] }];
    const canisters = subnet.state.canisters.set(a, { ...subnet.canister(a), outputQueues });
    withStream([], { canisters });
    network.round(0, [], { xnet: [] });
    expect(subnet.canister(a).outputQueues).toEqual([]);
    expect(subnet.imbalance - imbalance).toBe(70n);
  });
});
