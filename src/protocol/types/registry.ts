import type { NodeId, RegistryVersion } from './ids.ts';

/**
 * The subnet record of the registry, as a whole per version: who belongs to the subnet and how it
 * runs. On the IC the registry is a canister of the NNS subnet and each version a set of changed
 * keys; nodes poll it. Here the host of the network keeps it and hands new versions to the nodes.
 */
export interface SubnetRecord {
  readonly version: RegistryVersion;
  /** Ascending. */
  readonly members: readonly NodeId[];
  /** All of consensus stops, at once. */
  readonly isHalted: boolean;
  /** The subnet stops at the next catch-up package and stays joinable from it. */
  readonly haltAtCatchUpPackage: boolean;
  /** Data blocks of an interval that begins under this record. */
  readonly dkgIntervalLength: number;
  /** Protocol version that nodes must run. */
  readonly replicaVersion: string;
}

/** What a proposal can change; each one makes the next version. */
export type RegistryChange =
  | { readonly kind: 'setMembership'; readonly members: readonly NodeId[] }
  | { readonly kind: 'setHalted'; readonly halted: boolean }
  | { readonly kind: 'setHaltAtCatchUpPackage'; readonly halt: boolean };
