import type { CborInput } from '../crypto/cbor.ts';
import type { CanisterMessage, SubnetMessage } from './canister-messages.ts';
import type { IngressMessage } from './canister-state.ts';
import type { LongExecution, LongInput, Schedule } from './schedule.ts';

/** The scheduler's part of the encoded state, read back by `decode-schedule.ts`. */

export function encodePriorities(schedule: Schedule): CborInput[] {
  const entries: CborInput[] = [];
  for (const [canisterId, priority] of schedule.priorities.entries()) {
    entries.push([
      canisterId,
      priority.accumulatedPriority.toString(),
      priority.priorityCredit.toString(),
      priority.longExecutionMode,
      priority.lastFullExecutionHeight,
      priority.heapDeltaDebit,
      priority.installCodeDebit.toString(),
    ]);
  }
  return entries;
}

/** How messages are written; they are the business of `encode-state.ts`. */
export interface MessageEncoders {
  readonly ingress: (message: IngressMessage) => CborInput;
  readonly canister: (message: CanisterMessage) => CborInput;
  readonly subnet: (message: SubnetMessage) => CborInput;
}

/** The message of a long execution: all that is left of it at a checkpoint. */
export function encodeLongExecution(
  long: LongExecution | null,
  encoders: MessageEncoders,
): CborInput {
  if (long === null) {
    return null;
  }
  const [kind, what] = encodeInput(long.input, encoders);
  const { prepaid, heldCharges, slowAttempts } = long;
  return [kind, what, heldCharges.toString(), slowAttempts, prepaid.toString()];
}

function encodeInput(input: LongInput, encoders: MessageEncoders): readonly [string, CborInput] {
  switch (input.kind) {
    case 'task':
      return [input.kind, input.task];
    case 'install':
      return [input.kind, encoders.subnet(input.message)];
    case 'message':
      return 'kind' in input.message
        ? ['canister', encoders.canister(input.message)]
        : ['ingress', encoders.ingress(input.message)];
  }
}
