import type { QueueFacts, TraceEvent } from '../interfaces/trace.ts';
import type {
  CallOrigin,
  CanisterRequest,
  CanisterResponse,
} from '../replicated-state/canister-messages.ts';
import type { CanisterState } from '../replicated-state/canister-state.ts';
import type { CanisterId, Height, TimeNs } from '../types/ids.ts';
import { usedBytes } from './cycles-account-manager.ts';

/** What onlookers are told of a canister after a round in which it changed; undefined = it is gone. */
export function canisterChanged(
  height: Height,
  canisterId: CanisterId,
  canister: CanisterState | undefined,
): TraceEvent {
  return {
    kind: 'canisterChanged',
    height,
    canister: {
      canisterId,
      status: canister?.status ?? 'deleted',
      cycles: canister?.cycles ?? 0n,
      memoryBytes: canister === undefined ? 0 : Number(usedBytes(canister)),
      moduleHash: canister?.execution?.moduleHash ?? null,
      version: canister?.version ?? 0n,
      queues: canister === undefined ? NOTHING_WAITS : queuesOf(canister),
    },
  };
}

const NOTHING_WAITS: QueueFacts = { inputs: 0, outputs: 0, openCalls: 0 };

function queuesOf({ ingressQueue, inputQueues, outputQueues, calls }: CanisterState): QueueFacts {
  const count = (queues: readonly { readonly messages: readonly unknown[] }[]): number =>
    queues.reduce((sum, { messages }) => sum + messages.length, 0);
  return {
    inputs: ingressQueue.length + count(inputQueues),
    outputs: count(outputQueues),
    openCalls: calls.callbacks.length,
  };
}

/** Names a call between canisters: callbacks are never numbered twice. */
export function callName(sender: CanisterId, callbackId: number): string {
  return `${sender}#${callbackId}`;
}

/** Which round it was, and when. */
interface RoundTime {
  readonly height: Height;
  readonly timeNs: TimeNs;
}

/** Of a reject message that onlookers are told, characters. */
const MAX_TOLD_TEXT = 200;

function shortened(text: string): string {
  return text.length > MAX_TOLD_TEXT ? `${text.slice(0, MAX_TOLD_TEXT)}…` : text;
}

/** What onlookers are told when the answer to a call is taken in. */
export function callAnswered(
  { height, timeNs }: RoundTime,
  response: CanisterResponse,
): TraceEvent {
  const { originator, callbackId, payload } = response;
  return {
    kind: 'callAnswered',
    height,
    timeNs,
    call: callName(originator, callbackId),
    outcome: payload.kind === 'reply' ? 'replied' : shortened(payload.message),
  };
}

/** What onlookers are told of a call that a canister makes on behalf of another one, or of a user. */
export function callMade(
  { height, timeNs }: RoundTime,
  request: Pick<CanisterRequest, 'sender' | 'receiver' | 'callbackId' | 'methodName'>,
  origin: CallOrigin,
): TraceEvent {
  const { sender, receiver, callbackId, methodName } = request;
  return {
    kind: 'callMade',
    height,
    timeNs,
    call: callName(sender, callbackId),
    parent:
      origin.kind === 'ingress'
        ? origin.message.messageId
        : origin.kind === 'canister'
          ? callName(origin.request.sender, origin.request.callbackId)
          : null,
    parentMethod: origin.kind === 'ingress' ? origin.message.methodName : null,
    caller: sender,
    canisterId: receiver,
    method: methodName,
  };
}
