import { concatBytes } from '../../../base/bytes.ts';
import { bytesToHex } from '../../../base/hex.ts';
import { decodeUtf8Lossy, encodeUtf8 } from '../../../base/utf8.ts';
import { MAX_PRINCIPAL_BYTES, principalToText } from '../../crypto/principal.ts';
import type { PrincipalId } from '../../types/ids.ts';
import type { OutgoingCallRules } from '../../interfaces/wasm-host.ts';
import { MAX_CALL_PAYLOAD_BYTES } from '../../limits/execution.ts';
import { MAX_CALL_TIMEOUT_SECONDS } from '../../limits/messaging.ts';
import { callCost } from '../call-fees.ts';
import { guaranteedCallBytes } from '../message-memory.ts';
import { MAX_EXPORTED_NAME_BYTES } from '../wasm/limits.ts';
import {
  invalidPrincipal,
  plainViolation,
  toolchainViolation,
  userViolation,
} from './canister-trap.ts';
import { joined } from './cycles-functions.ts';
import type { SystemApiFunctions } from './functions.ts';
import type { ApiSession, CallInPreparation } from './session.ts';

/** No table is as large. */
const MAX_TABLE_INDEX = 0xff_ff_ff_ff;
/** Results of call_perform. */
const ENQUEUED = 0;
const COULD_NOT_ENQUEUE = 2;

type CallNames =
  | `call_${'cycles_add' | 'cycles_add128' | 'data_append' | 'new' | 'on_cleanup' | 'perform'}`
  | 'call_with_best_effort_response';

/** @param name as the replica writes it in the error: `ic0.` or `ic0_` */
function openCall(session: ApiSession, name: string): CallInPreparation {
  if (session.call === null) {
    throw toolchainViolation(`${name} called when no call is under construction.`);
  }
  return session.call;
}

function addCycles(session: ApiSession, name: string, amount: bigint): void {
  const call = openCall(session, `ic0_${name}`);
  if (amount > session.liquidBalance()) {
    const canister = principalToText(session.input.canisterId);
    throw plainViolation(`Canister ${canister} is out of cycles`);
  }
  call.cycles += amount;
}

function tableIndex(index: number): number {
  return Math.min(index, MAX_TABLE_INDEX);
}

/** Whether queue, callbacks, memory and balance allow the call. */
function fits(session: ApiSession, call: CallInPreparation, rules: OutgoingCallRules): boolean {
  const before = rules.openCalls.find(([receiver]) => receiver === call.receiver)?.[1] ?? 0;
  const now = session.calls.filter(({ receiver }) => receiver === call.receiver).length;
  const guaranteed = call.timeoutSeconds === null ? guaranteedCallBytes(call.bytes) : 0;
  return (
    before + now < rules.maxOpenCallsPerReceiver &&
    session.calls.length < rules.freeCallbacks &&
    session.bytesSent + call.bytes <= rules.freeMessageBytes &&
    session.guaranteedBytes + guaranteed <= rules.freeGuaranteedBytes &&
    session.balance() >=
      session.freezingLimit(messageBytes(call)) + callCost(rules.prices, call.bytes)
  );
}

/** Room that a call takes of its canister's message memory. */
function messageBytes({ timeoutSeconds, bytes }: CallInPreparation): number {
  return timeoutSeconds === null ? guaranteedCallBytes(bytes) : bytes;
}

/** Calls to other canisters: built up here, sent when the message ends without a trap. */
export const callFunctions: SystemApiFunctions<CallNames> = {
  call_cycles_add: (session, amount) => addCycles(session, 'call_cycles_add', amount),
  call_cycles_add128: (session, high, low) =>
    addCycles(session, 'call_cycles_add128', joined(high, low)),
  call_data_append: (session, source, size) => {
    const call = openCall(session, 'ic0.call_data_append');
    const bytes = call.bytes + size;
    if (bytes > MAX_CALL_PAYLOAD_BYTES) {
      throw userViolation(
        `Request to ${principalToText(call.receiver)}:${call.methodName} has a payload size of ${bytes}, which exceeds the allowed limit of ${MAX_CALL_PAYLOAD_BYTES}.`,
        'Check the canister for errors or redesign the target API to allow shorter messages',
        'canister-made-a-call-with-too-large-payload',
      );
    }
    const part = session.readHeap('ic0.call_data_append', source, size);
    if (part.length > 0) {
      call.parts.push(part);
      call.bytes = bytes;
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
    // A call that was begun before and not performed is dropped.
    session.call = null;
    if (nameSize > MAX_EXPORTED_NAME_BYTES) {
      throw userViolation(
        `Size of method_name ${nameSize} exceeds the allowed limit of ${MAX_EXPORTED_NAME_BYTES}.`,
        // The replica shows its template as it is.
        'Size of method_name {} exceeds the allowed limit of {}.',
        'canister-made-a-call-with-too-large-method-name',
      );
    }
    const methodName = decodeUtf8Lossy(
      session.heapRange('ic0.call_new method_name', nameAt, nameSize),
    );
    const callee = session.heapRange('ic0.call_new callee_src', calleeAt, calleeSize);
    if (calleeSize > MAX_PRINCIPAL_BYTES) {
      throw invalidPrincipal();
    }
    session.call = {
      receiver: bytesToHex(callee) as PrincipalId,
      methodName,
      onReply: { functionIndex: tableIndex(reply), env: replyEnv },
      onReject: { functionIndex: tableIndex(reject), env: rejectEnv },
      onCleanup: null,
      timeoutSeconds: null,
      cycles: 0n,
      bytes: encodeUtf8(methodName).length,
      parts: [],
    };
  },
  call_on_cleanup: (session, cleanup, env) => {
    const call = openCall(session, 'ic0.call_on_cleanup');
    if (call.onCleanup !== null) {
      throw toolchainViolation(
        'ic0.call_on_cleanup can be called at most once between `ic0.call_new` and `ic0.call_perform`',
      );
    }
    call.onCleanup = { functionIndex: tableIndex(cleanup), env };
  },
  call_perform: (session) => {
    const call = openCall(session, 'ic0.call_perform');
    const rules = session.input.call.outgoing;
    if (rules === null || !fits(session, call, rules)) {
      session.call = null;
      return COULD_NOT_ENQUEUE;
    }
    const { bytes, parts, ...rest } = call;
    session.call = null;
    session.cyclesSent += call.cycles + callCost(rules.prices, bytes);
    session.bytesSent += bytes;
    session.takeMessage(messageBytes(call));
    session.guaranteedBytes += call.timeoutSeconds === null ? guaranteedCallBytes(bytes) : 0;
    session.calls.push({ ...rest, arg: concatBytes(...parts) });
    return ENQUEUED;
  },
  call_with_best_effort_response: (session, timeoutSeconds) => {
    const call = openCall(session, 'ic0.call_with_best_effort_response');
    if (call.timeoutSeconds !== null) {
      throw toolchainViolation(
        'ic0_call_with_best_effort_response failed because a timeout is already set.',
      );
    }
    call.timeoutSeconds = Math.min(timeoutSeconds, MAX_CALL_TIMEOUT_SECONDS);
  },
};
