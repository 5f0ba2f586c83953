import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { SignedIngress } from '../../../src/protocol/interfaces/replica.ts';
import {
  CLASSROOM_EXECUTION_LIMITS,
  PRIORITY_UNITS_PER_PERCENT,
} from '../../../src/protocol/limits/execution.ts';
import type { CanisterId } from '../../../src/protocol/types/ids.ts';
import { TestSubnet } from '../../support/test-subnet.ts';
import { op, program } from '../../support/universal.ts';
import { universalWasm } from '../../support/universal-module.ts';

/** Who gets to run when more wants to run than fits: spec/2 §3, over many rounds. */

/** A message fills a thread's round. */
const LIMITS = {
  ...CLASSROOM_EXECUTION_LIMITS,
  executionThreads: 2,
  roundInstructions: 1n,
  messageInstructions: 100_000_000n,
  sliceInstructions: 1_000_000n,
  pausedExecutions: 4,
};
/** Enough for any allocation. */
const RICH = 10n ** 17n;
const SHORT = program(op('reply'));

let wasm: Uint8Array;
beforeAll(async () => {
  wasm = await universalWasm();
});

/** A subnet on which every canister always has something to do. */
class BusySubnet {
  readonly subnet: TestSubnet;
  readonly ids: readonly CanisterId[];
  /** Canisters that ended a message, round by round. */
  readonly ran: (readonly CanisterId[])[] = [];

  constructor(allocations: readonly number[], limits = LIMITS) {
    this.subnet = new TestSubnet(limits);
    this.ids = allocations.map(() => this.subnet.createWith(wasm, RICH));
    for (const [i, allocation] of allocations.entries()) {
      this.#allocate(this.ids[i] as CanisterId, BigInt(allocation));
    }
  }

  #allocate(canisterId: CanisterId, computeAllocation: bigint): void {
    const canister = this.subnet.canister(canisterId);
    const settings = { ...canister.settings, computeAllocation };
    const { state } = this.subnet;
    const canisters = state.canisters.set(canisterId, { ...canister, settings });
    this.subnet.state = { ...state, canisters };
  }

  #pending(canisterId: CanisterId): number {
    return this.subnet.canister(canisterId).ingressQueue.length;
  }

  /** One round in which each of `busy` has at least two short messages waiting. */
  round(busy: readonly CanisterId[] = this.ids, more: readonly SignedIngress[] = []): void {
    const fresh = busy.flatMap((id) =>
      Array.from({ length: Math.max(2 - this.#pending(id), 0) }, () =>
        this.subnet.ingress(id, 'update', SHORT.bytes),
      ),
    );
    const from = this.subnet.trace.length;
    this.subnet.round([...more, ...fresh]);
    const ended = this.subnet.trace
      .slice(from)
      .flatMap((event) =>
        event.kind === 'messageExecuted' && event.outcome === 'replied' ? [event.canisterId] : [],
      );
    this.ran.push(ended as CanisterId[]);
    expect(this.subnet.imbalance).toBe(0n);
  }

  rounds(count: number): void {
    for (let i = 0; i < count; i += 1) {
      this.round();
    }
  }

  runsOf(canisterId: CanisterId): number {
    return this.ran.filter((ended) => ended.includes(canisterId)).length;
  }

  /** The longest time that a canister waited between two of its turns, ends included. */
  longestWait(canisterId: CanisterId): number {
    let wait = 0;
    let longest = 0;
    for (const ended of this.ran) {
      wait = ended.includes(canisterId) ? 0 : wait + 1;
      longest = Math.max(longest, wait);
    }
    return longest;
  }

  /** Of all canisters, in whole threads. */
  owed(): number {
    let sum = 0;
    for (const [, { accumulatedPriority }] of this.subnet.state.schedule.priorities.entries()) {
      sum += accumulatedPriority;
    }
    return sum / (100 * PRIORITY_UNITS_PER_PERCENT);
  }
}

describe('under load', () => {
  it('a canister with an allocation of 50 runs in half of the rounds, the others share the rest', () => {
    const busy = new BusySubnet([50, 0, 0, 0, 0, 0]);
    busy.rounds(60);
    const [paid, ...others] = busy.ids.map((id) => busy.runsOf(id));
    // Half of the rounds, and a sixth of the 150 percent that nobody paid for.
    expect(paid).toBeGreaterThanOrEqual(43);
    expect(paid).toBeLessThanOrEqual(47);
    for (const runs of others) {
      expect(runs).toBeGreaterThanOrEqual(13);
      expect(runs).toBeLessThanOrEqual(17);
    }
    expect(busy.ran.every((ended) => ended.length === 2)).toBe(true);
  });

  it('without allocations everybody runs in turn', () => {
    const busy = new BusySubnet(Array.from({ length: 9 }, () => 0));
    busy.rounds(36);
    for (const id of busy.ids) {
      expect(busy.runsOf(id)).toBe(8);
      expect(busy.longestWait(id)).toBeLessThanOrEqual(9);
    }
  });

  it('nobody starves beside canisters that paid for all that may be sold', () => {
    const busy = new BusySubnet([99, 0, 0, 0, 0, 0, 0, 0]);
    busy.rounds(60);
    const [paid, ...others] = busy.ids;
    expect(busy.runsOf(paid as CanisterId)).toBeGreaterThanOrEqual(59);
    // 101 percent for eight: an eighth of a thread's rounds each.
    for (const id of others) {
      expect(busy.longestWait(id)).toBeLessThanOrEqual(12);
    }
  });

  it('who was idle has no claim on the rounds in which it had nothing to do', () => {
    const busy = new BusySubnet([0, 0, 0, 0]);
    const [late, ...early] = busy.ids as [CanisterId, ...CanisterId[]];
    for (let i = 0; i < 30; i += 1) {
      busy.round(early);
    }
    busy.ran.length = 0;
    busy.rounds(20);
    expect(busy.runsOf(late)).toBeGreaterThanOrEqual(9);
    expect(busy.runsOf(late)).toBeLessThanOrEqual(12);
  });

  it('every canister gets what it paid for, whatever others paid, and nobody is owed without end', () => {
    const loads = fc.record({
      threads: fc.integer({ min: 2, max: 4 }),
      shares: fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 3, maxLength: 8 }),
    });
    fc.assert(
      fc.property(loads, ({ threads, shares }) => {
        let left = (threads - 1) * 100 - 1;
        const allocations = shares.map((share) => {
          const given = Math.min(share, left);
          left -= given;
          return given;
        });
        const busy = new BusySubnet(allocations, { ...LIMITS, executionThreads: threads });
        const rounds = 40;
        busy.rounds(rounds);
        for (const [i, id] of busy.ids.entries()) {
          const due = Math.floor((rounds * (allocations[i] as number)) / 100);
          expect([i, busy.runsOf(id) >= due - 1]).toEqual([i, true]);
          expect([i, busy.longestWait(id) < rounds / 2]).toEqual([i, true]);
        }
        expect(Math.abs(busy.owed())).toBeLessThan(1 + shares.length / 10);
      }),
      { numRuns: 6, seed: 20_260_817 },
    );
  });
});

describe('long messages', () => {
  /** About so many slices of a million instructions. */
  const long = (slices: number): Uint8Array =>
    program(op('spin', slices * 100_000), op('reply')).bytes;

  const roundsUntil = (busy: BusySubnet, message: SignedIngress, limit: number): number => {
    let rounds = 0;
    busy.round(busy.ids.slice(1), [message]);
    while (busy.subnet.answerOf(message) !== '' && rounds < limit) {
      rounds += 1;
      busy.round(busy.ids.slice(1));
    }
    return rounds;
  };

  const slicesOf = (bytes: Uint8Array): number => {
    const alone = new BusySubnet([0]);
    const message = alone.subnet.ingress(alone.ids[0] as CanisterId, 'update', bytes);
    return roundsUntil(alone, message, 200) + 1;
  };

  it('go on in their share of the rounds, and short ones of others run in every round', () => {
    const alone = slicesOf(long(20));
    expect(alone).toBeGreaterThan(8);
    const busy = new BusySubnet([0, 0, 0, 0]);
    const [id] = busy.ids as [CanisterId];
    const message = busy.subnet.ingress(id, 'update', long(20));
    const rounds = roundsUntil(busy, message, 400);
    // A quarter of two threads, and never less than every other round.
    expect(rounds).toBeGreaterThanOrEqual(alone - 1);
    expect(rounds).toBeLessThanOrEqual(2 * alone + 4);
    expect(busy.ran.slice(0, rounds).every((ended) => ended.length > 0)).toBe(true);
    for (const other of busy.ids.slice(1)) {
      expect(busy.longestWait(other)).toBeLessThanOrEqual(5);
    }
  });

  it('with an allocation end sooner', () => {
    const took = [0, 90].map((allocation) => {
      const busy = new BusySubnet([allocation, 0, 0, 0, 0, 0, 0, 0]);
      const message = busy.subnet.ingress(busy.ids[0] as CanisterId, 'update', long(20));
      return roundsUntil(busy, message, 400);
    }) as [number, number];
    expect(took[1]).toBeLessThanOrEqual(took[0]);
    expect(took[1]).toBeLessThanOrEqual(slicesOf(long(20)) + 3);
  });

  it('more than fit all end, and leave a thread to short ones', () => {
    const busy = new BusySubnet([0, 0, 0, 0, 0]);
    const messages = busy.ids.slice(0, 4).map((id) => busy.subnet.ingress(id, 'update', long(8)));
    const short = busy.ids.slice(4);
    busy.round(short, messages);
    for (let rounds = 0; rounds < 200; rounds += 1) {
      busy.round(short);
    }
    expect(messages.map((message) => busy.subnet.answerOf(message))).toEqual(['', '', '', '']);
    expect(busy.longestWait(short[0] as CanisterId)).toBeLessThanOrEqual(4);
  });
});
