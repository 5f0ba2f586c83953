import type { SubnetId } from '../protocol/types/ids.ts';
import type { SubnetRecord } from '../protocol/types/registry.ts';
import type { HostEvent } from './telemetry.ts';

/** What watchers are told of a registry version. */
export function registryFact(record: SubnetRecord, subnetId?: SubnetId): HostEvent {
  const { version, members, isHalted, haltAtCatchUpPackage } = record;
  return {
    kind: 'registryChanged',
    version,
    members,
    isHalted,
    haltAtCatchUpPackage,
    ...(subnetId !== undefined && { subnetId }),
  };
}
