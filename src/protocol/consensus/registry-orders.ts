import type { RegistryReader } from '../registry/registry-client.ts';
import { REPLICA_VERSION } from '../registry/registry-change.ts';
import type { SubnetRecord } from '../types/registry.ts';
import type { HaltRecord, HaltRegistry } from './halting.ts';

/** What the registry says about stopping, as the roles ask for it. */
export function haltRegistryOf(registry: RegistryReader): HaltRegistry {
  const ordersOf = (record: SubnetRecord): HaltRecord => ({
    isHalted: record.isHalted,
    haltAtCatchUpPackage: record.haltAtCatchUpPackage,
    isOtherReplicaVersion: record.replicaVersion !== REPLICA_VERSION,
  });
  return {
    newest: () => ordersOf(registry.newest()),
    at: (version) => {
      const record = registry.recordAt(version);
      return record && ordersOf(record);
    },
  };
}
