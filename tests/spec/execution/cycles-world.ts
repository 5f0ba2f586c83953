import fc from 'fast-check';
import { IDL } from '@icp-sdk/core/candid';
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

/** What can be done with cycles on a subnet, at random, counted after every round. */

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

export class Imbalance extends Error {}

/** What must have happened in some run, or the runs prove little. */
export const EVENTS = [
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
export type Event = (typeof EVENTS)[number];

function look({ state }: TestSubnet, before: TestSubnet['state'], seen: Set<Event>): void {
  for (const [id, canister] of state.canisters.entries()) {
    const old = before.canisters.get(id);
    const { longExecution, consumed, changes, calls } = canister;
    const happened: Readonly<Record<Event, boolean>> = {
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
  readonly #seen: Set<Event>;

  constructor(seen: Set<Event>) {
    super(LIMITS);
    this.#seen = seen;
  }

  override round(...given: Parameters<TestSubnet['round']>): void {
    const before = this.state;
    super.round(...given);
    look(this, before, this.#seen);
    const { createdCycles } = this.state.metrics;
    const total = this.totalCycles();
    if (this.imbalance !== 0n || total !== createdCycles) {
      throw new Imbalance(`${this.imbalance} by the books, ${total - createdCycles} by counting`);
    }
  }
}

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
export const commandLists = fc.array(
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

export class World {
  readonly subnet: CountedSubnet;
  readonly #wasm: Uint8Array;
  readonly ids: CanisterId[] = [];

  /** @param seen takes what happened */
  constructor(wasm: Uint8Array, seen: Set<Event>) {
    this.subnet = new CountedSubnet(seen);
    this.#wasm = wasm;
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
        return subnet.round([subnet.installMessage(id, this.#wasm, new Uint8Array(0), kind)]);
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
