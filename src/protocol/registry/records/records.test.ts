import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { compareText } from '../../../base/bytes.ts';
import { type CborInput, encodeCbor } from '../../crypto/cbor.ts';
import { INSECURE_TEST_SUITE } from '../../crypto/insecure-test-crypto.ts';
import {
  MAX_REGISTRY_DELTA_BYTES,
  MAX_REGISTRY_KEY_CHARACTERS,
  MAX_REGISTRY_VALUE_BYTES,
} from '../../limits/registry.ts';
import { subnetParametersFor } from '../../node/subnet-parameters.ts';
import type { NodeRecord, SubnetGenesis } from '../../types/genesis.ts';
import type { NodeId, PrincipalId, SubnetId } from '../../types/ids.ts';
import type { MigrationEntry } from '../../types/network-topology.ts';
import { dealSubnet } from '../genesis.ts';
import { genesisTopology } from '../network-topology.ts';
import { genesisRecord } from '../registry-change.ts';
import {
  applyDelta,
  decodeDelta,
  EMPTY_REGISTRY,
  encodeDelta,
  MUTATIONS,
  type RegistryDelta,
  type RegistryMutation,
  type RegistrySnapshot,
} from './changelog.ts';
import { addSubnetBatch, genesisBatch, mutation } from './genesis-batch.ts';
import { checkInvariants } from './invariants.ts';
import {
  CANISTER_MIGRATIONS_KEY,
  canisterRangesKey,
  catchUpContentsKey,
  cryptoRecordKey,
  ROOT_SUBNET_KEY,
  SUBNET_LIST_KEY,
  subnetRecordKey,
} from './keys.ts';
import {
  CANISTER_MIGRATIONS,
  CANISTER_RANGES,
  KEY_RECORD,
  SUBNET_ID,
  SUBNET_LIST,
  SUBNET_RECORD,
} from './records.ts';
import { genesisIn, readRecord, subnetRecordIn, subnetsOf, topologyIn } from './snapshot-views.ts';

const timing = { unitDelayMs: 1000, initialNotaryDelayMs: 300, dkgIntervalLength: 19 };

function deal(index: number, nodes = 4, spareNodes = 0): SubnetGenesis {
  const type = index === 0 ? 'system' : 'application';
  const parameters = subnetParametersFor(type, timing);
  const spec = { seed: 'registry', index, nodes, spareNodes, parameters, genesisTimeNs: 7n };
  return dealSubnet(spec, INSECURE_TEST_SUITE).genesis;
}

const OPERATOR = 'aa02' as PrincipalId;
const SUBNETS = [deal(0), deal(1, 4, 2), deal(2, 1)];

function valueOf<T>(result: { readonly ok: true; readonly value: T } | { readonly ok: false }): T {
  if (!result.ok) {
    throw new TypeError(`failed: ${JSON.stringify(result)}`);
  }
  return result.value;
}

function next(snapshot: RegistrySnapshot, mutations: readonly RegistryMutation[]) {
  return applyDelta(snapshot, { version: snapshot.version + 1, mutations });
}

const FIRST = valueOf(next(EMPTY_REGISTRY, genesisBatch(SUBNETS, OPERATOR)));

function codeAfter(mutations: readonly RegistryMutation[]): string | undefined {
  const snapshot = next(FIRST, mutations);
  const checked = snapshot.ok ? checkInvariants(snapshot.value) : snapshot;
  return checked.ok ? undefined : checked.error.code;
}

/** Why a batch makes no version; empty when it makes one. */
function faultAfter(mutations: readonly RegistryMutation[]): string {
  const snapshot = next(FIRST, mutations);
  const checked = snapshot.ok ? checkInvariants(snapshot.value) : snapshot;
  return checked.ok ? '' : checked.error.message;
}

describe('the records of a network', () => {
  it('say what the genesis says', () => {
    expect(checkInvariants(FIRST)).toEqual({ ok: true, value: null });
    expect(valueOf(topologyIn(FIRST))).toEqual(genesisTopology(SUBNETS));
    for (const genesis of SUBNETS) {
      expect(valueOf(genesisIn(FIRST, genesis.subnetId))).toEqual(genesis);
      expect(valueOf(subnetRecordIn(FIRST, genesis.subnetId))).toEqual(genesisRecord(genesis));
    }
  });

  it('take up a subnet that is dealt later', () => {
    const late = deal(3);
    const snapshot = valueOf(next(FIRST, addSubnetBatch(valueOf(subnetsOf(FIRST)), late)));
    expect(checkInvariants(snapshot)).toEqual({ ok: true, value: null });
    expect(valueOf(topologyIn(snapshot))).toEqual(genesisTopology([...SUBNETS, late]));
    expect(valueOf(genesisIn(snapshot, late.subnetId))).toEqual(late);
  });

  it('have invariants that a batch cannot break', () => {
    const [root, second] = SUBNETS as [SubnetGenesis, SubnetGenesis];
    const key = subnetRecordKey(second.subnetId);
    const record = valueOf(readRecord(FIRST, key, SUBNET_RECORD));
    const members = (ids: typeof record.members) => [
      mutation('update', key, SUBNET_RECORD, { ...record, members: ids }),
    ];
    const [first, ...others] = record.members as [never, ...never[]];
    const stranger = root.nodes[0]?.nodeId as never;
    expect(codeAfter(members(others))).toBeUndefined();
    expect(codeAfter(members([...others, stranger].toSorted(compareText)))).toBe(
      'REGISTRY_INVARIANT_BROKEN',
    );
    const keyless = { kind: 'delete', key: cryptoRecordKey(first, 'committeeSigning') } as const;
    expect(codeAfter([{ ...keyless, value: new Uint8Array(0) }])).toBe('REGISTRY_KEY_ABSENT');
    const contents = { kind: 'delete', key: catchUpContentsKey(second.subnetId) } as const;
    expect(codeAfter([{ ...contents, value: new Uint8Array(0) }])).toBe(
      'REGISTRY_INVARIANT_BROKEN',
    );
    const overlap = { first: 5n, last: 9n, subnetId: second.subnetId };
    const range = mutation('insert', canisterRangesKey(5n), CANISTER_RANGES, [overlap]);
    expect(codeAfter([range])).toBe('REGISTRY_INVARIANT_BROKEN');
    expect(codeAfter([{ kind: 'update', key, value: Uint8Array.of(0x80) }])).toBe(
      'REGISTRY_RECORD_MALFORMED',
    );
  });

  it('have one subnet for each canister and each node, and keys for each node', () => {
    const [root, second, third] = SUBNETS as [SubnetGenesis, SubnetGenesis, SubnetGenesis];
    const unknown = 'aa' as SubnetId;
    const empty = new Uint8Array(0);
    const key = subnetRecordKey(second.subnetId);
    const record = valueOf(readRecord(FIRST, key, SUBNET_RECORD));
    const [first, last] = second.canisterRanges[0] as readonly [bigint, bigint];
    const end = (third.canisterRanges[0] as readonly [bigint, bigint])[1];
    const range = (from: bigint, to: bigint, subnetId: SubnetId) =>
      mutation('insert', canisterRangesKey(from), CANISTER_RANGES, [
        { first: from, last: to, subnetId },
      ]);
    const move = (...entries: readonly MigrationEntry[]) => [
      mutation('update', canisterRangesKey(first), CANISTER_RANGES, [
        { first, last, subnetId: root.subnetId },
      ]),
      mutation('insert', CANISTER_MIGRATIONS_KEY, CANISTER_MIGRATIONS, entries),
    ];
    const trace = [second.subnetId, root.subnetId];
    const [member, other] = second.nodes as readonly [NodeRecord, NodeRecord];
    const spare = second.spareNodes[0] as NodeRecord;
    const signingKey = cryptoRecordKey(member.nodeId, 'nodeSigning');
    const swapped = { publicKey: other.nodePublicKeyDer, proof: empty };
    const broken: readonly (readonly [words: string, mutations: readonly RegistryMutation[]])[] = [
      ['root subnet is not in the list', [mutation('update', ROOT_SUBNET_KEY, SUBNET_ID, unknown)]],
      ['ends before it begins', [range(end + 10n, end + 9n, root.subnetId)]],
      ['overlap', [range(end, end + 9n, root.subnetId)]],
      ['not in the list', [range(end + 1n, end + 9n, unknown)]],
      [
        'out of order',
        move({ first, last: first + 9n, trace }, { first: first + 9n, last, trace }),
      ],
      ['lead from', move({ first, last, trace: [second.subnetId, unknown, root.subnetId] })],
      [
        'no record',
        [
          mutation('update', key, SUBNET_RECORD, {
            ...record,
            members: [...record.members, 'ff'.repeat(29) as NodeId],
          }),
        ],
      ],
      [
        'no record',
        [{ kind: 'delete', key: cryptoRecordKey(spare.nodeId, 'nodeSigning'), value: empty }],
      ],
      ['is another node', [mutation('update', signingKey, KEY_RECORD, swapped)]],
      ['no signer', [mutation('update', key, SUBNET_RECORD, { ...record, members: [] })]],
    ];
    for (const [words, mutations] of broken) {
      expect(faultAfter(mutations)).toContain(words);
    }
    expect(faultAfter([range(end + 1n, end + 9n, root.subnetId)])).toBe('');
    expect(faultAfter(move({ first, last: first + 9n, trace }))).toBe('');
  });

  it('give the same topology whatever the order of their lists', () => {
    const ids = valueOf(subnetsOf(FIRST));
    const reversed = mutation('update', SUBNET_LIST_KEY, SUBNET_LIST, ids.toReversed());
    expect(topologyIn(valueOf(next(FIRST, [reversed])))).toEqual(topologyIn(FIRST));
  });

  it('tell which canisters move, and from where to where', () => {
    const [root, second, third] = SUBNETS as [SubnetGenesis, SubnetGenesis, SubnetGenesis];
    const [first, last] = second.canisterRanges[0] as readonly [bigint, bigint];
    const ranges = { first, last, subnetId: root.subnetId };
    const reroute = mutation('update', canisterRangesKey(first), CANISTER_RANGES, [ranges]);
    const migrate = (trace: readonly (typeof root.subnetId)[], from = first, to = last) =>
      mutation('insert', CANISTER_MIGRATIONS_KEY, CANISTER_MIGRATIONS, [
        { first: from, last: to, trace },
      ]);
    const trace = [second.subnetId, root.subnetId];
    const moved = valueOf(next(FIRST, [reroute, migrate(trace)]));
    expect(checkInvariants(moved)).toEqual({ ok: true, value: null });
    const topology = valueOf(topologyIn(moved));
    expect(topology.routingTable).toContainEqual(ranges);
    expect(topology.migrations).toEqual([{ first, last, trace }]);
    const broken = [
      migrate([root.subnetId]),
      migrate([second.subnetId, 'aa' as typeof root.subnetId]),
      migrate([second.subnetId, third.subnetId]),
      migrate(trace, last, first),
      migrate(trace, first, last + 1n),
    ];
    for (const migration of broken) {
      expect(codeAfter([reroute, migration])).toBe('REGISTRY_INVARIANT_BROKEN');
    }
    const unreadable = { kind: 'insert', key: CANISTER_MIGRATIONS_KEY } as const;
    expect(codeAfter([{ ...unreadable, value: Uint8Array.of(1) }])).toBe(
      'REGISTRY_RECORD_MALFORMED',
    );
  });
});

const KEYS = ['a', 'b', 'c', 'd'];
const arbitraryBatch = fc
  .uniqueArray(
    fc.record({
      kind: fc.constantFrom(...MUTATIONS),
      key: fc.constantFrom(...KEYS),
      value: fc.uint8Array({ maxLength: 4 }),
    }),
    { selector: ({ key }) => key },
  )
  .map((batch): readonly RegistryMutation[] =>
    batch.map((one) => (one.kind === 'delete' ? { ...one, value: new Uint8Array(0) } : one)),
  );

describe('versions', () => {
  test.prop([fc.array(arbitraryBatch, { maxLength: 20 })])(
    'are the same at the writer and at who reads its deltas',
    (batches) => {
      let writer = EMPTY_REGISTRY;
      const model = new Map<string, Uint8Array>();
      const sent: Uint8Array[] = [];
      for (const mutations of batches) {
        const delta: RegistryDelta = { version: writer.version + 1, mutations };
        const made = applyDelta(writer, delta);
        const refused = mutations.some(({ kind, key }) =>
          kind === 'insert' ? model.has(key) : kind !== 'upsert' && !model.has(key),
        );
        expect(made.ok).toBe(!refused);
        if (made.ok) {
          writer = made.value;
          sent.push(encodeDelta(delta));
          for (const { kind, key, value } of mutations) {
            if (kind === 'delete') {
              model.delete(key);
            } else {
              model.set(key, value);
            }
          }
        }
      }
      let reader = EMPTY_REGISTRY;
      for (const bytes of sent) {
        reader = valueOf(applyDelta(reader, valueOf(decodeDelta(bytes))));
      }
      expect(reader).toEqual(writer);
      expect(writer.records).toEqual(model);
    },
  );

  it('have no gaps and no repetitions', () => {
    for (const version of [0, 1, 3]) {
      const made = applyDelta(FIRST, { version, mutations: [] });
      expect(made).toMatchObject({ ok: false, error: { code: 'REGISTRY_VERSION_GAP' } });
    }
    const twice: RegistryMutation = { kind: 'upsert', key: 'k', value: new Uint8Array(0) };
    expect(next(FIRST, [twice, twice])).toMatchObject({ error: { code: 'REGISTRY_KEY_TWICE' } });
  });

  it('have one form, and bounds', () => {
    const one = Uint8Array.of(1);
    const entry = [0, 'k', one];
    const codeOf = (mutations: CborInput, ...more: readonly CborInput[]) => {
      const read = decodeDelta(encodeCbor([2, mutations, ...more]));
      return read.ok ? 'read' : read.error.code;
    };
    expect(codeOf([entry, [3, 'l', new Uint8Array(0)]])).toBe('read');
    const malformed: readonly (readonly CborInput[])[] = [
      [[0, 'k', one, one]],
      [[0, '', one]],
      [[0, 'k'.repeat(MAX_REGISTRY_KEY_CHARACTERS + 1), one]],
      [[0, 'k', new Uint8Array(MAX_REGISTRY_VALUE_BYTES + 1)]],
      [[3, 'k', one]],
      [entry, entry],
      [[0, 'l', one], entry],
      [[MUTATIONS.length, 'k', one]],
    ];
    for (const mutations of malformed) {
      expect(codeOf(mutations)).toBe('REGISTRY_DELTA_MALFORMED');
    }
    expect(codeOf([entry], 0)).toBe('REGISTRY_DELTA_MALFORMED');
    expect(decodeDelta(new Uint8Array(MAX_REGISTRY_DELTA_BYTES + 1))).toMatchObject({
      error: { code: 'REGISTRY_DELTA_TOO_LARGE' },
    });
  });

  test.prop([fc.uint8Array({ maxLength: 200 }), fc.nat(), fc.integer({ min: 1, max: 255 })])(
    'are never read from bytes that nobody would write',
    (noise, at, flip) => {
      const good = encodeDelta({ version: 2, mutations: genesisBatch(SUBNETS.slice(2), OPERATOR) });
      const bad = good.slice();
      const place = at % bad.length;
      bad[place] = (bad[place] as number) ^ flip;
      for (const bytes of [noise, bad, good.slice(0, place)]) {
        const read = decodeDelta(bytes);
        // What is read is exactly what its writer would have written.
        expect(read.ok ? encodeDelta(read.value) : bytes).toEqual(bytes);
      }
    },
  );
});
