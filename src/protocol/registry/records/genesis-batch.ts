import { compareText } from '../../../base/bytes.ts';
import { wrapBls } from '../../crypto/der.ts';
import type { NodeRecord, SubnetGenesis } from '../../types/genesis.ts';
import type { PrincipalId, SubnetId } from '../../types/ids.ts';
import { genesisRecord } from '../registry-change.ts';
import type { MutationKind, RegistryMutation } from './changelog.ts';
import {
  canisterRangesKey,
  catchUpContentsKey,
  cryptoRecordKey,
  operatorKey,
  ROOT_SUBNET_KEY,
  SUBNET_LIST_KEY,
  subnetRecordKey,
  thresholdKeyKey,
} from './keys.ts';
import type { RecordCodec } from './records.ts';
import {
  CANISTER_RANGES,
  CATCH_UP_CONTENTS,
  encodeRecord,
  KEY_RECORD,
  OPERATOR_RECORD,
  SUBNET_ID,
  SUBNET_LIST,
  SUBNET_RECORD,
} from './records.ts';

export function mutation<T>(
  kind: MutationKind,
  key: string,
  codec: RecordCodec<T>,
  value: T,
): RegistryMutation {
  return { kind, key, value: encodeRecord(codec, value) };
}

/**
 * The records of a network's first version.
 * @param subnets the root subnet first
 * @param operator who may change the registry
 */
export function genesisBatch(
  subnets: readonly SubnetGenesis[],
  operator: PrincipalId,
): readonly RegistryMutation[] {
  const [root] = subnets;
  return [
    mutation('insert', operatorKey(operator), OPERATOR_RECORD, { mayChangeRegistry: true }),
    ...subnets.flatMap(subnetBatch),
    ...(root === undefined ? [] : [mutation('insert', ROOT_SUBNET_KEY, SUBNET_ID, root.subnetId)]),
    mutation('insert', SUBNET_LIST_KEY, SUBNET_LIST, sorted(subnets.map((one) => one.subnetId))),
  ];
}

/** The records that add a dealt subnet to a network. @upstream rs/registry/canister/src/mutations/do_create_subnet.rs */
export function addSubnetBatch(
  existing: readonly SubnetId[],
  genesis: SubnetGenesis,
): readonly RegistryMutation[] {
  const list = sorted([...existing, genesis.subnetId]);
  return [...subnetBatch(genesis), mutation('update', SUBNET_LIST_KEY, SUBNET_LIST, list)];
}

function sorted(ids: readonly SubnetId[]): readonly SubnetId[] {
  return ids.toSorted(compareText);
}

function subnetBatch(genesis: SubnetGenesis): readonly RegistryMutation[] {
  const { subnetId, lowTranscript, highTranscript, genesisTimeNs, cryptoName } = genesis;
  const { version: _version, ...record } = genesisRecord(genesis);
  const { dkgIntervalLength: _length, ...parameters } = genesis.parameters;
  const executionLimits = parameters.executionLimits ?? 'classroom';
  const specialization = parameters.specialization ?? 'none';
  return [
    mutation('insert', subnetRecordKey(subnetId), SUBNET_RECORD, {
      ...record,
      parameters: { ...parameters, specialization, executionLimits },
    }),
    mutation('insert', thresholdKeyKey(subnetId), KEY_RECORD, {
      publicKey: wrapBls(highTranscript.publicKey),
      proof: new Uint8Array(0),
    }),
    mutation('insert', catchUpContentsKey(subnetId), CATCH_UP_CONTENTS, {
      low: lowTranscript,
      high: highTranscript,
      timeNs: genesisTimeNs,
      registryVersion: genesis.registryVersion,
      cryptoName,
      spareNodes: genesis.spareNodes.map((node) => node.nodeId),
    }),
    ...genesis.canisterRanges.map(([first, last]) =>
      mutation('insert', canisterRangesKey(first), CANISTER_RANGES, [{ first, last, subnetId }]),
    ),
    ...[...genesis.nodes, ...genesis.spareNodes].flatMap(nodeBatch),
  ];
}

function nodeBatch(node: NodeRecord): readonly RegistryMutation[] {
  const { nodeId } = node;
  return [
    mutation('insert', cryptoRecordKey(nodeId, 'nodeSigning'), KEY_RECORD, {
      publicKey: node.nodePublicKeyDer,
      proof: new Uint8Array(0),
    }),
    mutation('insert', cryptoRecordKey(nodeId, 'committeeSigning'), KEY_RECORD, {
      publicKey: node.committeePublicKey,
      proof: node.committeeKeyPop,
    }),
    mutation('insert', cryptoRecordKey(nodeId, 'dkgDealingEncryption'), KEY_RECORD, {
      publicKey: node.dkgPublicKey,
      proof: node.dkgKeyPop,
    }),
  ];
}
