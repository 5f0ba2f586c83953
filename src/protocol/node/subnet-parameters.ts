import {
  MAX_BLOCK_PAYLOAD_BYTES,
  MAX_BLOCK_INGRESS_MESSAGES,
  MAX_INGRESS_BYTES_APP,
  MAX_INGRESS_BYTES_SYSTEM,
} from '../limits/interface.ts';
import type { LimitsPreset, SubnetKind, SubnetParameters } from '../types/genesis.ts';
import type { DurationMs } from '../types/ids.ts';

export interface SubnetTiming {
  readonly unitDelayMs: DurationMs;
  readonly initialNotaryDelayMs: DurationMs;
  readonly dkgIntervalLength: number;
}

/** The parameters that a new subnet record of that kind holds; both hosts deal with these. */
export function subnetParametersFor(
  kind: SubnetKind,
  timing: SubnetTiming,
  limits: LimitsPreset = 'classroom',
): SubnetParameters {
  const isSpecial = kind === 'fiduciary' || kind === 'data';
  const subnetType = isSpecial ? 'application' : kind;
  return {
    subnetType,
    specialization: isSpecial ? kind : 'none',
    dkgIntervalLength: timing.dkgIntervalLength,
    unitDelayMs: timing.unitDelayMs,
    initialNotaryDelayMs: timing.initialNotaryDelayMs,
    maxBlockPayloadBytes: MAX_BLOCK_PAYLOAD_BYTES,
    maxIngressMessagesPerBlock: MAX_BLOCK_INGRESS_MESSAGES,
    maxIngressBytesPerMessage:
      subnetType === 'system' ? MAX_INGRESS_BYTES_SYSTEM : MAX_INGRESS_BYTES_APP,
    executionLimits: limits,
  };
}
