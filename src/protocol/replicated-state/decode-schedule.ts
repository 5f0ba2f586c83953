import type { CborMap, CborValue } from '../crypto/cbor.ts';
import type { CanisterId } from '../types/ids.ts';
import { big, list, Malformed, small, text } from './decode-fields.ts';
import { canisterMessageFrom, messageFrom, subnetMessageFrom } from './decode-messages.ts';
import { RadixMap } from './radix-map.ts';
import type {
  CanisterPriority,
  LongExecution,
  LongInput,
  Schedule,
  ScheduledMethod,
} from './schedule.ts';

/** Reads back what `encode-schedule.ts` writes. Everything here throws `Malformed`. */

function integer(value: CborValue | undefined): number {
  const exact = Number(big(value));
  if (!Number.isSafeInteger(exact)) {
    throw new Malformed('an integer of at most 53 bits');
  }
  return exact;
}

function modeFrom(value: CborValue | undefined): CanisterPriority['longExecutionMode'] {
  const mode = text(value);
  if (mode !== 'opportunistic' && mode !== 'prioritized') {
    throw new Malformed('a mode of long executions');
  }
  return mode;
}

export function scheduleFrom(fields: CborMap): Schedule {
  let priorities = RadixMap.empty<CanisterPriority>();
  for (const item of list(fields.get('priorities'))) {
    const [id, accumulated, credit, mode, height, heapDelta, install] = list(item);
    const canisterId = text<CanisterId>(id);
    if (priorities.has(canisterId)) {
      throw new Malformed('each canister once');
    }
    priorities = priorities.set(canisterId, {
      accumulatedPriority: integer(accumulated),
      priorityCredit: integer(credit),
      longExecutionMode: modeFrom(mode),
      lastFullExecutionHeight: small(height),
      heapDeltaDebit: small(heapDelta),
      installCodeDebit: big(install),
    });
  }
  return { priorities, heapDeltaBytes: small(fields.get('heapDeltaBytes')) };
}

export function scheduledMethodFrom(value: CborValue | undefined): ScheduledMethod {
  const method = text(value);
  if (method !== 'globalTimer' && method !== 'heartbeat' && method !== 'message') {
    throw new Malformed('a scheduled method');
  }
  return method;
}

/** More would make the slices longer than any message may be. */
const MAX_SLOW_ATTEMPTS = 64;

export function longExecutionFrom(value: CborValue | undefined): LongExecution | null {
  if (value === null) {
    return null;
  }
  const [, , held, attempts, prepaid] = list(value);
  const slowAttempts = small(attempts);
  if (slowAttempts > MAX_SLOW_ATTEMPTS) {
    throw new Malformed('a number of attempts');
  }
  return {
    input: inputFrom(value),
    paused: null,
    prepaid: big(prepaid),
    heldCharges: big(held),
    slowAttempts,
  };
}

function inputFrom(value: CborValue | undefined): LongInput {
  const [kind, what] = list(value);
  if (what === undefined) {
    throw new Malformed('a long execution');
  }
  switch (text(kind)) {
    case 'task': {
      const task = text(what);
      if (task !== 'heartbeat' && task !== 'globalTimer' && task !== 'onLowWasmMemory') {
        throw new Malformed('a system task');
      }
      return { kind: 'task', task };
    }
    case 'install':
      return { kind: 'install', message: subnetMessageFrom(what) };
    case 'canister':
      return { kind: 'message', message: canisterMessageFrom(what) };
    case 'ingress':
      return { kind: 'message', message: messageFrom(what) };
    default:
      throw new Malformed('a long execution');
  }
}
