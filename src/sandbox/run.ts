import { CanisterTrap, hasBacktrace } from '../protocol/execution/system-api/canister-trap.ts';
import { ApiSession } from '../protocol/execution/system-api/session.ts';
import { ellipsize } from '../protocol/execution/user-error.ts';
import { STOP_REASON } from '../protocol/execution/wasm/helpers.ts';
import type {
  CanisterError,
  RunReply,
  RunRequest,
  RunStep,
  SystemEffects,
  WasmClosure,
} from '../protocol/interfaces/wasm-host.ts';
import { trapOfEngineError } from './engine-trap.ts';
import { HostFault } from './host-fault.ts';
import type { CanisterInstance } from './instance.ts';
import { SliceMeter, type SliceHooks } from './slice-meter.ts';
import type { StableMemory } from './stable-memory.ts';

const METHOD_NOT_FOUND = 536;
const FUNCTION_NOT_FOUND = 513;
const MAX_TABLE_INDEX = 0xff_ff_ff_ff;
/** Bytes of an error's text: beginning and end are more than users get of it. */
const MAX_ERROR_TEXT_BYTES = 64 * 1024;

/** A step begins. */
const RUNS = Symbol('runs');

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

function functionNotFound({ functionIndex }: WasmClosure): CanisterError {
  return {
    code: FUNCTION_NOT_FOUND,
    message: `Canister requested to invoke a non-existent Wasm function ${functionIndex} from table 0`,
  };
}

/** Why an entry point cannot even begin; undefined when it can. */
function missing(
  { entry, closure }: RunStep,
  instance: CanisterInstance,
): CanisterError | undefined {
  if (closure === undefined) {
    return instance.has(entry) ? undefined : methodNotFound(entry);
  }
  return instance.hasTable() && closure.functionIndex <= MAX_TABLE_INDEX
    ? undefined
    : functionNotFound(closure);
}

function bounded(message: string): string {
  return ellipsize(message, MAX_ERROR_TEXT_BYTES, 50);
}

function errorOf(thrown: unknown, instance: CanisterInstance): CanisterError {
  if (instance.stopReason() === STOP_REASON.hostMemoryExhausted) {
    throw new HostFault('the engine could not grow the memory of a canister');
  }
  const trap = thrown instanceof CanisterTrap ? thrown : trapOfEngineError(thrown);
  if (trap === undefined) {
    throw thrown;
  }
  const error = trap.toError();
  return { ...error, message: bounded(error.message) };
}

/** One run on an instance that holds its base. */
export class CanisterRun {
  readonly request: RunRequest;
  readonly instance: CanisterInstance;
  readonly #meter: SliceMeter;
  readonly #session: ApiSession;

  constructor(
    request: RunRequest,
    instance: CanisterInstance,
    stable: StableMemory,
    hooks: SliceHooks,
  ) {
    this.request = request;
    this.instance = instance;
    this.#meter = new SliceMeter(instance, request.instructionLimit, request.slice, hooks);
    this.#session = new ApiSession({ heap: instance.heap, stable, meter: this.#meter });
  }

  /** Runs the steps at once. Throws `HostFault` only. */
  toEnd(): RunResult {
    for (const [position, step] of this.request.steps.entries()) {
      let error = this.#enter(step);
      if (error === RUNS) {
        try {
          this.instance.call(step, this.#session);
          error = null;
        } catch (thrown) {
          error = this.#errorOf(step, thrown);
        }
      }
      if (error !== null) {
        return this.#result({ ok: false, error, step: position });
      }
    }
    return this.#result({ ok: true });
  }

  /** As `toEnd` on a suspendable instance: waits wherever the hooks do. Rejects with `HostFault` only. */
  async toEndSuspendable(): Promise<RunResult> {
    for (const [position, step] of this.request.steps.entries()) {
      let error = this.#enter(step);
      if (error === RUNS) {
        try {
          await this.instance.callSuspendable(step, this.#session);
          error = null;
        } catch (thrown) {
          error = this.#errorOf(step, thrown);
        }
      }
      if (error !== null) {
        return this.#result({ ok: false, error, step: position });
      }
    }
    return this.#result({ ok: true });
  }

  /** Null = the step is skipped. */
  #enter(step: RunStep): CanisterError | typeof RUNS | null {
    const absent = missing(step, this.instance);
    if (absent !== undefined) {
      return step.optional ? null : absent;
    }
    this.#session.enter(step.input);
    return RUNS;
  }

  #errorOf(step: RunStep, thrown: unknown): CanisterError {
    const { instance } = this;
    const error =
      step.closure !== undefined && instance.stopReason() === STOP_REASON.functionNotFound
        ? functionNotFound(step.closure)
        : errorOf(thrown, instance);
    if (!hasBacktrace(error)) {
      return error;
    }
    const backtrace = instance.backtrace(thrown);
    this.#session.logTrap(error, backtrace);
    return backtrace === null || !step.input.seesBacktrace
      ? error
      : { ...error, message: bounded(`${error.message}\n${backtrace}`) };
  }

  #result(outcome: RunReply['outcome']): RunResult {
    return {
      outcome,
      instructionsUsed: this.#meter.used(),
      effects: this.#session.effects(),
    };
  }
}
