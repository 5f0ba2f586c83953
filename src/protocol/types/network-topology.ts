import type { SubnetType } from './genesis.ts';
import type { NodeId, SubnetId } from './ids.ts';

/** What the registry says of a subnet to the others. */
export interface SubnetEntry {
  readonly subnetId: SubnetId;
  readonly subnetType: SubnetType;
  /** The subnet's threshold key, DER: checks its certifications. */
  readonly publicKeyDer: Uint8Array;
  /** Members, ascending. */
  readonly nodes: readonly NodeId[];
}

/** An inclusive range of canister ids, as u64 numbers, and the subnet that hosts it. */
export interface RoutingEntry {
  readonly first: bigint;
  readonly last: bigint;
  readonly subnetId: SubnetId;
}

/** An inclusive range of canister ids that moves, and all subnets on its way, in order. */
export interface MigrationEntry {
  readonly first: bigint;
  readonly last: bigint;
  readonly trace: readonly SubnetId[];
}

/**
 * The network at one registry version, as far as messages and certificates need it.
 * @upstream rs/replicated_state/src/metadata_state.rs#NetworkTopology
 */
export interface NetworkTopology {
  readonly rootSubnetId: SubnetId;
  /** Ascending by id. */
  readonly subnets: readonly SubnetEntry[];
  /** Ascending, disjoint. */
  readonly routingTable: readonly RoutingEntry[];
  /** Canisters that move from subnet to subnet; absent = none do. */
  readonly migrations?: readonly MigrationEntry[];
}
