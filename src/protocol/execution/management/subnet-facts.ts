import { IDL } from '@icp-sdk/core/candid';
import { ok, type Result } from '../../../base/result.ts';
import { principalToText } from '../../crypto/principal.ts';
import { changedNodes } from '../../replicated-state/node-metrics.ts';
import type { PrincipalId } from '../../types/ids.ts';
import { REPLICA_VERSION } from '../execution-environment.ts';
import type { RoundState } from '../round-state.ts';
import { ErrorCode, userError, type UserError } from '../user-error.ts';
import { readArgument } from './argument-reader.ts';
import { encodeOne, principalValue } from './candid-types.ts';
import type { Reply } from './operation.ts';

/** What canisters may ask about their subnet. */

const SubnetInfo = IDL.Record({ replica_version: IDL.Text, registry_version: IDL.Nat64 });

const NodeMetricsHistory = IDL.Vec(
  IDL.Record({
    timestamp_nanos: IDL.Nat64,
    node_metrics: IDL.Vec(
      IDL.Record({
        node_id: IDL.Principal,
        num_blocks_proposed_total: IDL.Nat64,
        num_block_failures_total: IDL.Nat64,
      }),
    ),
  }),
);

/** Only the own subnet answers for itself. */
function checkSubnet(round: RoundState, subnetId: PrincipalId): Result<null, UserError> {
  return subnetId === round.env.subnetId
    ? ok(null)
    : userError(
        ErrorCode.canisterRejectedMessage,
        `Provided target subnet ID ${principalToText(subnetId)} does not match current subnet ID ${principalToText(round.env.subnetId)}.`,
      );
}

export function subnetInfo(round: RoundState, arg: Uint8Array): Reply {
  const subnetId = readArgument(arg, (record) => record.principal('subnet_id'));
  const own = subnetId.ok ? checkSubnet(round, subnetId.value) : subnetId;
  return own.ok
    ? ok(
        encodeOne(SubnetInfo, {
          replica_version: REPLICA_VERSION,
          registry_version: BigInt(round.registryVersion),
        }),
      )
    : own;
}

export function nodeMetricsHistory(round: RoundState, arg: Uint8Array): Reply {
  const decoded = readArgument(arg, (record) => ({
    subnetId: record.principal('subnet_id'),
    startNs: record.nat64('start_at_timestamp_nanos'),
  }));
  const own = decoded.ok ? checkSubnet(round, decoded.value.subnetId) : decoded;
  if (!decoded.ok || !own.ok) {
    return decoded.ok ? (own as Reply) : decoded;
  }
  const samples = round.nodeMetrics
    .map((sample, day) => ({
      timestamp_nanos: sample.timeNs,
      node_metrics: changedNodes(sample, round.nodeMetrics[day - 1]).map((node) => ({
        node_id: principalValue(node.nodeId),
        num_blocks_proposed_total: node.blocksProposed,
        num_block_failures_total: node.blockFailures,
      })),
    }))
    .filter(({ timestamp_nanos: timeNs }) => timeNs >= decoded.value.startNs);
  return ok(encodeOne(NodeMetricsHistory, samples));
}
