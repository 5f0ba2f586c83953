import type { EntryContext } from '../../interfaces/wasm-host.ts';
import type { SystemApiName } from './signatures.ts';

/**
 * Which entry points may call which function. @upstream interface spec 0.66 "System imports".
 * Letters: s start, I init and post_upgrade, G pre_upgrade, U update, R replicated query, Q
 * non-replicated query, F inspect_message, T heartbeat and timer. Callbacks are not there yet, so
 * functions that only callbacks may call have no letter.
 */
const ALL_BUT_START = 'IGURQFT';
const ALL = 'sIGURQFT';

const MATRIX: Readonly<Record<SystemApiName, string>> = {
  accept_message: 'F',
  call_cycles_add: 'UT',
  call_cycles_add128: 'UT',
  call_data_append: 'UT',
  call_new: 'UT',
  call_on_cleanup: 'UT',
  call_perform: 'UT',
  call_with_best_effort_response: 'UT',
  canister_cycle_balance: ALL_BUT_START,
  canister_cycle_balance128: ALL_BUT_START,
  canister_liquid_cycle_balance128: ALL_BUT_START,
  canister_self_copy: ALL_BUT_START,
  canister_self_size: ALL_BUT_START,
  canister_status: ALL_BUT_START,
  canister_version: ALL_BUT_START,
  certified_data_set: 'IGUT',
  cycles_burn128: 'IGURT',
  data_certificate_copy: 'Q',
  data_certificate_present: ALL_BUT_START,
  data_certificate_size: 'Q',
  debug_print: ALL,
  env_var_count: ALL_BUT_START,
  env_var_name_copy: ALL_BUT_START,
  env_var_name_exists: ALL_BUT_START,
  env_var_name_size: ALL_BUT_START,
  env_var_value_copy: ALL_BUT_START,
  env_var_value_size: ALL_BUT_START,
  global_timer_set: 'IGUT',
  in_replicated_execution: ALL,
  is_controller: ALL,
  msg_arg_data_copy: 'IURQF',
  msg_arg_data_size: 'IURQF',
  msg_caller_copy: ALL_BUT_START,
  msg_caller_size: ALL_BUT_START,
  msg_cycles_accept: 'UR',
  msg_cycles_accept128: 'UR',
  msg_cycles_available: 'UR',
  msg_cycles_available128: 'UR',
  msg_cycles_refunded: '',
  msg_cycles_refunded128: '',
  msg_deadline: 'URQ',
  msg_method_name_copy: 'F',
  msg_method_name_size: 'F',
  msg_reject: 'URQ',
  msg_reject_code: '',
  msg_reject_msg_copy: '',
  msg_reject_msg_size: '',
  msg_reply: 'URQ',
  msg_reply_data_append: 'URQ',
  performance_counter: ALL,
  root_key_copy: 'IGURT',
  root_key_size: 'IGURT',
  stable64_grow: ALL,
  stable64_read: ALL,
  stable64_size: ALL,
  stable64_write: ALL,
  stable_grow: ALL,
  stable_read: ALL,
  stable_size: ALL,
  stable_write: ALL,
  subnet_self_copy: ALL_BUT_START,
  subnet_self_size: ALL_BUT_START,
  time: ALL_BUT_START,
  trap: ALL,
};

const LETTERS: Readonly<Record<EntryContext, string>> = {
  start: 's',
  init: 'I',
  postUpgrade: 'I',
  preUpgrade: 'G',
  update: 'U',
  replicatedQuery: 'R',
  nonReplicatedQuery: 'Q',
  inspectMessage: 'F',
  heartbeat: 'T',
  globalTimer: 'T',
};

/** The mode's name in the replica's error texts. */
export const CONTEXT_NAMES: Readonly<Record<EntryContext, string>> = {
  start: 'start',
  init: 'init',
  postUpgrade: 'init',
  preUpgrade: 'pre upgrade',
  update: 'update',
  replicatedQuery: 'replicated query',
  nonReplicatedQuery: 'non replicated query',
  inspectMessage: 'inspect message',
  heartbeat: 'system task',
  globalTimer: 'system task',
};

export function isAllowedIn(name: SystemApiName, context: EntryContext): boolean {
  return MATRIX[name].includes(LETTERS[context]);
}
