import type { SubnetRecord } from '../protocol/types/registry.ts';
import type { HostEvent } from './telemetry.ts';

/** What watchers are told of a registry version. */
export function registryFact(record: SubnetRecord): HostEvent {
  const { version, members, isHalted, haltAtCatchUpPackage } = record;
  return { kind: 'registryChanged', version, members, isHalted, haltAtCatchUpPackage };
}
