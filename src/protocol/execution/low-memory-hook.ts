import { WASM_PAGE_BYTES } from '../interfaces/wasm-host.ts';
import type { CanisterState } from '../replicated-state/canister-state.ts';
import { GIB } from '../limits/execution.ts';

/**
 * When a canister's `canister_on_low_wasm_memory` runs: once, before its other tasks and messages,
 * when less than the settings' threshold is left of its heap's limit; again only after more was left.
 * @upstream rs/replicated_state/src/canister_state/system_state/task_queue.rs
 */

/** Of a canister without a limit of its own. */
const NO_LIMIT_BYTES = 4n * GIB;

/** Whether so little is left. Messages that ignore the limit may have gone beyond it. */
function isLow({ execution, settings }: CanisterState): boolean {
  const used = BigInt(execution?.heapWasmPages ?? 0) * BigInt(WASM_PAGE_BYTES);
  const limit =
    settings.wasmMemoryLimitBytes === 0n ? NO_LIMIT_BYTES : settings.wasmMemoryLimitBytes;
  return limit < used + settings.wasmMemoryThresholdBytes;
}

/** The canister with its hook's status looked at anew; to be done when heap, limit or threshold changed. */
export function withLowMemoryHook(canister: CanisterState): CanisterState {
  const before = canister.lowMemoryHook;
  const status = isLow(canister)
    ? before === 'executed'
      ? 'executed'
      : 'ready'
    : 'conditionNotSatisfied';
  return status === before ? canister : { ...canister, lowMemoryHook: status };
}

/** Whether the hook is the next thing that the canister runs. */
export function isLowMemoryHookDue({ status, lowMemoryHook, execution }: CanisterState): boolean {
  return (
    status === 'running' &&
    lowMemoryHook === 'ready' &&
    execution?.exports.includes('canister_on_low_wasm_memory') === true
  );
}
