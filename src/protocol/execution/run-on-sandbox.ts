import { assert, present } from '../../base/assert.ts';
import { compareBytes } from '../../base/bytes.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import type {
  CallInput,
  CompileRequest,
  MemoryDelta,
  MemoryImage,
  MemoryRules,
  MemoryVersion,
  ModuleInfo,
  RunReply,
  RunRequest,
  SandboxReply,
  SandboxRequest,
  SystemApiInput,
} from '../interfaces/wasm-host.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { MAX_WASM_MODULE_BYTES } from '../limits/execution.ts';
import type { CanisterState, ExecutionState } from '../replicated-state/canister-state.ts';
import { emptyPageMap } from '../replicated-state/page-map.ts';
import type { Cycles, PrincipalId, TimeNs } from '../types/ids.ts';
import type { CallerInfo, CanisterError } from '../interfaces/wasm-host.ts';
import { callPrices, freezingThreshold } from './cycles-account-manager.ts';
import type { ExecutionEnvironment } from './execution-environment.ts';
import { gunzip, isGzip } from './gunzip.ts';
import { isVisible } from './visibility.ts';

/** Talk with the sandbox: every generator here yields requests and is resumed with replies. */

/** The sandbox may ask for the module and for the image, one after the other. */
const MAX_MISSING_REPLIES = 2;

export type SandboxTask<T> = Generator<SandboxRequest, T, SandboxReply>;

/** Tasks that may run side by side; whoever runs them answers null when all have ended. */
export interface Concurrently {
  readonly kind: 'concurrently';
  readonly tasks: readonly SandboxTask<void>[];
}

/** A computation that asks the sandbox in between, also for several things at once. */
export type RoundTask<T> = Generator<SandboxRequest | Concurrently, T, SandboxReply | null>;

/** A task as a step of a larger one. */
export function* inOrder<T>(task: SandboxTask<T>): RoundTask<T> {
  let step = task.next();
  while (step.done !== true) {
    const reply = yield step.value;
    step = task.next(present(reply, 'a request is answered'));
  }
  return step.value;
}

/** Runs entry points; supplies module and memory image when the sandbox lacks them. */
export function* runOnSandbox(
  request: RunRequest,
  base: ExecutionState | null,
  wasm: Uint8Array,
): SandboxTask<RunReply> {
  let complete = request;
  let reply = yield complete;
  for (let asked = 0; reply.kind === 'missing' && asked < MAX_MISSING_REPLIES; asked += 1) {
    assert(!reply.image || base !== null, 'a run from nothing needs no memory image');
    complete = {
      ...complete,
      ...(reply.module ? { module: unpacked(wasm) } : {}),
      ...(reply.image && base !== null ? { image: imageOf(base) } : {}),
    };
    reply = yield complete;
  }
  assert(reply.kind === 'ran', 'the sandbox answers a run that has all it needs');
  return reply;
}

/** A module as it was installed, which means that it can be unpacked. */
function unpacked(wasm: Uint8Array): Uint8Array {
  if (!isGzip(wasm)) {
    return wasm;
  }
  const module = gunzip(wasm, MAX_WASM_MODULE_BYTES);
  assert(module.ok, 'an installed module was unpacked before');
  return module.value;
}

export function* compileOnSandbox(
  request: CompileRequest,
): SandboxTask<Result<ModuleInfo, CanisterError>> {
  const reply = yield request;
  if (reply.kind === 'invalidModule') {
    return err(reply.error);
  }
  assert(reply.kind === 'compiled', 'the sandbox answers a compilation');
  return ok(reply.info);
}

/** The execution state after a committed run. */
export function applyDelta(
  execution: ExecutionState,
  delta: MemoryDelta,
  version: MemoryVersion,
): ExecutionState {
  const heap = delta.heapReset ? emptyPageMap() : execution.heap;
  const stable = delta.stableReset ? emptyPageMap() : execution.stable;
  return {
    ...execution,
    globals: delta.globals,
    heapWasmPages: delta.heapWasmPages,
    heap: heap.with(delta.heap),
    stableWasmPages: delta.stableWasmPages,
    stable: stable.with(delta.stable),
    memoryVersion: version,
  };
}

function imageOf(execution: ExecutionState): MemoryImage {
  return {
    heapWasmPages: execution.heapWasmPages,
    heap: [...execution.heap.pages()],
    stableWasmPages: execution.stableWasmPages,
    stable: [...execution.stable.pages()],
    globals: execution.globals,
  };
}

/** What differs from run to run; the rest of a `SystemApiInput` follows from the canister. */
export interface EntryPoint {
  readonly context: SystemApiInput['context'];
  readonly caller: PrincipalId;
  readonly methodName?: string;
  readonly arg?: Uint8Array;
  readonly dataCertificate?: Uint8Array;
  /** What a canister says of the user who called. */
  readonly callerInfo?: CallerInfo | undefined;
  /** Of the caller, not accepted yet. */
  readonly cyclesAvailable?: Cycles;
  /** Of the module that runs, if it is not the installed one. */
  readonly memory64?: boolean;
  readonly memory?: MemoryRules;
  readonly call?: Partial<CallInput>;
}

const NO_CALL: CallInput = {
  deadlineNs: 0n,
  responded: false,
  instructionsBefore: 0n,
  cyclesRefunded: 0n,
  rejectCode: 0,
  rejectMessage: '',
  outgoing: null,
};

/** New code sees the version that the canister has with it. */
const INSTALLS = new Set<SystemApiInput['context']>(['start', 'init', 'postUpgrade']);
const STATUS_NUMBER = { running: 1, stopping: 2, stopped: 3 } as const;
const NON_REPLICATED = new Set<SystemApiInput['context']>([
  'nonReplicatedQuery',
  'httpTransform',
  'inspectMessage',
  'compositeQuery',
  'compositeReplyCallback',
  'compositeRejectCallback',
  'compositeCleanup',
]);

export function systemApiInput(
  env: ExecutionEnvironment,
  canister: CanisterState,
  timeNs: TimeNs,
  entry: EntryPoint,
): SystemApiInput {
  return {
    context: entry.context,
    canisterId: canister.canisterId,
    subnetId: env.subnetId,
    caller: entry.caller,
    controllers: canister.controllers,
    seesBacktrace: isVisible(canister, canister.settings.logVisibility, entry.caller),
    methodName: entry.methodName ?? '',
    arg: entry.arg ?? new Uint8Array(0),
    timeNs,
    cycleBalance: canister.cycles,
    cyclesAvailable: entry.cyclesAvailable ?? 0n,
    freezingThreshold: freezingThreshold(env, canister),
    memory: entry.memory ?? null,
    canisterStatus: STATUS_NUMBER[canister.status],
    canisterVersion: canister.version + (INSTALLS.has(entry.context) ? 1n : 0n),
    globalTimer: canister.globalTimerNs,
    dataCertificate: entry.dataCertificate ?? null,
    rootKey: env.rootKeyDer,
    replicated: !NON_REPLICATED.has(entry.context),
    prices: callPrices(env, entry.memory64 ?? canister.execution?.memory64 === true),
    environment: canister.settings.environmentVariables.toSorted(([a], [b]) =>
      compareBytes(encodeUtf8(a), encodeUtf8(b)),
    ),
    callerInfo: entry.callerInfo ?? null,
    call: { ...NO_CALL, ...entry.call },
  };
}
