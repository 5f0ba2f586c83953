import { MAX_CANISTER_LOG_BYTES } from '../../limits/execution.ts';
import type { ApiSession } from './session.ts';
import type { SystemApiName } from './signatures.ts';

/**
 * Instructions charged by the host: a fixed part, and one for each byte that is handled.
 * @upstream rs/embedders/src/wasmtime_embedder/{system_api_complexity.rs,linker.rs}
 */

const DEFAULT_COST = 500;

const STABLE_COST = 20;
/** The native function's part of growing stable memory on top of the call. */
const STABLE_GROW_COST = 100;

const SPECIAL_COSTS: Partial<Readonly<Record<SystemApiName, number>>> = {
  call_new: 1500,
  call_perform: 5000,
  debug_print: 100,
  is_controller: 1000,
  mint_cycles128: 0,
  performance_counter: 200,
  stable64_grow: STABLE_GROW_COST,
  stable64_read: STABLE_COST,
  stable64_size: STABLE_COST,
  stable64_write: STABLE_COST,
  stable_grow: STABLE_GROW_COST,
  stable_read: STABLE_COST,
  stable_size: STABLE_COST,
  stable_write: STABLE_COST,
};

/** Per byte that leaves the sandbox: replies, calls, log lines. */
const TRANSMITTED_BYTE_COST = 50;
/** Per byte put into the log: a new line is added and an old one removed. */
const LOG_BYTE_COST = 2;
/** Per 4 KiB page of stable memory that a run writes to for the first time. */
export const DIRTY_STABLE_PAGE_COST = 1000;
/** Per 4 KiB page of the heap that a message changed, at its end; it never makes the message fail. */
export const DIRTY_HEAP_PAGE_COST = 1000n;

/** Which arguments are byte counts, and what each byte costs. */
const BYTE_ARGUMENTS: Partial<
  Readonly<Record<SystemApiName, readonly (readonly [argument: number, cost: number])[]>>
> = {
  call_data_append: [[1, TRANSMITTED_BYTE_COST]],
  call_new: [
    [1, 1],
    [3, 1],
  ],
  canister_self_copy: [[2, 1]],
  certified_data_set: [[1, 1]],
  cost_sign_with_ecdsa: [[1, 1]],
  cost_sign_with_schnorr: [[1, 1]],
  cost_vetkd_derive_key: [[1, 1]],
  data_certificate_copy: [[2, 1]],
  env_var_name_copy: [[3, 1]],
  env_var_value_copy: [[4, 1]],
  is_controller: [[1, 1]],
  msg_arg_data_copy: [[2, 1]],
  msg_caller_copy: [[2, 1]],
  msg_caller_info_data_copy: [[2, 1]],
  msg_caller_info_signer_copy: [[2, 1]],
  msg_method_name_copy: [[2, 1]],
  msg_reject: [[1, TRANSMITTED_BYTE_COST]],
  msg_reject_msg_copy: [[2, 1]],
  msg_reply_data_append: [[1, TRANSMITTED_BYTE_COST]],
  root_key_copy: [[2, 1]],
  stable64_read: [[2, 1]],
  stable64_write: [[2, 1]],
  stable_read: [[2, 1]],
  stable_write: [[2, 1]],
  subnet_self_copy: [[2, 1]],
  trap: [[1, 1]],
};

/** Logging costs by what the log can hold, and by what this message's part of it still can. */
export function loggingCost(session: ApiSession, bytes: number): number {
  return (
    LOG_BYTE_COST * Math.min(bytes, MAX_CANISTER_LOG_BYTES) +
    TRANSMITTED_BYTE_COST * Math.min(bytes, session.log.remainingBytes())
  );
}

export interface SystemCallCost {
  readonly fixed: number;
  /** What each unit of an argument costs on top, by the argument's position. */
  readonly perUnit: readonly number[];
  /** Whether the second argument counts bytes for the log, see `loggingCost`. */
  readonly isLogged: boolean;
}

/** What a system call costs, by its arguments. */
export function costOf(name: SystemApiName): SystemCallCost {
  const perUnit = [0, 0, 0, 0, 0];
  for (const [argument, perByte] of BYTE_ARGUMENTS[name] ?? []) {
    perUnit[argument] = perByte;
  }
  return {
    fixed: SPECIAL_COSTS[name] ?? DEFAULT_COST,
    perUnit,
    isLogged: name === 'debug_print' || name === 'trap',
  };
}
