import { decodeUtf8, decodeUtf8Lossy } from '../../../base/utf8.ts';
import { callCost } from '../call-fees.ts';
import { createCanisterPrice, httpRequestPrice } from '../service-fees.ts';
import { toolchainViolation } from './canister-trap.ts';
import type { SystemApiFunctions } from './functions.ts';
import type { ApiSession } from './session.ts';

/** Results of the prices of signatures and keys. There is no 0: this subnet knows no signing keys. */
const UNKNOWN_CURVE = 1;
const UNKNOWN_KEY = 2;

/** Curves and algorithms by number: secp256k1; bip340secp256k1, ed25519; bls12_381_g2. */
const CURVES = { cost_sign_with_ecdsa: 1, cost_sign_with_schnorr: 2, cost_vetkd_derive_key: 1 };

/** Byte counts of a price saturate at 64 bits. */
const U64_MAX = (1n << 64n) - 1n;

type PriceNames =
  | 'cost_call'
  | 'cost_create_canister'
  | 'cost_http_request'
  | 'cost_sign_with_ecdsa'
  | 'cost_sign_with_schnorr'
  | 'cost_vetkd_derive_key';

/** What a signature or a derived key costs: nothing is written where no key answers to the name. */
function keyPrice(name: keyof typeof CURVES) {
  return (session: ApiSession, source: number, size: number, curve: number): number => {
    const bytes = session.heapRange(`ic0.${name} heap`, source, size);
    if (decodeUtf8(bytes) === undefined) {
      throw toolchainViolation(`Failed to decode key name ${decodeUtf8Lossy(bytes)}`);
    }
    return curve < CURVES[name] ? UNKNOWN_KEY : UNKNOWN_CURVE;
  };
}

/** What the subnet's services would cost this canister. @upstream rs/cycles_account_manager/src/lib.rs */
export const priceFunctions: SystemApiFunctions<PriceNames> = {
  cost_call: (session, nameSize, payloadSize, target) => {
    const sum = nameSize + payloadSize;
    const bytes = sum > U64_MAX ? U64_MAX : sum;
    session.writeU128('cost_call', target, callCost(session.input.prices, bytes));
  },
  cost_create_canister: (session, target) =>
    session.writeU128('cost_create_canister', target, createCanisterPrice(session.input.prices)),
  cost_http_request: (session, requestSize, maxResponseBytes, target) => {
    const price = httpRequestPrice(session.input.prices, requestSize, maxResponseBytes);
    session.writeU128('cost_http_request', target, price);
  },
  cost_sign_with_ecdsa: keyPrice('cost_sign_with_ecdsa'),
  cost_sign_with_schnorr: keyPrice('cost_sign_with_schnorr'),
  cost_vetkd_derive_key: keyPrice('cost_vetkd_derive_key'),
};
