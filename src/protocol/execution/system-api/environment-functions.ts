import { bytesToHex } from '../../../base/hex.ts';
import { calledTrap, contractViolation } from './canister-trap.ts';
import { BYTE_COST, LOG_BYTE_COST } from './costs.ts';
import type { SystemApiFunctions } from './functions.ts';
import type { ApiSession } from './session.ts';
import { displayText } from './session.ts';

const KIB = 1024;
const MAX_DEBUG_PRINT_BYTES = 32 * KIB;
const MAX_TRAP_BYTES = 16 * KIB;
const MAX_CERTIFIED_DATA_BYTES = 32;
const MAX_PRINCIPAL_BYTES = 29;

type EnvironmentNames =
  | 'canister_status'
  | 'canister_version'
  | 'certified_data_set'
  | 'debug_print'
  | `env_var_${'count' | 'name_copy' | 'name_exists' | 'name_size' | 'value_copy' | 'value_size'}`
  | 'global_timer_set'
  | 'in_replicated_execution'
  | 'is_controller'
  | 'performance_counter'
  | 'time'
  | 'trap';

function noVariableAt(index: number): never {
  throw contractViolation(
    `Environment variable index ${index} is out of bounds. The number of environment variables is 0.`,
  );
}

function noVariableNamed(session: ApiSession, source: number, size: number): never {
  const name = displayText(session.heapRange('env_var_value', source, size));
  throw contractViolation(`Environment variable ${name} not found.`);
}

/** Time, timers, certified data, logging and introspection. Environment variables cannot be set yet, so there are none. */
export const environmentFunctions: SystemApiFunctions<EnvironmentNames> = {
  canister_status: ({ input }) => input.canisterStatus,
  canister_version: ({ input }) => input.canisterVersion,
  certified_data_set: (session, source, size) => {
    if (size > MAX_CERTIFIED_DATA_BYTES) {
      throw contractViolation(
        `ic0.certified_data_set failed because the passed data must be no larger than ${MAX_CERTIFIED_DATA_BYTES} bytes. Found ${size} bytes.`,
      );
    }
    session.charge(size * BYTE_COST);
    session.certifiedData = session.readHeap('certified_data_set', source, size);
  },
  debug_print: (session, source, size) => {
    const kept = Math.min(size, MAX_DEBUG_PRINT_BYTES);
    session.charge(size * BYTE_COST + kept * LOG_BYTE_COST);
    session.heapRange('debug_print', source, size);
    session.log(displayText(session.heapRange('debug_print', source, kept)));
  },
  env_var_count: () => 0,
  env_var_name_copy: (_session, index) => noVariableAt(index),
  env_var_name_exists: (session, source, size) => {
    session.heapRange('env_var_name_exists', source, size);
    return 0;
  },
  env_var_name_size: (_session, index) => noVariableAt(index),
  env_var_value_copy: (session, source, size) => noVariableNamed(session, source, size),
  env_var_value_size: (session, source, size) => noVariableNamed(session, source, size),
  global_timer_set: (session, timestamp) => {
    const previous = session.globalTimer ?? session.input.globalTimer;
    session.globalTimer = timestamp;
    return previous;
  },
  in_replicated_execution: ({ input }) => (input.replicated ? 1 : 0),
  is_controller: (session, source, size) => {
    if (size > MAX_PRINCIPAL_BYTES) {
      throw contractViolation('ic0.is_controller: the bytes are not a principal');
    }
    const id = bytesToHex(session.heapRange('is_controller', source, size));
    return session.input.controllers.some((controller) => controller === id) ? 1 : 0;
  },
  performance_counter: ({ input, ports }, type) => {
    if (type !== 0 && type !== 1) {
      throw contractViolation(`Error getting performance counter type ${type}`);
    }
    const used = ports.meter.limit - ports.meter.remaining();
    return type === 0 ? used : used + input.call.instructionsBefore;
  },
  time: ({ input }) => input.timeNs,
  trap: (session, source, size) => {
    const kept = Math.min(size, MAX_TRAP_BYTES);
    session.charge(size * BYTE_COST);
    session.heapRange('trap', source, size);
    throw calledTrap(displayText(session.heapRange('trap', source, kept)));
  },
};
