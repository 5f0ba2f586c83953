import { fc, test } from '@fast-check/vitest';
import { IDL } from '@icp-sdk/core/candid';
import { beforeAll, describe, expect } from 'vitest';
import { present } from '../../src/base/assert.ts';
import { encodeStreamMessage } from '../../src/protocol/canonical-state/encode-stream.ts';
import { canisterIdFromU64 } from '../../src/protocol/crypto/principal.ts';
import type { SignedIngress } from '../../src/protocol/interfaces/replica.ts';
import {
  CLASSROOM_EXECUTION_LIMITS,
  type ExecutionLimits,
} from '../../src/protocol/limits/execution.ts';
import {
  decodeCanister,
  decodeSystemState,
} from '../../src/protocol/replicated-state/decode-state.ts';
import {
  encodeCanister,
  encodeSystemState,
} from '../../src/protocol/replicated-state/encode-state.ts';
import { streamEnd } from '../../src/protocol/replicated-state/streams.ts';
import type { CanisterId } from '../../src/protocol/types/ids.ts';
import { CALLER_WAT, forwardTo } from '../support/caller-wat.ts';
import { TestNetwork } from '../support/test-network.ts';
import type { TestSubnet } from '../support/test-subnet.ts';
import { compileWat } from '../support/wat.ts';

/** Few messages a round and little memory for them, so that calls stay open and some find no room. */
const LIMITS: ExecutionLimits = {
  ...CLASSROOM_EXECUTION_LIMITS,
  messageInstructions: 1_000_000n,
  roundInstructions: 7_000_000n,
  guaranteedResponseBytes: 20_000_000n,
};
/** So little room that responses are not let in, or best-effort messages are dropped. */
const NARROW: fc.Arbitrary<ExecutionLimits> = fc.constantFrom(
  LIMITS,
  { ...LIMITS, guaranteedResponseBytes: 5_000_000n },
  { ...LIMITS, bestEffortBytes: 20n, roundInstructions: 3_000_000n },
);
const SUBNETS = 3;
const PER_SUBNET = 2;
const noArgs = Uint8Array.from(IDL.encode([], []));
const idOf = (subnet: number, at: number): CanisterId =>
  canisterIdFromU64((BigInt(subnet) << 20n) + BigInt(at));

interface Step {
  /** Whose round it is. */
  readonly subnet: number;
  readonly from: number;
  readonly to: readonly [subnet: number, at: number];
  readonly through: string;
  readonly method: string;
  readonly cycles: bigint;
  /** Another canister makes the call, and hears the answer. */
  readonly nested: boolean;
  readonly calls: number;
  readonly manage: string | null;
  readonly afterNs: bigint;
  readonly slice: { readonly age: number; readonly messages: number };
}

const step: fc.Arbitrary<Step> = fc.record({
  subnet: fc.nat(SUBNETS - 1),
  from: fc.nat(PER_SUBNET - 1),
  // The last is no canister.
  to: fc.tuple(fc.nat(SUBNETS - 1), fc.nat(PER_SUBNET)),
  through: fc.constantFrom(
    'forward',
    'forward',
    'forward_trap',
    'forward_silent',
    'forward_best_effort',
    'forward_then_trap',
    'reply_first',
  ),
  method: fc.constantFrom('echo', 'echo', 'peek', 'refuse', 'trap', 'mute', 'none', 'raw_rand'),
  cycles: fc.bigInt(0n, 1n << 40n),
  nested: fc.boolean(),
  calls: fc.integer({ min: 0, max: 4 }),
  manage: fc.option(
    fc.constantFrom('stop_canister', 'start_canister', 'uninstall_code', 'delete_canister'),
    { freq: 5 },
  ),
  afterNs: fc.constantFrom(1_000_000_000n, 1_000_000_000n, 25_000_000_000n, 301_000_000_000n),
  slice: fc.record({ age: fc.nat(3), messages: fc.constantFrom(0, 1, 2, 10_000) }),
});

function messagesOf(network: TestNetwork, asked: Step): readonly SignedIngress[] {
  const subnet = network.subnet(asked.subnet);
  const target =
    asked.method === 'raw_rand'
      ? network.subnet(asked.to[0]).env.subnetId
      : idOf(asked.to[0], asked.to[1]);
  const inner = forwardTo(target, asked.method, asked.cycles, noArgs);
  const id = idOf(asked.subnet, asked.from);
  const messages = Array.from({ length: asked.calls }, () =>
    asked.nested
      ? subnet.ingress(
          idOf(asked.subnet, 1 - asked.from),
          'forward',
          forwardTo(id, asked.through, asked.cycles, inner),
        )
      : subnet.ingress(id, asked.through, inner),
  );
  return asked.manage === null ? messages : [...messages, subnet.manage(id, asked.manage)];
}

/** Holds every message of every stream against what was seen of it before. */
class StreamWatch {
  readonly #seen = new Map<string, string>();
  readonly #indexes = new Map<string, readonly number[]>();

  look(network: TestNetwork): void {
    for (let from = 0; from < SUBNETS; from += 1) {
      for (let to = 0; to < SUBNETS; to += 1) {
        const stream = network.stream(from, to);
        const pair = `${from}-${to}`;
        const now = [stream.begin, streamEnd(stream), stream.signalsEnd];
        const before = this.#indexes.get(pair) ?? [0, 0, 0];
        expect(now.every((index, at) => index >= (before[at] ?? 0))).toBe(true);
        this.#indexes.set(pair, now);
        stream.messages.forEach((message, at) => {
          const name = `${pair} ${stream.begin + at}`;
          const bytes = Buffer.from(encodeStreamMessage(message)).toString('hex');
          expect(this.#seen.get(name) ?? bytes).toBe(bytes);
          this.#seen.set(name, bytes);
        });
      }
    }
  }
}

function checkBooks(network: TestNetwork): void {
  let transit = 0n;
  for (const { imbalance, state } of network.subnets) {
    expect(imbalance).toBe(0n);
    transit += state.metrics.sentCycles - state.metrics.receivedCycles;
  }
  // The books of all subnets against a count of what lies in the streams.
  expect(network.inTransit()).toBe(transit);
  for (const subnet of network.subnets) {
    const { createdCycles, receivedCycles, sentCycles } = subnet.state.metrics;
    expect(subnet.totalCycles()).toBe(createdCycles + receivedCycles - sentCycles);
  }
}

/** Nothing open, nothing waiting, nothing under way. */
function checkQuiet({ state, env }: TestSubnet): void {
  for (const { calls, inputQueues, outputQueues, ingressQueue } of state.canisters.values()) {
    expect([calls.contexts, calls.callbacks, inputQueues, outputQueues, ingressQueue]).toEqual([
      [],
      [],
      [],
      [],
      [],
    ]);
  }
  expect([state.subnetQueue, state.subnetOutputs, state.refunds]).toEqual([[], [], []]);
  for (const [id, { messages, rejectSignals }] of state.streams) {
    expect([id === env.subnetId, messages, rejectSignals]).toEqual([id === env.subnetId, [], []]);
  }
}

/** The subnet as another node would have it from a checkpoint, but for modules and memories. */
function restore(subnet: TestSubnet): void {
  const system = decodeSystemState(encodeSystemState(subnet.state));
  if (!system.ok) {
    throw new Error(system.error.message);
  }
  let { canisters } = system.value;
  for (const canister of subnet.state.canisters.values()) {
    const decoded = decodeCanister(encodeCanister(canister));
    if (!decoded.ok) {
      throw new Error(decoded.error.message);
    }
    const { execution, nextMemoryVersion } = canister;
    canisters = canisters.set(canister.canisterId, {
      ...decoded.value,
      execution,
      nextMemoryVersion,
    });
  }
  subnet.state = { ...system.value, canisters, atCheckpoint: subnet.state.atCheckpoint };
}

describe('any calls between canisters of three subnets', () => {
  let wasm: Uint8Array;
  beforeAll(async () => {
    wasm = await compileWat(CALLER_WAT);
  });

  const fresh = (limits: ExecutionLimits): TestNetwork => {
    const network = new TestNetwork(['system', 'application', 'verified_application'], LIMITS);
    for (const subnet of network.subnets) {
      for (let at = 0; at < PER_SUBNET; at += 1) {
        subnet.createWith(wasm);
      }
      Object.assign(subnet.env, { limits });
    }
    return network;
  };

  test.prop([fc.array(step, { minLength: 4, maxLength: 24 }), NARROW], { numRuns: 8 })(
    'are answered exactly once, neither make nor lose cycles, and leave nothing behind',
    (steps, limits) => {
      const network = fresh(limits);
      const watch = new StreamWatch();
      const asked: (readonly [TestSubnet, SignedIngress])[] = [];
      for (const each of steps) {
        const messages = messagesOf(network, each);
        const subnet = network.subnet(each.subnet);
        asked.push(...messages.map((message) => [subnet, message] as const));
        restore(subnet);
        network.round(each.subnet, messages, { afterNs: each.afterNs, slice: each.slice });
        watch.look(network);
        checkBooks(network);
      }
      for (let round = 0; round < 25; round += 1) {
        network.rounds(1);
        watch.look(network);
      }
      checkBooks(network);
      for (const subnet of network.subnets) {
        checkQuiet(subnet);
      }
      for (const [subnet, message] of asked) {
        expect(['processing', 'received']).not.toContain(subnet.answerOf(message));
      }
      // Users' calls are named by each subnet for itself, those of canisters by caller and callback.
      const answered = network.subnets.flatMap(({ trace }, index) =>
        trace.flatMap((event) => {
          if (event.kind !== 'messageExecuted') {
            return [];
          }
          const { messageId } = event;
          return [messageId.includes('#') ? messageId.split('@')[0] : `${index} ${messageId}`];
        }),
      );
      expect(answered).toHaveLength(new Set(answered).size);
      expect(network.subnets.flatMap(({ trace }) => trace)).not.toContainEqual(
        expect.objectContaining({ kind: 'criticalError' }),
      );
    },
  );

  test.prop([fc.array(step, { minLength: 3, maxLength: 12 })], { numRuns: 3 })(
    'come out the same on every node',
    (steps) => {
      const [one, other] = [fresh(LIMITS), fresh(LIMITS)];
      for (const each of steps) {
        for (const network of [one, other]) {
          const options = { afterNs: each.afterNs, slice: each.slice };
          network.round(each.subnet, messagesOf(network, each), options);
        }
        const prints = [one, other].map((network) =>
          present(network.subnets[each.subnet], 'it is there').fingerprint(),
        );
        expect(prints[0]).toBe(prints[1]);
      }
    },
  );
});
