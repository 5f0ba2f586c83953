import { assert } from '../../base/assert.ts';
import type { Batch } from '../interfaces/replica.ts';
import type { CyclesFacts, TraceEvent } from '../interfaces/trace.ts';
import type { Instructions } from '../types/ids.ts';
import type { ExecutionEnvironment } from '../execution/execution-environment.ts';
import { countCycles } from '../execution/count-cycles.ts';
import { expireMessages } from '../execution/expire-messages.ts';
import { deliverQueryStats } from '../execution/query/deliver-query-stats.ts';
import { RoundState } from '../execution/round-state.ts';
import type { RoundTask } from '../execution/run-on-sandbox.ts';
import { executeRound } from '../execution/scheduler.ts';
import { shedBestEffortMessages } from '../execution/shed-messages.ts';
import { pruneIngressHistory } from '../replicated-state/ingress-history.ts';
import { withBlock } from '../replicated-state/node-metrics.ts';
import type { ReplicatedState } from '../replicated-state/replicated-state.ts';
import { buildStreams } from './stream-builder.ts';
import { StreamDrafts } from './stream-drafts.ts';
import { inductStreams } from './stream-handler.ts';
import { inductIngress } from './valid-set-rule.ts';

/** The state after a batch and what happened on the way. */
export interface ExecutedBatch {
  readonly state: ReplicatedState;
  readonly trace: readonly TraceEvent[];
  readonly instructions: Instructions;
  readonly messages: number;
  readonly cycles: CyclesFacts;
}

/** Tells of streams to other subnets what the round did to them. */
function sealStreams(round: RoundState, drafts: StreamDrafts): void {
  round.streams = drafts.seal();
  for (const draft of drafts.touched()) {
    if (draft.subnetId !== round.env.subnetId) {
      round.trace.push({ kind: 'streamAdvanced', height: round.height, stream: draft.facts() });
    }
  }
}

/**
 * Executes one batch: expire, induct streams and ingress, run canisters, build streams. Deterministic: all nodes come to the same state.
 * The caller answers each yielded request with the sandbox's reply.
 * @param oldest the oldest state that queries may still read; keeps its memories alive in the sandbox
 * @upstream rs/messaging/src/state_machine.rs
 */
export function* executeBatch(
  state: ReplicatedState,
  batch: Batch,
  env: ExecutionEnvironment,
  oldest: ReplicatedState = state,
): RoundTask<ExecutedBatch> {
  assert(batch.height === state.height + 1, 'batches are executed in order of height');
  const backwards = batch.timeNs < state.timeNs;
  const timeNs = backwards ? state.timeNs : batch.timeNs;
  const round = new RoundState(state, { ...batch, timeNs }, env, oldest);
  if (backwards) {
    round.trace.push({
      kind: 'criticalError',
      code: 'BATCH_TIME_WENT_BACK',
      message: `Batch ${batch.height} has time ${batch.timeNs}, before ${state.timeNs}.`,
    });
  }
  round.nodeMetrics = withBlock(
    round.nodeMetrics,
    timeNs,
    batch.blockMaker,
    batch.failedBlockMakers ?? [],
  );
  round.history = pruneIngressHistory(round.history, timeNs);
  deliverQueryStats(round, batch.queryStats, batch.blockMaker);
  expireMessages(round);
  const drafts = new StreamDrafts(env.subnetId, state.streams);
  inductStreams(round, drafts, batch.xnet ?? []);
  inductIngress(round, batch.ingress);
  yield* executeRound(round, batch.requiresFullStateHash);
  buildStreams(round, drafts);
  shedBestEffortMessages(round);
  sealStreams(round, drafts);
  const sealed = round.seal();
  const next = batch.requiresFullStateHash ? { ...sealed, atCheckpoint: sealed.canisters } : sealed;
  assert(next.timeNs >= state.timeNs, 'batch time never runs back');
  return {
    state: next,
    trace: round.trace,
    instructions: round.instructionsUsed,
    messages: round.messagesExecuted,
    cycles: countCycles(next),
  };
}
