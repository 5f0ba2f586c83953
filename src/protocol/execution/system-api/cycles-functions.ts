import { CanisterTrap, contractViolation, ERROR_CODE, trapped } from './canister-trap.ts';
import { CONTEXT_NAMES } from './contexts.ts';
import { BYTE_COST } from './costs.ts';
import type { SystemApiFunctions } from './functions.ts';
import type { ApiSession } from './session.ts';

const U64_LIMIT = 1n << 64n;
/** Method names in calls. @upstream rs/system_api/src/request_in_prep.rs */
const MAX_METHOD_NAME_BYTES = 20_000;
const MAX_PRINCIPAL_BYTES = 29;
const MAX_CALL_PAYLOAD_BYTES = 10 * 1024 * 1024;
/** call_perform: the call could not be enqueued. */
const COULD_NOT_ENQUEUE = 2;

type CyclesNames =
  | `call_${'cycles_add' | 'cycles_add128' | 'data_append' | 'new' | 'on_cleanup' | 'perform'}`
  | 'call_with_best_effort_response'
  | `canister_cycle_balance${'' | '128'}`
  | 'canister_liquid_cycle_balance128'
  | 'cycles_burn128'
  | `msg_cycles_accept${'' | '128'}`
  | `msg_cycles_available${'' | '128'}`
  | `msg_cycles_refunded${'' | '128'}`;

function narrow(amount: bigint): bigint {
  if (amount >= U64_LIMIT) {
    throw trapped('cycles amount does not fit 64 bits');
  }
  return amount;
}

function joined(high: bigint, low: bigint): bigint {
  return (high << 64n) | low;
}

function accept(session: ApiSession, max: bigint): bigint {
  const available = session.cyclesAvailable();
  const accepted = max < available ? max : available;
  session.cyclesAccepted += accepted;
  return accepted;
}

function openCall(session: ApiSession, name: string): NonNullable<ApiSession['call']> {
  if (session.call === null) {
    throw contractViolation(`ic0.${name} called when no call is under construction.`);
  }
  return session.call;
}

function addCycles(session: ApiSession, name: string, amount: bigint): void {
  const call = openCall(session, name);
  const available = session.balance();
  if (amount > available) {
    throw new CanisterTrap(
      ERROR_CODE.canisterOutOfCycles,
      `Canister is out of cycles: available ${available} cycles, requested ${amount} cycles`,
    );
  }
  call.cycles += amount;
}

function refused(session: ApiSession, name: string): never {
  throw contractViolation(
    `"ic0_${name}" cannot be executed in ${CONTEXT_NAMES[session.input.context]} mode`,
  );
}

/** Cycles, and calls to other canisters, which are built up as on the IC and then not enqueued. */
export const cyclesFunctions: SystemApiFunctions<CyclesNames> = {
  call_cycles_add: (session, amount) => addCycles(session, 'call_cycles_add', amount),
  call_cycles_add128: (session, high, low) =>
    addCycles(session, 'call_cycles_add128', joined(high, low)),
  call_data_append: (session, source, size) => {
    const call = openCall(session, 'call_data_append');
    call.bytes += size;
    if (call.bytes > MAX_CALL_PAYLOAD_BYTES) {
      throw contractViolation(
        `ic0.call_data_append: application payload size (${call.bytes}) cannot be larger than ${MAX_CALL_PAYLOAD_BYTES}.`,
      );
    }
    session.charge(size * BYTE_COST);
    session.heapRange('call_data_append', source, size);
  },
  call_new: (session, calleeAt, calleeSize, nameAt, nameSize) => {
    if (calleeSize > MAX_PRINCIPAL_BYTES) {
      throw contractViolation('ic0.call_new: the callee is not a principal');
    }
    if (nameSize > MAX_METHOD_NAME_BYTES) {
      throw contractViolation(
        `ic0.call_new: size of method name (${nameSize}) cannot be larger than ${MAX_METHOD_NAME_BYTES}`,
      );
    }
    session.heapRange('call_new callee', calleeAt, calleeSize);
    session.heapRange('call_new method name', nameAt, nameSize);
    session.call = { cycles: 0n, bytes: nameSize };
  },
  call_on_cleanup: (session) => {
    openCall(session, 'call_on_cleanup');
  },
  call_perform: (session) => {
    openCall(session, 'call_perform');
    session.call = null;
    return COULD_NOT_ENQUEUE;
  },
  call_with_best_effort_response: (session) => {
    openCall(session, 'call_with_best_effort_response');
  },
  canister_cycle_balance: (session) => narrow(session.balance()),
  canister_cycle_balance128: (session, target) =>
    session.writeU128('canister_cycle_balance128', target, session.balance()),
  canister_liquid_cycle_balance128: (session, target) =>
    session.writeU128('canister_liquid_cycle_balance128', target, session.balance()),
  cycles_burn128: (session, high, low, target) => {
    const wanted = joined(high, low);
    const balance = session.balance();
    const burned = wanted < balance ? wanted : balance;
    session.writeU128('cycles_burn128', target, burned);
    session.cyclesBurned += burned;
  },
  msg_cycles_accept: (session, max) => accept(session, max),
  msg_cycles_accept128: (session, high, low, target) =>
    session.writeU128('msg_cycles_accept128', target, accept(session, joined(high, low))),
  msg_cycles_available: (session) => narrow(session.cyclesAvailable()),
  msg_cycles_available128: (session, target) =>
    session.writeU128('msg_cycles_available128', target, session.cyclesAvailable()),
  msg_cycles_refunded: (session) => refused(session, 'msg_cycles_refunded'),
  msg_cycles_refunded128: (session) => refused(session, 'msg_cycles_refunded128'),
};
