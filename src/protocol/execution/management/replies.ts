import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { hexToBytes } from '../../../base/hex.ts';
import { principalToBytes } from '../../crypto/principal.ts';
import type { CanisterState, Visibility } from '../../replicated-state/canister-state.ts';
import { hasInput } from '../../replicated-state/input-queues.ts';
import type { CanisterId, PrincipalId } from '../../types/ids.ts';
import { idleCostPerDay, memoryUsage } from '../cycles-account-manager.ts';
import type { ExecutionEnvironment } from '../execution-environment.ts';

/** Answers of the management canister, as Candid (interface spec 0.66, `ic.did`). */

const CanisterIdRecord = IDL.Record({ canister_id: IDL.Principal });

const VisibilityType = IDL.Variant({
  controllers: IDL.Null,
  public: IDL.Null,
  allowed_viewers: IDL.Vec(IDL.Principal),
});

const Settings = IDL.Record({
  controllers: IDL.Vec(IDL.Principal),
  compute_allocation: IDL.Nat,
  memory_allocation: IDL.Nat,
  freezing_threshold: IDL.Nat,
  reserved_cycles_limit: IDL.Nat,
  minimum_incoming_canister_call_cycles: IDL.Nat,
  log_visibility: VisibilityType,
  snapshot_visibility: VisibilityType,
  status_visibility: VisibilityType,
  wasm_memory_limit: IDL.Nat,
  wasm_memory_threshold: IDL.Nat,
  environment_variables: IDL.Vec(IDL.Record({ name: IDL.Text, value: IDL.Text })),
});

const CanisterStatusResult = IDL.Record({
  status: IDL.Variant({ running: IDL.Null, stopping: IDL.Null, stopped: IDL.Null }),
  ready_for_migration: IDL.Bool,
  version: IDL.Nat64,
  settings: Settings,
  module_hash: IDL.Opt(IDL.Vec(IDL.Nat8)),
  memory_size: IDL.Nat,
  memory_metrics: IDL.Record({
    wasm_memory_size: IDL.Nat,
    stable_memory_size: IDL.Nat,
    global_memory_size: IDL.Nat,
    wasm_binary_size: IDL.Nat,
    custom_sections_size: IDL.Nat,
    canister_history_size: IDL.Nat,
    wasm_chunk_store_size: IDL.Nat,
    snapshots_size: IDL.Nat,
  }),
  cycles: IDL.Nat,
  reserved_cycles: IDL.Nat,
  idle_cycles_burned_per_day: IDL.Nat,
  query_stats: IDL.Record({
    num_calls_total: IDL.Nat,
    num_instructions_total: IDL.Nat,
    request_payload_bytes_total: IDL.Nat,
    response_payload_bytes_total: IDL.Nat,
  }),
});

const CanisterLogs = IDL.Record({
  canister_log_records: IDL.Vec(
    IDL.Record({ idx: IDL.Nat64, timestamp_nanos: IDL.Nat64, content: IDL.Vec(IDL.Nat8) }),
  ),
});

function principal(id: PrincipalId): Principal {
  return Principal.fromUint8Array(principalToBytes(id));
}

/** `()`. */
export function emptyReply(): Uint8Array {
  return Uint8Array.from(IDL.encode([], []));
}

/** `(blob)`. */
export function blobReply(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(IDL.encode([IDL.Vec(IDL.Nat8)], [bytes]));
}

export function canisterIdReply(canisterId: CanisterId): Uint8Array {
  return Uint8Array.from(IDL.encode([CanisterIdRecord], [{ canister_id: principal(canisterId) }]));
}

function visibilityValue(visibility: Visibility): object {
  return visibility.kind === 'allowedViewers'
    ? { allowed_viewers: visibility.viewers.map(principal) }
    : { [visibility.kind]: null };
}

function settingsValue(canister: CanisterState): object {
  const { settings } = canister;
  return {
    controllers: canister.controllers.map(principal),
    compute_allocation: settings.computeAllocation,
    memory_allocation: settings.memoryAllocationBytes,
    freezing_threshold: settings.freezingThresholdSeconds,
    reserved_cycles_limit: settings.reservedCyclesLimit,
    minimum_incoming_canister_call_cycles: settings.minimumIncomingCallCycles,
    log_visibility: visibilityValue(settings.logVisibility),
    snapshot_visibility: visibilityValue(settings.snapshotVisibility),
    status_visibility: visibilityValue(settings.statusVisibility),
    wasm_memory_limit: settings.wasmMemoryLimitBytes,
    wasm_memory_threshold: settings.wasmMemoryThresholdBytes,
    environment_variables: settings.environmentVariables.map(([name, value]) => ({ name, value })),
  };
}

export function canisterStatusReply(
  env: ExecutionEnvironment,
  canister: CanisterState,
): Uint8Array {
  const usage = memoryUsage(canister);
  const execution = canister.execution;
  const status = {
    status: { [canister.status]: null },
    ready_for_migration: canister.status === 'stopped' && !hasInput(canister),
    version: canister.version,
    settings: settingsValue(canister),
    module_hash: execution === null ? [] : [hexToBytes(execution.moduleHash)],
    memory_size: usage.totalBytes,
    memory_metrics: {
      wasm_memory_size: usage.heapBytes,
      stable_memory_size: usage.stableBytes,
      global_memory_size: usage.globalBytes,
      wasm_binary_size: usage.wasmBytes,
      custom_sections_size: usage.customSectionBytes,
      canister_history_size: usage.historyBytes,
      wasm_chunk_store_size: usage.chunkStoreBytes,
      snapshots_size: usage.snapshotBytes,
    },
    cycles: canister.cycles,
    reserved_cycles: canister.reservedCycles,
    idle_cycles_burned_per_day: idleCostPerDay(env, canister),
    query_stats: {
      num_calls_total: canister.queryTotals.calls,
      num_instructions_total: canister.queryTotals.instructions,
      request_payload_bytes_total: canister.queryTotals.requestBytes,
      response_payload_bytes_total: canister.queryTotals.responseBytes,
    },
  };
  return Uint8Array.from(IDL.encode([CanisterStatusResult], [status]));
}

export function canisterLogsReply(canister: CanisterState): Uint8Array {
  const records = canister.logs.map((record) => ({
    idx: record.index,
    timestamp_nanos: record.timeNs,
    content: record.content,
  }));
  return Uint8Array.from(IDL.encode([CanisterLogs], [{ canister_log_records: records }]));
}

const CyclesConsumed = IDL.Record({
  memory: IDL.Nat,
  compute_allocation: IDL.Nat,
  ingress_induction: IDL.Nat,
  instructions: IDL.Nat,
  request_and_response_transmission: IDL.Nat,
  uninstall: IDL.Nat,
  canister_creation: IDL.Nat,
  http_outcalls: IDL.Nat,
  burned_cycles: IDL.Nat,
});

/** What a canister's cycles were consumed for. */
export function canisterMetricsReply({ consumed }: CanisterState): Uint8Array {
  const type = IDL.Record({ cycles_consumed: CyclesConsumed });
  return Uint8Array.from(
    IDL.encode(
      [type],
      [
        {
          cycles_consumed: {
            memory: consumed.memory,
            compute_allocation: consumed.computeAllocation,
            ingress_induction: consumed.ingressInduction,
            instructions: consumed.instructions,
            request_and_response_transmission: consumed.requestAndResponseTransmission,
            uninstall: consumed.uninstall,
            canister_creation: consumed.canisterCreation,
            // Nothing reaches out of this subnet.
            http_outcalls: 0n,
            burned_cycles: consumed.burnedCycles,
          },
        },
      ],
    ),
  );
}
