import { canisterIdToU64, MANAGEMENT_CANISTER_ID } from '../crypto/principal.ts';
import { subnetEntry, subnetOfCanister } from '../registry/network-topology.ts';
import { isHosted } from '../replicated-state/replicated-state.ts';
import type { PrincipalId, SubnetId } from '../types/ids.ts';
import { readArgument } from './management/argument-reader.ts';
import { decodeTarget } from './management/arguments.ts';
import type { RoundState } from './round-state.ts';

/**
 * Where messages go. Without a topology the network is this subnet alone.
 * @upstream rs/replicated_state/src/metadata_state.rs#NetworkTopology::route
 */

/** The subnet of a canister, or of a subnet's management canister; undefined = no route. */
export function routeOf(round: RoundState, receiver: PrincipalId): SubnetId | undefined {
  const own = round.env.subnetId;
  if (receiver === MANAGEMENT_CANISTER_ID || receiver === own) {
    return own;
  }
  const { topology } = round;
  const number = canisterIdToU64(receiver);
  if (topology === undefined) {
    return number !== undefined && isHosted(round.canisterIds, number) ? own : undefined;
  }
  return number === undefined
    ? subnetEntry(topology, receiver as SubnetId)?.subnetId
    : subnetOfCanister(topology, number);
}

/** The management canister of this subnet. */
export function isOwnManagement(round: RoundState, receiver: PrincipalId): boolean {
  return receiver === MANAGEMENT_CANISTER_ID || receiver === round.env.subnetId;
}

/** All subnets on the way of a canister that moves, in order. */
function migrationTrace(round: RoundState, id: PrincipalId): readonly SubnetId[] {
  const number = canisterIdToU64(id);
  const entry = round.topology?.migrations?.find(
    ({ first, last }) => number !== undefined && first <= number && number <= last,
  );
  return entry?.trace ?? [];
}

/** The canister moves, or moved, between the two subnets: messages that follow it may come from either. */
export function isOnTheMove(round: RoundState, id: PrincipalId, a: SubnetId, b: SubnetId): boolean {
  const trace = migrationTrace(round, id);
  return trace.includes(a) && trace.includes(b);
}

/** The canister came to this subnet from that one, perhaps by way of others. */
export function hasMovedFrom(round: RoundState, id: PrincipalId, from: SubnetId): boolean {
  const trace = migrationTrace(round, id);
  const start = trace.indexOf(from);
  return start >= 0 && start < trace.indexOf(round.env.subnetId);
}

/** Methods about the subnet of the caller, whatever their argument. */
const OWN_SUBNET_METHODS: ReadonlySet<string> = new Set([
  'create_canister',
  'raw_rand',
  'provisional_create_canister_with_cycles',
  'http_request',
]);
const SUBNET_METHODS: ReadonlySet<string> = new Set(['node_metrics_history', 'subnet_info']);

/**
 * Who gets a call that a canister makes: a call of `aaaaa-aa` about a canister, or a subnet, of
 * elsewhere is its subnet's. What cannot be made out stays here, to be answered with the reason.
 * @upstream rs/system_api/src/routing.rs#resolve_destination
 */
export function resolveReceiver(
  round: RoundState,
  receiver: PrincipalId,
  methodName: string,
  arg: Uint8Array,
): PrincipalId {
  const { topology } = round;
  if (
    receiver !== MANAGEMENT_CANISTER_ID ||
    topology === undefined ||
    OWN_SUBNET_METHODS.has(methodName)
  ) {
    return receiver;
  }
  const target = SUBNET_METHODS.has(methodName)
    ? readArgument(arg, (record) => record.principal('subnet_id'))
    : decodeTarget(methodName, arg);
  const subnetId = target.ok ? routeOf(round, target.value) : undefined;
  return subnetId === undefined || subnetId === round.env.subnetId ? receiver : subnetId;
}
