import type { SystemApiName } from './signatures.ts';

/** Instructions charged by the host. @upstream rs/embedders/src/wasmtime_embedder/system_api_complexity.rs */

const DEFAULT_COST = 500;

const STABLE_COST = 20;

const SPECIAL_COSTS: Partial<Readonly<Record<SystemApiName, number>>> = {
  call_new: 1500,
  call_perform: 5000,
  debug_print: 100,
  is_controller: 1000,
  performance_counter: 200,
  stable64_read: STABLE_COST,
  stable64_size: STABLE_COST,
  stable64_write: STABLE_COST,
  stable_read: STABLE_COST,
  stable_size: STABLE_COST,
  stable_write: STABLE_COST,
};

/** Per byte copied into replies, calls, certified data and the log. */
export const BYTE_COST = 50;
/** Per byte kept in the canister's log, on top. */
export const LOG_BYTE_COST = 2;
/** Per byte moved between heap and stable memory: what the bulk copy costs on the IC. */
export const STABLE_BYTE_COST = 1;
/** Per 4 KiB page of stable memory that a run writes to for the first time. */
export const DIRTY_STABLE_PAGE_COST = 1000;

/** The fixed part of a system call's cost. */
export function costOf(name: SystemApiName): number {
  return SPECIAL_COSTS[name] ?? DEFAULT_COST;
}
