import { describe, expect, it } from 'vitest';
import type { BatchPayload, Validation, XNetSlice } from '../interfaces/replica.ts';
import { MAX_SLICE_BYTES, MAX_SLICE_POOL_BYTES } from '../limits/xnet.ts';
import type { SubnetId } from '../types/ids.ts';
import { createBatchPayloadBuilder } from './batch-payload-builder.ts';
import { cutSlice } from './cut-slice.ts';
import { sizeOfSlice, SlicePool } from './slice-pool.ts';
import { requests, testNetwork } from './testing/certified-streams.ts';
import { readSlice } from './verify-slice.ts';

const MIB = 1024 * 1024;
const FROM = 'aa' as SubnetId;

/** Sections that fill all the room that they are given, and tell how much that was. */
function greedy(maxBlockBytes: number) {
  const rooms = { calls: 0, slices: 0 };
  const builder = createBatchPayloadBuilder({
    maxBlockBytes,
    ingress: {
      build: (_context, _past, maxBytes = maxBlockBytes): BatchPayload => {
        rooms.calls = maxBytes;
        return { ingress: [new Uint8Array(maxBytes)] };
      },
      validate: () => ({ kind: 'valid' }),
    },
    xnet: {
      build: (_context, _past, maxBytes): readonly XNetSlice[] => {
        rooms.slices = maxBytes;
        return [{ from: FROM, slice: new Uint8Array(maxBytes) }];
      },
      validate: () => ({ kind: 'valid' }),
    },
  });
  const at = (certifiedHeight: number) => ({ certifiedHeight, registryVersion: 1, timeNs: 1n });
  return { builder, rooms, at };
}

it('is valid only if both its calls and its slices are', () => {
  const verdictOf = (calls: 'valid' | 'invalid', slices: 'valid' | 'invalid') => {
    const judge = (kind: 'valid' | 'invalid', code: string): Validation =>
      kind === 'valid' ? { kind } : { kind, code, message: '' };
    const builder = createBatchPayloadBuilder({
      maxBlockBytes: 1000,
      ingress: { build: () => ({ ingress: [] }), validate: () => judge(calls, 'CALLS') },
      xnet: { build: () => [], validate: () => judge(slices, 'SLICES') },
    });
    const payload = { ingress: [], xnet: [{ from: FROM, slice: new Uint8Array(1) }] };
    const judged = builder.validate(
      payload,
      { certifiedHeight: 1, registryVersion: 1, timeNs: 1n },
      [],
    );
    return 'code' in judged ? judged.code : judged.kind;
  };
  expect(verdictOf('valid', 'valid')).toBe('valid');
  expect(verdictOf('invalid', 'valid')).toBe('CALLS');
  expect(verdictOf('valid', 'invalid')).toBe('SLICES');
});

describe('the room of a block', () => {
  it('XN11 slices take 95 % of it and 4 MiB at most, whatever more there is', () => {
    const small = greedy(1_000_000);
    small.builder.build(small.at(4), []);
    expect(small.rooms).toEqual({ slices: 950_000, calls: 50_000 });
    const large = greedy(8 * MIB);
    large.builder.build(large.at(4), []);
    expect(large.rooms).toEqual({ slices: MAX_SLICE_BYTES, calls: 4 * MIB });
  });

  it('goes to calls and slices in turns, so that neither starves', () => {
    const { builder, rooms, at } = greedy(1_000_000);
    builder.build(at(5), []);
    expect(rooms).toEqual({ calls: 1_000_000, slices: 0 });
    builder.build(at(5), [{ ingress: [] }]);
    expect(rooms).toEqual({ slices: 950_000, calls: 50_000 });
  });

  it('may be exceeded by a block twofold, never more', () => {
    const { builder, at } = greedy(1000);
    const of = (calls: number, slices: number): BatchPayload => ({
      ingress: [new Uint8Array(calls)],
      xnet: [{ from: FROM, slice: new Uint8Array(slices) }],
    });
    expect(builder.validate(of(1000, 1000), at(4), [])).toEqual({ kind: 'valid' });
    const code = 'XNET_PAYLOAD_TOO_LARGE';
    expect(builder.validate(of(1000, 1001), at(4), [])).toMatchObject({ kind: 'invalid', code });
  });
});

it('XN9 the pool keeps 4 MiB of a subnet and 10 MiB of all: there is room for no more than that', () => {
  const { a, b } = testNetwork();
  const stream = { begin: 0, messages: requests(0, 4, 900_000), signalsEnd: 0 };
  const wish = { witnessBegin: 0, msgBegin: 0, msgLimit: 10, byteLimit: MAX_SLICE_BYTES };
  const slice = cutSlice(a.certify(9, new Map([[b.id, stream]])), b.id, wish);
  const read = slice && readSlice(slice);
  if (slice === undefined || read?.ok !== true) {
    throw new RangeError('the stream is there');
  }
  const bytes = sizeOfSlice(slice);
  expect(bytes).toBeGreaterThan(3 * MIB);
  const pool = new SlicePool();
  const ids = ['01', '02', '03'] as const;
  const rooms = ids.map((id) => {
    expect(pool.roomFor(id as SubnetId)).toBe(
      Math.min(MAX_SLICE_BYTES, MAX_SLICE_POOL_BYTES - ids.indexOf(id) * bytes),
    );
    pool.put(id as SubnetId, slice, read.value.header);
    return pool.roomFor(id as SubnetId);
  });
  expect(rooms.slice(0, 2)).toEqual([MAX_SLICE_BYTES - bytes, MAX_SLICE_BYTES - bytes]);
  expect(pool.roomFor('04' as SubnetId)).toBe(Math.max(0, MAX_SLICE_POOL_BYTES - 3 * bytes));
  pool.dropBefore('01' as SubnetId, 4);
  expect(pool.roomFor('04' as SubnetId)).toBeGreaterThanOrEqual(3 * MIB);
  // What the state went past goes as a whole, and its room comes back.
  ids.forEach((id) => {
    pool.dropBefore(id as SubnetId, 5);
  });
  expect(pool.roomFor('04' as SubnetId)).toBe(MAX_SLICE_BYTES);
});
