import { decodeUtf8Lossy } from '../../base/utf8.ts';
import type { RunReply, SystemEffects } from '../interfaces/wasm-host.ts';
import { MAX_CERTIFIED_DATA_BYTES } from '../limits/execution.ts';
import type { CanisterState, ExecutionState } from '../replicated-state/canister-state.ts';
import { assert, present } from '../../base/assert.ts';
import type { CanisterId } from '../types/ids.ts';
import { withLowMemoryHook } from './low-memory-hook.ts';
import type { RoundState } from './round-state.ts';
import { applyDelta } from './run-on-sandbox.ts';
import { withLogs } from './canister-log.ts';

/** Keeps a run's logs and counts its instructions. */
export function recordRun(round: RoundState, canisterId: CanisterId, run: RunReply): void {
  round.instructionsUsed += run.instructionsUsed;
  const before = round.canister(canisterId);
  const { logs, logsDropped } = run.effects;
  round.put(withLogs(before, logs, logsDropped, round.timeNs));
  if (logs.length > 0) {
    round.trace.push({
      kind: 'canisterLogged',
      canisterId,
      lines: logs.map(decodeUtf8Lossy),
      firstIndex: before.nextLogIndex + BigInt(logsDropped),
    });
  }
}

/** Books what a run accepted, burned and set aside. */
export function commitCycles(
  round: RoundState,
  canisterId: CanisterId,
  effects: Pick<
    SystemEffects,
    'cyclesAccepted' | 'cyclesBurned' | 'cyclesMinted' | 'cyclesReserved'
  >,
): void {
  round.createdCycles += effects.cyclesMinted;
  round.credit(canisterId, effects.cyclesAccepted + effects.cyclesMinted);
  round.charge(canisterId, effects.cyclesBurned, 'burnedCycles');
  if (effects.cyclesReserved > 0n) {
    round.reserve(canisterId, effects.cyclesReserved);
  }
}

/** Changes of the canister's system state that a successful run asked for. */
function withEffects(canister: CanisterState, effects: SystemEffects): CanisterState {
  const certifiedData = effects.certifiedData ?? canister.certifiedData;
  assert(certifiedData.length <= MAX_CERTIFIED_DATA_BYTES, 'certified data has at most 32 bytes');
  return {
    ...canister,
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
  commitCycles(round, canisterId, run.effects);
  const canister = round.canister(canisterId);
  const version = canister.nextMemoryVersion;
  const delta = present(run.delta, 'a committed run brings its memory delta');
  round.put(
    withLowMemoryHook({
      ...withEffects(canister, run.effects),
      execution: applyDelta(execution, delta, version),
      nextMemoryVersion: version + 1,
      version: canister.version + 1n,
    }),
  );
}
