import { concatBytes } from '../../base/bytes.ts';
import { createPrng, type Prng } from '../../base/prng.ts';
import { canisterIdFromU64, principalToBytes } from '../../protocol/crypto/principal.ts';
import type { CanisterId } from '../../protocol/types/ids.ts';
import type { CallContent } from './client.ts';
import { changeCanister, createCanister, installCode } from './management-call.ts';
import type { HuntPlan } from './plan.ts';
import { XNET_CANISTER } from './xnet-canister.ts';

/**
 * What the hunter's clients ask of several subnets: on each a caller, which lasts and counts, and a
 * partner, which is stopped, emptied and deleted at any time. Callers have even numbers.
 */

/** A call of a client, and the subnet that it goes to. */
export interface SubnetCall {
  readonly subnet: number;
  readonly content: CallContent;
}

export interface LoadCanister {
  readonly id: CanisterId;
  readonly subnet: number;
  /** Also what it is told at its installation. */
  readonly number: number;
}

/** Cycles of one call at most: canisters begin with a hundred trillion. */
const MAX_CYCLES = 1_000_000_000;
/** More than a canister's queue to another one holds. */
const MORE_THAN_A_QUEUE = 520;
const FLAGS = { bestEffort: 1, onward: 2, longAnswer: 4 };

function canistersOf(subnet: number): readonly [caller: LoadCanister, partner: LoadCanister] {
  const of = (which: number): LoadCanister => ({
    // Ranges of subnets begin at multiples of 2^20.
    id: canisterIdFromU64((BigInt(subnet) << 20n) + BigInt(which)),
    subnet,
    number: 2 * subnet + which,
  });
  return [of(0), of(1)];
}

function subnetsOf(plan: HuntPlan): readonly number[] {
  return (plan.subnets ?? []).map((_, subnet) => subnet);
}

/** Those whose counters are looked at. */
export function callersOf(plan: HuntPlan): readonly LoadCanister[] {
  return subnetsOf(plan).map((subnet) => canistersOf(subnet)[0]);
}

function install({ id, number }: LoadCanister): CallContent {
  return installCode(id, XNET_CANISTER, Uint8Array.of(number));
}

/** What is asked before anything fails: each list when all of the one before is answered. */
export function setUpCalls(plan: HuntPlan): readonly (readonly SubnetCall[])[] {
  const all = subnetsOf(plan).flatMap(canistersOf);
  if (all.length === 0) {
    return [];
  }
  return [
    all.map(({ id, subnet }) => ({ subnet, content: createCanister(id) })),
    all.map((canister) => ({ subnet: canister.subnet, content: install(canister) })),
  ];
}

/** A caller that was stopped goes on. */
export function wakeCall({ id, subnet }: LoadCanister): SubnetCall {
  return { subnet, content: changeCanister(id, 'start_canister') };
}

function pick<T>(prng: Prng, from: readonly [T, ...T[]]): T {
  return from[prng.below(from.length)] ?? from[0];
}

function go(prng: Prng, from: LoadCanister, to: CanisterId, onward: CanisterId): SubnetCall {
  const isBurst = prng.chance(1, 24);
  const count = isBurst ? MORE_THAN_A_QUEUE : 1 + prng.below(12);
  const flags =
    (prng.chance(1, 3) ? FLAGS.bestEffort : 0) |
    (!isBurst && prng.chance(1, 3) ? FLAGS.onward : 0) |
    (prng.chance(1, 4) ? FLAGS.longAnswer : 0);
  const head = new DataView(new ArrayBuffer(12));
  head.setUint16(0, count, true);
  head.setUint8(2, flags);
  head.setBigUint64(4, BigInt(prng.below(MAX_CYCLES)), true);
  const padding = new DataView(new ArrayBuffer(4));
  padding.setUint32(0, !isBurst && prng.chance(1, 5) ? prng.below(100_000) : 0, true);
  return {
    subnet: from.subnet,
    content: {
      canisterId: from.id,
      effectiveCanisterId: from.id,
      methodName: 'go',
      arg: concatBytes(
        new Uint8Array(head.buffer),
        principalToBytes(to),
        principalToBytes(onward),
        new Uint8Array(padding.buffer),
      ),
    },
  };
}

/** Something happens to a partner, or a caller is stopped. */
function change(prng: Prng, [caller, partner]: ReturnType<typeof canistersOf>): CallContent {
  switch (prng.below(7)) {
    case 0:
      return changeCanister(caller.id, 'stop_canister');
    case 1:
      return changeCanister(caller.id, 'start_canister');
    case 2:
      return changeCanister(partner.id, 'start_canister');
    case 3:
      return changeCanister(partner.id, 'uninstall_code');
    case 4:
      return changeCanister(partner.id, 'delete_canister');
    case 5:
      return install(partner);
    default:
      return changeCanister(partner.id, 'stop_canister');
  }
}

/** What clients ask at a moment of the plan: the same whatever else the plan holds. */
export function waveCalls(plan: HuntPlan, atMs: number): readonly SubnetCall[] {
  const prng = createPrng(`xnet load ${plan.seed} ${atMs}`);
  const [first = 0, ...others] = subnetsOf(plan);
  const subnet = (): number => pick(prng, [first, ...others]);
  const canister = (): LoadCanister => pick(prng, canistersOf(subnet()));
  if (prng.chance(1, 5)) {
    const changed = subnet();
    return [{ subnet: changed, content: change(prng, canistersOf(changed)) }];
  }
  return Array.from({ length: 1 + prng.below(3) }, () =>
    go(prng, canister(), canister().id, canister().id),
  );
}
