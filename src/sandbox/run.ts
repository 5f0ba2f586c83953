import { encodeUtf8 } from '../base/utf8.ts';
import {
  CanisterTrap,
  instructionLimitExceeded,
} from '../protocol/execution/system-api/canister-trap.ts';
import { ApiSession } from '../protocol/execution/system-api/session.ts';
import type { MeterPort } from '../protocol/execution/system-api/session.ts';
import { STOP_REASON } from '../protocol/execution/wasm/helpers.ts';
import type {
  CanisterError,
  RunReply,
  RunRequest,
  RunStep,
  SystemEffects,
} from '../protocol/interfaces/wasm-host.ts';
import { trapOfEngineError } from './engine-trap.ts';
import { HostFault } from './host-fault.ts';
import type { CanisterInstance } from './instance.ts';
import type { StableMemory } from './stable-memory.ts';

const METHOD_NOT_FOUND = 536;
/** Bytes of a canister's error text that are kept. @upstream rs/types/types#MAX_REJECT_MESSAGE_LEN */
const MAX_ERROR_TEXT_BYTES = 8 * 1024;

/** How the steps of a run ended, before anything is committed. */
export interface RunResult {
  readonly outcome: RunReply['outcome'];
  readonly instructionsUsed: bigint;
  readonly effects: SystemEffects;
}

function methodNotFound(entry: string): CanisterError {
  const space = entry.indexOf(' ');
  const [kind, name] =
    space < 0
      ? ['system', entry]
      : [entry.slice('canister_'.length, space), entry.slice(space + 1)];
  return { code: METHOD_NOT_FOUND, message: `Canister has no ${kind} method '${name}'.` };
}

function truncated(message: string): string {
  if (encodeUtf8(message).length <= MAX_ERROR_TEXT_BYTES) {
    return message;
  }
  let text = message.slice(0, MAX_ERROR_TEXT_BYTES - 3);
  while (encodeUtf8(text).length > MAX_ERROR_TEXT_BYTES - 3) {
    text = text.slice(0, -1);
  }
  return `${text}...`;
}

function errorOf(thrown: unknown, instance: CanisterInstance, limit: bigint): CanisterError {
  if (instance.stopReason() === STOP_REASON.hostMemoryExhausted) {
    throw new HostFault('the engine could not grow the memory of a canister');
  }
  if (instance.stopReason() === STOP_REASON.outOfInstructions) {
    return instructionLimitExceeded(limit).toError();
  }
  const trap = thrown instanceof CanisterTrap ? thrown : trapOfEngineError(thrown);
  if (trap === undefined) {
    throw thrown;
  }
  const { code, message } = trap.toError();
  return { code, message: truncated(message) };
}

function runStep(
  step: RunStep,
  instance: CanisterInstance,
  session: ApiSession,
  limit: bigint,
): CanisterError | null {
  if (!instance.has(step.entry)) {
    return step.optional ? null : methodNotFound(step.entry);
  }
  session.enter(step.input);
  try {
    instance.call(step.entry, session);
    return null;
  } catch (thrown) {
    const error = errorOf(thrown, instance, limit);
    session.log(`[TRAP]: ${error.message}`);
    return error;
  }
}

function used(meter: MeterPort): bigint {
  const remaining = meter.remaining();
  return remaining > 0n ? meter.limit - remaining : meter.limit;
}

/** Runs the steps on an instance that holds their base. Throws `HostFault` only. */
export function runSteps(
  { steps, instructionLimit }: RunRequest,
  instance: CanisterInstance,
  stable: StableMemory,
): RunResult {
  const meter = instance.meter(instructionLimit);
  const session = new ApiSession({ heap: instance.heap, stable, meter });
  let outcome: RunReply['outcome'] = { ok: true };
  for (const [position, step] of steps.entries()) {
    const error = runStep(step, instance, session, instructionLimit);
    if (error !== null) {
      outcome = { ok: false, error, step: position };
      break;
    }
  }
  return { outcome, instructionsUsed: used(meter), effects: session.effects() };
}
