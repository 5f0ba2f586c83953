import { MAX_TRAP_BYTES } from '../../limits/execution.ts';
import { bytesToHex } from '../../../base/hex.ts';
import { decodeUtf8Lossy, encodeUtf8 } from '../../../base/utf8.ts';
import { MAX_PRINCIPAL_BYTES } from '../../crypto/principal.ts';
import { MAX_CERTIFIED_DATA_BYTES } from '../../limits/execution.ts';
import {
  calledTrap,
  invalidPrincipal,
  toolchainViolation,
  userViolation,
} from './canister-trap.ts';
import type { SystemApiFunctions } from './functions.ts';

type EnvironmentNames =
  | 'canister_status'
  | 'canister_version'
  | 'certified_data_set'
  | 'debug_print'
  | 'global_timer_set'
  | 'in_replicated_execution'
  | 'is_controller'
  | 'performance_counter'
  | 'time'
  | 'trap';

/** Time, timers, certified data, logging and introspection. */
export const environmentFunctions: SystemApiFunctions<EnvironmentNames> = {
  canister_status: ({ input }) => input.canisterStatus,
  canister_version: ({ input }) => input.canisterVersion,
  certified_data_set: (session, source, size) => {
    if (size > MAX_CERTIFIED_DATA_BYTES) {
      throw userViolation(
        `ic0_certified_data_set failed because the passed data must be no larger than ${MAX_CERTIFIED_DATA_BYTES} bytes. Found ${size} bytes.`,
        'Try certifying just the hash of your data instead of the full contents.',
        'certified_data_set-payload-too-large',
      );
    }
    const heapSize = session.ports.heap.size();
    if (source + size > heapSize) {
      throw toolchainViolation(
        `ic0_certified_data_set failed because src + size is out of bounds. Found src = ${source} and size = ${size} while src + size must be <= ${heapSize}`,
      );
    }
    session.certifiedData = session.readHeap('ic0.certified_data_set', source, size);
  },
  // Printing never fails: a message outside of memory is replaced.
  debug_print: (session, source, size) =>
    session.log.add(
      session.peekHeap(source, size) ?? encodeUtf8('(debug_print message out of memory bounds)'),
    ),
  global_timer_set: (session, timestamp) => {
    const previous = session.globalTimer ?? session.input.globalTimer;
    session.globalTimer = timestamp;
    return previous;
  },
  in_replicated_execution: ({ input }) => (input.replicated ? 1 : 0),
  is_controller: (session, source, size) => {
    const bytes = session.heapRange('ic0.is_controller', source, size);
    if (size > MAX_PRINCIPAL_BYTES) {
      throw invalidPrincipal();
    }
    const id = bytesToHex(bytes);
    return session.input.controllers.some((controller) => controller === id) ? 1 : 0;
  },
  performance_counter: ({ input, ports }, type) => {
    if (type !== 0 && type !== 1) {
      throw userViolation(`Error getting performance counter type ${type}`);
    }
    const used = ports.meter.limit - ports.meter.remaining();
    return type === 0 ? used : used + input.call.instructionsBefore;
  },
  time: ({ input }) => input.timeNs,
  trap: (session, source, size) => {
    const text = session.peekHeap(source, Math.min(size, MAX_TRAP_BYTES));
    throw calledTrap(
      text === undefined ? '(trap message out of memory bounds)' : decodeUtf8Lossy(text),
    );
  },
};
