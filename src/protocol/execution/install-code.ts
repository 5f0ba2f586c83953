import { present } from '../../base/assert.ts';
import { bytesToHex } from '../../base/hex.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { principalToText } from '../crypto/principal.ts';
import { sha256 } from '../crypto/sha256.ts';
import type { MemoryBase, ModuleInfo, RunReply, RunStep } from '../interfaces/wasm-host.ts';
import type {
  CanisterState,
  ChangeDetails,
  ChangeOrigin,
  ExecutionState,
} from '../replicated-state/canister-state.ts';
import { emptyPageMap } from '../replicated-state/page-map.ts';
import type { CanisterId, HashHex, Instructions } from '../types/ids.ts';
import { checkCustomSections, settleMemoryGrowth } from './allocations.ts';
import { principalOf, withChange } from './canister-history.ts';
import { joinedLogs } from './canister-log.ts';
import { compileModule, unpackModule } from './compile-module.ts';
import { commitRun, recordRun } from './effects.ts';
import {
  prepaymentFor,
  prepayExecution,
  settleExecution,
  type PrepaidExecution,
} from './execution-charges.ts';
import { memoryRules } from './memory-rules.ts';
import type { RoundState } from './round-state.ts';
import { runOnSandbox, systemApiInput, type SandboxTask } from './run-on-sandbox.ts';
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
  /** Perhaps compressed; its hash names the module. */
  readonly wasm: Uint8Array;
  readonly arg: Uint8Array;
  readonly origin: ChangeOrigin;
  readonly skipPreUpgrade: boolean;
  readonly memoryPersistence: 'keep' | 'replace' | undefined;
  /** Spent on putting the module together from chunks. */
  readonly assemblyInstructions: Instructions;
}

/** An installation on its way. */
interface Installation {
  readonly request: InstallCode;
  readonly fresh: ExecutionState;
  readonly keepHeap: boolean;
  readonly limit: Instructions;
  used: Instructions;
}

const EOP_SECTION = 'enhanced-orthogonal-persistence';

/** Installs code. Its instructions are paid for, also when it fails. */
export function* installCode(
  round: RoundState,
  request: InstallCode,
): SandboxTask<Result<null, UserError>> {
  const { canisterId, wasm } = request;
  const canister = round.canister(canisterId);
  const refusal = modeError(canister, request);
  if (refusal !== undefined) {
    return err(refusal);
  }
  const module = unpackModule(canisterId, wasm);
  if (!module.ok) {
    return module;
  }
  const moduleHash = bytesToHex(sha256(wasm)) as HashHex;
  const compiled = yield* compileModule(moduleHash, module.value);
  if (!compiled.ok) {
    return err(executionError(canisterId, compiled.error));
  }
  const { info, instructions } = compiled.value;
  const keepHeap = persistenceOf(canister, info, request);
  if (!keepHeap.ok) {
    return keepHeap;
  }
  const limit = round.env.limits.installInstructions;
  const prepaid = prepayInstallation(round, request, prepaymentFor(round, limit, info.memory64));
  if (!prepaid.ok) {
    return prepaid;
  }
  const begun = instructions + request.assemblyInstructions;
  round.instructionsUsed += begun;
  return yield* installPaid(round, prepaid.value, {
    request,
    fresh: freshExecution(moduleHash, wasm, info),
    keepHeap: keepHeap.value,
    limit,
    used: begun,
  });
}

function prepayInstallation(
  round: RoundState,
  { canisterId, origin }: InstallCode,
  price: PrepaidExecution,
): Result<PrepaidExecution, UserError> {
  const prepaid = prepayExecution(round, canisterId, price, principalOf(origin));
  if (prepaid.ok) {
    return prepaid;
  }
  const advice = help('Top up the canister with more cycles.', 'install-code-not-enough-cycles');
  return userError(
    prepaid.error.code,
    `Canister installation failed with \`${prepaid.error.message}\`.${advice}`,
  );
}

function* installPaid(
  round: RoundState,
  prepaid: PrepaidExecution,
  installation: Installation,
): SandboxTask<Result<null, UserError>> {
  const { request, fresh, limit } = installation;
  const { canisterId } = request;
  const before = round.canister(canisterId);
  const books = round.books();
  const ran =
    installation.used > limit
      ? err(tooManyInstructions(canisterId, limit))
      : request.mode === 'upgrade'
        ? yield* upgrade(round, installation)
        : yield* install(round, installation);
  const fits = ran.ok ? checkCustomSections(round, before) : ran;
  const settled = fits.ok ? settleMemoryGrowth(round, before) : fits;
  if (!settled.ok) {
    const after = round.canister(canisterId);
    // What was done is undone; what was logged stays, and what was used is paid.
    const { nextLogIndex, nextMemoryVersion } = after;
    const logs = joinedLogs(before, after);
    round.put({ ...before, logs, nextLogIndex, nextMemoryVersion });
    round.restoreBooks(books);
  }
  settleExecution(round, canisterId, prepaid, least(installation.used, limit));
  if (settled.ok) {
    recordDeployment(round, request, fresh.moduleHash, before.version + 1n);
  }
  return settled;
}

function least(a: Instructions, b: Instructions): Instructions {
  return a < b ? a : b;
}

function tooManyInstructions(canisterId: CanisterId, limit: Instructions): UserError {
  return executionError(canisterId, {
    code: ErrorCode.canisterInstructionLimitExceeded,
    message: `Canister exceeded the limit of ${limit} instructions for single message execution.`,
  });
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
}

function* runStage(
  round: RoundState,
  installation: Installation,
  stage: Stage,
): SandboxTask<Result<RunReply, UserError>> {
  const { canisterId } = installation.request;
  const canister = round.canister(canisterId);
  const current = canister.execution?.memoryVersion ?? canister.nextMemoryVersion;
  const run = yield* runOnSandbox(
    {
      kind: 'run',
      canisterId,
      moduleHash: stage.execution.moduleHash,
      base: stage.base,
      steps: stage.steps,
      instructionLimit: installation.limit - installation.used,
      commitAs: canister.nextMemoryVersion,
      oldestVersionInUse: round.oldestVersionInUse(canisterId, current),
    },
    stage.image,
    stage.execution.wasm,
  );
  installation.used += run.instructionsUsed;
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
  const point = { context, caller: principalOf(request.origin), arg, memory, memory64 };
  return { entry, optional: true, input: systemApiInput(round.env, canister, round.timeNs, point) };
}

function* install(
  round: RoundState,
  installation: Installation,
): SandboxTask<Result<null, UserError>> {
  const { request, fresh } = installation;
  round.update(request.canisterId, {
    certifiedData: new Uint8Array(0),
    globalTimerNs: 0n,
    ...(request.mode === 'reinstall' ? { logs: [] } : {}),
  });
  const run = yield* runStage(round, installation, {
    execution: fresh,
    base: { from: 'fresh' },
    image: null,
    steps: [
      step(round, request, 'canister_start', 'start', fresh.memory64),
      step(round, request, 'canister_init', 'init', fresh.memory64),
    ],
  });
  if (!run.ok) {
    return run;
  }
  commitRun(round, request.canisterId, fresh, run.value);
  return ok(null);
}

/** The old module's last word. @returns its memories after it */
function* preUpgrade(
  round: RoundState,
  installation: Installation,
): SandboxTask<Result<ExecutionState, UserError>> {
  const { request } = installation;
  const old = present(round.canister(request.canisterId).execution, 'an upgrade replaces a module');
  if (request.skipPreUpgrade) {
    return ok(old);
  }
  const pre = yield* runStage(round, installation, {
    execution: old,
    base: { from: 'version', version: old.memoryVersion },
    image: old,
    steps: [step(round, request, 'canister_pre_upgrade', 'preUpgrade', old.memory64)],
  });
  if (!pre.ok) {
    return pre;
  }
  const { version } = round.canister(request.canisterId);
  commitRun(round, request.canisterId, old, pre.value);
  // The whole installation is one step of the version.
  round.update(request.canisterId, { version });
  return ok(present(round.canister(request.canisterId).execution, 'the module is still there'));
}

function* upgrade(
  round: RoundState,
  installation: Installation,
): SandboxTask<Result<null, UserError>> {
  const { request, fresh, keepHeap } = installation;
  const before = yield* preUpgrade(round, installation);
  if (!before.ok) {
    return before;
  }
  const old = before.value;
  round.update(request.canisterId, { globalTimerNs: 0n });
  const post = yield* runStage(round, installation, {
    execution: fresh,
    base: { from: 'upgrade', version: old.memoryVersion, keepHeap },
    image: old,
    steps: [
      step(round, request, 'canister_start', 'start', fresh.memory64),
      step(round, request, 'canister_post_upgrade', 'postUpgrade', fresh.memory64),
    ],
  });
  if (!post.ok) {
    return post;
  }
  // The delta is relative to the old memories, the module is the new one.
  const kept = { ...fresh, heap: old.heap, stable: old.stable };
  commitRun(round, request.canisterId, kept, post.value);
  return ok(null);
}

/** One installation is one step of the canister's version, whatever ran on the way. */
function recordDeployment(
  round: RoundState,
  { canisterId, mode, origin }: InstallCode,
  moduleHash: HashHex,
  version: bigint,
): void {
  const canister = { ...round.canister(canisterId), version, lastInstallNs: round.timeNs };
  const details: ChangeDetails = { kind: 'codeDeployment', mode, moduleHash };
  round.put(withChange(canister, round.timeNs, origin, details));
}
