import type { FinalizedBatch } from '../consensus/batch-delivery.ts';
import type { ExecutionEnvironment } from '../execution/execution-environment.ts';
import type { BatchPayload, InductedSlice, SignedIngress } from '../interfaces/replica.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import { executeBatch } from '../messaging/message-routing.ts';
import type { ExecutedBatch } from '../messaging/message-routing.ts';
import type { ReplicatedState } from '../replicated-state/replicated-state.ts';
import type { StateManager } from '../state-manager/state-manager.ts';
import type { Checkpoint } from '../state-manager/checkpoint.ts';
import type { RestoredCheckpoint } from '../state-manager/restore-checkpoint.ts';
import type { Height, RegistryVersion } from '../types/ids.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import type { NodeEffect, OperationId } from './node-io.ts';
import { SandboxLane } from './sandbox-lane.ts';
import type { SandboxReply } from '../interfaces/wasm-host.ts';

/**
 * Executes finalized batches one after the other, and commits each state. Consensus goes on while
 * a batch waits for the sandbox.
 */
export interface BatchExecutorDeps {
  readonly env: ExecutionEnvironment;
  readonly stateManager: StateManager;
  readonly nextOperation: () => OperationId;
  /** Undefined where the subnet is alone; delivery waits for versions that have not come. */
  readonly topologyAt: (version: RegistryVersion) => NetworkTopology | undefined;
  /** A message of a finalized block; undefined = not an envelope, which validation rules out. */
  readonly readIngress: (envelope: Uint8Array) => SignedIngress | undefined;
  /** Slices of other subnets' streams in a finalized block. */
  readonly slicesOf: (payload: BatchPayload) => readonly InductedSlice[];
  readonly onTrace: (event: TraceEvent) => void;
  /** Completely hashed; for large states some steps after the commit. */
  readonly onCheckpoint: (checkpoint: Checkpoint) => void;
}

/** Batches consensus hands over at once; it stops when any waits. @upstream 16 */
const MAX_WAITING_BATCHES = 64;

export class BatchExecutor {
  private readonly deps: BatchExecutorDeps;
  private lane: SandboxLane;
  private nextHeight: Height;
  private committed = 0;

  constructor(deps: BatchExecutorDeps) {
    this.deps = deps;
    this.lane = this.newLane();
    this.nextHeight = deps.stateManager.latestStateHeight() + 1;
  }

  /** Height of the batch that consensus must hand over next. */
  expectedBatchHeight(): Height {
    return this.nextHeight;
  }

  /** True while batches wait: consensus hands over at most a queue's worth at a time. */
  isFull(): boolean {
    return this.lane.size > 1;
  }

  accept(batch: FinalizedBatch): void {
    const { stateManager, env } = this.deps;
    this.nextHeight = batch.height + 1;
    this.lane.offer(
      () => {
        const oldest = stateManager.stateAt(stateManager.oldestHeight());
        const { payload, ...rest } = batch;
        const ingress = payload.ingress.flatMap(
          (envelope) => this.deps.readIngress(envelope) ?? [],
        );
        const { queryStats } = payload;
        const topology = this.deps.topologyAt(batch.registryVersion);
        const complete = {
          ...rest,
          ingress,
          ...(queryStats && { queryStats }),
          ...(payload.xnet && { xnet: this.deps.slicesOf(payload) }),
          ...(topology && { topology }),
        };
        return executeBatch(stateManager.latestState(), complete, env, oldest);
      },
      (executed) => {
        this.commit(batch, executed);
      },
    );
  }

  reply(operationId: OperationId, reply: SandboxReply): boolean {
    return this.lane.reply(operationId, reply);
  }

  takeEffects(): readonly NodeEffect[] {
    return this.lane.takeEffects();
  }

  /** Hashes a portion of what checkpoints wait for. */
  work(): void {
    this.deps.stateManager.work();
    this.tellFinished();
    for (const place of this.deps.stateManager.takeFaults()) {
      const message = `${place} changed although nothing wrote to it`;
      this.deps.onTrace({ kind: 'criticalError', code: 'CHECKPOINT_CHUNK_CHANGED', message });
    }
  }

  /** True while `work` is to be called again soon. */
  isHashing(): boolean {
    return this.deps.stateManager.hasWork();
  }

  /** States committed and checkpoints completed since the last call. */
  takeCommitted(): number {
    const { committed } = this;
    this.committed = 0;
    return committed;
  }

  /** Goes on from a state that was fetched; what waited or ran is dropped. */
  reset(state: ReplicatedState, restored?: RestoredCheckpoint): void {
    this.lane = this.newLane();
    this.deps.stateManager.reset(state, restored);
    this.nextHeight = state.height + 1;
  }

  private newLane(): SandboxLane {
    return new SandboxLane('replicated', MAX_WAITING_BATCHES, this.deps.nextOperation);
  }

  private commit(batch: FinalizedBatch, executed: ExecutedBatch): void {
    const { stateManager, onTrace } = this.deps;
    const root = stateManager.commit(executed.state, batch.requiresFullStateHash);
    this.committed += 1;
    for (const event of executed.trace) {
      onTrace(event);
    }
    const { height, timeNs } = executed.state;
    const { instructions, messages, cycles } = executed;
    onTrace({ kind: 'executed', height, root, instructions, messages, timeNs, cycles });
    this.tellFinished();
  }

  private tellFinished(): void {
    for (const checkpoint of this.deps.stateManager.takeFinished()) {
      this.committed += 1;
      this.deps.onCheckpoint(checkpoint);
    }
  }
}
