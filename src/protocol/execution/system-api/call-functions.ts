import { concatBytes } from '../../../base/bytes.ts';
import { bytesToHex } from '../../../base/hex.ts';
import { decodeUtf8 } from '../../../base/utf8.ts';
import type { PrincipalId } from '../../types/ids.ts';
import type { OutgoingCallRules } from '../../interfaces/wasm-host.ts';
import { MAX_CALL_PAYLOAD_BYTES } from '../../limits/execution.ts';
import { callCost } from '../call-fees.ts';
import { CanisterTrap, contractViolation, ERROR_CODE } from './canister-trap.ts';
import { BYTE_COST } from './costs.ts';
import { joined } from './cycles-functions.ts';
import type { SystemApiFunctions } from './functions.ts';
import type { ApiSession, CallInPreparation } from './session.ts';

/** Method names in calls. @upstream rs/system_api/src/request_in_prep.rs */
const MAX_METHOD_NAME_BYTES = 20_000;
const MAX_PRINCIPAL_BYTES = 29;
/** Results of call_perform. */
const ENQUEUED = 0;
const COULD_NOT_ENQUEUE = 2;

type CallNames =
  | `call_${'cycles_add' | 'cycles_add128' | 'data_append' | 'new' | 'on_cleanup' | 'perform'}`
  | 'call_with_best_effort_response';

function openCall(session: ApiSession, name: string): CallInPreparation {
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

function requirePayload(name: string, bytes: number): void {
  if (bytes > MAX_CALL_PAYLOAD_BYTES) {
    throw contractViolation(
      `ic0.${name}: application payload size (${bytes}) cannot be larger than ${MAX_CALL_PAYLOAD_BYTES}.`,
    );
  }
}

/** Whether queue, callbacks, memory and balance allow the call. */
function fits(session: ApiSession, call: CallInPreparation, rules: OutgoingCallRules): boolean {
  const before = rules.openCalls.find(([receiver]) => receiver === call.receiver)?.[1] ?? 0;
  const now = session.calls.filter(({ receiver }) => receiver === call.receiver).length;
  return (
    before + now < rules.maxOpenCallsPerReceiver &&
    session.calls.length < rules.freeCallbacks &&
    session.bytesSent + call.bytes <= rules.freeMessageBytes &&
    session.liquidBalance() >= callCost(rules.prices, call.bytes)
  );
}

/** Calls to other canisters: built up here, sent when the message ends without a trap. */
export const callFunctions: SystemApiFunctions<CallNames> = {
  call_cycles_add: (session, amount) => addCycles(session, 'call_cycles_add', amount),
  call_cycles_add128: (session, high, low) =>
    addCycles(session, 'call_cycles_add128', joined(high, low)),
  call_data_append: (session, source, size) => {
    const call = openCall(session, 'call_data_append');
    requirePayload('call_data_append', call.bytes + size);
    session.charge(size * BYTE_COST);
    const part = session.readHeap('call_data_append', source, size);
    if (part.length > 0) {
      call.parts.push(part);
      call.bytes += part.length;
    }
  },
  call_new: (
    session,
    calleeAt,
    calleeSize,
    nameAt,
    nameSize,
    reply,
    replyEnv,
    reject,
    rejectEnv,
  ) => {
    if (calleeSize > MAX_PRINCIPAL_BYTES) {
      throw contractViolation('ic0.call_new: the callee is not a principal');
    }
    if (nameSize > MAX_METHOD_NAME_BYTES) {
      throw contractViolation(
        `ic0.call_new: size of method name (${nameSize}) cannot be larger than ${MAX_METHOD_NAME_BYTES}`,
      );
    }
    const callee = session.heapRange('call_new callee', calleeAt, calleeSize);
    const receiver = bytesToHex(callee) as PrincipalId;
    const methodName = decodeUtf8(session.heapRange('call_new method name', nameAt, nameSize));
    if (methodName === undefined) {
      throw contractViolation('ic0.call_new: the method name is not valid UTF-8');
    }
    // A call that was begun before and not performed is dropped.
    session.call = {
      receiver,
      methodName,
      onReply: { functionIndex: reply, env: replyEnv },
      onReject: { functionIndex: reject, env: rejectEnv },
      onCleanup: null,
      timeoutSeconds: null,
      cycles: 0n,
      bytes: nameSize,
      parts: [],
    };
  },
  call_on_cleanup: (session, cleanup, env) => {
    const call = openCall(session, 'call_on_cleanup');
    if (call.onCleanup !== null) {
      throw contractViolation(
        'ic0.call_on_cleanup can be called at most once between `ic0.call_new` and `ic0.call_perform`',
      );
    }
    call.onCleanup = { functionIndex: cleanup, env };
  },
  call_perform: (session) => {
    const call = openCall(session, 'call_perform');
    const rules = session.input.call.outgoing;
    if (rules === null || !fits(session, call, rules)) {
      session.call = null;
      return COULD_NOT_ENQUEUE;
    }
    const { bytes, parts, ...rest } = call;
    session.call = null;
    session.cyclesSent += call.cycles + callCost(rules.prices, bytes);
    session.bytesSent += bytes;
    session.calls.push({ ...rest, arg: concatBytes(...parts) });
    return ENQUEUED;
  },
  call_with_best_effort_response: (session, timeoutSeconds) => {
    const call = openCall(session, 'call_with_best_effort_response');
    if (call.timeoutSeconds !== null) {
      throw contractViolation(
        'ic0_call_with_best_effort_response failed because a timeout is already set.',
      );
    }
    call.timeoutSeconds = timeoutSeconds;
  },
};
