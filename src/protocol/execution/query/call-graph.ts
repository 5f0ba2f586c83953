import { MANAGEMENT_CANISTER_ID, principalToText } from '../../crypto/principal.ts';
import type { CallerInfo, CanisterError, OutgoingCall } from '../../interfaces/wasm-host.ts';
import { INSTRUCTION_OVERHEAD_PER_QUERY_CALL } from '../../limits/query.ts';
import type { CanisterState, ExecutionState } from '../../replicated-state/canister-state.ts';
import type { CanisterId, Instructions, PrincipalId } from '../../types/ids.ts';
import { err, ok, type Result } from '../../../base/result.ts';
import { payloadOf, type MessageEnd } from '../call-contexts.ts';
import { callRefusal } from '../calls-allowed.ts';
import { checkAffordable } from '../cycles-account-manager.ts';
import { endOf, methodNotFound } from '../execute-message.ts';
import { bothFailed } from '../execute-response.ts';
import type { MessageOutcome } from '../message-outcome.ts';
import type { EntryPoint, SandboxTask } from '../run-on-sandbox.ts';
import { ErrorCode, rejectCodeOf, type UserError } from '../user-error.ts';
import { answerManagementQuery } from './management-query.ts';
import { contextOfMethod, type QueryTree } from './query-tree.ts';
import { activeCanister, withModule, type Target } from './read-only-run.ts';

/**
 * The calls of a composite query, one after the other and depth first: each call is answered, with
 * all the calls that its own method makes, before the next one starts. The first answer of a method
 * ends it; calls it still wanted to make are not made.
 * Security: the depth, the instructions and the time of the whole tree are bounded; nothing it does
 * outlives it.
 * @upstream rs/execution_environment/src/query_handler/query_call_graph.rs
 */

/** A call of a query method by a user (depth 0) or by another query method. */
export interface QueryCallIn {
  readonly caller: PrincipalId;
  readonly receiver: PrincipalId;
  readonly methodName: string;
  readonly arg: Uint8Array;
  readonly callerInfo?: CallerInfo | undefined;
  readonly depth: number;
}

/** The outcome of one call, or why the whole tree ends. */
export type TreeOutcome = MessageOutcome | { readonly kind: 'aborted'; readonly error: UserError };

/** A method that waits for the calls it made. */
interface OpenCall {
  readonly target: Target;
  readonly caller: PrincipalId;
  readonly callerInfo: CallerInfo | undefined;
  readonly depth: number;
  /** Used by its messages so far. */
  readonly instructions: Instructions;
  /** In the order in which they will be made. */
  readonly pending: readonly OutgoingCall[];
}

type Step =
  | { readonly kind: 'open'; readonly call: OpenCall }
  | { readonly kind: 'done'; readonly outcome: MessageOutcome };

/** Answers a query with everything it calls. */
export function* answerQueryCall(tree: QueryTree, call: QueryCallIn): SandboxTask<TreeOutcome> {
  let step = yield* begin(tree, call);
  while (step.kind === 'open') {
    const open: OpenCall = step.call;
    const limit = tree.limitReached(open.depth);
    if (limit !== undefined) {
      return { kind: 'aborted', error: limit };
    }
    const [next, ...rest] = open.pending;
    if (next === undefined) {
      return noResponse(open.target.canister.canisterId);
    }
    const answer = yield* answerNested(tree, open, next);
    if (answer.kind === 'aborted') {
      return answer;
    }
    const stillLimit = tree.limitReached(open.depth);
    if (stillLimit !== undefined) {
      return { kind: 'aborted', error: stillLimit };
    }
    step = yield* runCallback(tree, { ...open, pending: rest }, next, answer);
  }
  return step.outcome;
}

function* answerNested(
  tree: QueryTree,
  { target, depth }: OpenCall,
  call: OutgoingCall,
): SandboxTask<TreeOutcome> {
  const { receiver, methodName, arg } = call;
  const caller = target.canister.canisterId;
  const refused = callRefusal(tree.env, { sender: caller, receiver, methodName });
  if (refused !== undefined) {
    return { kind: 'rejected', error: refused };
  }
  const outcome: TreeOutcome =
    receiver === MANAGEMENT_CANISTER_ID || receiver === tree.env.subnetId
      ? askManagement(tree, caller, call)
      : yield* answerQueryCall(tree, { caller, receiver, methodName, arg, depth: depth + 1 });
  if (outcome.kind === 'rejected' && rejectCodeOf(outcome.error.code) === SYS_TRANSIENT) {
    tree.transientErrors += 1;
  }
  return outcome;
}

const SYS_TRANSIENT = 2;

function askManagement(
  tree: QueryTree,
  sender: CanisterId,
  { methodName, arg }: OutgoingCall,
): MessageOutcome {
  tree.managementCalls += 1;
  const answer = answerManagementQuery(tree.state, { sender, methodName, arg }, tree.env);
  if (answer.ok || answer.error.code !== ErrorCode.canisterMethodNotFound) {
    tree.spend(INSTRUCTION_OVERHEAD_PER_QUERY_CALL);
  }
  return outcomeOfResult(answer);
}

function outcomeOfResult(answer: Result<Uint8Array, UserError>): MessageOutcome {
  return answer.ok
    ? { kind: 'replied', reply: answer.value }
    : { kind: 'rejected', error: answer.error };
}

function rejected(error: UserError): Step {
  return { kind: 'done', outcome: { kind: 'rejected', error } };
}

function noResponse(canisterId: CanisterId): MessageOutcome {
  const message = `Canister ${principalToText(canisterId)} did not produce a response`;
  return { kind: 'rejected', error: { code: ErrorCode.canisterDidNotReply, message } };
}

interface Callee extends Target {
  readonly kind: 'query' | 'composite_query';
}

/** Finds the method and sees to it that its canister may run it. */
function prepare(tree: QueryTree, call: QueryCallIn): Result<Callee, UserError> {
  const active = activeCanister(tree.state, call.receiver);
  const target = active.ok ? withModule(active.value) : active;
  if (!target.ok) {
    return target;
  }
  const { canister, execution } = target.value;
  const kinds = ['composite_query', 'query'] as const;
  const kind = kinds.find((name) =>
    execution.exports.includes(`canister_${name} ${call.methodName}`),
  );
  if (kind === undefined) {
    return err(methodNotFound(canister.canisterId, 'query', call.methodName));
  }
  const refusal = cannotAnswer(tree, canister);
  return refusal === undefined ? ok({ canister, execution, kind }) : err(refusal);
}

function cannotAnswer(tree: QueryTree, canister: CanisterState): UserError | undefined {
  const name = principalToText(canister.canisterId);
  if (checkAffordable(tree.env, canister, 0n, false) !== undefined) {
    const message = `Canister ${name} is unable to process query calls because it's frozen. Please top up the canister with cycles and try again.`;
    return { code: ErrorCode.canisterOutOfCycles, message };
  }
  return canister.status === 'running'
    ? undefined
    : { code: ErrorCode.canisterStopping, message: `Canister ${name} is not running` };
}

/** Runs the method itself. */
function* begin(tree: QueryTree, call: QueryCallIn): SandboxTask<Step> {
  if (call.depth > 0) {
    tree.look(call.receiver as CanisterId);
  }
  const callee = prepare(tree, call);
  if (!callee.ok) {
    return rejected(callee.error);
  }
  const { canister, execution, kind } = callee.value;
  const { canisterId } = canister;
  const dataCertificate = tree.certificateOf(canisterId);
  const entry: EntryPoint = {
    context: contextOfMethod(kind),
    caller: call.caller,
    methodName: call.methodName,
    arg: call.arg,
    callerInfo: call.callerInfo,
    ...(dataCertificate === null ? {} : { dataCertificate }),
    ...(kind === 'query' ? {} : { call: { outgoing: tree.outgoingRules(canister, []) } }),
  };
  const { instructionLimit } = tree;
  const run = { name: `canister_${kind} ${call.methodName}`, entry, instructionLimit };
  const ran =
    kind === 'query'
      ? { reply: yield* tree.runPure(callee.value, run), execution }
      : yield* tree.runKept(callee.value, run);
  tree.count(canisterId, ran.reply, call.arg.length);
  if (call.depth > 0) {
    tree.spend(INSTRUCTION_OVERHEAD_PER_QUERY_CALL);
  }
  const { reply } = ran;
  const open: OpenCall = {
    target: { canister, execution: ran.execution },
    caller: call.caller,
    callerInfo: call.callerInfo,
    depth: call.depth,
    instructions: reply.instructionsUsed,
    pending: reply.outcome.ok ? reply.effects.calls : [],
  };
  return stepOf(open, endOf(canisterId, reply));
}

/** Goes on after a message: answered, failed for good, or waiting for calls. */
function stepOf(open: OpenCall, end: MessageEnd): Step {
  const { canisterId } = open.target.canister;
  if (end.kind === 'answered') {
    return { kind: 'done', outcome: end.outcome };
  }
  if (open.pending.length > 0) {
    return { kind: 'open', call: open };
  }
  return end.kind === 'failed'
    ? rejected(end.error)
    : { kind: 'done', outcome: noResponse(canisterId) };
}

/** Runs the callback of an answered call, and its cleanup when it traps. */
function* runCallback(
  tree: QueryTree,
  open: OpenCall,
  answered: OutgoingCall,
  outcome: MessageOutcome,
): SandboxTask<Step> {
  // Calls within a query are told errors without their codes.
  const payload = payloadOf(
    outcome.kind === 'rejected' ? { told: outcome.error.message, ...outcome } : outcome,
  );
  const { target, caller, callerInfo } = open;
  const { canisterId } = target.canister;
  const limit = tree.instructionLimit;
  const entry: EntryPoint = {
    context: payload.kind === 'reply' ? 'compositeReplyCallback' : 'compositeRejectCallback',
    caller,
    callerInfo,
    arg: payload.kind === 'reply' ? payload.data : new Uint8Array(0),
    call: {
      instructionsBefore: open.instructions,
      rejectCode: payload.kind === 'reject' ? payload.code : 0,
      rejectMessage: payload.kind === 'reject' ? payload.message : '',
      outgoing: tree.outgoingRules(target.canister, open.pending),
    },
  };
  const { reply, execution } = yield* tree.runKept(target, {
    name: entry.context,
    closure: payload.kind === 'reply' ? answered.onReply : answered.onReject,
    entry,
    instructionLimit: limit,
  });
  const instructions = open.instructions + reply.instructionsUsed;
  if (reply.outcome.ok) {
    const pending = [...open.pending, ...reply.effects.calls];
    const next = { ...open, target: { ...target, execution }, instructions, pending };
    return stepOf(next, endOf(canisterId, reply));
  }
  const left = limit - reply.instructionsUsed;
  const cleanup = yield* runCleanup(tree, { ...open, instructions }, answered, left);
  const end =
    cleanup.error === undefined
      ? endOf(canisterId, reply)
      : bothFailed(canisterId, reply.outcome.error, cleanup.error);
  return stepOf(cleanup.open, end);
}

interface CleanedUp {
  readonly open: OpenCall;
  readonly error: CanisterError | undefined;
}

function* runCleanup(
  tree: QueryTree,
  open: OpenCall,
  { onCleanup }: OutgoingCall,
  instructionLimit: Instructions,
): SandboxTask<CleanedUp> {
  if (onCleanup === null) {
    return { open, error: undefined };
  }
  const { target, caller, callerInfo } = open;
  const entry: EntryPoint = {
    context: 'compositeCleanup',
    caller,
    callerInfo,
    call: { instructionsBefore: open.instructions },
  };
  const { reply, execution } = yield* tree.runKept(target, {
    name: 'cleanup',
    closure: onCleanup,
    entry,
    instructionLimit,
  });
  const kept: ExecutionState = reply.outcome.ok ? execution : target.execution;
  return {
    open: {
      ...open,
      target: { ...target, execution: kept },
      instructions: open.instructions + reply.instructionsUsed,
    },
    error: reply.outcome.ok ? undefined : reply.outcome.error,
  };
}
