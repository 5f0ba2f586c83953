import fc from 'fast-check';
import { IDL } from '@icp-sdk/core/candid';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { RoundState } from '../../../src/protocol/execution/round-state.ts';
import { principalToBytes } from '../../../src/protocol/crypto/principal.ts';
import { CLASSROOM_EXECUTION_LIMITS } from '../../../src/protocol/limits/execution.ts';
import type { CanisterId } from '../../../src/protocol/types/ids.ts';
import {
  encodeArgument,
  manage,
  principalOf,
  someSettings,
} from '../../support/management-interface.ts';
import { TestSubnet, type RoundOptions } from '../../support/test-subnet.ts';
import { answer, call, op, program, type Code, type Program } from '../../support/universal.ts';
import { universalWasm } from '../../support/universal-module.ts';

/**
 * No cycle is made and none is lost, whatever happens: after every round all that was created is held,
 * under way or consumed. The second count does not use the books of the first.
 */

const MIB = 1n << 20n;
const SECOND_NS = 1_000_000_000n;
const LIMITS = {
  ...CLASSROOM_EXECUTION_LIMITS,
  messageInstructions: 20_000_000n,
  sliceInstructions: 300_000n,
  // Two slices a round.
  roundInstructions: 12_000_000n,
  installInstructions: 4_000_000_000n,
  installSliceInstructions: 4_000_000_000n,
  installInstructionsPerRound: 0n,
  // Reserved cycles are set aside from the first page on that one canister takes.
  subnetMemoryBytes: 2n * 60n * MIB,
  subnetMemoryThresholdBytes: 2n * 3n * MIB,
  callbackMemoryBytes: 2n * 4n * MIB,
  bestEffortBytes: 60_000n,
};
const EMPTY = Uint8Array.from(IDL.encode([], []));
const NOBODY = principalToBytes('00000000000fff000101' as CanisterId);

class Imbalance extends Error {}

/** What must have happened in some run, or the runs prove little. */
const EVENTS = [
  'long message paused',
  'long message aborted',
  'charges held',
  'cycles reserved',
  'canister bankrupt',
  'canister deleted',
  'canister forked',
  'canister created by a canister',
  'snapshot loaded',
  'best-effort call waits',
  'request without answer',
] as const;
const seen = new Set<(typeof EVENTS)[number]>();

function look({ state }: TestSubnet, before: TestSubnet['state']): void {
  for (const [id, canister] of state.canisters.entries()) {
    const old = before.canisters.get(id);
    const { longExecution, consumed, changes, calls } = canister;
    const happened: Readonly<Record<(typeof EVENTS)[number], boolean>> = {
      'long message paused': longExecution !== null && longExecution.paused !== null,
      'long message aborted': longExecution !== null && longExecution.paused === null,
      'charges held': (longExecution?.heldCharges ?? 0n) > 0n,
      'cycles reserved': canister.reservedCycles > 0n,
      'canister bankrupt': consumed.uninstall > 0n,
      'canister deleted': state.metrics.consumed.deletedCanisters > 0n,
      'canister forked': changes.some(
        ({ details }) => details.kind === 'loadSnapshot' && details.fromCanisterId !== null,
      ),
      'canister created by a canister': changes[0]?.origin.kind === 'canister',
      'snapshot loaded': changes.some(({ details }) => details.kind === 'loadSnapshot'),
      'best-effort call waits': calls.callbacks.some(({ deadlineNs }) => deadlineNs !== 0n),
      'request without answer': calls.contexts.length > 0 && old !== undefined,
    };
    for (const event of EVENTS) {
      if (happened[event]) {
        seen.add(event);
      }
    }
  }
}

/** Counts after every round, in two ways. */
class CountedSubnet extends TestSubnet {
  override round(...given: Parameters<TestSubnet['round']>): void {
    const before = this.state;
    super.round(...given);
    look(this, before);
    const { createdCycles } = this.state.metrics;
    const total = this.totalCycles();
    if (this.imbalance !== 0n || total !== createdCycles) {
      throw new Imbalance(`${this.imbalance} by the books, ${total - createdCycles} by counting`);
    }
  }
}

let wasm: Uint8Array;
beforeAll(async () => {
  wasm = await universalWasm();
});

const COMMANDS = [
  'pay',
  'payAndReject',
  'payAndTrap',
  'payAndTrapBack',
  'payNobody',
  'payBestEffort',
  'burn',
  'grow',
  'random',
  'deposit',
  'make',
  'long',
  'longPay',
  'lateAnswer',
  'abortedLong',
  'chargedLong',
  'wait',
  'checkpoint',
  'late',
  'topUp',
  'fork',
  'snapshot',
  'snapshotAndUninstall',
  'load',
  'dropSnapshot',
  'chunk',
  'allocate',
  'release',
  'install',
  'reinstall',
  'start',
] as const;
/** After these a canister does little more. */
const ENDINGS = ['uninstall', 'stop', 'delete', 'starve'] as const;
interface Command {
  readonly kind: (typeof COMMANDS)[number] | (typeof ENDINGS)[number];
  readonly canister: number;
  readonly other: number;
  readonly amount: number;
}
const commands = fc.array(
  fc.record({
    kind: fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom(...COMMANDS) },
      { weight: 1, arbitrary: fc.constantFrom(...ENDINGS) },
    ),
    canister: fc.nat(3),
    other: fc.nat(3),
    amount: fc.integer({ min: 1, max: 2 ** 31 }),
  }),
  { minLength: 5, maxLength: 24 },
);

/** Takes a third of what comes, then does `end`. */
const accepting = (end: Code): Program =>
  program(op('drop_int', op('cycles_accept', op('div', op('cycles_available'), 3))), end);
const done = program(op('reply'));

class World {
  readonly subnet = new CountedSubnet(LIMITS);
  readonly ids: CanisterId[] = [];

  constructor() {
    for (let i = 0; i < 3; i += 1) {
      this.ids.push(this.subnet.createWith(wasm, 30_000_000_000_000n));
    }
  }

  run({ kind, canister, other, amount }: Command): void {
    const id = this.ids[canister % this.ids.length];
    const callee = this.ids[other % this.ids.length];
    if (id === undefined || callee === undefined) {
      return;
    }
    const code = this.#codeOf(kind, callee, amount);
    if (code === undefined) {
      this.#manage(kind, id, amount);
    } else {
      const message = this.subnet.ingress(id, 'update', program(...code).bytes);
      this.subnet.round([message], { isCheckpoint: kind === 'abortedLong' });
      if (kind === 'chargedLong') {
        this.subnet.round([], { afterNs: 30n * SECOND_NS });
      }
    }
  }

  #codeOf(kind: Command['kind'], callee: CanisterId, amount: number): Code[] | undefined {
    const to = { callee: principalToBytes(callee), cycles: amount };
    const management = { callee: new Uint8Array(0), cycles: amount };
    const spin = op('spin', 50_000 + (amount % 250_000));
    switch (kind) {
      case 'pay':
        return [call({ ...to, arg: accepting(answer('ok')) })];
      case 'payAndReject':
        return [call({ ...to, arg: accepting(op('reject', 'no')) })];
      case 'payAndTrap':
        return [call({ ...to, arg: accepting(op('trap', 'no')) })];
      case 'payAndTrapBack':
        return [
          call({
            ...to,
            arg: accepting(op('reply')),
            onReply: program(op('trap', 'back')),
            onCleanup: done,
          }),
        ];
      case 'payNobody':
        return [call({ callee: NOBODY, cycles: amount })];
      case 'payBestEffort':
        return [
          ...[1, 2, 3].map(() =>
            call({
              ...to,
              arg: program(
                op('drop_blob', new Uint8Array(30_000)),
                ...[accepting(op('reply'))].map((one) => op('eval', one)),
              ),
              timeout: 5,
              onReply: program(),
              onReject: program(),
            }),
          ),
          op('reply'),
        ];
      case 'burn':
        return [op('drop_int', op('cycles_burn', amount)), op('reply')];
      case 'grow':
        return [op('drop_int', op('stable_grow', amount % 64)), op('reply')];
      case 'random':
        return [call({ ...management, method: 'raw_rand', arg: EMPTY })];
      case 'deposit':
        return [call({ ...management, method: 'deposit_cycles', arg: target(callee) })];
      case 'make':
        return [
          call({
            ...management,
            cycles: 153_846_153_846n + BigInt(amount),
            method: 'create_canister',
            arg: Uint8Array.from(IDL.encode([IDL.Record({})], [{}])),
          }),
        ];
      case 'long':
      case 'abortedLong':
      case 'chargedLong':
        return [spin, op('reply')];
      case 'lateAnswer':
        return [
          call({ ...to, arg: program(spin, op('reply')), timeout: 2, onReject: program() }),
          op('reply'),
        ];
      case 'longPay':
        return [
          call({
            ...to,
            arg: program(spin, ...[accepting(op('reply'))].map((one) => op('eval', one))),
          }),
          spin,
        ];
      default:
        return undefined;
    }
  }

  #manage(kind: Command['kind'], id: CanisterId, amount: number): void {
    const { subnet } = this;
    const round = (options: RoundOptions): void => subnet.round([], options);
    const [snapshot] = subnet.state.canisters.get(id)?.snapshots ?? [];
    const snapshot_id = Uint8Array.of(
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      snapshot?.localId ?? 0,
      ...principalToBytes(id),
    );
    const settings = (given: Readonly<Record<string, unknown>>): void =>
      void manage(subnet, id, 'update_settings', { settings: someSettings(given) });
    const none = { replace_snapshot: [], uninstall_code: [] };
    switch (kind) {
      case 'wait':
        return round({});
      case 'checkpoint':
        return round({ isCheckpoint: true });
      case 'late':
        return round({ afterNs: 30n * SECOND_NS });
      case 'starve':
        return round({ afterNs: BigInt(amount) * SECOND_NS });
      case 'topUp':
        return subnet.round([subnet.topUp(id, BigInt(amount))]);
      case 'snapshot':
        return void manage(subnet, id, 'take_canister_snapshot', none);
      case 'snapshotAndUninstall':
        return void manage(subnet, id, 'take_canister_snapshot', {
          ...none,
          uninstall_code: [true],
        });
      case 'load':
        return void manage(subnet, id, 'load_canister_snapshot', { snapshot_id });
      case 'dropSnapshot':
        return void manage(subnet, id, 'delete_canister_snapshot', { snapshot_id });
      case 'fork':
        return this.#fork(id);
      case 'chunk':
        return void manage(subnet, id, 'upload_chunk', { chunk: Uint8Array.of(amount & 255) });
      case 'allocate':
        return settings({
          memory_allocation: (BigInt(amount) % 20n) * MIB,
          compute_allocation: BigInt(amount % 3),
        });
      case 'release':
        return settings({ memory_allocation: 0n, compute_allocation: 0n });
      case 'install':
      case 'reinstall':
        return subnet.round([subnet.installMessage(id, wasm, new Uint8Array(0), kind)]);
      case 'uninstall':
        return subnet.round([subnet.manage(id, 'uninstall_code')]);
      case 'delete':
        subnet.round([subnet.manage(id, 'stop_canister')]);
        return subnet.round([subnet.manage(id, 'delete_canister')]);
      default:
        return subnet.round([subnet.manage(id, `${kind}_canister`)]);
    }
  }

  /** As `Network.forkCanister` does it. */
  #fork(id: CanisterId): void {
    const { subnet } = this;
    const none = { replace_snapshot: [], uninstall_code: [] };
    const taken = manage<{ id: Uint8Array }>(subnet, id, 'take_canister_snapshot', none);
    if (typeof taken === 'string' || this.ids.length > 5) {
      return;
    }
    const copy = subnet.create(20_000_000_000_000n);
    this.ids.push(copy);
    manage(subnet, copy, 'load_canister_snapshot', { snapshot_id: taken.id });
    manage(subnet, id, 'delete_canister_snapshot', { snapshot_id: taken.id });
  }
}

function target(canisterId: CanisterId): Uint8Array {
  return encodeArgument('start_canister', { canister_id: principalOf(canisterId) });
}

const conserved = fc.property(commands, (list) => {
  const world = new World();
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
    fc.assert(conserved, { numRuns: 12, seed: 20_260_821 });
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
    const found = fc.check(conserved, { numRuns: 12, seed: 20_260_821, endOnFailure: true });
    expect(found.failed).toBe(true);
    expect(found.errorInstance).toBeInstanceOf(Imbalance);
  });
});
