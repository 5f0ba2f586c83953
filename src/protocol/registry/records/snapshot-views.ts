import { compareText } from '../../../base/bytes.ts';
import { ok } from '../../../base/result.ts';
import type { Result } from '../../../base/result.ts';
import { nodeIdOfKey } from '../../crypto/principal.ts';
import type { NodeRecord, SubnetGenesis } from '../../types/genesis.ts';
import type { NodeId, SubnetId } from '../../types/ids.ts';
import type {
  MigrationEntry,
  NetworkTopology,
  RoutingEntry,
  SubnetEntry,
} from '../../types/network-topology.ts';
import type { SubnetRecord } from '../../types/registry.ts';
import type { RegistryError, RegistrySnapshot } from './changelog.ts';
import { registryFault } from './changelog.ts';
import {
  CANISTER_MIGRATIONS_KEY,
  CANISTER_RANGES_PREFIX,
  catchUpContentsKey,
  cryptoRecordKey,
  ROOT_SUBNET_KEY,
  SUBNET_LIST_KEY,
  subnetRecordKey,
  thresholdKeyKey,
} from './keys.ts';
import type { RecordCodec, SubnetEntryRecord } from './records.ts';
import {
  CANISTER_MIGRATIONS,
  CANISTER_RANGES,
  CATCH_UP_CONTENTS,
  decodeRecord,
  KEY_RECORD,
  SUBNET_ID,
  SUBNET_LIST,
  SUBNET_RECORD,
} from './records.ts';

/** What consensus and message routing read of a registry version. */

/** Decodes the record under a key. Errors: REGISTRY_KEY_ABSENT, REGISTRY_RECORD_MALFORMED. */
export function readRecord<T>(
  { records, version }: RegistrySnapshot,
  key: string,
  codec: RecordCodec<T>,
): Result<T, RegistryError> {
  const bytes = records.get(key);
  return bytes === undefined
    ? registryFault('REGISTRY_KEY_ABSENT', `Version ${version} has no record “${key}”.`)
    : decodeRecord(codec, bytes);
}

export function subnetsOf(snapshot: RegistrySnapshot): Result<readonly SubnetId[], RegistryError> {
  return readRecord(snapshot, SUBNET_LIST_KEY, SUBNET_LIST);
}

/** The subnet's record in the form that consensus reads. */
export function subnetRecordIn(
  snapshot: RegistrySnapshot,
  subnetId: SubnetId,
): Result<SubnetRecord, RegistryError> {
  const record = readRecord(snapshot, subnetRecordKey(subnetId), SUBNET_RECORD);
  if (!record.ok) {
    return record;
  }
  const { parameters: _parameters, ...rest } = record.value;
  return ok({ ...rest, version: snapshot.version });
}

/** The whole routing table, ascending. */
export function routingTableIn(
  snapshot: RegistrySnapshot,
): Result<readonly RoutingEntry[], RegistryError> {
  const entries: RoutingEntry[] = [];
  for (const key of snapshot.records.keys()) {
    if (key.startsWith(CANISTER_RANGES_PREFIX)) {
      const piece = readRecord(snapshot, key, CANISTER_RANGES);
      if (!piece.ok) {
        return piece;
      }
      entries.push(...piece.value);
    }
  }
  return ok(entries.sort((a, b) => Number(a.first > b.first) - Number(a.first < b.first)));
}

/** Ranges on the move, ascending; most versions have no such record. */
function migrationsIn(
  snapshot: RegistrySnapshot,
): Result<readonly MigrationEntry[], RegistryError> {
  return snapshot.records.has(CANISTER_MIGRATIONS_KEY)
    ? readRecord(snapshot, CANISTER_MIGRATIONS_KEY, CANISTER_MIGRATIONS)
    : ok([]);
}

export function topologyIn(snapshot: RegistrySnapshot): Result<NetworkTopology, RegistryError> {
  const root = readRecord(snapshot, ROOT_SUBNET_KEY, SUBNET_ID);
  const ids = subnetsOf(snapshot);
  const routingTable = routingTableIn(snapshot);
  const migrations = migrationsIn(snapshot);
  if (!root.ok || !ids.ok || !routingTable.ok || !migrations.ok) {
    const failed = [root, ids, routingTable, migrations].find((result) => !result.ok);
    return failed as Result<never, RegistryError>;
  }
  const subnets: SubnetEntry[] = [];
  for (const subnetId of ids.value) {
    const record = readRecord(snapshot, subnetRecordKey(subnetId), SUBNET_RECORD);
    const key = readRecord(snapshot, thresholdKeyKey(subnetId), KEY_RECORD);
    if (!record.ok || !key.ok) {
      return record.ok ? (key as Result<never, RegistryError>) : record;
    }
    subnets.push({
      subnetId,
      subnetType: record.value.parameters.subnetType,
      publicKeyDer: key.value.publicKey,
      nodes: record.value.members,
    });
  }
  return ok({
    rootSubnetId: root.value,
    subnets: subnets.sort((a, b) => compareText(a.subnetId, b.subnetId)),
    routingTable: routingTable.value,
    ...(migrations.value.length > 0 && { migrations: migrations.value }),
  });
}

/** A node's keys. Errors also when the signing key is not that of the node's id. */
export function nodeRecordIn(
  snapshot: RegistrySnapshot,
  nodeId: NodeId,
): Result<NodeRecord, RegistryError> {
  const signing = readRecord(snapshot, cryptoRecordKey(nodeId, 'nodeSigning'), KEY_RECORD);
  const committee = readRecord(snapshot, cryptoRecordKey(nodeId, 'committeeSigning'), KEY_RECORD);
  const dkg = readRecord(snapshot, cryptoRecordKey(nodeId, 'dkgDealingEncryption'), KEY_RECORD);
  if (!signing.ok || !committee.ok || !dkg.ok) {
    const failed = [signing, committee, dkg].find((result) => !result.ok);
    return failed as Result<never, RegistryError>;
  }
  if (nodeIdOfKey(signing.value.publicKey) !== nodeId) {
    const message = `The signing key of node ${nodeId} is another node's.`;
    return registryFault('REGISTRY_RECORD_MALFORMED', message);
  }
  return ok({
    nodeId,
    nodePublicKeyDer: signing.value.publicKey,
    committeePublicKey: committee.value.publicKey,
    committeeKeyPop: committee.value.proof,
    dkgPublicKey: dkg.value.publicKey,
    dkgKeyPop: dkg.value.proof,
  });
}

function nodesIn(
  snapshot: RegistrySnapshot,
  ids: readonly NodeId[],
): Result<readonly NodeRecord[], RegistryError> {
  const nodes: NodeRecord[] = [];
  for (const id of ids) {
    const node = nodeRecordIn(snapshot, id);
    if (!node.ok) {
      return node;
    }
    nodes.push(node.value);
  }
  return ok(nodes);
}

/** What a subnet starts from at the version that its records were written in. */
export function genesisIn(
  snapshot: RegistrySnapshot,
  subnetId: SubnetId,
): Result<SubnetGenesis, RegistryError> {
  const record = readRecord(snapshot, subnetRecordKey(subnetId), SUBNET_RECORD);
  const contents = readRecord(snapshot, catchUpContentsKey(subnetId), CATCH_UP_CONTENTS);
  const routes = routingTableIn(snapshot);
  if (!record.ok || !contents.ok || !routes.ok) {
    const failed = [record, contents, routes].find((result) => !result.ok);
    return failed as Result<never, RegistryError>;
  }
  const { low, high, timeNs, registryVersion, cryptoName, spareNodes } = contents.value;
  const nodes = nodesIn(snapshot, low.receivers);
  const spares = nodesIn(snapshot, spareNodes);
  if (!nodes.ok || !spares.ok) {
    return nodes.ok ? (spares as Result<never, RegistryError>) : nodes;
  }
  return ok({
    subnetId,
    registryVersion,
    parameters: parametersOf(record.value),
    nodes: nodes.value,
    spareNodes: spares.value,
    lowTranscript: low,
    highTranscript: high,
    genesisTimeNs: timeNs,
    canisterRanges: routes.value
      .filter((entry) => entry.subnetId === subnetId)
      .map(({ first, last }) => [first, last] as const),
    cryptoName,
  });
}

function parametersOf({ parameters, dkgIntervalLength }: SubnetEntryRecord) {
  return { ...parameters, dkgIntervalLength };
}
