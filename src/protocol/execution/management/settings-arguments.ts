import { compareText } from '../../../base/bytes.ts';
import { encodeUtf8 } from '../../../base/utf8.ts';
import {
  MAX_CONTROLLERS,
  MAX_ENVIRONMENT_VARIABLES,
  MAX_ENVIRONMENT_VARIABLE_BYTES,
} from '../../limits/execution.ts';
import type { CanisterSettings, Visibility } from '../../replicated-state/canister-state.ts';
import type { PrincipalId } from '../../types/ids.ts';
import { ErrorCode } from '../user-error.ts';
import { ArgumentReader, malformed, refuse } from './argument-reader.ts';
import type { CandidValue } from './candid-value.ts';

/** Settings as far as the caller gave them. @upstream rs/execution_environment/src/canister_settings.rs */
export interface SettingsChange {
  readonly controllers: readonly PrincipalId[] | undefined;
  readonly settings: Partial<CanisterSettings>;
}

const NO_CHANGE: SettingsChange = { controllers: undefined, settings: {} };

type NatSetting = {
  readonly [K in keyof CanisterSettings]: CanisterSettings[K] extends bigint ? K : never;
}[keyof CanisterSettings];

const NAT_SETTINGS: readonly (readonly [
  field: string,
  key: NatSetting,
  limit: bigint,
  range: string,
])[] = [
  [
    'compute_allocation',
    'computeAllocation',
    100n,
    'ComputeAllocation expected to be in the range [0..100]',
  ],
  [
    'memory_allocation',
    'memoryAllocationBytes',
    (1n << 64n) - 1n,
    'MemoryAllocation expected to be in the range [0..18446744073709551615]',
  ],
  [
    'freezing_threshold',
    'freezingThresholdSeconds',
    (1n << 64n) - 1n,
    'Freezing threshold expected to be in the range of [0..2^64-1]',
  ],
  [
    'reserved_cycles_limit',
    'reservedCyclesLimit',
    (1n << 128n) - 1n,
    'Reserved cycles limit expected to be in the range of [0..2^128-1]',
  ],
  [
    'minimum_incoming_canister_call_cycles',
    'minimumIncomingCallCycles',
    (1n << 128n) - 1n,
    'Minimum incoming canister call cycles expected to be in the range of [0..2^128-1]',
  ],
  [
    'wasm_memory_limit',
    'wasmMemoryLimitBytes',
    1n << 48n,
    'Wasm memory limit expected to be in the range of [0..2^48]',
  ],
  [
    'wasm_memory_threshold',
    'wasmMemoryThresholdBytes',
    1n << 48n,
    'Wasm memory threshold expected to be in the range of [0..2^48]',
  ],
];

/** A nat as the replica prints it: digits in groups of three. */
function grouped(value: bigint): string {
  return value.toString().replaceAll(/\B(?=(\d{3})+$)/g, '_');
}

/** The `settings` field of an argument; absent fields change nothing. */
export function settingsFrom(argument: ArgumentReader): SettingsChange {
  const record = argument.optionalRecord('settings');
  if (record === undefined) {
    return NO_CHANGE;
  }
  const settings: { -readonly [K in keyof CanisterSettings]?: CanisterSettings[K] } = {};
  for (const [field, key, limit, range] of NAT_SETTINGS) {
    const value = record.optionalNat(field);
    if (value !== undefined) {
      if (value > limit) {
        refuse(ErrorCode.canisterContractViolation, `${range}, got ${grouped(value)}`);
      }
      settings[key] = value;
    }
  }
  const visibilities = [
    ['log_visibility', 'logVisibility'],
    ['snapshot_visibility', 'snapshotVisibility'],
    ['status_visibility', 'statusVisibility'],
  ] as const;
  for (const [field, key] of visibilities) {
    const visibility = visibilityFrom(record, field);
    if (visibility !== undefined) {
      settings[key] = visibility;
    }
  }
  const variables = environmentFrom(record);
  if (variables !== undefined) {
    settings.environmentVariables = variables;
  }
  return { controllers: principalsFrom(record.optionalList('controllers')), settings };
}

function principalsFrom(
  items: readonly CandidValue[] | undefined,
): readonly PrincipalId[] | undefined {
  if (items === undefined) {
    return undefined;
  }
  if (items.length > MAX_CONTROLLERS) {
    malformed(`The number of elements exceeds maximum allowed ${MAX_CONTROLLERS}`);
  }
  const principals = new Set<PrincipalId>();
  for (const item of items) {
    principals.add(item.kind === 'principal' ? item.value : malformed('not a principal'));
  }
  return [...principals].sort(compareText);
}

function visibilityFrom(record: ArgumentReader, field: string): Visibility | undefined {
  const chosen = record.optionalVariant(field, ['controllers', 'public', 'allowed_viewers']);
  if (chosen === undefined) {
    return undefined;
  }
  const { name } = chosen;
  if (name !== 'allowed_viewers') {
    return { kind: name };
  }
  const viewers = chosen.value.kind === 'vec' ? chosen.value.items : malformed('not a vector');
  return { kind: 'allowedViewers', viewers: principalsFrom(viewers) ?? [] };
}

function environmentFrom(
  record: ArgumentReader,
): readonly (readonly [string, string])[] | undefined {
  const items = record.optionalList('environment_variables');
  if (items === undefined) {
    return undefined;
  }
  const variables = new Map<string, string>();
  for (const item of items) {
    const pair = new ArgumentReader(item);
    variables.set(pair.text('name'), pair.text('value'));
  }
  const bad = (message: string): never => refuse(ErrorCode.invalidManagementPayload, message);
  if (variables.size !== items.length) {
    bad('Duplicate environment variables are not allowed');
  }
  if (variables.size > MAX_ENVIRONMENT_VARIABLES) {
    bad(`Too many environment variables: ${variables.size} (max: ${MAX_ENVIRONMENT_VARIABLES})`);
  }
  for (const [what, texts] of [
    ['name', variables.keys()],
    ['value', variables.values()],
  ] as const) {
    for (const text of texts) {
      if (encodeUtf8(text).length > MAX_ENVIRONMENT_VARIABLE_BYTES) {
        bad(
          `Environment variable ${what} "${text}" exceeds the maximum allowed length of ${MAX_ENVIRONMENT_VARIABLE_BYTES}.`,
        );
      }
    }
  }
  return [...variables].sort((a, b) => compareText(a[0], b[0]));
}
