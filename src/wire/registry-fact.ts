import { codedError } from '../base/result.ts';
import type { SubnetId } from '../protocol/types/ids.ts';
import type { SubnetRecord } from '../protocol/types/registry.ts';
import type { NetworkError } from './network.ts';
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

/** Why a network takes no further subnet: the same words from both hosts. */
export function noRegistry(): NetworkError {
  const message =
    'Only a network whose first subnet is a system subnet has a registry that can take another subnet.';
  return codedError('input', 'INVALID_ARGUMENT', message);
}
