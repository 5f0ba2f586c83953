import { compareText } from '../../base/bytes.ts';
import type { CodedError, Result } from '../../base/result.ts';
import { codedError, err, ok } from '../../base/result.ts';
import { MAX_SUBNET_NODES } from '../limits/consensus.ts';
import type { SubnetGenesis } from '../types/genesis.ts';
import type { NodeId } from '../types/ids.ts';
import type { RegistryChange, SubnetRecord } from '../types/registry.ts';

/** Version of the record that a subnet starts with. */
export const GENESIS_REGISTRY_VERSION = 1;

/** The protocol version of this code. @playground the IC names a build by the hash of its source. */
export const REPLICA_VERSION = 'subnetarium-1';

export type RegistryChangeError = CodedError<'INVALID_REGISTRY_CHANGE'>;

function invalid(message: string): Result<never, RegistryChangeError> {
  return err(codedError('input', 'INVALID_REGISTRY_CHANGE', message));
}

export function genesisRecord(genesis: SubnetGenesis): SubnetRecord {
  return {
    version: genesis.registryVersion,
    members: genesis.nodes.map((node) => node.nodeId),
    isHalted: false,
    haltAtCatchUpPackage: false,
    dkgIntervalLength: genesis.parameters.dkgIntervalLength,
    replicaVersion: REPLICA_VERSION,
  };
}

/** Every node with a record, member or spare, ascending. */
export function registeredNodes(genesis: SubnetGenesis): readonly NodeId[] {
  return [...genesis.nodes, ...genesis.spareNodes].map((node) => node.nodeId).sort(compareText);
}

/**
 * The record that follows `record`. Errors on a change that comes from outside and names unknown
 * or no nodes, too many, one twice, or that is no change of a known kind.
 */
export function applyRegistryChange(
  record: SubnetRecord,
  change: RegistryChange,
  registered: readonly NodeId[],
): Result<SubnetRecord, RegistryChangeError> {
  const version = record.version + 1;
  if (typeof change !== 'object' || change === null) {
    return invalid('A registry change is an object.');
  }
  switch (change.kind) {
    case 'setMembership': {
      const { members } = change;
      if (!Array.isArray(members) || members.length < 1 || members.length > MAX_SUBNET_NODES) {
        return invalid(`A subnet has 1 to ${MAX_SUBNET_NODES} members.`);
      }
      const known = new Set(registered);
      const stranger = members.find((member) => !known.has(member));
      if (stranger !== undefined) {
        return invalid(`There is no node ${String(stranger).slice(0, 64)}.`);
      }
      if (new Set(members).size !== members.length) {
        return invalid('A node can be a member once only.');
      }
      return ok({ ...record, version, members: [...members].sort(compareText) });
    }
    case 'setHalted':
      return typeof change.halted === 'boolean'
        ? ok({ ...record, version, isHalted: change.halted })
        : invalid('halted must be true or false.');
    case 'setHaltAtCatchUpPackage':
      return typeof change.halt === 'boolean'
        ? ok({ ...record, version, haltAtCatchUpPackage: change.halt })
        : invalid('halt must be true or false.');
    default:
      return invalid('A registry change is setMembership, setHalted or setHaltAtCatchUpPackage.');
  }
}

/** A root subnet that is halted certifies no version: this one goes to its nodes directly first. */
export function awakensRoot(change: RegistryChange): boolean {
  return (
    (change.kind === 'setHalted' && !change.halted) ||
    (change.kind === 'setHaltAtCatchUpPackage' && !change.halt)
  );
}
