import type { CallPrices } from '../interfaces/wasm-host.ts';
import {
  CALL_BASE_FEE,
  CALL_BYTE_FEE,
  MAX_RESPONSE_PAYLOAD_BYTES,
  REFERENCE_SUBNET_SIZE,
} from '../limits/execution.ts';
import type { Cycles } from '../types/ids.ts';

/**
 * What a call between canisters costs its caller, computed the same way where the call is made and
 * where it is booked. @upstream rs/cycles_account_manager/src/lib.rs#withdraw_request_cycles
 */

function scaled(prices: CallPrices, fee: Cycles): Cycles {
  return (fee * BigInt(prices.nodeCount)) / REFERENCE_SUBNET_SIZE;
}

/** Fee of sending a request of so many bytes (method name and argument); spent at once. */
export function requestFee(prices: CallPrices, payloadBytes: number | bigint): Cycles {
  return scaled(prices, CALL_BASE_FEE + CALL_BYTE_FEE * BigInt(payloadBytes));
}

/** Fee of the response's bytes. */
export function responseFee(prices: CallPrices, payloadBytes: number | bigint): Cycles {
  return scaled(prices, CALL_BYTE_FEE * BigInt(payloadBytes));
}

/** Paid with the call for the largest response; what is not used comes back with the response. */
export function responsePrepayment(prices: CallPrices): Cycles {
  return responseFee(prices, MAX_RESPONSE_PAYLOAD_BYTES);
}

/** All a call takes from the balance, attached cycles apart. */
export function callCost(prices: CallPrices, payloadBytes: number | bigint): Cycles {
  return requestFee(prices, payloadBytes) + responsePrepayment(prices) + prices.executionPrepayment;
}
