import type { Result } from '../../../base/result.ts';
import { ErrorCode, userError, type UserError } from '../user-error.ts';
import { type ArgumentReader, readArgument } from './argument-reader.ts';
import type { UnavailableMethod } from './methods.ts';

/**
 * Services that this subnet does not have: it holds no keys but its own, and reaches nothing outside.
 * The words are those of the replica on such a subnet.
 * @upstream rs/execution_environment/src/execution_environment.rs, rs/replicated_state/src/metadata_state.rs
 */
export function unavailable(method: UnavailableMethod, arg: Uint8Array): Result<never, UserError> {
  switch (method) {
    case 'http_request':
      return userError(
        ErrorCode.canisterContractViolation,
        'This API is not enabled on this subnet',
      );
    case 'bitcoin_get_balance':
    case 'bitcoin_get_utxos':
    case 'bitcoin_get_block_headers':
    case 'bitcoin_send_transaction':
    case 'bitcoin_get_current_fee_percentiles':
      return userError(ErrorCode.canisterRejectedMessage, 'No bitcoin canisters available.');
    case 'fetch_canister_logs':
      return userError(
        ErrorCode.canisterRejectedMessage,
        'fetch_canister_logs API is only accessible to end users in non-replicated mode',
      );
    default:
      return unknownKey(method, arg);
  }
}

const CURVES = { secp256k1: 'Secp256k1' } as const;
const ALGORITHMS = { bip340secp256k1: 'Bip340Secp256k1', ed25519: 'Ed25519' } as const;
const VETKD_CURVES = { bls12_381_g2: 'Bls12_381_G2' } as const;

function keyName<Name extends string>(
  scheme: string,
  record: ArgumentReader,
  field: string,
  names: Readonly<Record<Name, string>>,
): string {
  const chosen = record.variant(field, Object.keys(names) as Name[]);
  return `${scheme}:${names[chosen.name]}:${record.text('name')}`;
}

function keyOf(method: string, record: ArgumentReader): string {
  const keyId = record.optionalRecord('key_id') ?? record;
  if (method.startsWith('vetkd_')) {
    return keyName('vetkd', keyId, 'curve', VETKD_CURVES);
  }
  return method.includes('schnorr')
    ? keyName('schnorr', keyId, 'algorithm', ALGORITHMS)
    : keyName('ecdsa', keyId, 'curve', CURVES);
}

/** Public keys of unknown keys cannot be had, and disabled ones do not sign. */
function unknownKey(method: string, arg: Uint8Array): Result<never, UserError> {
  const key = readArgument(arg, (record) => keyOf(method, record));
  if (!key.ok) {
    return key;
  }
  const why = method.endsWith('_public_key')
    ? `Requested unknown threshold key: ${key.value}, existing keys: []`
    : `Requested unknown or disabled threshold key: ${key.value}, existing enabled keys: []`;
  return userError(
    ErrorCode.canisterNotFound,
    `Unable to route management canister request ${method}: ChainKeyError("${why}")`,
  );
}
