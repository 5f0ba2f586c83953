import { bytesToHex } from '../../base/hex.ts';
import { codedError, err, ok, type CodedError, type Result } from '../../base/result.ts';
import { decodeCbor, encodeCbor, type CborInput } from '../crypto/cbor.ts';
import { principalToBytes } from '../crypto/principal.ts';
import { MAX_SUBNET_NODES } from '../limits/consensus.ts';
import { MAX_REGISTRY_VALUE_BYTES, MAX_ROUTING_ENTRIES, MAX_SUBNETS } from '../limits/registry.ts';
import { FieldReader } from '../types/field-reader.ts';
import type { SubnetId } from '../types/ids.ts';
import type {
  MigrationEntry,
  NetworkTopology,
  RoutingEntry,
  SubnetEntry,
} from '../types/network-topology.ts';
import { SUBNET_TYPES } from './records/records.ts';

/**
 * The topology as a part of the replicated state: whoever fetches a state can hash it without having
 * the registry's versions. @upstream rs/protobuf/def/state/metadata/v1, NetworkTopology
 */
const MAX_KEY_BYTES = 160;

export function encodeTopology({
  rootSubnetId,
  subnets,
  routingTable,
  migrations,
}: NetworkTopology): Uint8Array {
  const fields: CborInput[] = [
    principalToBytes(rootSubnetId),
    subnets.map(({ subnetId, subnetType, publicKeyDer, nodes }) => [
      principalToBytes(subnetId),
      subnetType,
      publicKeyDer,
      nodes.map(principalToBytes),
    ]),
    routingTable.map(({ first, last, subnetId }) => [first, last, principalToBytes(subnetId)]),
  ];
  if (migrations !== undefined) {
    fields.push(
      migrations.map(({ first, last, trace }) => [first, last, trace.map(principalToBytes)]),
    );
  }
  return encodeCbor(fields);
}

/** Total: the bytes may be a peer's. */
export function decodeTopology(
  bytes: Uint8Array,
): Result<NetworkTopology, CodedError<'MALFORMED_TOPOLOGY'>> {
  const decoded = decodeCbor(bytes, { maxBytes: MAX_REGISTRY_VALUE_BYTES, canonical: true });
  const fields = new FieldReader(decoded.ok ? decoded.value : undefined);
  const rootSubnetId = fields.subnetId();
  const subnets = fields.listOf(MAX_SUBNETS, readSubnet);
  const routingTable = fields.listOf(MAX_ROUTING_ENTRIES, readRoute);
  const migrations =
    fields.left > 0 ? fields.listOf(MAX_ROUTING_ENTRIES, readMigration) : undefined;
  fields.end();
  return fields.failure === null
    ? ok({ rootSubnetId, subnets, routingTable, ...(migrations && { migrations }) })
    : err(codedError('input', 'MALFORMED_TOPOLOGY', `the topology: ${fields.failure}`));
}

function readSubnet(inner: FieldReader): SubnetEntry {
  return {
    subnetId: inner.subnetId(),
    subnetType: inner.oneOf(SUBNET_TYPES),
    publicKeyDer: inner.bytes(1, MAX_KEY_BYTES),
    nodes: inner.signers(MAX_SUBNET_NODES),
  };
}

function readRoute(inner: FieldReader): RoutingEntry {
  return { first: inner.u64(), last: inner.u64(), subnetId: inner.subnetId() };
}

function readMigration(inner: FieldReader): MigrationEntry {
  return {
    first: inner.u64(),
    last: inner.u64(),
    trace: inner.byteList(MAX_SUBNETS, 29).map((id) => bytesToHex(id) as SubnetId),
  };
}
