import { concatBytes } from '../../base/bytes.ts';
import { canisterIdFromU64, principalToBytes } from '../../protocol/crypto/principal.ts';
import type { CanisterId } from '../../protocol/types/ids.ts';
import type { Simulation } from '../simulation.ts';
import { call, CREATE_CANISTER, type Call, type CallContent } from './client.ts';
import { installCode } from './management-call.ts';
import { MONEY_MOVER } from './money-mover.ts';

/**
 * What the hunter's clients ask for while faults last: two canisters that pay each other, so that
 * every round moves, prepays, refunds and consumes cycles. Calls that come too early are refused;
 * nothing depends on them.
 */

const CANISTERS: readonly CanisterId[] = [canisterIdFromU64(0n), canisterIdFromU64(1n)];
/** Nobody there: the cycles come back. */
const NOBODY = canisterIdFromU64(0xfffffn);
const PAYMENTS_PER_WAVE = 3;

function pay(from: CanisterId, to: CanisterId, cycles: bigint): CallContent {
  const amount = new Uint8Array(8);
  new DataView(amount.buffer).setBigUint64(0, cycles, true);
  return {
    canisterId: from,
    effectiveCanisterId: from,
    methodName: 'pay',
    arg: concatBytes(principalToBytes(to), amount),
  };
}

function contents(wave: number): readonly CallContent[] {
  const [a, b] = CANISTERS as readonly [CanisterId, CanisterId];
  switch (wave) {
    case 0:
      return [CREATE_CANISTER, CREATE_CANISTER];
    case 1:
      return CANISTERS.map((id) => installCode(id, MONEY_MOVER));
    default:
      return Array.from({ length: PAYMENTS_PER_WAVE }, (_, index) => {
        const kind = wave + index;
        const [from, to] = kind % 2 === 0 ? [a, b] : [b, a];
        return pay(from, kind % 5 === 0 ? NOBODY : to, BigInt(kind) * 1_000_003n);
      });
  }
}

/** Sends the calls of a wave; `number` is the number of calls before it. */
export function sendWave(simulation: Simulation, wave: number, number: number): readonly Call[] {
  return contents(wave).map((content, index) => call(simulation, number + index, content));
}
