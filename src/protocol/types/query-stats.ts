import type { CborInput } from '../crypto/cbor.ts';
import { bytesToHex, hexToBytes } from '../../base/hex.ts';
import { present } from '../../base/assert.ts';
import { MAX_QUERY_STATS_CANISTERS } from '../limits/query.ts';
import type { FieldReader } from './field-reader.ts';
import type { CanisterId, Instructions } from './ids.ts';

/** What queries of one canister came to: on one node in one epoch, or altogether. */
export interface QueryCounts {
  readonly calls: bigint;
  readonly instructions: Instructions;
  readonly requestBytes: bigint;
  readonly responseBytes: bigint;
}

export const NO_QUERIES: QueryCounts = {
  calls: 0n,
  instructions: 0n,
  requestBytes: 0n,
  responseBytes: 0n,
};

/** The queries that a block's maker answered in an epoch that is over; goes in its block. */
export interface QueryStatsReport {
  readonly epoch: number;
  /** Ascending by id. */
  readonly canisters: readonly (readonly [CanisterId, QueryCounts])[];
}

const CANISTER_ID_BYTES = 10;

/** Component-wise. */
export function addCounts(a: QueryCounts, b: QueryCounts): QueryCounts {
  return {
    calls: a.calls + b.calls,
    instructions: a.instructions + b.instructions,
    requestBytes: a.requestBytes + b.requestBytes,
    responseBytes: a.responseBytes + b.responseBytes,
  };
}

/** Positional fields, for blocks. */
export function queryStatsFields({ epoch, canisters }: QueryStatsReport): CborInput {
  return [
    epoch,
    canisters.map(([canisterId, counts]) => [
      present(hexToBytes(canisterId), 'a canister id is hex'),
      counts.calls,
      counts.instructions,
      counts.requestBytes,
      counts.responseBytes,
    ]),
  ];
}

/** Reads what `queryStatsFields` wrote; what is too long or out of order fails the reader. */
export function readQueryStats(fields: FieldReader): QueryStatsReport {
  const epoch = fields.safeNat();
  const canisters = fields.listOf(MAX_QUERY_STATS_CANISTERS, readCounts);
  if (canisters.some(([id], i) => i > 0 && (canisters[i - 1]?.[0] ?? '') >= id)) {
    fields.fail('canisters are not in order');
  }
  return { epoch, canisters };
}

function readCounts(inner: FieldReader): readonly [CanisterId, QueryCounts] {
  const canisterId = bytesToHex(inner.bytes(CANISTER_ID_BYTES, CANISTER_ID_BYTES)) as CanisterId;
  const counts = {
    calls: inner.u64(),
    instructions: inner.u64(),
    requestBytes: inner.u64(),
    responseBytes: inner.u64(),
  };
  return [canisterId, counts];
}
