import type { CanisterId, Cycles, Instructions, PrincipalId, TimeNs } from '../types/ids.ts';
import type { WasmClosure } from '../interfaces/wasm-host.ts';
import type { IngressMessage } from './canister-state.ts';

/**
 * Calls between canisters: what travels, and what both sides remember until the response came.
 * @upstream rs/types/types/src/messages/inter_canister.rs, rs/replicated_state/src/canister_state/system_state/call_context_manager.rs
 */

/** Where a call stands in the tree of calls that a user or a task began. */
export interface CallTree {
  /** Of calls between canisters; 1 for the first. */
  readonly depth: number;
  readonly startTimeNs: TimeNs;
}

export interface CanisterRequest {
  readonly kind: 'request';
  readonly sender: CanisterId;
  readonly receiver: PrincipalId;
  /** The callback of the sender that the response will close. */
  readonly callbackId: number;
  readonly methodName: string;
  readonly arg: Uint8Array;
  readonly cycles: Cycles;
  /** 0 = guaranteed response; else the caller stops waiting at this time. */
  readonly deadlineNs: TimeNs;
  readonly callTree: CallTree;
}

export type ResponsePayload =
  | { readonly kind: 'reply'; readonly data: Uint8Array }
  /** `code` 1 SysFatal … 6 SysUnknown. */
  | { readonly kind: 'reject'; readonly code: number; readonly message: string };

export interface CanisterResponse {
  readonly kind: 'response';
  /** Who called, and receives this. */
  readonly originator: CanisterId;
  readonly respondent: PrincipalId;
  readonly callbackId: number;
  readonly refund: Cycles;
  readonly payload: ResponsePayload;
  /** The request's. */
  readonly deadlineNs: TimeNs;
}

export type CanisterMessage = CanisterRequest | CanisterResponse;

/** A call of the management canister waits as it came: from a user or from a canister. */
export type SubnetMessage = IngressMessage | CanisterRequest;

export function isRequest(message: SubnetMessage): message is CanisterRequest {
  return 'callbackId' in message;
}

/** Messages of one sender, oldest first; never empty. */
export interface InputQueue {
  readonly sender: PrincipalId;
  /** The sender is on another subnet. */
  readonly isRemote: boolean;
  readonly messages: readonly CanisterMessage[];
}

/** A message that its sender has done with and no stream or canister has taken yet. */
export interface OutgoingMessage {
  readonly message: CanisterMessage;
  /** After this it is not sent any more; 0 = it waits as long as it takes. */
  readonly expiresNs: TimeNs;
}

/** Messages to one receiver, oldest first; never empty. */
export interface OutputQueue {
  readonly receiver: PrincipalId;
  readonly messages: readonly OutgoingMessage[];
}

export type CallOrigin =
  | { readonly kind: 'ingress'; readonly message: Omit<IngressMessage, 'arg' | 'expiryNs'> }
  | {
      readonly kind: 'canister';
      readonly request: Omit<CanisterRequest, 'kind' | 'arg' | 'cycles'>;
    }
  /** Heartbeat or timer: nobody waits for an answer. */
  | { readonly kind: 'systemTask' };

/** A call that a canister works on, from its first message until its last callback ran. */
export interface CallContext {
  readonly id: number;
  readonly origin: CallOrigin;
  readonly responded: boolean;
  /** By uninstallation: callbacks that still come in run nothing. */
  readonly deleted: boolean;
  /** Cycles of the caller not accepted yet. */
  readonly availableCycles: Cycles;
  readonly timeNs: TimeNs;
  readonly instructionsExecuted: Instructions;
}

/** What to do when the response to a call comes. */
export interface Callback {
  readonly id: number;
  readonly contextId: number;
  readonly respondent: PrincipalId;
  readonly cyclesSent: Cycles;
  readonly executionPrepayment: Cycles;
  readonly transmissionPrepayment: Cycles;
  readonly onReply: WasmClosure;
  readonly onReject: WasmClosure;
  readonly onCleanup: WasmClosure | null;
  readonly deadlineNs: TimeNs;
  /** The deadline passed and a reject waits in the queue: a response is too late. */
  readonly expired: boolean;
}

/** Contexts and callbacks in order of their ids. */
export interface CallContextManager {
  readonly nextContextId: number;
  readonly nextCallbackId: number;
  readonly contexts: readonly CallContext[];
  readonly callbacks: readonly Callback[];
}

export const NO_CALLS: CallContextManager = {
  nextContextId: 1,
  nextCallbackId: 1,
  contexts: [],
  callbacks: [],
};

/** A request to stop a canister that still has open calls. */
export interface StopRequest {
  readonly message: SubnetMessage;
  readonly timeNs: TimeNs;
}
