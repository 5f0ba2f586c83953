import { encodeUtf8 } from '../../base/utf8.ts';
import type { RunReply, SystemEffects } from '../interfaces/wasm-host.ts';
import { MAX_CANISTER_LOG_BYTES, MAX_CERTIFIED_DATA_BYTES } from '../limits/execution.ts';
import type {
  CanisterState,
  ExecutionState,
  LogRecord,
} from '../replicated-state/canister-state.ts';
import { assert, present } from '../../base/assert.ts';
import type { CanisterId, TimeNs } from '../types/ids.ts';
import { executionFee } from './cycles-account-manager.ts';
import type { RoundState } from './round-state.ts';
import { applyDelta } from './run-on-sandbox.ts';

/** Appends lines to a canister's log; the oldest records go when it exceeds 4 KiB. */
export function withLogs(
  canister: CanisterState,
  lines: readonly string[],
  timeNs: TimeNs,
): CanisterState {
  if (lines.length === 0) {
    return canister;
  }
  const logs: LogRecord[] = canister.logs.slice();
  let nextLogIndex = canister.nextLogIndex;
  for (const line of lines) {
    const content = encodeUtf8(line).slice(0, MAX_CANISTER_LOG_BYTES);
    logs.push({ index: nextLogIndex, timeNs, content });
    nextLogIndex += 1n;
  }
  let bytes = logs.reduce((sum, record) => sum + record.content.length, 0);
  while (bytes > MAX_CANISTER_LOG_BYTES) {
    bytes -= logs.shift()?.content.length ?? 0;
  }
  return { ...canister, logs, nextLogIndex };
}

/** Charges a run, keeps its logs and counts its instructions; true for failed runs as well. */
export function accountRun(
  round: RoundState,
  canisterId: CanisterId,
  memory64: boolean,
  run: RunReply,
): void {
  round.charge(canisterId, executionFee(round.env, run.instructionsUsed, memory64));
  recordRun(round, canisterId, run);
}

/** Keeps a run's logs and counts its instructions. */
export function recordRun(round: RoundState, canisterId: CanisterId, run: RunReply): void {
  round.instructionsUsed += run.instructionsUsed;
  const before = round.canister(canisterId);
  round.put(withLogs(before, run.effects.logs, round.timeNs));
  if (run.effects.logs.length > 0) {
    const { logs: lines } = run.effects;
    round.trace.push({
      kind: 'canisterLogged',
      canisterId,
      lines,
      firstIndex: before.nextLogIndex,
    });
  }
}

/** The balance with what a run accepted and burned. */
export function withCyclesOf(
  round: RoundState,
  canister: CanisterState,
  effects: Pick<SystemEffects, 'cyclesAccepted' | 'cyclesBurned'>,
): CanisterState {
  const cycles = canister.cycles + effects.cyclesAccepted;
  const burned = effects.cyclesBurned < cycles ? effects.cyclesBurned : cycles;
  round.consumedCycles += burned;
  return { ...canister, cycles: cycles - burned };
}

/** Changes of the canister's system state that a successful run asked for. */
function withEffects(
  round: RoundState,
  canister: CanisterState,
  effects: SystemEffects,
): CanisterState {
  const certifiedData = effects.certifiedData ?? canister.certifiedData;
  assert(certifiedData.length <= MAX_CERTIFIED_DATA_BYTES, 'certified data has at most 32 bytes');
  return {
    ...withCyclesOf(round, canister, effects),
    certifiedData,
    globalTimerNs: effects.globalTimer ?? canister.globalTimerNs,
  };
}

/** Commits a successful run: memory, certified data, timer, version, cycles accepted and burned. */
export function commitRun(
  round: RoundState,
  canisterId: CanisterId,
  execution: ExecutionState,
  run: RunReply,
): void {
  const canister = round.canister(canisterId);
  const version = canister.nextMemoryVersion;
  const delta = present(run.delta, 'a committed run brings its memory delta');
  round.put({
    ...withEffects(round, canister, run.effects),
    execution: applyDelta(execution, delta, version),
    nextMemoryVersion: version + 1,
    version: canister.version + 1n,
  });
}
