import type { CyclesFacts } from '../interfaces/trace.ts';
import { isRequest, type SubnetMessage } from '../replicated-state/canister-messages.ts';
import { outgoingMessages } from '../replicated-state/output-queues.ts';
import type { ReplicatedState } from '../replicated-state/replicated-state.ts';
import { cyclesOf } from '../replicated-state/streams.ts';
import type { Cycles } from '../types/ids.ts';
import { CANISTER_SUMMARY } from './canister-summary.ts';

/**
 * Counts all cycles of a subnet. Whatever happened, `held + inFlight + consumed + sent = created +
 * received`: cycles are moved and consumed, never made and never lost. What stands in a stream to
 * another subnet was sent.
 */
export function countCycles(state: ReplicatedState): CyclesFacts {
  const { cycles, cyclesInFlight } = state.canisters.summary(CANISTER_SUMMARY);
  const waiting: readonly SubnetMessage[] = [...state.subnetQueue, ...state.randomRequests];
  const inQueues = waiting.reduce(
    (sum, message) => sum + (isRequest(message) ? message.cycles : 0n),
    0n,
  );
  const { createdCycles, consumedCycles, sentCycles, receivedCycles } = state.metrics;
  return {
    created: createdCycles,
    held: cycles,
    inFlight: cyclesInFlight + inQueues + outboundCycles(state),
    consumed: consumedCycles,
    sent: sentCycles,
    received: receivedCycles,
  };
}

/** Not sent yet: in the management canister's output, in refunds, and in the loopback stream. */
function outboundCycles({ streams, subnetId, subnetOutputs, refunds }: ReplicatedState): Cycles {
  let cycles = 0n;
  for (const { message } of outgoingMessages(subnetOutputs)) {
    cycles += cyclesOf(message);
  }
  for (const [, amount] of refunds) {
    cycles += amount;
  }
  for (const message of streams.get(subnetId)?.messages ?? []) {
    cycles += cyclesOf(message);
  }
  return cycles;
}
