import type { EntryContext } from '../../interfaces/wasm-host.ts';
import { userViolation, type CanisterTrap } from './canister-trap.ts';
import type { SystemApiName } from './signatures.ts';

/**
 * Which entry points may call which function. @upstream interface spec 0.66 "System imports".
 * Letters: s start, I init and post_upgrade, G pre_upgrade, U update, R replicated query, Q
 * non-replicated query, X transform of an HTTP response, F inspect_message, T heartbeat, timer and low
 * Wasm memory, Y reply callback, J reject callback, C cleanup callback; q composite query and y, j, c
 * its callbacks.
 */
const ALL_BUT_START = 'IGURQXFTYJCqyjc';
const ALL = `s${ALL_BUT_START}`;
const CALLS = 'UTYJqyj';
/** Cycles never move in queries. */
const CALLS_WITH_CYCLES = 'UTYJ';
const ANSWERS = 'URQXYJqyj';
const CALLER_INFO = 'URQFYJCqyjc';
const ARGUMENT = 'IURQXFYqy';

const MATRIX: Readonly<Record<SystemApiName, string>> = {
  accept_message: 'F',
  call_cycles_add: CALLS_WITH_CYCLES,
  call_cycles_add128: CALLS_WITH_CYCLES,
  call_data_append: CALLS,
  call_new: CALLS,
  call_on_cleanup: CALLS,
  call_perform: CALLS,
  call_with_best_effort_response: CALLS,
  canister_cycle_balance: ALL_BUT_START,
  canister_cycle_balance128: ALL_BUT_START,
  canister_liquid_cycle_balance128: ALL_BUT_START,
  canister_self_copy: ALL_BUT_START,
  canister_self_size: ALL_BUT_START,
  canister_status: ALL_BUT_START,
  canister_version: ALL_BUT_START,
  certified_data_set: 'IGUTYJ',
  cost_call: ALL,
  cost_create_canister: ALL,
  cost_http_request: ALL,
  cost_sign_with_ecdsa: ALL,
  cost_sign_with_schnorr: ALL,
  cost_vetkd_derive_key: ALL,
  cycles_burn128: 'IGURTYJC',
  data_certificate_copy: 'Qq',
  data_certificate_present: ALL_BUT_START,
  data_certificate_size: 'Qq',
  debug_print: ALL,
  env_var_count: ALL_BUT_START,
  env_var_name_copy: ALL_BUT_START,
  env_var_name_exists: ALL_BUT_START,
  env_var_name_size: ALL_BUT_START,
  env_var_value_copy: ALL_BUT_START,
  env_var_value_size: ALL_BUT_START,
  global_timer_set: 'IGUTYJC',
  in_replicated_execution: ALL,
  is_controller: ALL,
  mint_cycles128: 'UTYJ',
  msg_arg_data_copy: ARGUMENT,
  msg_arg_data_size: ARGUMENT,
  msg_caller_copy: ALL_BUT_START,
  msg_caller_info_data_copy: CALLER_INFO,
  msg_caller_info_data_size: CALLER_INFO,
  msg_caller_info_signer_copy: CALLER_INFO,
  msg_caller_info_signer_size: CALLER_INFO,
  msg_caller_size: ALL_BUT_START,
  msg_cycles_accept: 'URYJ',
  msg_cycles_accept128: 'URYJ',
  msg_cycles_available: 'URYJ',
  msg_cycles_available128: 'URYJ',
  msg_cycles_refunded: 'YJ',
  msg_cycles_refunded128: 'YJ',
  msg_deadline: 'URQYJqyj',
  msg_method_name_copy: 'F',
  msg_method_name_size: 'F',
  msg_reject: ANSWERS,
  msg_reject_code: 'YJCyj',
  msg_reject_msg_copy: 'Jj',
  msg_reject_msg_size: 'Jj',
  msg_reply: ANSWERS,
  msg_reply_data_append: ANSWERS,
  performance_counter: ALL,
  root_key_copy: 'IGURTYJC',
  root_key_size: 'IGURTYJC',
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
  httpTransform: 'X',
  compositeQuery: 'q',
  inspectMessage: 'F',
  onLowWasmMemory: 'T',
  heartbeat: 'T',
  globalTimer: 'T',
  replyCallback: 'Y',
  rejectCallback: 'J',
  cleanup: 'C',
  compositeReplyCallback: 'y',
  compositeRejectCallback: 'j',
  compositeCleanup: 'c',
};

/** The mode's name in the replica's error texts. */
const CONTEXT_NAMES: Readonly<Record<EntryContext, string>> = {
  start: 'start',
  init: 'init',
  postUpgrade: 'init',
  preUpgrade: 'pre upgrade',
  update: 'update',
  replicatedQuery: 'replicated query',
  nonReplicatedQuery: 'non replicated query',
  httpTransform: 'non replicated query',
  compositeQuery: 'composite query',
  inspectMessage: 'inspect message',
  onLowWasmMemory: 'on low Wasm memory',
  heartbeat: 'heartbeat',
  globalTimer: 'global timer',
  replyCallback: 'reply callback',
  rejectCallback: 'reject callback',
  cleanup: 'cleanup',
  compositeReplyCallback: 'composite reply callback',
  compositeRejectCallback: 'composite reject callback',
  compositeCleanup: 'composite cleanup',
};

export function isAllowedIn(name: SystemApiName, context: EntryContext): boolean {
  return MATRIX[name].includes(LETTERS[context]);
}

/** The error of a call from an entry point that may not make it. @param name without `ic0_` */
export function forbidden(name: string, context: EntryContext): CanisterTrap {
  return userViolation(
    `"ic0_${name}" cannot be executed in ${CONTEXT_NAMES[context]} mode`,
    'Check the ICP documentation to make sure APIs are being called in the correct message types.',
    'calling-a-system-api-from-the-wrong-mode',
  );
}
