import { compareText } from '../../../base/bytes.ts';
import { codedError, err, ok, type Result } from '../../../base/result.ts';
import {
  MAX_CONTROLLERS,
  MAX_ENVIRONMENT_VARIABLES,
  MAX_ENVIRONMENT_VARIABLE_BYTES,
} from '../../limits/execution.ts';
import type { CanisterSettings, LogVisibility } from '../../replicated-state/canister-state.ts';
import type { CanisterId, PrincipalId } from '../../types/ids.ts';
import {
  blobField,
  boolField,
  fieldOf,
  natField,
  principalField,
  required,
  variantField,
  vecField,
} from './candid-fields.ts';
import { candidHash, decodeCandid, type CandidError, type CandidValue } from './candid-value.ts';

/** Arguments of the management canister's methods, from Candid. */

function malformed(message: string): Result<never, CandidError> {
  return err(codedError('input', 'MALFORMED_CANDID', message));
}

/** The single record that every management method takes. */
export function decodeRecord(arg: Uint8Array): Result<CandidValue, CandidError> {
  const values = decodeCandid(arg);
  if (!values.ok) {
    return values;
  }
  const record = values.value[0];
  return record?.kind === 'record' ? ok(record) : malformed('the argument is not a record');
}

/** The `canister_id` field of an argument. */
export function decodeCanisterId(arg: Uint8Array): Result<CanisterId, CandidError> {
  const record = decodeRecord(arg);
  if (!record.ok) {
    return record;
  }
  const id = required(principalField(record.value, 'canister_id'), 'canister_id');
  return id.ok ? ok(id.value as CanisterId) : id;
}

/** Settings as far as the caller gave them. */
export interface SettingsChange {
  readonly controllers: readonly PrincipalId[] | undefined;
  readonly settings: Partial<CanisterSettings>;
}

const NO_CHANGE: SettingsChange = { controllers: undefined, settings: {} };

const NAT_SETTINGS = [
  ['compute_allocation', 'computeAllocation', 100n],
  ['memory_allocation', 'memoryAllocationBytes', 1n << 48n],
  ['freezing_threshold', 'freezingThresholdSeconds', (1n << 64n) - 1n],
  ['reserved_cycles_limit', 'reservedCyclesLimit', (1n << 128n) - 1n],
  ['wasm_memory_limit', 'wasmMemoryLimitBytes', 1n << 48n],
  ['wasm_memory_threshold', 'wasmMemoryThresholdBytes', 1n << 48n],
] as const;

/** Reads `canister_settings`; absent fields change nothing. */
export function decodeSettings(record: CandidValue): Result<SettingsChange, CandidError> {
  const value = fieldOf(record, 'settings');
  if (value === undefined) {
    return ok(NO_CHANGE);
  }
  const settings: { -readonly [K in keyof CanisterSettings]?: CanisterSettings[K] } = {};
  for (const [name, key, limit] of NAT_SETTINGS) {
    const number = natField(value, name);
    if (!number.ok) {
      return number;
    }
    if (number.value !== undefined) {
      if (number.value > limit) {
        return malformed(`${name} expected to be in the range [0..${limit}], got ${number.value}`);
      }
      settings[key] = number.value;
    }
  }
  const controllers = decodePrincipals(value, 'controllers');
  const visibility = decodeLogVisibility(value);
  const variables = decodeEnvironment(value);
  if (!controllers.ok || !visibility.ok || !variables.ok) {
    return !controllers.ok
      ? controllers
      : !visibility.ok
        ? visibility
        : (variables as Result<never, CandidError>);
  }
  if (visibility.value !== undefined) {
    settings.logVisibility = visibility.value;
  }
  if (variables.value !== undefined) {
    settings.environmentVariables = variables.value;
  }
  return ok({ controllers: controllers.value, settings });
}

function decodePrincipals(
  record: CandidValue,
  name: string,
): Result<readonly PrincipalId[] | undefined, CandidError> {
  const items = vecField(record, name);
  if (!items.ok || items.value === undefined) {
    return items.ok ? ok(undefined) : items;
  }
  if (items.value.length > MAX_CONTROLLERS) {
    return malformed(`The number of elements exceeds maximum allowed ${MAX_CONTROLLERS}`);
  }
  const principals = new Set<PrincipalId>();
  for (const item of items.value) {
    if (item.kind !== 'principal') {
      return malformed(`field ${name} is not a vector of principals`);
    }
    principals.add(item.value);
  }
  return ok([...principals].sort(compareText));
}

function decodeLogVisibility(record: CandidValue): Result<LogVisibility | undefined, CandidError> {
  const chosen = variantField(record, 'log_visibility', [
    'controllers',
    'public',
    'allowed_viewers',
  ]);
  if (!chosen.ok || chosen.value === undefined) {
    return chosen.ok ? ok(undefined) : chosen;
  }
  if (chosen.value.name !== 'allowed_viewers') {
    return ok({ kind: chosen.value.name });
  }
  const holder: CandidValue = {
    kind: 'record',
    fields: new Map([[candidHash('allowed_viewers'), chosen.value.value]]),
  };
  const viewers = decodePrincipals(holder, 'allowed_viewers');
  return viewers.ok ? ok({ kind: 'allowedViewers', viewers: viewers.value ?? [] }) : viewers;
}

function decodeEnvironment(
  record: CandidValue,
): Result<readonly (readonly [string, string])[] | undefined, CandidError> {
  const items = vecField(record, 'environment_variables');
  if (!items.ok || items.value === undefined) {
    return items.ok ? ok(undefined) : items;
  }
  if (items.value.length > MAX_ENVIRONMENT_VARIABLES) {
    return malformed(
      `Too many environment variables: ${items.value.length} (max: ${MAX_ENVIRONMENT_VARIABLES})`,
    );
  }
  const variables = new Map<string, string>();
  for (const item of items.value) {
    const name = fieldOf(item, 'name');
    const value = fieldOf(item, 'value');
    if (name?.kind !== 'text' || value?.kind !== 'text') {
      return malformed('an environment variable needs a name and a value');
    }
    const longest = Math.max(name.value.length, value.value.length);
    if (longest > MAX_ENVIRONMENT_VARIABLE_BYTES || variables.has(name.value)) {
      return malformed('an environment variable is too long or named twice');
    }
    variables.set(name.value, value.value);
  }
  return ok([...variables].sort((a, b) => compareText(a[0], b[0])));
}

export interface CreateCanisterArgument {
  readonly change: SettingsChange;
  readonly amount: bigint | undefined;
  readonly specifiedId: CanisterId | undefined;
}

export function decodeCreateCanister(arg: Uint8Array): Result<CreateCanisterArgument, CandidError> {
  const record = decodeRecord(arg);
  if (!record.ok) {
    return record;
  }
  const change = decodeSettings(record.value);
  const amount = natField(record.value, 'amount');
  const specified = principalField(record.value, 'specified_id');
  if (!change.ok) {
    return change;
  }
  if (!amount.ok) {
    return amount;
  }
  if (!specified.ok) {
    return specified;
  }
  return ok({
    change: change.value,
    amount: amount.value,
    specifiedId: specified.value as CanisterId | undefined,
  });
}

export interface InstallCodeArgument {
  readonly canisterId: CanisterId;
  readonly mode: 'install' | 'reinstall' | 'upgrade';
  readonly wasm: Uint8Array;
  readonly arg: Uint8Array;
  readonly skipPreUpgrade: boolean;
  readonly memoryPersistence: 'keep' | 'replace' | undefined;
}

export function decodeInstallCode(arg: Uint8Array): Result<InstallCodeArgument, CandidError> {
  const record = decodeRecord(arg);
  if (!record.ok) {
    return record;
  }
  const canisterId = required(principalField(record.value, 'canister_id'), 'canister_id');
  const wasm = required(blobField(record.value, 'wasm_module'), 'wasm_module');
  const init = required(blobField(record.value, 'arg'), 'arg');
  const modes = ['install', 'reinstall', 'upgrade'] as const;
  const mode = required(variantField(record.value, 'mode', modes), 'mode');
  if (!canisterId.ok) {
    return canisterId;
  }
  if (!wasm.ok) {
    return wasm;
  }
  if (!init.ok) {
    return init;
  }
  if (!mode.ok) {
    return mode;
  }
  const inner = mode.value.value;
  const flags = inner.kind === 'opt' && inner.value !== null ? inner.value : inner;
  const skip = boolField(flags, 'skip_pre_upgrade');
  const persistence = variantField(flags, 'wasm_memory_persistence', ['keep', 'replace']);
  if (!skip.ok) {
    return skip;
  }
  if (!persistence.ok) {
    return persistence;
  }
  return ok({
    canisterId: canisterId.value as CanisterId,
    mode: mode.value.name,
    wasm: wasm.value,
    arg: init.value,
    skipPreUpgrade: skip.value ?? false,
    memoryPersistence: persistence.value?.name,
  });
}
