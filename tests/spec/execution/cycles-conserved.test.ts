import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { RoundState } from '../../../src/protocol/execution/round-state.ts';
import { universalWasm } from '../../support/universal-module.ts';
import { commandLists, EVENTS, Imbalance, World, type Event } from './cycles-world.ts';

/**
 * No cycle is made and none is lost, whatever happens: after every round all that was created is held,
 * under way or consumed. The second count does not use the books of the first.
 */

const SECOND_NS = 1_000_000_000n;
const seen = new Set<Event>();

let wasm: Uint8Array;
beforeAll(async () => {
  wasm = await universalWasm();
});

const conserved = fc.property(commandLists, (list) => {
  const world = new World(wasm, seen);
  for (const command of list) {
    world.run(command);
  }
  for (let rounds = 0; rounds < 12; rounds += 1) {
    world.subnet.round([], { afterNs: 3n * SECOND_NS });
  }
  world.run({ kind: 'delete', canister: 0, other: 0, amount: 0 });
  world.run({ kind: 'starve', canister: 0, other: 0, amount: 2 ** 31 });
  world.subnet.round();
});

describe('cycles', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('are conserved in every round, through calls, forks, snapshots, aborts and uninstalls', () => {
    fc.assert(conserved, { numRuns: 16, seed: 20_260_821 });
    expect([...seen].toSorted()).toEqual([...EVENTS].toSorted());
  });

  /** Ways to lose or make one cycle. */
  const { prototype } = RoundState;
  const MUTANTS: Readonly<Record<string, () => void>> = {
    'a credit that loses one': () => {
      const { credit } = prototype;
      vi.spyOn(prototype, 'credit').mockImplementation(function (this: RoundState, id, cycles) {
        credit.call(this, id, cycles > 0n ? cycles - 1n : 0n);
      });
    },
    'a charge that is not booked': () => {
      const { charge } = prototype;
      vi.spyOn(prototype, 'charge').mockImplementation(function (
        this: RoundState,
        id,
        amount,
        use,
      ) {
        charge.call(this, id, amount, use);
        const { cycles } = this.canister(id);
        if (cycles > 0n) {
          this.update(id, { cycles: cycles - 1n });
        }
      });
    },
    'cycles consumed without a trace': () => {
      const { consume } = prototype;
      vi.spyOn(prototype, 'consume').mockImplementation(function (
        this: RoundState,
        id,
        amount,
        use,
      ) {
        consume.call(this, id, amount > 0n ? amount - 1n : 0n, use);
      });
    },
    'a reserve that keeps one less': () => {
      const { reserve } = prototype;
      vi.spyOn(prototype, 'reserve').mockImplementation(function (this: RoundState, id, amount) {
        reserve.call(this, id, amount);
        const { reservedCycles } = this.canister(id);
        if (amount > 0n) {
          this.update(id, { reservedCycles: reservedCycles - 1n });
        }
      });
    },
    'a deleted canister whose last cycle is forgotten': () => {
      const { remove } = prototype;
      vi.spyOn(prototype, 'remove').mockImplementation(function (this: RoundState, id) {
        remove.call(this, id);
        this.consume(null, -1n, 'deletedCanisters');
      });
    },
    'a long message that goes on with one less than was paid for it': () => {
      const { update } = prototype;
      vi.spyOn(prototype, 'update').mockImplementation(function (this: RoundState, id, change) {
        const goesOn = change.longExecution === null && change.cycles !== undefined;
        update.call(this, id, goesOn ? { ...change, cycles: change.cycles - 1n } : change);
      });
    },
    'a message of a canister that arrives with one less': () => {
      const { send } = prototype;
      vi.spyOn(prototype, 'send').mockImplementation(function (this: RoundState, message) {
        const isPaying = message.kind === 'request' && message.cycles > 0n;
        send.call(this, isPaying ? { ...message, cycles: message.cycles - 1n } : message);
      });
    },
  };

  it.each(Object.keys(MUTANTS))('are missed at once after %s', (name) => {
    MUTANTS[name]?.();
    const found = fc.check(conserved, { numRuns: 16, seed: 20_260_821, endOnFailure: true });
    expect(found.failed).toBe(true);
    expect(found.errorInstance).toBeInstanceOf(Imbalance);
  });
});
