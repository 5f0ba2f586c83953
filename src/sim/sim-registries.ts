import { present } from '../base/assert.ts';
import { codedError, err } from '../base/result.ts';
import type { SubnetGenesis } from '../protocol/types/genesis.ts';
import type { SubnetId } from '../protocol/types/ids.ts';
import type { SubnetRecord } from '../protocol/types/registry.ts';
import type { NetworkRegistry } from '../wire/network.ts';
import { noRegistry } from '../wire/registry-fact.ts';
import { createSimRegistry, type SimRegistry, type SimRegistryDeps } from './sim-registry.ts';

/** The records of all subnets, or of the one that is alone. */
export interface SimRegistries extends Omit<SimRegistry, 'records' | 'port'> {
  readonly port: NetworkRegistry;
  /** Versions of one subnet's record after its genesis, for a node that starts. */
  records(subnetId?: SubnetId): readonly SubnetRecord[];
}

/** @param genesis of every subnet, the root first */
export function createSimRegistries(
  genesis: readonly SubnetGenesis[],
  deps: Omit<SimRegistryDeps, 'genesis' | 'subnet'>,
): SimRegistries {
  const registries = genesis.map((one, subnet) =>
    createSimRegistry({ ...deps, genesis: one, subnet }),
  );
  const root = present(registries[0], 'a network has a root subnet');
  const find = (subnetId: SubnetId | undefined): SimRegistry | undefined =>
    subnetId === undefined
      ? root
      : registries[genesis.findIndex((one) => one.subnetId === subnetId)];
  const known = (subnetId: SubnetId | undefined): SimRegistry => {
    const registry = find(subnetId);
    if (registry === undefined) {
      throw new RangeError(`There is no subnet ${String(subnetId).slice(0, 64)}.`);
    }
    return registry;
  };
  return {
    port: {
      version: (subnetId) => known(subnetId).port.version(),
      record: (subnetId) => known(subnetId).port.record(),
      update: async (change, subnetId) =>
        find(subnetId)?.port.update(change) ??
        err(codedError('input', 'SUBNET_UNKNOWN', 'There is no such subnet.')),
      addSubnet: () => Promise.resolve(err(noRegistry())),
    },
    records: (subnetId) => find(subnetId)?.records() ?? [],
    facts: () => registries.flatMap((registry) => registry.facts()),
    observe: (nodeId, event) => {
      for (const registry of registries) {
        registry.observe(nodeId, event);
      }
    },
    stopLeavers: () => {
      for (const registry of registries) {
        registry.stopLeavers();
      }
    },
  };
}
