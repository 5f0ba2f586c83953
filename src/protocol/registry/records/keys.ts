import { canisterIdFromU64, principalToText } from '../../crypto/principal.ts';
import type { NodeId, PrincipalId, SubnetId } from '../../types/ids.ts';

/** Keys of registry records, as the registry canister spells them. @upstream rs/registry/keys */
export const SUBNET_LIST_KEY = 'subnet_list';
export const ROOT_SUBNET_KEY = 'nns_subnet_id';
export const SUBNET_RECORD_PREFIX = 'subnet_record_';
export const CANISTER_RANGES_PREFIX = 'canister_ranges_';
/** Ranges of canisters on the move, and the subnets on their way. */
export const CANISTER_MIGRATIONS_KEY = 'canister_migrations';
const THRESHOLD_KEY_PREFIX = 'crypto_threshold_signing_public_key_';

/** Keys of what the topology and the records of subnets are read from begin so. */
export const TOPOLOGY_PREFIXES = [
  SUBNET_LIST_KEY,
  ROOT_SUBNET_KEY,
  SUBNET_RECORD_PREFIX,
  CANISTER_RANGES_PREFIX,
  CANISTER_MIGRATIONS_KEY,
  THRESHOLD_KEY_PREFIX,
] as const;

export function subnetRecordKey(id: SubnetId): string {
  return SUBNET_RECORD_PREFIX + principalToText(id);
}

export function thresholdKeyKey(id: SubnetId): string {
  return THRESHOLD_KEY_PREFIX + principalToText(id);
}

export function catchUpContentsKey(id: SubnetId): string {
  return `catch_up_package_contents_${principalToText(id)}`;
}

/** What a node's key is for; the numbers are the registry's. @upstream rs/protobuf/def/registry/crypto, KeyPurpose */
export const KEY_PURPOSES = {
  nodeSigning: 1,
  dkgDealingEncryption: 3,
  committeeSigning: 4,
} as const;

export function cryptoRecordKey(id: NodeId, purpose: keyof typeof KEY_PURPOSES): string {
  return `crypto_record_${principalToText(id)}_${KEY_PURPOSES[purpose]}`;
}

export function canisterRangesKey(first: bigint): string {
  return CANISTER_RANGES_PREFIX + principalToText(canisterIdFromU64(first));
}

export function operatorKey(operator: PrincipalId): string {
  return `node_operator_record_${principalToText(operator)}`;
}
