import type { EntryContext } from '../../../../src/protocol/interfaces/wasm-host.ts';

/**
 * The functions of interface spec 0.66 "Overview of imports" as the spec lists them: type, and from
 * where each may be invoked. Written from the spec, not from the code under test.
 */
const TABLE = `
msg_arg_data_size : () -> I                                          // I U RQ NRQ TQ CQ Ry CRy F
msg_arg_data_copy : (I, I, I) -> ()                                  // I U RQ NRQ TQ CQ Ry CRy F
msg_caller_size : () -> I                                            // *
msg_caller_copy : (I, I, I) -> ()                                    // *
msg_caller_info_data_size : () -> I                                  // U RQ NRQ CQ Ry Rt CRy CRt C CC F
msg_caller_info_data_copy : (I, I, I) -> ()                          // U RQ NRQ CQ Ry Rt CRy CRt C CC F
msg_caller_info_signer_size : () -> I                                // U RQ NRQ CQ Ry Rt CRy CRt C CC F
msg_caller_info_signer_copy : (I, I, I) -> ()                        // U RQ NRQ CQ Ry Rt CRy CRt C CC F
msg_reject_code : () -> i32                                          // Ry Rt CRy CRt C
msg_reject_msg_size : () -> I                                        // Rt CRt
msg_reject_msg_copy : (I, I, I) -> ()                                // Rt CRt
msg_deadline : () -> i64                                             // U RQ NRQ CQ Ry Rt CRy CRt
msg_reply_data_append : (I, I) -> ()                                 // U RQ NRQ TQ CQ Ry Rt CRy CRt
msg_reply : () -> ()                                                 // U RQ NRQ TQ CQ Ry Rt CRy CRt
msg_reject : (I, I) -> ()                                            // U RQ NRQ TQ CQ Ry Rt CRy CRt
msg_cycles_available128 : (I) -> ()                                  // U RQ Rt Ry
msg_cycles_refunded128 : (I) -> ()                                   // Rt Ry
msg_cycles_accept128 : (i64, i64, I) -> ()                           // U RQ Rt Ry
cycles_burn128 : (i64, i64, I) -> ()                                 // I G U RQ Ry Rt C T
canister_self_size : () -> I                                         // *
canister_self_copy : (I, I, I) -> ()                                 // *
canister_cycle_balance128 : (I) -> ()                                // *
canister_liquid_cycle_balance128 : (I) -> ()                         // *
canister_status : () -> i32                                          // *
canister_version : () -> i64                                         // *
subnet_self_size : () -> I                                           // *
subnet_self_copy : (I, I, I) -> ()                                   // *
msg_method_name_size : () -> I                                       // F
msg_method_name_copy : (I, I, I) -> ()                               // F
accept_message : () -> ()                                            // F
call_new : (I, I, I, I, I, I, I, I) -> ()                            // U CQ Ry Rt CRy CRt T
call_on_cleanup : (I, I) -> ()                                       // U CQ Ry Rt CRy CRt T
call_data_append : (I, I) -> ()                                      // U CQ Ry Rt CRy CRt T
call_with_best_effort_response : (i32) -> ()                         // U CQ Ry Rt CRy CRt T
call_cycles_add128 : (i64, i64) -> ()                                // U Ry Rt T
call_perform : () -> i32                                             // U CQ Ry Rt CRy CRt T
stable64_size : () -> i64                                            // * s
stable64_grow : (i64) -> i64                                         // * s
stable64_write : (i64, i64, i64) -> ()                               // * s
stable64_read : (i64, i64, i64) -> ()                                // * s
root_key_size : () -> I                                              // I G U RQ Ry Rt C T
root_key_copy : (I, I, I) -> ()                                      // I G U RQ Ry Rt C T
certified_data_set : (I, I) -> ()                                    // I G U Ry Rt T
data_certificate_present : () -> i32                                 // *
data_certificate_size : () -> I                                      // NRQ CQ
data_certificate_copy : (I, I, I) -> ()                              // NRQ CQ
time : () -> i64                                                     // *
global_timer_set : (i64) -> i64                                      // I G U Ry Rt C T
performance_counter : (i32) -> i64                                   // * s
is_controller : (I, I) -> i32                                        // * s
in_replicated_execution : () -> i32                                  // * s
cost_call : (i64, i64, I) -> ()                                      // * s
cost_create_canister : (I) -> ()                                     // * s
cost_http_request : (i64, i64, I) -> ()                              // * s
cost_sign_with_ecdsa : (I, I, i32, I) -> i32                         // * s
cost_sign_with_schnorr : (I, I, i32, I) -> i32                       // * s
cost_vetkd_derive_key : (I, I, i32, I) -> i32                        // * s
env_var_count : () -> I                                              // *
env_var_name_size : (I) -> I                                         // *
env_var_name_copy : (I, I, I, I) -> ()                               // *
env_var_name_exists : (I, I) -> i32                                  // *
env_var_value_size : (I, I) -> I                                     // *
env_var_value_copy : (I, I, I, I, I) -> ()                           // *
debug_print : (I, I) -> ()                                           // * s
trap : (I, I) -> ()                                                  // * s
mint_cycles128 : (i64, i64, I) -> ()                                 // U Ry Rt T
`;

/** Only for modules with 32-bit memory. */
const TABLE_32 = `
msg_cycles_available : () -> i64                                     // U RQ Rt Ry
msg_cycles_refunded : () -> i64                                      // Rt Ry
msg_cycles_accept : (i64) -> i64                                     // U RQ Rt Ry
canister_cycle_balance : () -> i64                                   // *
call_cycles_add : (i64) -> ()                                        // U Ry Rt T
stable_size : () -> i32                                              // * s
stable_grow : (i32) -> i32                                           // * s
stable_write : (i32, i32, i32) -> ()                                 // * s
stable_read : (i32, i32, i32) -> ()                                  // * s
`;

/** The spec's letters for each entry point, and what error texts call it. */
export const CONTEXTS: Readonly<Record<EntryContext, readonly [letter: string, name: string]>> = {
  start: ['s', 'start'],
  init: ['I', 'init'],
  postUpgrade: ['I', 'init'],
  preUpgrade: ['G', 'pre upgrade'],
  update: ['U', 'update'],
  replicatedQuery: ['RQ', 'replicated query'],
  nonReplicatedQuery: ['NRQ', 'non replicated query'],
  httpTransform: ['TQ', 'non replicated query'],
  compositeQuery: ['CQ', 'composite query'],
  inspectMessage: ['F', 'inspect message'],
  onLowWasmMemory: ['T', 'on low Wasm memory'],
  heartbeat: ['T', 'heartbeat'],
  globalTimer: ['T', 'global timer'],
  replyCallback: ['Ry', 'reply callback'],
  rejectCallback: ['Rt', 'reject callback'],
  cleanup: ['C', 'cleanup'],
  compositeReplyCallback: ['CRy', 'composite reply callback'],
  compositeRejectCallback: ['CRt', 'composite reject callback'],
  compositeCleanup: ['CC', 'composite cleanup'],
};

const ANYWHERE = 'I G U RQ NRQ TQ CQ Ry Rt CRy CRt C CC F T';

export interface SpecFunction {
  readonly name: string;
  /** `I`, `i32` and `i64`. */
  readonly params: readonly string[];
  readonly result: string | undefined;
  readonly contexts: ReadonlySet<string>;
}

function parse(table: string): SpecFunction[] {
  return table
    .trim()
    .split('\n')
    .map((line) => {
      const [, name, params, result, contexts] =
        /^(\w+) : \((.*)\) -> (\S+) +\/\/ (.+)$/.exec(line) ?? [];
      if (name === undefined || params === undefined || contexts === undefined) {
        throw new TypeError(`no function in the line: ${line}`);
      }
      return {
        name,
        params: params === '' ? [] : params.split(', '),
        result: result === '()' ? undefined : result,
        contexts: new Set(contexts.replace('*', ANYWHERE).split(' ')),
      };
    });
}

/** All functions that a module with such memory may import. */
export function specFunctions(memory64: boolean): readonly SpecFunction[] {
  return [...parse(TABLE), ...(memory64 ? [] : parse(TABLE_32))];
}

/** Names of the functions that 64-bit modules may not import. */
export const ONLY_32_BIT: readonly SpecFunction[] = parse(TABLE_32);

/** WAT type of a letter of the table. */
export function watType(type: string, memory64: boolean): string {
  return type === 'I' ? (memory64 ? 'i64' : 'i32') : type;
}

/** An import, named `$name`. */
export function watImport({ name, params, result }: SpecFunction, memory64: boolean): string {
  const types = params.map((type) => watType(type, memory64));
  const results = result === undefined ? '' : `(result ${watType(result, memory64)})`;
  return `(import "ic0" "${name}" (func $${name} (param ${types.join(' ')}) ${results}))`;
}

/** Calls the function with zeros and drops its result. */
export function watCall({ name, params, result }: SpecFunction, memory64: boolean): string {
  const args = params.map((type) => `(${watType(type, memory64)}.const 0)`);
  const call = `(call $${name} ${args.join(' ')})`;
  return result === undefined ? call : `(drop ${call})`;
}

/** The violation of a function called from where it may not be. */
export function forbiddenText(name: string, mode: string): string {
  return `Canister violated contract: "ic0_${name}" cannot be executed in ${mode} mode`;
}

export const FORBIDDEN_HELP =
  '.\nCheck the ICP documentation to make sure APIs are being called in the correct message types. See documentation: https://internetcomputer.org/docs/current/references/execution-errors#calling-a-system-api-from-the-wrong-mode';
