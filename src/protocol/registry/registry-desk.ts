import { codedError, err, ok, type CodedError, type Result } from '../../base/result.ts';
import { present } from '../../base/assert.ts';
import type { CryptoSuite } from '../crypto/suite.ts';
import { MAX_SUBNETS } from '../limits/registry.ts';
import type { HttpReply } from '../node/node-io.ts';
import type { DealtSubnet } from '../types/genesis.ts';
import type { SubnetId, TimeNs } from '../types/ids.ts';
import type { RegistryChange, SubnetRecord } from '../types/registry.ts';
import { registryCanisterId } from './bootstrap-registry.ts';
import {
  dealLateSubnet,
  type DealtNetwork,
  type NetworkDealSpec,
  type SubnetShape,
} from './deal-network.ts';
import { createLocalRegistry, type LocalRegistry } from './local-registry.ts';
import { type OperatorCall, operatorCall, outcomeOf } from './operator-call.ts';
import { encodeDelta, type RegistryError } from './records/changelog.ts';
import { addSubnetBatch, mutation } from './records/genesis-batch.ts';
import { subnetRecordKey } from './records/keys.ts';
import { SUBNET_RECORD } from './records/records.ts';
import { readRecord } from './records/snapshot-views.ts';
import { applyRegistryChange, registeredNodes } from './registry-change.ts';

/**
 * The network's operator: prepares versions of the registry, signs the calls that make them, and
 * keeps a copy of what was made. Pure; the host carries the calls to the root subnet.
 */
export interface RegistryDesk {
  readonly local: LocalRegistry;
  /** Versions of a subnet's record after its first one, ascending, one for each of the registry's. */
  recordsOf(subnetId: SubnetId): readonly SubnetRecord[];
  /** The next version with this change, encoded. */
  prepareChange(
    subnetId: SubnetId,
    change: RegistryChange,
  ): Result<Uint8Array, CodedError<'SUBNET_UNKNOWN' | 'INVALID_REGISTRY_CHANGE'>>;
  /** The next version with one more subnet, and that subnet's keys. */
  prepareSubnet(
    shape: SubnetShape,
    nowNs: TimeNs,
  ): Result<PreparedSubnet, CodedError<'TOO_MANY_SUBNETS'>>;
  /** Deals the keys of a subnet that the registry has, but the network's spec lacks. */
  dealAgain(subnetId: SubnetId, index: number): DealtSubnet | undefined;
  call(delta: Uint8Array, nowNs: TimeNs): OperatorCall;
  outcome(
    call: OperatorCall,
    reply: Pick<HttpReply, 'status' | 'body'> | null,
  ): ReturnType<typeof outcomeOf>;
  /** Takes a version that was made. */
  apply(delta: Uint8Array): Result<unknown, RegistryError>;
}

export interface PreparedSubnet {
  readonly delta: Uint8Array;
  readonly dealt: DealtSubnet;
}

/** @param later encoded versions after the genesis that an earlier life of the network made */
export function createRegistryDesk(
  spec: NetworkDealSpec,
  dealt: Pick<DealtNetwork, 'registryDeltas' | 'operator' | 'rootKeyDer'>,
  suite: CryptoSuite,
  later: readonly Uint8Array[] = [],
): RegistryDesk {
  const local = createLocalRegistry([...dealt.registryDeltas, ...later]);
  const trust = { rootKeyDer: dealt.rootKeyDer, bls: suite.bls };
  const registry = present(registryCanisterId(local.newestTopology()), 'the root has a range');
  const unknown = (): Result<never, CodedError<'SUBNET_UNKNOWN'>> =>
    err(codedError('input', 'SUBNET_UNKNOWN', 'There is no such subnet.'));
  return {
    local,
    recordsOf: (subnetId) => {
      const records: SubnetRecord[] = [];
      const first = local.genesisOf(subnetId)?.registryVersion ?? local.version();
      for (let version = first + 1; version <= local.version(); version += 1) {
        const record = local.recordAt(subnetId, version);
        if (record !== undefined) {
          records.push(record);
        }
      }
      return records;
    },
    prepareChange: (subnetId, change) => {
      const key = subnetRecordKey(subnetId);
      const genesis = local.genesisOf(subnetId);
      const record = local.recordAt(subnetId, local.version());
      const stored = readRecord(local.snapshot(), key, SUBNET_RECORD);
      if (genesis === undefined || record === undefined || !stored.ok) {
        return unknown();
      }
      const next = applyRegistryChange(record, change, registeredNodes(genesis));
      if (!next.ok) {
        return next;
      }
      const { version, ...changed } = next.value;
      const { parameters } = stored.value;
      const mutations = [mutation('update', key, SUBNET_RECORD, { ...changed, parameters })];
      return ok(encodeDelta({ version, mutations }));
    },
    prepareSubnet: (shape, nowNs) => {
      const existing = local.subnets();
      if (existing.length >= MAX_SUBNETS) {
        const message = `A network has at most ${MAX_SUBNETS} subnets.`;
        return err(codedError('limit', 'TOO_MANY_SUBNETS', message));
      }
      const version = local.version() + 1;
      const at = { index: existing.length, registryVersion: version, genesisTimeNs: nowNs };
      const late = dealLateSubnet(spec, { shape, ...at }, suite);
      const mutations = addSubnetBatch(existing, late.genesis);
      return ok({ delta: encodeDelta({ version, mutations }), dealt: late });
    },
    dealAgain: (subnetId, index) => {
      const genesis = local.genesisOf(subnetId);
      if (genesis === undefined) {
        return undefined;
      }
      const { parameters, nodes, spareNodes, registryVersion, genesisTimeNs } = genesis;
      const { specialization = 'none', subnetType } = parameters;
      const type = specialization === 'none' ? subnetType : specialization;
      const shape = { type, nodes: nodes.length, spareNodes: spareNodes.length };
      const again = dealLateSubnet(spec, { shape, index, registryVersion, genesisTimeNs }, suite);
      return again.genesis.subnetId === subnetId ? again : undefined;
    },
    call: (delta, nowNs) => operatorCall(dealt.operator, registry, delta, nowNs),
    outcome: (call, reply) => outcomeOf(call, reply, trust),
    apply: (delta) => local.apply(delta),
  };
}
