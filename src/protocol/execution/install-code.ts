import { present } from '../../base/assert.ts';
import { bytesToHex } from '../../base/hex.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { principalToText } from '../crypto/principal.ts';
import { sha256 } from '../crypto/sha256.ts';
import type { MemoryBase, ModuleInfo, RunReply, RunStep } from '../interfaces/wasm-host.ts';
import {
  COMPILE_COST_PER_WASM_INSTRUCTION,
  MAX_CANISTER_HISTORY,
  MAX_WASM_MODULE_BYTES,
} from '../limits/execution.ts';
import type {
  CanisterChange,
  CanisterState,
  ChangeDetails,
  ExecutionState,
} from '../replicated-state/canister-state.ts';
import { emptyPageMap } from '../replicated-state/page-map.ts';
import type { CanisterId, HashHex, Instructions, PrincipalId, TimeNs } from '../types/ids.ts';
import { joinedLogs } from './canister-log.ts';
import { settleMemoryGrowth } from './allocations.ts';
import { commitRun, recordRun } from './effects.ts';
import { prepayExecution, prepaymentFor, settleExecution } from './execution-charges.ts';
import { gunzip, isGzip } from './gunzip.ts';
import { memoryRules } from './memory-rules.ts';
import type { RoundState } from './round-state.ts';
import {
  compileOnSandbox,
  runOnSandbox,
  systemApiInput,
  type SandboxTask,
} from './run-on-sandbox.ts';
import {
  ErrorCode,
  executionError,
  help,
  userError,
  wasmModuleNotFound,
  type UserError,
} from './user-error.ts';

/**
 * Install, reinstall and upgrade of a canister's code. Any failure leaves the canister as it was,
 * but for the cycles spent and the log.
 * @upstream rs/execution_environment/src/execution/{install,upgrade,install_code}.rs
 */

export interface InstallCode {
  readonly canisterId: CanisterId;
  readonly mode: 'install' | 'reinstall' | 'upgrade';
  readonly wasm: Uint8Array;
  readonly arg: Uint8Array;
  readonly sender: PrincipalId;
  readonly skipPreUpgrade: boolean;
  readonly memoryPersistence: 'keep' | 'replace' | undefined;
}

const EOP_SECTION = 'enhanced-orthogonal-persistence';

/** Installs code. The result carries the instructions used, also on failure. */
export function* installCode(
  round: RoundState,
  request: InstallCode,
): SandboxTask<Result<null, UserError>> {
  const canister = round.canister(request.canisterId);
  const refusal = modeError(canister, request);
  if (refusal !== undefined) {
    return err(refusal);
  }
  const module = moduleBytes(request);
  if (!module.ok) {
    return module;
  }
  const moduleHash = bytesToHex(sha256(request.wasm)) as HashHex;
  const compiled = yield* compileOnSandbox({ kind: 'compile', moduleHash, wasm: module.value });
  if (!compiled.ok) {
    return err(executionError(request.canisterId, compiled.error));
  }
  const keepHeap = persistenceOf(canister, compiled.value, request);
  if (!keepHeap.ok) {
    return keepHeap;
  }
  const { memory64, wasmInstructionCount } = compiled.value;
  const { installInstructions } = round.env.limits;
  const prepaid = prepayExecution(
    round,
    request.canisterId,
    prepaymentFor(round, installInstructions, memory64),
    request.sender,
  );
  if (!prepaid.ok) {
    const { code, message } = prepaid.error;
    const advice = help('Top up the canister with more cycles.', 'install-code-not-enough-cycles');
    return userError(code, `Canister installation failed with \`${message}\`.${advice}`);
  }
  const fresh = freshExecution(moduleHash, module.value, compiled.value);
  const before = round.canister(request.canisterId);
  const books = round.books();
  const usedBefore = round.instructionsUsed;
  round.instructionsUsed += compileCost(wasmInstructionCount, installInstructions);
  const limit = installInstructions - (round.instructionsUsed - usedBefore);
  const installed =
    request.mode === 'upgrade'
      ? yield* upgrade(round, request, fresh, keepHeap.value, limit)
      : yield* install(round, request, fresh, limit);
  const settled = installed.ok ? settleMemoryGrowth(round, before) : installed;
  if (!settled.ok) {
    const after = round.canister(request.canisterId);
    // What was done is undone; what was logged stays, and what was used is paid.
    const { nextLogIndex, nextMemoryVersion } = after;
    const logs = joinedLogs(before, after);
    round.put({ ...before, logs, nextLogIndex, nextMemoryVersion });
    round.restoreBooks(books);
  }
  const used = round.instructionsUsed - usedBefore;
  settleExecution(round, request.canisterId, prepaid.value, used);
  if (!settled.ok) {
    return settled;
  }
  recordDeployment(round, request, moduleHash, before.version + 1n);
  return ok(null);
}

/** Of translating the module; a module that large that nothing is left for its hooks fails in them. */
function compileCost(wasmInstructions: number, limit: Instructions): Instructions {
  const cost = BigInt(wasmInstructions) * COMPILE_COST_PER_WASM_INSTRUCTION;
  return cost < limit ? cost : limit;
}

function modeError(canister: CanisterState, request: InstallCode): UserError | undefined {
  if (request.mode === 'install' && canister.execution !== null) {
    const name = principalToText(canister.canisterId);
    const advice = help(
      "Check that you want to overwrite the canister and, if so, use mode='reinstall'.",
      'canister-not-empty',
    );
    const message = `Canister ${name} cannot be installed because the canister is not empty. Try installing with mode='reinstall' instead.${advice}`;
    return { code: ErrorCode.canisterNonEmpty, message };
  }
  if (request.mode === 'upgrade' && canister.execution === null) {
    return wasmModuleNotFound(canister.canisterId);
  }
  return undefined;
}

/** The module itself, unpacked when it came compressed. */
function moduleBytes(request: InstallCode): Result<Uint8Array, UserError> {
  if (!isGzip(request.wasm)) {
    return ok(request.wasm);
  }
  const unpacked = gunzip(request.wasm, MAX_WASM_MODULE_BYTES);
  if (unpacked.ok) {
    return unpacked;
  }
  const message = `Canister's Wasm module is not valid: Failed to decode wasm module: ${unpacked.error.message}`;
  return err(executionError(request.canisterId, { code: ErrorCode.canisterInvalidWasm, message }));
}

/** Whether an upgrade keeps the heap (enhanced orthogonal persistence). */
function persistenceOf(
  canister: CanisterState,
  info: ModuleInfo,
  request: InstallCode,
): Result<boolean, UserError> {
  if (request.mode !== 'upgrade') {
    return ok(false);
  }
  const isPersistent = (section: { readonly name: string }) => section.name === EOP_SECTION;
  const oldUses = canister.execution?.customSections.some(isPersistent) === true;
  if (request.memoryPersistence === undefined && oldUses) {
    return userError(
      ErrorCode.canisterContractViolation,
      'Missing upgrade option: Enhanced orthogonal persistence requires the `wasm_memory_persistence` upgrade option.',
    );
  }
  if (request.memoryPersistence === 'keep' && !info.customSections.some(isPersistent)) {
    return userError(
      ErrorCode.canisterContractViolation,
      'Invalid upgrade option: The `wasm_memory_persistence: opt Keep` upgrade option requires that the new canister module supports enhanced orthogonal persistence.',
    );
  }
  return ok(request.memoryPersistence === 'keep');
}

function freshExecution(moduleHash: HashHex, wasm: Uint8Array, info: ModuleInfo): ExecutionState {
  return {
    moduleHash,
    wasm,
    exports: info.exports,
    customSections: info.customSections,
    memory64: info.memory64,
    globals: [],
    heapWasmPages: 0,
    heap: emptyPageMap(),
    stableWasmPages: 0,
    stable: emptyPageMap(),
    memoryVersion: 0,
  };
}

interface Stage {
  readonly execution: ExecutionState;
  readonly base: MemoryBase;
  /** Where the base's memory image comes from. */
  readonly image: ExecutionState | null;
  readonly steps: readonly RunStep[];
  readonly instructionLimit: Instructions;
}

function* runStage(
  round: RoundState,
  canisterId: CanisterId,
  stage: Stage,
): SandboxTask<Result<RunReply, UserError>> {
  const canister = round.canister(canisterId);
  const current = canister.execution?.memoryVersion ?? canister.nextMemoryVersion;
  const run = yield* runOnSandbox(
    {
      kind: 'run',
      canisterId,
      moduleHash: stage.execution.moduleHash,
      base: stage.base,
      steps: stage.steps,
      instructionLimit: stage.instructionLimit,
      commitAs: canister.nextMemoryVersion,
      oldestVersionInUse: round.oldestVersionInUse(canisterId, current),
    },
    stage.image,
    stage.execution.wasm,
  );
  recordRun(round, canisterId, run);
  if (!run.outcome.ok) {
    return err(executionError(canisterId, run.outcome.error));
  }
  return ok(run);
}

function step(
  round: RoundState,
  request: InstallCode,
  entry: string,
  context: RunStep['input']['context'],
  memory64: boolean,
): RunStep {
  const canister = round.canister(request.canisterId);
  const arg = context === 'preUpgrade' || context === 'start' ? new Uint8Array(0) : request.arg;
  const memory = memoryRules(round, canister, context);
  const point = { context, caller: request.sender, arg, memory, memory64 };
  return { entry, optional: true, input: systemApiInput(round.env, canister, round.timeNs, point) };
}

function* install(
  round: RoundState,
  request: InstallCode,
  fresh: ExecutionState,
  instructionLimit: Instructions,
): SandboxTask<Result<null, UserError>> {
  round.update(request.canisterId, {
    certifiedData: new Uint8Array(0),
    globalTimerNs: 0n,
    logs: [],
  });
  const run = yield* runStage(round, request.canisterId, {
    execution: fresh,
    base: { from: 'fresh' },
    image: null,
    steps: [
      step(round, request, 'canister_start', 'start', fresh.memory64),
      step(round, request, 'canister_init', 'init', fresh.memory64),
    ],
    instructionLimit,
  });
  if (!run.ok) {
    return run;
  }
  commitRun(round, request.canisterId, fresh, run.value);
  return ok(null);
}

function* upgrade(
  round: RoundState,
  request: InstallCode,
  fresh: ExecutionState,
  keepHeap: boolean,
  instructionLimit: Instructions,
): SandboxTask<Result<null, UserError>> {
  let limit = instructionLimit;
  let old = present(round.canister(request.canisterId).execution, 'an upgrade replaces a module');
  if (!request.skipPreUpgrade) {
    const pre = yield* runStage(round, request.canisterId, {
      execution: old,
      base: { from: 'version', version: old.memoryVersion },
      image: old,
      steps: [step(round, request, 'canister_pre_upgrade', 'preUpgrade', old.memory64)],
      instructionLimit: limit,
    });
    if (!pre.ok) {
      return pre;
    }
    limit -= pre.value.instructionsUsed;
    commitRun(round, request.canisterId, old, pre.value);
    old = present(round.canister(request.canisterId).execution, 'the module is still there');
  }
  round.update(request.canisterId, { globalTimerNs: 0n });
  const post = yield* runStage(round, request.canisterId, {
    execution: fresh,
    base: { from: 'upgrade', version: old.memoryVersion, keepHeap },
    image: old,
    steps: [
      step(round, request, 'canister_start', 'start', fresh.memory64),
      step(round, request, 'canister_post_upgrade', 'postUpgrade', fresh.memory64),
    ],
    instructionLimit: limit,
  });
  if (!post.ok) {
    return post;
  }
  // The delta is relative to the old memories, the module is the new one.
  commitRun(
    round,
    request.canisterId,
    { ...fresh, heap: old.heap, stable: old.stable },
    post.value,
  );
  return ok(null);
}

/** One installation is one step of the canister's version, whatever ran on the way. */
function recordDeployment(
  round: RoundState,
  request: InstallCode,
  moduleHash: HashHex,
  version: bigint,
): void {
  const canister = { ...round.canister(request.canisterId), version };
  const details: ChangeDetails = { kind: 'codeDeployment', mode: request.mode, moduleHash };
  round.put(withChange(canister, round.timeNs, request.sender, details));
}

/** Adds an entry to the canister history; the newest 20 stay. */
export function withChange(
  canister: CanisterState,
  timeNs: TimeNs,
  originUser: PrincipalId,
  details: ChangeDetails,
): CanisterState {
  const change: CanisterChange = { timeNs, canisterVersion: canister.version, originUser, details };
  return {
    ...canister,
    totalChanges: canister.totalChanges + 1n,
    changes: [...canister.changes, change].slice(-MAX_CANISTER_HISTORY),
  };
}
