import { assert, present } from '../../base/assert.ts';
import { compareText } from '../../base/bytes.ts';
import type { Batch } from '../interfaces/replica.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import type { MemoryVersion } from '../interfaces/wasm-host.ts';
import type {
  CanisterId,
  Cycles,
  Instructions,
  PrincipalId,
  RegistryVersion,
  TimeNs,
} from '../types/ids.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import type {
  CallOrigin,
  CanisterMessage,
  CanisterRequest,
  SubnetMessage,
} from '../replicated-state/canister-messages.ts';
import type { CanisterState } from '../replicated-state/canister-state.ts';
import {
  addConsumed,
  NOTHING_CONSUMED,
  totalConsumed,
  withConsumed,
  type ConsumedCycles,
  type CyclesUseCase,
} from '../replicated-state/consumed-cycles.ts';
import {
  withIngressStatus,
  type IngressHistory,
  type IngressStatus,
} from '../replicated-state/ingress-history.ts';
import type { NodeMetricsSample } from '../replicated-state/node-metrics.ts';
import type { QueryStatsState } from '../replicated-state/query-stats-state.ts';
import type { Outbound, Streams } from '../replicated-state/streams.ts';
import type { RadixMap } from '../replicated-state/radix-map.ts';
import type {
  CanisterIdAllocation,
  ReplicatedState,
} from '../replicated-state/replicated-state.ts';
import { CANISTER_SUMMARY, type CanisterSummary } from './canister-summary.ts';
import type { BootstrapRegistry } from '../registry/bootstrap-registry.ts';
import type { Schedule } from '../replicated-state/schedule.ts';
import type { ExecutionEnvironment } from './execution-environment.ts';
import { roomOf, shareOf, takeMemory, takeMessage, takeUsed, type Room } from './subnet-room.ts';
import { charged, setAside } from './canister-balance.ts';
import { outcomeText, type MessageOutcome } from './message-outcome.ts';
import { callName, canisterChanged } from './round-trace.ts';

/** What of a user's call is needed to tell how it goes. */
type TrackedIngress = Extract<CallOrigin, { kind: 'ingress' }>['message'];

/** How onlookers know a message. */
interface EndedMessage {
  readonly messageId: string;
  readonly canisterId: PrincipalId;
  readonly methodName: string;
}

/** What a fork was made from. */
interface Origin {
  readonly round: RoundState;
  readonly shares: number;
  /** The fork has a map of its own, not only changes of single canisters. */
  replaced: boolean;
  /** As it was given to the fork. */
  room?: Room;
}

const NO_PREPAYMENT = { cycles: 0n, isEarlier: false } as const;

/** The working copy of the state during one round. Only this object is written in place. */
export class RoundState {
  readonly env: ExecutionEnvironment;
  readonly timeNs: TimeNs;
  readonly height: number;
  /** The batch's randomness, 32 bytes. */
  readonly randomness: Uint8Array;
  readonly registryVersion: RegistryVersion;
  /** Undefined = the network is this subnet alone. */
  readonly topology: NetworkTopology | undefined;
  nodeMetrics: readonly NodeMetricsSample[];
  #canisters: RadixMap<CanisterState>;
  /** Changed since `#canisters` was made: one message changes a canister many times. */
  readonly #changed = new Map<CanisterId, CanisterState>();
  history: IngressHistory;
  subnetQueue: readonly SubnetMessage[];
  randomRequests: readonly CanisterRequest[];
  /** Of the round alone, as are the next two: no fork touches them. */
  streams: Streams;
  subnetOutputs: Outbound['subnetOutputs'];
  readonly refunds: Map<PrincipalId, Cycles>;
  sentCycles: Cycles = 0n;
  receivedCycles: Cycles = 0n;
  /** Sent by canisters and not yet inducted, in order. */
  outbox: CanisterMessage[] = [];
  canisterIds: CanisterIdAllocation;
  registry: BootstrapRegistry | null;
  schedule: Schedule;
  queryStats: QueryStatsState;
  instructionsUsed: Instructions = 0n;
  messagesExecuted = 0;
  /** In this round. */
  consumed: ConsumedCycles = NOTHING_CONSUMED;
  createdCycles: Cycles = 0n;
  /** Of the message on this fork: what it was prepaid with, and whether that was so before this slice. */
  prepayment: { readonly cycles: Cycles; readonly isEarlier: boolean } = NO_PREPAYMENT;
  readonly trace: TraceEvent[] = [];
  private readonly before: ReplicatedState;
  #room: Room | undefined;
  /** Statuses set since the fork, in order; a round of its own keeps none. */
  #statuses: [message: TrackedIngress, status: IngressStatus][] = [];
  #origin: Origin | undefined;
  private readonly oldest: ReplicatedState;

  /** @param oldest the oldest state this node still reads from: its memories must not be forgotten */
  constructor(
    state: ReplicatedState,
    batch: Pick<Batch, 'height' | 'timeNs' | 'randomness' | 'registryVersion' | 'topology'>,
    env: ExecutionEnvironment,
    oldest: ReplicatedState = state,
  ) {
    this.before = state;
    this.oldest = oldest;
    this.env = env;
    this.height = batch.height;
    this.timeNs = batch.timeNs;
    this.randomness = batch.randomness;
    this.registryVersion = batch.registryVersion;
    this.topology = batch.topology;
    this.nodeMetrics = state.nodeMetrics;
    this.#canisters = state.canisters;
    this.history = state.ingressHistory;
    this.subnetQueue = state.subnetQueue;
    this.randomRequests = state.randomRequests;
    this.streams = state.streams;
    this.subnetOutputs = state.subnetOutputs;
    this.refunds = new Map(state.refunds);
    this.canisterIds = state.canisterIds;
    this.registry = state.registry;
    this.schedule = state.schedule;
    this.queryStats = state.queryStats;
  }

  /** All canisters as they are now. Prefer `find` and `canister` for single ones: they cost less. */
  get canisters(): RadixMap<CanisterState> {
    if (this.#origin !== undefined && !this.#origin.replaced) {
      return this.#origin.round.canisters.setAll(this.#changed);
    }
    if (this.#changed.size > 0) {
      this.#canisters = this.#canisters.setAll(this.#changed);
      this.#changed.clear();
    }
    return this.#canisters;
  }

  set canisters(canisters: RadixMap<CanisterState>) {
    if (this.#origin !== undefined) {
      assert(this.#origin.shares === 1, 'forks that run side by side change single canisters');
      this.#origin.replaced = true;
    }
    this.#changed.clear();
    this.#canisters = canisters;
  }

  find(canisterId: PrincipalId): CanisterState | undefined {
    const changed = this.#changed.get(canisterId as CanisterId);
    if (changed !== undefined || this.#origin === undefined || this.#origin.replaced) {
      return changed ?? this.#canisters.get(canisterId);
    }
    return this.#origin.round.find(canisterId);
  }

  canister(canisterId: CanisterId): CanisterState {
    return present(this.find(canisterId), 'the canister exists in this round');
  }

  /** Canisters as of the last checkpoint. */
  get atCheckpoint(): RadixMap<CanisterState> {
    return this.before.atCheckpoint;
  }

  /** Totals of all canisters as they are now. */
  summary(): CanisterSummary {
    return this.canisters.summary(CANISTER_SUMMARY);
  }

  /** Ids of canisters for whose summary `isWanted`, in order; see `RadixMap.select`. */
  select(isWanted: (summary: CanisterSummary) => boolean): readonly CanisterId[] {
    const found: CanisterId[] = [];
    for (const { canisterId } of this.canisters.select(CANISTER_SUMMARY, isWanted)) {
      found.push(canisterId);
    }
    return found;
  }

  /** Host-local: the memory version below which the sandbox may forget this canister's memories. */
  oldestVersionInUse(canisterId: CanisterId, current: MemoryVersion): MemoryVersion {
    const oldest = this.oldest.canisters.get(canisterId)?.execution?.memoryVersion ?? current;
    return Math.min(oldest, current);
  }

  put(canister: CanisterState): void {
    if (this.#room !== undefined) {
      takeMemory(this.#room, canister, this.find(canister.canisterId));
    }
    this.#changed.set(canister.canisterId, canister);
  }

  /** Deletes a canister. What it leaves behind is the caller's to book. */
  remove(canisterId: CanisterId): void {
    if (this.#room !== undefined) {
      takeMemory(this.#room, undefined, this.canister(canisterId));
    }
    this.canisters = this.canisters.delete(canisterId);
  }

  update(canisterId: CanisterId, change: Partial<CanisterState>): void {
    this.put({ ...this.canister(canisterId), ...change });
  }

  /** Takes cycles for a service; never below zero. Idle costs are paid from the reserved balance first. */
  charge(canisterId: CanisterId, amount: Cycles, useCase: CyclesUseCase = 'instructions'): void {
    const { canister, paid } = charged(this.canister(canisterId), amount, useCase);
    this.consumed = withConsumed(this.consumed, useCase, paid);
    this.put(canister);
  }

  credit(canisterId: CanisterId, cycles: Cycles): void {
    const canister = this.canister(canisterId);
    this.put({ ...canister, cycles: canister.cycles + cycles });
  }

  /** What was created and consumed so far, for `restoreBooks` when a run is undone. */
  books(): Pick<RoundState, 'consumed' | 'createdCycles'> {
    return { consumed: this.consumed, createdCycles: this.createdCycles };
  }

  restoreBooks({ consumed, createdCycles }: Pick<RoundState, 'consumed' | 'createdCycles'>): void {
    this.consumed = consumed;
    this.createdCycles = createdCycles;
  }

  /** Moves cycles from the balance to the reserved balance. */
  reserve(canisterId: CanisterId, amount: Cycles): void {
    this.put(setAside(this.canister(canisterId), amount));
  }

  /** Books cycles as consumed that left a balance, or a call, already. Null: no canister stands for it. */
  consume(canisterId: CanisterId | null, amount: Cycles, useCase: CyclesUseCase): void {
    this.consumed = withConsumed(this.consumed, useCase, amount);
    const canister = canisterId === null ? undefined : this.find(canisterId);
    if (canister !== undefined) {
      this.put({ ...canister, consumed: withConsumed(canister.consumed, useCase, amount) });
    }
  }

  /**
   * A working copy for one message or one execution thread: nothing it does counts before `join`.
   * @param timeNs what the message sees; a paused one goes on in its own time
   * @param shares forks that may be joined to this one: each may use its part of the subnet's room
   */
  fork(timeNs: TimeNs = this.timeNs, shares = 1): RoundState {
    const fork = new RoundState(
      this.before,
      {
        height: this.height,
        timeNs,
        randomness: this.randomness,
        registryVersion: this.registryVersion,
        ...(this.topology && { topology: this.topology }),
      },
      this.env,
      this.oldest,
    );
    fork.history = this.history;
    fork.subnetQueue = this.subnetQueue;
    fork.randomRequests = this.randomRequests;
    fork.canisterIds = this.canisterIds;
    fork.schedule = this.schedule;
    fork.nodeMetrics = this.nodeMetrics;
    fork.#origin = { round: this, shares, replaced: false };
    return fork;
  }

  /**
   * Takes over what a fork did. Forks that ran side by side must have changed different canisters,
   * and are joined in an order that all nodes share.
   */
  join(fork: RoundState): void {
    const origin = present(fork.#origin, 'only a fork is joined');
    if (origin.replaced) {
      this.canisters = fork.canisters;
    }
    for (const canister of fork.#changed.values()) {
      this.put(canister);
    }
    for (const [message, status] of fork.#statuses) {
      this.setStatus(message, status);
    }
    if (origin.shares === 1) {
      this.subnetQueue = fork.subnetQueue;
      this.randomRequests = fork.randomRequests;
      this.canisterIds = fork.canisterIds;
      this.schedule = fork.schedule;
    }
    for (const message of fork.outbox) {
      this.outbox.push(message);
    }
    for (const event of fork.trace) {
      this.trace.push(event);
    }
    this.instructionsUsed += fork.instructionsUsed;
    this.messagesExecuted += fork.messagesExecuted;
    this.consumed = addConsumed(this.consumed, fork.consumed);
    this.createdCycles += fork.createdCycles;
    if (fork.#room !== undefined && origin.room !== undefined) {
      takeUsed(this.room(), origin.room, fork.#room);
    }
  }

  setStatus(message: TrackedIngress, status: IngressStatus): void {
    if (this.#origin !== undefined) {
      this.#statuses.push([message, status]);
    }
    this.history = withIngressStatus(this.history, message.messageId, {
      status,
      sender: message.sender,
      effectiveCanisterId: message.effectiveCanisterId,
      timeNs: this.timeNs,
    });
  }

  /** Records that a message was begun and is not answered yet. */
  setProcessing(message: TrackedIngress): void {
    if (this.history.entries.get(message.messageId)?.status.kind !== 'processing') {
      this.setStatus(message, { kind: 'processing' });
    }
  }

  /** Records how a message ended, in the history and in the trace. */
  finish(message: TrackedIngress, outcome: MessageOutcome, instructions: Instructions): void {
    this.setStatus(
      message,
      outcome.kind === 'replied'
        ? outcome
        : { kind: 'rejected', errorCode: outcome.error.code, message: outcome.error.message },
    );
    this.traceEnd(message, outcome, instructions);
  }

  /** Records in the trace how a call between two canisters ended; a canister's calls of itself are its own affair. */
  finishCall(
    request: Pick<CanisterRequest, 'sender' | 'receiver' | 'callbackId' | 'methodName'>,
    outcome: MessageOutcome,
    instructions: Instructions,
  ): void {
    const { sender, receiver: canisterId, callbackId, methodName } = request;
    if (sender !== canisterId) {
      const messageId = `${callName(sender, callbackId)}@${this.height}`;
      this.traceEnd({ messageId, canisterId, methodName }, outcome, instructions);
    }
  }

  private traceEnd(
    { messageId, canisterId, methodName: method }: EndedMessage,
    outcome: MessageOutcome,
    instructions: Instructions,
  ): void {
    const { height } = this;
    const told = { height, messageId, canisterId, method, instructions };
    this.trace.push({ kind: 'messageExecuted', ...told, outcome: outcomeText(outcome) });
  }

  /** Sends a message of a canister; it is inducted when all canisters had their turn. */
  send(message: CanisterMessage): void {
    this.outbox.push(message);
    takeMessage(this.room(), message);
  }

  /** What the subnet can still take in this round, what happened so far considered. */
  room(): Room {
    const origin = this.#origin;
    if (this.#room === undefined && origin !== undefined) {
      origin.room = shareOf(origin.round.room(), origin.shares);
      this.#room = { ...origin.room };
    }
    this.#room ??= roomOf(this.summary(), this.before, this.subnetQueue, this.env.limits);
    return this.#room;
  }

  /** The state after the round. */
  seal(): ReplicatedState {
    assert(this.outbox.length === 0, 'what canisters sent was inducted before the round ends');
    for (const { key, value } of this.canisters.changesSince(this.before.canisters)) {
      this.trace.push(canisterChanged(this.height, key as CanisterId, value));
    }
    return {
      height: this.height,
      timeNs: this.timeNs,
      previousRoot: this.before.previousRoot,
      subnetId: this.before.subnetId,
      canisters: this.canisters,
      ingressHistory: this.history,
      subnetQueue: this.subnetQueue,
      randomRequests: this.randomRequests,
      streams: this.streams,
      subnetOutputs: this.subnetOutputs,
      refunds: [...this.refunds].toSorted(([a], [b]) => compareText(a, b)),
      canisterIds: this.canisterIds,
      registry: this.registry,
      topology: this.topology ?? null,
      schedule: this.schedule,
      queryStats: this.queryStats,
      metrics: {
        updateTransactions: this.before.metrics.updateTransactions + BigInt(this.messagesExecuted),
        consumedCycles: this.before.metrics.consumedCycles + totalConsumed(this.consumed),
        consumed: addConsumed(this.before.metrics.consumed, this.consumed),
        createdCycles: this.before.metrics.createdCycles + this.createdCycles,
        sentCycles: this.before.metrics.sentCycles + this.sentCycles,
        receivedCycles: this.before.metrics.receivedCycles + this.receivedCycles,
      },
      nodeMetrics: this.nodeMetrics,
      atCheckpoint: this.atCheckpoint,
    };
  }
}
