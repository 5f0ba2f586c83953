import type { CallPrices } from '../interfaces/wasm-host.ts';
import {
  CREATE_CANISTER_FEE,
  HTTP_REQUEST_BASE_FEE,
  HTTP_REQUEST_BYTE_FEE,
  HTTP_REQUEST_NODE_FEE,
  HTTP_RESPONSE_BYTE_FEE,
  REFERENCE_SUBNET_SIZE,
} from '../limits/execution.ts';
import type { Cycles } from '../types/ids.ts';

/** Prices of the management canister's services, by the subnet that offers them. @upstream rs/cycles_account_manager/src/lib.rs */

/** For making a canister: what it costs, and what is told to who asks. */
export function createCanisterPrice({ nodeCount }: Pick<CallPrices, 'nodeCount'>): Cycles {
  return (CREATE_CANISTER_FEE * BigInt(nodeCount)) / REFERENCE_SUBNET_SIZE;
}

/** For an HTTP outcall that all nodes make; grows with the square of their number. */
export function httpRequestPrice(
  { nodeCount }: CallPrices,
  requestBytes: bigint,
  maxResponseBytes: bigint,
): Cycles {
  const nodes = BigInt(nodeCount);
  const perNode =
    HTTP_REQUEST_BASE_FEE +
    HTTP_REQUEST_NODE_FEE * nodes +
    HTTP_REQUEST_BYTE_FEE * requestBytes +
    HTTP_RESPONSE_BYTE_FEE * maxResponseBytes;
  return perNode * nodes;
}
