import { bytesToHex } from '../../../base/hex.ts';
import { ok } from '../../../base/result.ts';
import type { Result } from '../../../base/result.ts';
import type { CborInput } from '../../crypto/cbor.ts';
import { decodeCbor, encodeCbor } from '../../crypto/cbor.ts';
import { principalToBytes } from '../../crypto/principal.ts';
import { MAX_SUBNET_NODES } from '../../limits/consensus.ts';
import {
  MAX_REGISTRY_VALUE_BYTES,
  MAX_ROUTING_ENTRIES,
  MAX_SUBNETS,
} from '../../limits/registry.ts';
import { keyFields, readKey } from '../../types/dkg-codec.ts';
import { FieldReader } from '../../types/field-reader.ts';
import type { SubnetParameters, ThresholdTranscript } from '../../types/genesis.ts';
import type { NodeId, RegistryVersion, SubnetId, TimeNs } from '../../types/ids.ts';
import type { MigrationEntry, RoutingEntry } from '../../types/network-topology.ts';
import type { SubnetRecord } from '../../types/registry.ts';
import type { RegistryError } from './changelog.ts';
import { registryFault } from './changelog.ts';

/**
 * What the values under the registry's keys say. Positional canonical CBOR where the IC has
 * protobuf: equal records have equal bytes. @upstream rs/protobuf/def/registry
 */
export interface RecordCodec<T> {
  /** For messages. */
  readonly name: string;
  fields(value: T): CborInput;
  read(fields: FieldReader): T;
}

const MAX_PRINCIPAL_BYTES = 29;
/** A BLS key in DER has 133. */
const MAX_KEY_BYTES = 160;
const MAX_SIGNATURE_BYTES = 96;
const MAX_VERSION_CHARACTERS = 64;
export const SUBNET_TYPES = ['application', 'system', 'verified_application'] as const;
const SPECIALIZATIONS = ['none', 'fiduciary', 'data'] as const;
const LIMITS_PRESETS = ['classroom', 'mainnet'] as const;
const CRYPTO_NAMES = ['bls12-381', 'insecure-test-crypto'] as const;

export function encodeRecord<T>(codec: RecordCodec<T>, value: T): Uint8Array {
  return encodeCbor(codec.fields(value));
}

/** Error REGISTRY_RECORD_MALFORMED. */
export function decodeRecord<T>(
  codec: RecordCodec<T>,
  bytes: Uint8Array,
): Result<T, RegistryError> {
  const decoded = decodeCbor(bytes, { maxBytes: MAX_REGISTRY_VALUE_BYTES, canonical: true });
  if (!decoded.ok) {
    const { message } = decoded.error;
    return registryFault('REGISTRY_RECORD_MALFORMED', `A ${codec.name}: ${message}.`);
  }
  const fields = new FieldReader(decoded.value);
  const value = codec.read(fields);
  fields.end();
  return fields.failure === null
    ? ok(value)
    : registryFault('REGISTRY_RECORD_MALFORMED', `A ${codec.name}: ${fields.failure}.`);
}

/** The part of a subnet's record that says who belongs to it and how it runs. */
export interface SubnetEntryRecord extends Omit<SubnetRecord, 'version'> {
  readonly parameters: Required<Omit<SubnetParameters, 'dkgIntervalLength'>>;
}

export const SUBNET_RECORD: RecordCodec<SubnetEntryRecord> = {
  name: 'subnet record',
  fields: ({ parameters, ...record }) => [
    record.members.map(principalToBytes),
    record.isHalted,
    record.haltAtCatchUpPackage,
    record.dkgIntervalLength,
    record.replicaVersion,
    parameters.subnetType,
    parameters.specialization,
    parameters.unitDelayMs,
    parameters.initialNotaryDelayMs,
    parameters.maxBlockPayloadBytes,
    parameters.maxIngressMessagesPerBlock,
    parameters.maxIngressBytesPerMessage,
    parameters.executionLimits,
  ],
  read: (fields) => ({
    members: fields.signers(MAX_SUBNET_NODES),
    isHalted: fields.flag(),
    haltAtCatchUpPackage: fields.flag(),
    dkgIntervalLength: fields.safeNat(),
    replicaVersion: fields.text(MAX_VERSION_CHARACTERS),
    parameters: {
      subnetType: fields.oneOf(SUBNET_TYPES),
      specialization: fields.oneOf(SPECIALIZATIONS),
      unitDelayMs: fields.safeNat(),
      initialNotaryDelayMs: fields.safeNat(),
      maxBlockPayloadBytes: fields.safeNat(),
      maxIngressMessagesPerBlock: fields.safeNat(),
      maxIngressBytesPerMessage: fields.safeNat(),
      executionLimits: fields.oneOf(LIMITS_PRESETS),
    },
  }),
};

/** Who may add nodes and, before there is a governance, change the registry. */
export interface OperatorRecord {
  readonly mayChangeRegistry: boolean;
}

export const OPERATOR_RECORD: RecordCodec<OperatorRecord> = {
  name: 'node operator record',
  fields: ({ mayChangeRegistry }) => [mayChangeRegistry],
  read: (fields) => ({ mayChangeRegistry: fields.flag() }),
};

/** What a new or recovered subnet starts from. */
export interface CatchUpContents {
  readonly low: ThresholdTranscript;
  readonly high: ThresholdTranscript;
  readonly timeNs: TimeNs;
  /** That the subnet's first interval runs under. */
  readonly registryVersion: RegistryVersion;
  readonly cryptoName: (typeof CRYPTO_NAMES)[number];
  /** Registered nodes that may join this subnet and share its channel. @playground */
  readonly spareNodes: readonly NodeId[];
}

export const CATCH_UP_CONTENTS: RecordCodec<CatchUpContents> = {
  name: 'catch-up package contents record',
  fields: ({ low, high, timeNs, registryVersion, cryptoName, spareNodes }) => [
    keyFields(low),
    keyFields(high),
    timeNs,
    registryVersion,
    cryptoName,
    spareNodes.map(principalToBytes),
  ],
  read: (fields) => ({
    low: fields.nested(readKey),
    high: fields.nested(readKey),
    timeNs: fields.u64(),
    registryVersion: fields.safeNat(),
    cryptoName: fields.oneOf(CRYPTO_NAMES),
    spareNodes: fields.byteList(MAX_SUBNET_NODES, MAX_PRINCIPAL_BYTES).map(toNodeId),
  }),
};

/** A node's public key with the proof that it owns the secret, where one is due. */
export interface KeyRecord {
  readonly publicKey: Uint8Array;
  readonly proof: Uint8Array;
}

export const KEY_RECORD: RecordCodec<KeyRecord> = {
  name: 'key record',
  fields: ({ publicKey, proof }) => [publicKey, proof],
  read: (fields) => ({
    publicKey: fields.bytes(1, MAX_KEY_BYTES),
    proof: fields.bytes(0, MAX_SIGNATURE_BYTES),
  }),
};

export const SUBNET_LIST: RecordCodec<readonly SubnetId[]> = {
  name: 'subnet list',
  fields: (ids) => [ids.map(principalToBytes)],
  read: (fields) => fields.byteList(MAX_SUBNETS, MAX_PRINCIPAL_BYTES).map(toSubnetId),
};

export const SUBNET_ID: RecordCodec<SubnetId> = {
  name: 'subnet id',
  fields: (id) => [principalToBytes(id)],
  read: (fields) => fields.subnetId(),
};

/**
 * A piece of the routing table: under the key of its first canister id.
 * @upstream rs/registry/keys#make_canister_ranges_key
 */
export const CANISTER_RANGES: RecordCodec<readonly RoutingEntry[]> = {
  name: 'routing table record',
  fields: (entries) => [
    entries.map(({ first, last, subnetId }) => [first, last, principalToBytes(subnetId)]),
  ],
  read: (fields) =>
    fields.listOf(MAX_ROUTING_ENTRIES, (inner) => ({
      first: inner.u64(),
      last: inner.u64(),
      subnetId: inner.subnetId(),
    })),
};

/** @upstream rs/protobuf/def/registry/routing_table, CanisterMigrations */
export const CANISTER_MIGRATIONS: RecordCodec<readonly MigrationEntry[]> = {
  name: 'canister migrations record',
  fields: (entries) => [
    entries.map(({ first, last, trace }) => [first, last, trace.map(principalToBytes)]),
  ],
  read: (fields) =>
    fields.listOf(MAX_ROUTING_ENTRIES, (inner) => ({
      first: inner.u64(),
      last: inner.u64(),
      trace: inner.byteList(MAX_SUBNETS, MAX_PRINCIPAL_BYTES).map(toSubnetId),
    })),
};

function toNodeId(bytes: Uint8Array): NodeId {
  return bytesToHex(bytes) as NodeId;
}

function toSubnetId(bytes: Uint8Array): SubnetId {
  return bytesToHex(bytes) as SubnetId;
}
