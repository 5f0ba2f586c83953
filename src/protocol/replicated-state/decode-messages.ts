import type { CborMap, CborValue } from '../crypto/cbor.ts';
import type { WasmClosure } from '../interfaces/wasm-host.ts';
import type { CanisterId, MessageId, PrincipalId } from '../types/ids.ts';
import type {
  Callback,
  CallContext,
  CallContextManager,
  CallOrigin,
  CallTree,
  CanisterMessage,
  CanisterRequest,
  InputQueue,
  OutputQueue,
  ResponsePayload,
  StopRequest,
  SubnetMessage,
} from './canister-messages.ts';
import type { IngressMessage } from './canister-state.ts';
import { big, bytes, flag, list, Malformed, small, text } from './decode-fields.ts';

/** Reads back queued messages and open calls; see `encode-state.ts`. Everything here throws `Malformed`. */

function callerInfoFrom(value: CborValue | undefined): Pick<IngressMessage, 'callerInfo'> {
  if (value === null) {
    return {};
  }
  const [data, signer] = list(value);
  return { callerInfo: { data: bytes(data), signer: text<PrincipalId>(signer) } };
}

export function messageFrom(value: CborValue): IngressMessage {
  const [messageId, sender, canisterId, effective, methodName, arg, expiry, info] = list(value);
  return {
    messageId: text<MessageId>(messageId),
    sender: text<PrincipalId>(sender),
    canisterId: text<CanisterId>(canisterId),
    effectiveCanisterId: text<PrincipalId>(effective),
    methodName: text(methodName),
    arg: bytes(arg),
    expiryNs: big(expiry),
    ...callerInfoFrom(info),
  };
}

function callTreeFrom(value: CborValue | undefined): CallTree {
  const [depth, startTimeNs] = list(value);
  return { depth: small(depth), startTimeNs: big(startTimeNs) };
}

export function requestFrom(value: CborValue): CanisterRequest {
  const [kind, sender, receiver, callbackId, methodName, arg, cycles, deadlineNs, tree] =
    list(value);
  if (text(kind) !== 'request') {
    throw new Malformed('a request');
  }
  return {
    kind: 'request',
    sender: text<CanisterId>(sender),
    receiver: text<PrincipalId>(receiver),
    callbackId: small(callbackId),
    methodName: text(methodName),
    arg: bytes(arg),
    cycles: big(cycles),
    deadlineNs: big(deadlineNs),
    callTree: callTreeFrom(tree),
  };
}

function payloadFrom(value: CborValue | undefined): ResponsePayload {
  const [first, message] = list(value);
  return message === undefined
    ? { kind: 'reply', data: bytes(first) }
    : { kind: 'reject', code: small(first), message: text(message) };
}

export function canisterMessageFrom(value: CborValue): CanisterMessage {
  const [kind, originator, respondent, callbackId, refund, payload, deadlineNs] = list(value);
  if (text(kind) !== 'response') {
    return requestFrom(value);
  }
  return {
    kind: 'response',
    originator: text<CanisterId>(originator),
    respondent: text<PrincipalId>(respondent),
    callbackId: small(callbackId),
    refund: big(refund),
    payload: payloadFrom(payload),
    deadlineNs: big(deadlineNs),
  };
}

export function subnetMessageFrom(value: CborValue): SubnetMessage {
  const [kind, ingress] = list(value);
  return text(kind) === 'ingress' && ingress !== undefined
    ? messageFrom(ingress)
    : requestFrom(value);
}

export function inputQueueFrom(value: CborValue): InputQueue {
  const [sender, isRemote, messages] = list(value);
  return {
    sender: text<PrincipalId>(sender),
    isRemote: flag(isRemote),
    messages: list(messages).map(canisterMessageFrom),
  };
}

export function outputQueueFrom(value: CborValue): OutputQueue {
  const [receiver, messages] = list(value);
  return {
    receiver: text<PrincipalId>(receiver),
    messages: list(messages).map((item) => {
      const [message, expiresNs] = list(item);
      if (message === undefined) {
        throw new Malformed('an outgoing message');
      }
      return { message: canisterMessageFrom(message), expiresNs: big(expiresNs) };
    }),
  };
}

function originFrom(value: CborValue | undefined): CallOrigin {
  const [kind, a, b, c, d, e, info] = list(value);
  switch (text(kind)) {
    case 'systemTask':
      return { kind: 'systemTask' };
    case 'ingress':
      return {
        kind: 'ingress',
        message: {
          messageId: text<MessageId>(a),
          sender: text<PrincipalId>(b),
          canisterId: text<CanisterId>(c),
          effectiveCanisterId: text<PrincipalId>(d),
          methodName: text(e),
          ...callerInfoFrom(info),
        },
      };
    case 'canister':
      return {
        kind: 'canister',
        request: {
          sender: text<CanisterId>(a),
          receiver: text<PrincipalId>(b),
          callbackId: small(c),
          methodName: text(d),
          deadlineNs: big(e),
          callTree: callTreeFrom(info),
        },
      };
    default:
      throw new Malformed('the origin of a call');
  }
}

function contextFrom(value: CborValue): CallContext {
  const [id, origin, responded, deleted, availableCycles, timeNs, instructions] = list(value);
  return {
    id: small(id),
    origin: originFrom(origin),
    responded: flag(responded),
    deleted: flag(deleted),
    availableCycles: big(availableCycles),
    timeNs: big(timeNs),
    instructionsExecuted: big(instructions),
  };
}

function closureFrom(value: CborValue | undefined): WasmClosure {
  const [functionIndex, env] = list(value);
  return { functionIndex: small(functionIndex), env: big(env) };
}

function callbackFrom(value: CborValue): Callback {
  const items = list(value);
  const cleanup = items[8];
  return {
    id: small(items[0]),
    contextId: small(items[1]),
    respondent: text<PrincipalId>(items[2]),
    cyclesSent: big(items[3]),
    executionPrepayment: big(items[4]),
    transmissionPrepayment: big(items[5]),
    onReply: closureFrom(items[6]),
    onReject: closureFrom(items[7]),
    onCleanup: cleanup === null ? null : closureFrom(cleanup),
    deadlineNs: big(items[9]),
    expired: flag(items[10]),
  };
}

/** The open calls among the fields of a canister; every callback belongs to a context. */
export function callsFrom(fields: CborMap): CallContextManager {
  const contexts = list(fields.get('contexts')).map(contextFrom);
  const callbacks = list(fields.get('callbacks')).map(callbackFrom);
  const ids = new Set(contexts.map(({ id }) => id));
  if (callbacks.some(({ contextId }) => !ids.has(contextId))) {
    throw new Malformed('a call context for each callback');
  }
  return {
    nextContextId: small(fields.get('nextContextId')),
    nextCallbackId: small(fields.get('nextCallbackId')),
    contexts,
    callbacks,
  };
}

export function stopRequestFrom(value: CborValue): StopRequest {
  const [message, timeNs] = list(value);
  if (message === undefined) {
    throw new Malformed('a request to stop');
  }
  return { message: subnetMessageFrom(message), timeNs: big(timeNs) };
}
