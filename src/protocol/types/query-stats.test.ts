import { describe, expect, it } from 'vitest';
import { decodeCbor, encodeCbor } from '../crypto/cbor.ts';
import { FieldReader } from './field-reader.ts';
import type { CanisterId } from './ids.ts';
import { queryStatsFields, readQueryStats, type QueryStatsReport } from './query-stats.ts';

const COUNTS = { calls: 1n, instructions: 2n ** 60n, requestBytes: 3n, responseBytes: 4n };
const id = (last: number): CanisterId =>
  `0000000000000000${last.toString(16).padStart(4, '0')}` as CanisterId;

function roundTrip(report: QueryStatsReport): readonly [QueryStatsReport, string | null] {
  const decoded = decodeCbor(encodeCbor(queryStatsFields(report)), { maxBytes: 1_000_000 });
  const fields = new FieldReader(decoded.ok ? decoded.value : undefined);
  const read = readQueryStats(fields);
  fields.end();
  return [read, fields.failure];
}

describe('reports of query statistics in blocks', () => {
  it('come back as they were', () => {
    const report = { epoch: 7, canisters: [[id(1), COUNTS] as const, [id(2), COUNTS] as const] };
    expect(roundTrip(report)).toEqual([report, null]);
    expect(roundTrip({ epoch: 0, canisters: [] })).toEqual([{ epoch: 0, canisters: [] }, null]);
  });

  it('are refused out of order, twice, with a number too large or too many', () => {
    const failure = (canisters: QueryStatsReport['canisters']): string | null =>
      roundTrip({ epoch: 1, canisters })[1];
    expect(
      failure([
        [id(2), COUNTS],
        [id(1), COUNTS],
      ]),
    ).toMatch(/not in order/);
    expect(
      failure([
        [id(1), COUNTS],
        [id(1), COUNTS],
      ]),
    ).toMatch(/not in order/);
    expect(failure([['0102' as CanisterId, COUNTS]])).toMatch(/10–10 bytes/);
    const many = Array.from({ length: 1001 }, (_, index) => [id(index), COUNTS] as const);
    expect(failure(many)).toMatch(/list of at most 1000/);
  });
});
