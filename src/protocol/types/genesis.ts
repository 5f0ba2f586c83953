import type { DurationMs, NodeId, RegistryVersion, SubnetId, TimeNs } from './ids.ts';

export type SubnetType = 'application' | 'system' | 'verified_application';

/** What an application subnet is meant for, beside its type: `docs/adr/0010-kinds-of-subnets.md`. */
export type SubnetSpecialization = 'none' | 'fiduciary' | 'data';

/** A type, or a specialization of an application subnet: what a network's spec names. */
export type SubnetKind = SubnetType | Exclude<SubnetSpecialization, 'none'>;

/** Consensus parameters of a subnet record (registry, `SubnetRecord`). */
export interface SubnetParameters {
  readonly subnetType: SubnetType;
  /** Number of data blocks between summary blocks; the interval has one more height. */
  readonly dkgIntervalLength: number;
  readonly unitDelayMs: DurationMs;
  readonly initialNotaryDelayMs: DurationMs;
  readonly maxBlockPayloadBytes: number;
  readonly maxIngressMessagesPerBlock: number;
  readonly maxIngressBytesPerMessage: number;
  /** Absent = `none`. */
  readonly specialization?: SubnetSpecialization;
  /** The set of limits that execution keeps; absent = `classroom`. */
  readonly executionLimits?: LimitsPreset;
}

/** Which limits of execution a subnet keeps: those of the IC, or shorter slices for a tab. */
export type LimitsPreset = 'mainnet' | 'classroom';

/** Public record of a node: what every other node knows of it. */
export interface NodeRecord {
  readonly nodeId: NodeId;
  /** Ed25519 key, DER (44 bytes); the node id is self-authenticating of it. */
  readonly nodePublicKeyDer: Uint8Array;
  /** BLS committee (multi-signature) key, 96 bytes, with its proof of possession, 48 bytes. */
  readonly committeePublicKey: Uint8Array;
  readonly committeeKeyPop: Uint8Array;
  /** Key that DKG dealings encrypt this node's pieces to, in G2, 96 bytes, with a proof that its owner knows the secret, 64 bytes. */
  readonly dkgPublicKey: Uint8Array;
  readonly dkgKeyPop: Uint8Array;
}

/** A threshold key with the public key of each node's share. */
export interface ThresholdTranscript {
  readonly tag: 'low' | 'high';
  readonly threshold: number;
  /** Receivers in evaluation order: node i holds the share at i + 1. */
  readonly receivers: readonly NodeId[];
  readonly publicKey: Uint8Array;
  /** Public polynomial coefficients in G2, `threshold` of them. */
  readonly coefficients: readonly Uint8Array[];
}

/** The initial registry and catch-up package contents of one subnet: public, the same for all nodes. */
export interface SubnetGenesis {
  readonly subnetId: SubnetId;
  /** That its records were written in: 1, or later for a subnet that was added. */
  readonly registryVersion: RegistryVersion;
  readonly parameters: SubnetParameters;
  /** The first members. Sorted by node id. */
  readonly nodes: readonly NodeRecord[];
  /** Registered nodes that are no members yet. Sorted by node id. */
  readonly spareNodes: readonly NodeRecord[];
  readonly lowTranscript: ThresholdTranscript;
  readonly highTranscript: ThresholdTranscript;
  readonly genesisTimeNs: TimeNs;
  /** Inclusive canister id ranges [first, last] as u64 numbers. */
  readonly canisterRanges: readonly (readonly [bigint, bigint])[];
  readonly cryptoName: 'bls12-381' | 'insecure-test-crypto';
}

/** The secret half of one node, from the trusted dealer. */
export interface NodeSecrets {
  readonly nodeId: NodeId;
  readonly nodeSecretKey: Uint8Array;
  readonly committeeSecretKey: Uint8Array;
  /** Opens DKG dealings, 32 bytes. */
  readonly dkgSecretKey: Uint8Array;
  /** Shares of the first threshold keys; null for a node that is no member at the start. */
  readonly lowShare: Uint8Array | null;
  readonly highShare: Uint8Array | null;
}

export interface DealtSubnet {
  readonly genesis: SubnetGenesis;
  readonly secrets: readonly NodeSecrets[];
}
