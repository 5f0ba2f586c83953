import { codedError } from '../../base/result.ts';
import type { DelayBudget } from '../../protocol/interfaces/replica.ts';
import type {
  HttpReply,
  HttpRequest,
  NodeCore,
  NodeEffect,
  NodeInput,
  NodeOutput,
  NodeStatus,
} from '../../protocol/node/node-io.ts';
import type { TraceEvent } from '../../protocol/interfaces/trace.ts';
import type { Height, NodeId } from '../../protocol/types/ids.ts';
import type { SubnetRecord } from '../../protocol/types/registry.ts';
import type { MaliciousBehaviour } from '../../protocol/types/malicious.ts';
import type { NodeConditions } from '../../wire/node-conditions.ts';
import type { NetworkClock } from '../clock/network-clock.ts';
import type { HostTimers, Scheduler } from '../clock/scheduler.ts';
import type { SandboxClient } from '../sandbox/sandbox-client.ts';
import type { StorageError, StoragePort } from '../storage/storage-port.ts';
import type { Transport } from '../transport/transport.ts';
import { createNodeMachine } from './node-machine.ts';
import type { TelemetryOutbox } from './telemetry-outbox.ts';

/** Everything around one core: brings it its inputs and does what it asks for. */
export interface NodeHost {
  packet(from: NodeId, bytes: Uint8Array): void;
  /**
   * Answers through `onReply`; returns what withdraws the request.
   * @param from a node that asks; absent = a client
   */
  http(request: HttpRequest, onReply: (reply: HttpReply) => void, from?: NodeId): () => void;
  setDelays(delays: DelayBudget): void;
  /** New registry versions, ascending. */
  applyRegistry(records: readonly SubnetRecord[]): void;
  /** See the input `registryRecovery`. */
  recoverRegistry(deltas: readonly Uint8Array[]): void;
  /** What the world does to this node from now on; the disk's part is the storage's business. */
  setConditions(conditions: NodeConditions): void;
  setMalicious(behaviours: readonly MaliciousBehaviour[]): void;
  /** Calls back once the core has finalized `height`, at once when it has. */
  whenFinalized(height: Height, onReached: () => void): void;
  status(): NodeStatus;
  /** Wall milliseconds spent inside the core since the start. */
  busyMs(): number;
  /** Takes no more inputs and does nothing more. */
  close(): void;
}

export interface NodeHostDeps {
  readonly conditions: NodeConditions;
  readonly core: NodeCore;
  readonly transport: Pick<Transport, 'send' | 'flush'>;
  readonly clock: NetworkClock;
  readonly scheduler: Scheduler;
  readonly timers: HostTimers;
  readonly storage: StoragePort;
  readonly sandbox: SandboxClient;
  /** Asks a node of another subnet; null = no answer came. */
  fetch(to: NodeId, request: HttpRequest, done: (reply: HttpReply | null) => void): void;
  readonly telemetry: TelemetryOutbox;
  /** A stopwatch, milliseconds. */
  stopwatchMs(): number;
  /** The node cannot go on; its worker must end. */
  onFatal(reason: string): void;
  /** After each step: heights for the gateway and for whoever waits. */
  onStep(status: NodeStatus): void;
}

/** Inputs given to the core in one step; more would keep other events of the worker waiting. */
const MAX_INPUTS_PER_STEP = 256;
/** Packets beyond this are dropped like in a full socket; peers send them again. */
const MAX_QUEUED_PACKETS = 4_096;

/** Turns that may follow a finished write before the worker's other events get their turn. */
const MAX_TURNS_AT_ONCE = 4;

export function createNodeHost(deps: NodeHostDeps): NodeHost {
  const inputs = createIntake((from) => deps.telemetry.trace([inboxOverflow(from)]));
  const heightWaiters = createHeightWaiters();
  const machine = createNodeMachine(deps.clock, deps.timers, deps.conditions);
  let turnPlanned = false;
  let turnsAtOnce = 0;
  let busyMs = 0;
  let closed = false;
  let cancelWake: (() => void) | undefined;

  const planTurn = (): void => {
    if (!turnPlanned && !closed) {
      turnPlanned = true;
      deps.timers.set(0, plannedTurn);
    }
  };
  const push = (input: NodeInput): void => {
    inputs.push(input);
    planTurn();
  };
  const requests = createOpenRequests(push);
  const plannedTurn = (): void => {
    turnPlanned = false;
    turnsAtOnce = 0;
    turn();
  };
  const turn = (): void => {
    if (closed || !machine.isFree()) {
      return;
    }
    const taken = inputs.take();
    const startedMs = deps.stopwatchMs();
    let output: NodeOutput;
    try {
      output = deps.core.step(machine.nowNs(), taken);
    } catch (error) {
      close();
      deps.onFatal(describeError(error));
      return;
    }
    const spentMs = deps.stopwatchMs() - startedMs;
    busyMs += spentMs;
    machine.work(spentMs, () => perform(output));
  };
  const perform = (output: NodeOutput): void => {
    if (closed) {
      return;
    }
    for (const { to, bytes } of output.transmits) {
      deps.transport.send(to, bytes);
    }
    deps.transport.flush();
    for (const effect of output.effects) {
      performEffect(effect);
    }
    deps.telemetry.sent(output.transmits);
    deps.telemetry.trace(output.trace);
    planWake(output.nextWakeNs);
    const status = deps.core.status();
    deps.telemetry.heights(status);
    deps.onStep(status);
    heightWaiters.reached(status.finalized);
    if (!inputs.isEmpty()) {
      planTurn();
    }
  };
  const planWake = (timeNs: bigint | null): void => {
    cancelWake?.();
    cancelWake =
      timeNs === null ? undefined : deps.scheduler.at(machine.networkTimeOf(timeNs), planTurn);
  };
  const performEffect = (effect: NodeEffect): void => {
    switch (effect.kind) {
      case 'sandbox': {
        const { operationId } = effect;
        const askedMs = deps.stopwatchMs();
        deps.sandbox.request(effect.request, (reply) =>
          machine.workAside(deps.stopwatchMs() - askedMs, () =>
            push({ kind: 'sandboxReply', operationId, reply }),
          ),
        );
        return;
      }
      case 'fetch':
        deps.fetch(effect.to, effect.request, (reply) =>
          push({ kind: 'fetched', operationId: effect.operationId, reply }),
        );
        return;
      case 'httpReply':
        requests.answer(effect.requestId, effect.reply);
        return;
      case 'persist':
        void persist(effect);
    }
  };
  const persist = async (effect: NodeEffect & { readonly kind: 'persist' }): Promise<void> => {
    const written = await deps.storage.write({ writes: effect.writes });
    if (written.ok) {
      inputs.push({ kind: 'persisted', operationId: effect.operationId });
      if (turnsAtOnce < MAX_TURNS_AT_ONCE) {
        // Not in a later turn: the node's next word to its peers waits for this only.
        turnsAtOnce += 1;
        turn();
      } else {
        planTurn();
      }
    } else if (!closed) {
      close();
      reportDiskFailure(deps, written.error);
    }
  };
  const close = (): void => {
    closed = true;
    cancelWake?.();
    inputs.clear();
  };

  // The first step starts the core's own work.
  planTurn();
  return {
    packet: (from, bytes) => {
      push({ kind: 'packet', from, bytes });
    },
    http: requests.open,
    setConditions: (next) => {
      machine.setConditions(next);
      // Also renews the wake-up time, which follows the node's clock.
      planTurn();
    },
    setMalicious: (behaviours) => push({ kind: 'malicious', behaviours }),
    setDelays: (delays) => push({ kind: 'delaysChanged', delays }),
    recoverRegistry: (deltas) => push({ kind: 'registryRecovery', deltas }),
    applyRegistry: (records) => push({ kind: 'registryDelta', records }),
    whenFinalized: (height, onReached) => {
      const isReached = deps.core.status().finalized >= height;
      return isReached ? onReached() : heightWaiters.add(height, onReached);
    },
    status: () => deps.core.status(),
    busyMs: () => busyMs,
    close,
  };
}

/** The node must not go on: its next word would need what it could not store. */
function reportDiskFailure(deps: NodeHostDeps, { code, message: cause }: StorageError): void {
  const message = `the disk failed: ${cause}`;
  deps.telemetry.trace([{ kind: 'criticalError', code, message }]);
  deps.onFatal(message);
}

function inboxOverflow(from: NodeId): TraceEvent {
  const { code, message } = codedError('limit', 'INBOX_OVERFLOW', 'too many packets wait');
  return { kind: 'packetRejected', from, code, message };
}

/** What waits for the next steps of the core; of packets only so many. */
function createIntake(onOverflow: (from: NodeId) => void) {
  const waiting: NodeInput[] = [];
  let packets = 0;
  return {
    push: (input: NodeInput): void => {
      if (input.kind === 'packet' && packets >= MAX_QUEUED_PACKETS) {
        onOverflow(input.from);
        return;
      }
      packets += input.kind === 'packet' ? 1 : 0;
      waiting.push(input);
    },
    /** As much as one step may take. */
    take: (): readonly NodeInput[] => {
      const taken = waiting.splice(0, MAX_INPUTS_PER_STEP);
      packets -= taken.filter((input) => input.kind === 'packet').length;
      return taken;
    },
    isEmpty: (): boolean => waiting.length === 0,
    clear: (): void => {
      waiting.length = 0;
      packets = 0;
    },
  };
}

/** Clients that wait for an answer; each gets one, or withdraws. */
function createOpenRequests(push: (input: NodeInput) => void) {
  const replies = new Map<number, (reply: HttpReply) => void>();
  let nextRequestId = 0;
  return {
    open: (
      request: HttpRequest,
      onReply: (reply: HttpReply) => void,
      from?: NodeId,
    ): (() => void) => {
      nextRequestId += 1;
      const requestId = nextRequestId;
      replies.set(requestId, onReply);
      push({ kind: 'httpRequest', requestId, request, ...(from !== undefined && { from }) });
      return () => {
        if (replies.delete(requestId)) {
          push({ kind: 'httpCancelled', requestId });
        }
      };
    },
    answer: (requestId: number, reply: HttpReply): void => {
      const onReply = replies.get(requestId);
      replies.delete(requestId);
      onReply?.(reply);
    },
  };
}

/** Who waits for a finalized height; each is called once. */
function createHeightWaiters() {
  let waiting: { readonly height: Height; readonly onReached: () => void }[] = [];
  return {
    add: (height: Height, onReached: () => void): void => {
      waiting.push({ height, onReached });
    },
    reached: (finalized: Height): void => {
      const due = waiting.filter(({ height }) => height <= finalized);
      if (due.length > 0) {
        waiting = waiting.filter(({ height }) => height > finalized);
        for (const { onReached } of due) {
          onReached();
        }
      }
    },
  };
}

/** What a person needs of an error that should never have happened: its text and where. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  const [, place = ''] = (error.stack ?? '').split('\n');
  return `${error.name}: ${error.message} ${place.trim()}`.trim();
}
