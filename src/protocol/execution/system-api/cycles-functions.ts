import { CYCLES_MINTING_CANISTER_ID, principalToText } from '../../crypto/principal.ts';
import { toolchainViolation, trapped } from './canister-trap.ts';
import type { SystemApiFunctions } from './functions.ts';
import type { ApiSession } from './session.ts';

const U64_LIMIT = 1n << 64n;
const U128_MAX = (1n << 128n) - 1n;

type CyclesNames =
  | `canister_cycle_balance${'' | '128'}`
  | 'canister_liquid_cycle_balance128'
  | 'cycles_burn128'
  | 'mint_cycles128'
  | `msg_cycles_accept${'' | '128'}`
  | `msg_cycles_available${'' | '128'}`
  | `msg_cycles_refunded${'' | '128'}`;

function narrow(amount: bigint): bigint {
  if (amount >= U64_LIMIT) {
    throw trapped('cycles amount exceeds 64-bit representation');
  }
  return amount;
}

/** An unsigned 128-bit integer from its halves. */
export function joined(high: bigint, low: bigint): bigint {
  return (high << 64n) | low;
}

function accept(session: ApiSession, max: bigint): bigint {
  const available = session.cyclesAvailable();
  const accepted = max < available ? max : available;
  session.cyclesAccepted += accepted;
  return accepted;
}

/** The canister's own cycles and those of the call it works on. */
export const cyclesFunctions: SystemApiFunctions<CyclesNames> = {
  canister_cycle_balance: (session) => narrow(session.balance()),
  canister_cycle_balance128: (session, target) =>
    session.writeU128('canister_cycle_balance128', target, session.balance()),
  canister_liquid_cycle_balance128: (session, target) =>
    session.writeU128('canister_liquid_cycle_balance128', target, session.liquidBalance()),
  cycles_burn128: (session, high, low, target) => {
    const wanted = joined(high, low);
    const liquid = session.liquidBalance();
    const burned = wanted < liquid ? wanted : liquid;
    session.writeU128('cycles_burn128', target, burned);
    session.cyclesBurned += burned;
  },
  mint_cycles128: (session, high, low, target) => {
    const { canisterId } = session.input;
    if (canisterId !== CYCLES_MINTING_CANISTER_ID) {
      const [own, minter] = [canisterId, CYCLES_MINTING_CANISTER_ID].map(principalToText);
      throw toolchainViolation(
        `ic0.mint_cycles128 cannot be executed on non Cycles Minting Canister: ${own} != ${minter}`,
      );
    }
    const amount = joined(high, low);
    const room = U128_MAX - session.balance();
    const minted = amount < room ? amount : room;
    session.cyclesMinted += minted;
    session.writeU128('mint_cycles_128', target, minted);
  },
  msg_cycles_accept: (session, max) => accept(session, max),
  msg_cycles_accept128: (session, high, low, target) =>
    session.writeU128('msg_cycles_accept128', target, accept(session, joined(high, low))),
  msg_cycles_available: (session) => narrow(session.cyclesAvailable()),
  msg_cycles_available128: (session, target) =>
    session.writeU128('msg_cycles_available128', target, session.cyclesAvailable()),
  msg_cycles_refunded: ({ input }) => narrow(input.call.cyclesRefunded),
  msg_cycles_refunded128: (session, target) =>
    session.writeU128('msg_cycles_refunded128', target, session.input.call.cyclesRefunded),
};
