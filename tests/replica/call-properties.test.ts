import { fc, test } from '@fast-check/vitest';
import { IDL } from '@icp-sdk/core/candid';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { present } from '../../src/base/assert.ts';
import { canisterIdFromU64 } from '../../src/protocol/crypto/principal.ts';
import { RoundState } from '../../src/protocol/execution/round-state.ts';
import { CLASSROOM_EXECUTION_LIMITS } from '../../src/protocol/limits/execution.ts';
import type { CanisterState } from '../../src/protocol/replicated-state/canister-state.ts';
import {
  decodeCanister,
  decodeSystemState,
} from '../../src/protocol/replicated-state/decode-state.ts';
import {
  encodeCanister,
  encodeSystemState,
} from '../../src/protocol/replicated-state/encode-state.ts';
import type { ReplicatedState } from '../../src/protocol/replicated-state/replicated-state.ts';
import type { CanisterId, NodeId } from '../../src/protocol/types/ids.ts';
import { createCheckers } from '../../src/sim/checkers.ts';
import { CALLER_WAT, forwardTo } from '../support/caller-wat.ts';
import { TestSubnet } from '../support/test-subnet.ts';
import { compileWat } from '../support/wat.ts';

/** A few messages a round, so that calls stay open over rounds. */
const LIMITS = {
  ...CLASSROOM_EXECUTION_LIMITS,
  messageInstructions: 1_000_000n,
  roundInstructions: 7_000_000n,
};
const CANISTERS = 3;
const noArgs = Uint8Array.from(IDL.encode([], []));

interface Step {
  readonly from: number;
  readonly to: number;
  readonly through: string;
  readonly method: string;
  readonly cycles: bigint;
  readonly nested: boolean;
  readonly manage: string | null;
  readonly afterNs: bigint;
}

const step: fc.Arbitrary<Step> = fc.record({
  from: fc.nat(CANISTERS - 1),
  to: fc.nat(CANISTERS + 1),
  through: fc.constantFrom(
    'forward',
    'forward',
    'forward_trap',
    'forward_silent',
    'forward_call',
    'forward_best_effort',
    'forward_then_trap',
    'reply_first',
    'reply_twice',
    'forward_missing',
  ),
  method: fc.constantFrom(
    'echo',
    'echo',
    'peek',
    'burn',
    'refuse',
    'trap',
    'mute',
    'none',
    'raw_rand',
  ),
  cycles: fc.bigInt(0n, 1n << 70n).map((cycles) => (cycles >> 60n) * 1_000_003n),
  nested: fc.boolean(),
  manage: fc.option(
    fc.constantFrom(
      'stop_canister',
      'start_canister',
      'uninstall_code',
      'delete_canister',
      'top_up',
      'bankrupt',
    ),
    { freq: 4 },
  ),
  afterNs: fc.constantFrom(1_000_000_000n, 1_000_000_000n, 25_000_000_000n, 301_000_000_000n),
});

function idsOf(): readonly CanisterId[] {
  return Array.from({ length: CANISTERS + 1 }, (_, index) => canisterIdFromU64(BigInt(index)));
}

/** All compute there is, and next to nothing to pay it from: the next charge takes everything. */
function impoverish(subnet: TestSubnet, canisterId: CanisterId): void {
  const canister = subnet.state.canisters.get(canisterId);
  if (canister !== undefined) {
    const { metrics } = subnet.state;
    const gone = canister.cycles - 1000n;
    const settings = { ...canister.settings, computeAllocation: 100n };
    subnet.state = {
      ...subnet.state,
      canisters: subnet.state.canisters.set(canisterId, { ...canister, settings, cycles: 1000n }),
      metrics: { ...metrics, createdCycles: metrics.createdCycles - gone },
    };
  }
}

/** One round with what the step asks for; the last two targets are no canister and `aaaaa-aa`. */
function play(
  subnet: TestSubnet,
  { from, to, through, method, cycles, nested, ...rest }: Step,
): void {
  const ids = idsOf();
  const id = present(ids[from], 'the canister exists');
  const target = method === 'raw_rand' ? '' : (ids[to] ?? '');
  const inner = forwardTo(target, method, cycles, noArgs);
  // Nested: another canister calls the method, and hears its answer.
  const caller = present(ids[(from + 1) % CANISTERS], 'the canister exists');
  const messages = [
    nested
      ? subnet.ingress(caller, 'forward', forwardTo(id, through, cycles, inner))
      : subnet.ingress(id, through, inner),
  ];
  if (rest.manage === 'top_up') {
    messages.push(subnet.topUp(id, 12_345_678_901n));
  } else if (rest.manage === 'bankrupt') {
    impoverish(subnet, id);
  } else if (rest.manage !== null) {
    messages.push(subnet.manage(id, rest.manage));
  }
  subnet.round(messages, { afterNs: rest.afterNs });
}

function encoded(state: ReplicatedState): readonly string[] {
  const parts: Uint8Array[] = Object.values({ ...encodeSystemState(state) });
  for (const canister of state.canisters.values()) {
    parts.push(encodeCanister(canister));
  }
  return parts.map((part) => Buffer.from(part).toString('hex'));
}

function restoredCanister(canister: CanisterState): CanisterState {
  const decoded = decodeCanister(encodeCanister(canister));
  if (!decoded.ok) {
    throw new Error(decoded.error.message);
  }
  const { execution } = canister;
  return {
    ...decoded.value,
    nextMemoryVersion: 2,
    execution: execution === null ? null : { ...execution, memoryVersion: 1 },
  };
}

/** The same state on another machine, which has seen none of the memories. */
function moved(subnet: TestSubnet): TestSubnet {
  const twin = new TestSubnet(LIMITS);
  const system = decodeSystemState(encodeSystemState(subnet.state));
  if (!system.ok) {
    throw new Error(system.error.message);
  }
  let { canisters } = system.value;
  for (const canister of subnet.state.canisters.values()) {
    canisters = canisters.set(canister.canisterId, restoredCanister(canister));
  }
  twin.state = { ...system.value, canisters };
  return twin;
}

describe('any calls between canisters', () => {
  let wasm: Uint8Array;
  beforeAll(async () => {
    wasm = await compileWat(CALLER_WAT);
  });

  const fresh = (): TestSubnet => {
    const subnet = new TestSubnet(LIMITS);
    for (let i = 0; i < CANISTERS; i += 1) {
      subnet.createWith(wasm);
    }
    return subnet;
  };

  test.prop([fc.array(step, { minLength: 1, maxLength: 12 })], { numRuns: 30 })(
    'neither make nor lose cycles, and end',
    (steps) => {
      const subnet = fresh();
      for (const each of steps) {
        play(subnet, each);
        // The subnet's own books, and a count of our own.
        expect(subnet.imbalance).toBe(0n);
        expect(subnet.totalCycles()).toBe(subnet.state.metrics.createdCycles);
      }
      for (let round = 0; round < 60; round += 1) {
        subnet.round();
      }
      expect(subnet.imbalance).toBe(0n);
      for (const { calls, inputQueues, ingressQueue, cycles } of subnet.state.canisters.values()) {
        expect([calls.contexts, calls.callbacks, inputQueues, ingressQueue]).toEqual([
          [],
          [],
          [],
          [],
        ]);
        expect(cycles).toBeGreaterThanOrEqual(0n);
      }
      expect(subnet.state.subnetQueue).toEqual([]);
    },
  );

  it.each([
    ['half a refund', (refund: bigint): bigint => refund / 2n],
    ['a refund of one cycle too little', (refund: bigint): bigint => refund - 1n],
    ['no refund', (): bigint => 0n],
  ])('would show in the books: %s', (_name, refundOf) => {
    const { send } = RoundState.prototype;
    const wrong = vi.spyOn(RoundState.prototype, 'send').mockImplementation(function (
      this: RoundState,
      message,
    ) {
      const isPaid = message.kind === 'response' && message.refund > 0n;
      send.call(this, isPaid ? { ...message, refund: refundOf(message.refund) } : message);
    });
    try {
      const subnet = fresh();
      const checkers = createCheckers();
      const [a, b] = idsOf();
      const arg = forwardTo(b ?? '', 'peek', 1000n, noArgs);
      subnet.round([subnet.ingress(present(a, 'exists'), 'forward', arg)]);
      subnet.round();
      subnet.round();
      expect(wrong).toHaveBeenCalled();
      const { executed } = subnet;
      const violations = executed.map((event) => checkers.observe('0a' as NodeId, event)?.rule);
      expect(violations).toContain('cyclesConserved');
    } finally {
      wrong.mockRestore();
    }
  });

  test.prop([fc.array(step, { minLength: 4, maxLength: 12 }), fc.nat(11)], { numRuns: 10 })(
    'go on the same on a machine that took the state over in the middle',
    (steps, at) => {
      const subnet = fresh();
      let twin: TestSubnet | undefined;
      for (const [index, each] of steps.entries()) {
        if (index === at % steps.length) {
          twin = moved(subnet);
          twin.adoptMessageCounter(subnet);
          expect(encoded(twin.state)).toEqual(encoded(subnet.state));
        }
        play(subnet, each);
        if (twin !== undefined) {
          play(twin, each);
          expect(encoded(twin.state)).toEqual(encoded(subnet.state));
        }
      }
    },
  );
});
