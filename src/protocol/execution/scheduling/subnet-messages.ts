import { present } from '../../../base/assert.ts';
import { INSTRUCTION_OVERHEAD_PER_MESSAGE } from '../../limits/execution.ts';
import { isRequest, type SubnetMessage } from '../../replicated-state/canister-messages.ts';
import type { CanisterId, Instructions } from '../../types/ids.ts';
import { decodeTarget } from '../management/arguments.ts';
import { executeSubnetMessage } from '../management/execute-subnet-message.ts';
import { answerSubnetMessage } from '../management/stop-canister.ts';
import type { RoundState } from '../round-state.ts';
import type { SandboxTask } from '../run-on-sandbox.ts';
import { continueLong, newLongExecution, recordPause } from './execute-slice.ts';
import { chargeHeapDelta, chargeInstallation, installRateError } from './rate-limits.ts';
import { runSlice, type SliceEnd } from './run-slice.ts';

/**
 * Calls of the management canister. They have a budget of their own; one installation at a time may
 * take several rounds, and the others wait for it.
 * @upstream rs/execution_environment/src/scheduler.rs#drain_subnet_queues
 */
export class SubnetMessages {
  readonly #round: RoundState;
  #left: Instructions;
  /** Users and canisters take turns, over rounds too, so that neither can keep the other waiting. */
  #requestFirst: boolean;

  constructor(round: RoundState) {
    this.#round = round;
    this.#left = round.env.limits.subnetMessageInstructions;
    this.#requestFirst = round.height % 2 === 1;
  }

  /** Goes on with the installation that did not end in an earlier round. */
  *continueInstallation(): SandboxTask<void> {
    for (const canisterId of this.#longCanisters()) {
      const { longExecution } = this.#round.canister(canisterId);
      if (longExecution?.input.kind === 'install' && this.#left > 0n) {
        this.#book(yield* continueLong(this.#round, canisterId, longExecution));
      }
    }
  }

  /** Executes what waits while the budget lasts. @returns how many it executed */
  *drain(): SandboxTask<number> {
    let executed = 0;
    while (this.#left > 0n) {
      const message = this.#take();
      if (message === undefined) {
        break;
      }
      executed += 1;
      yield* this.#execute(message);
    }
    return executed;
  }

  *#execute(message: SubnetMessage): SandboxTask<void> {
    const round = this.#round;
    const target = targetOf(message);
    const limited =
      isInstallation(message) && target !== undefined ? installRateError(round, target) : undefined;
    if (limited !== undefined) {
      const refund = isRequest(message) ? message.cycles : 0n;
      answerSubnetMessage(round, message, { kind: 'rejected', error: limited }, refund);
      return;
    }
    const slice = round.env.limits.installSliceInstructions;
    const end = yield* runSlice(round, null, slice, (fork) => executeSubnetMessage(fork, message));
    if (end.paused !== null) {
      const canisterId = present(end.canisterId, 'a paused installation runs on a canister');
      recordPause(round, canisterId, newLongExecution({ kind: 'install', message }), end);
    }
    this.#book(end);
  }

  #book({ paused, instructions, heapDeltaBytes, canisterId }: SliceEnd): void {
    this.#left -= instructions + INSTRUCTION_OVERHEAD_PER_MESSAGE;
    if (canisterId !== null) {
      chargeInstallation(this.#round, canisterId, instructions);
      if (paused === null) {
        chargeHeapDelta(this.#round, canisterId, heapDeltaBytes);
      }
    }
  }

  #longCanisters(): readonly CanisterId[] {
    return this.#round.select((sum) => sum.hasLongExecution);
  }

  /** The first that can run of the preferred kind, else the first that can. */
  #take(): SubnetMessage | undefined {
    const round = this.#round;
    const queue = round.subnetQueue;
    if (queue.length === 0) {
      return undefined;
    }
    const busy = new Set(this.#longCanisters());
    const installs = [...busy].some(
      (canisterId) => round.canister(canisterId).longExecution?.input.kind === 'install',
    );
    const canRun = (message: SubnetMessage): boolean => {
      if (installs && isInstallation(message)) {
        return false;
      }
      const target = busy.size === 0 ? undefined : targetOf(message);
      return target === undefined || !busy.has(target);
    };
    const preferred = queue.findIndex(
      (message) => isRequest(message) === this.#requestFirst && canRun(message),
    );
    const at = preferred < 0 ? queue.findIndex(canRun) : preferred;
    const message = queue[at];
    if (message !== undefined) {
      this.#requestFirst = !this.#requestFirst;
      round.subnetQueue = queue.toSpliced(at, 1);
    }
    return message;
  }
}

function isInstallation({ methodName }: SubnetMessage): boolean {
  return methodName === 'install_code' || methodName === 'install_chunked_code';
}

/** The canister that a management call is about. */
function targetOf(message: SubnetMessage): CanisterId | undefined {
  if (!isRequest(message)) {
    return message.effectiveCanisterId as CanisterId;
  }
  const target = decodeTarget(message.methodName, message.arg);
  return target.ok ? target.value : undefined;
}
