import 'fake-indexeddb/auto';
import { createHash } from 'node:crypto';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { chunkHash } from '../../protocol/state-manager/manifest.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import type { SubnetRecord } from '../../protocol/types/registry.ts';
import { defaultNetworkSpec } from '../../wire/network-spec.ts';
import type { TelemetryBatch } from '../../wire/telemetry.ts';
import type { StoredRecord } from '../storage/storage-port.ts';
import { type CatalogueEntry, createCatalogue, rowOf, SAVED_FORMAT } from './catalogue.ts';
import { chooseFrom } from './choose-network.ts';
import { decodeNetworkFile, type Digest, encodeNetworkFile } from './network-file.ts';
import { newEntry, openEntry } from './network-opening.ts';
import { expiredNetworks } from './sweep.ts';

const spec = defaultNetworkSpec({ seed: 'saved', nodes: 4 });

function entryOf(id: string, more: Partial<CatalogueEntry> = {}): CatalogueEntry {
  return { ...newEntry(spec, { id, name: `network ${id}`, link: 'nodes=4' }), ...more };
}

const RECORD: SubnetRecord = {
  version: 3,
  members: ['aa01' as NodeId],
  isHalted: false,
  haltAtCatchUpPackage: false,
  dkgIntervalLength: 9,
  replicaVersion: 'r',
};

const row = (entry: CatalogueEntry) => rowOf({ ...entry });

function value<T>(result: { readonly ok: true; readonly value: T } | { readonly ok: false }): T {
  if (!result.ok) {
    throw new TypeError(JSON.stringify(result));
  }
  return result.value;
}

describe('the catalogue', () => {
  it('keeps entries, their names and registry versions, newest first', async () => {
    const catalogue = createCatalogue('keeps');
    await catalogue.put(entryOf('old', { lastSeenMs: 1 }));
    await catalogue.put(entryOf('new', { lastSeenMs: 2 }));
    value(await catalogue.change('old', { name: 'kept', isNamed: true }));
    value(await catalogue.addRecord('old', 0, RECORD));
    const again = value(await createCatalogue('keeps').rows());
    expect(again.map(({ entry }) => entry.id)).toEqual(['new', 'old']);
    expect(again[1]).toMatchObject({
      readable: true,
      entry: { name: 'kept', registry: [[RECORD]] },
    });
    expect(await catalogue.change('nobody', {})).toMatchObject({
      error: { code: 'NETWORK_UNKNOWN' },
    });
  });

  it.each<[string, Record<string, unknown>]>([
    ['a later format', { format: SAVED_FORMAT + 1 }],
    ['no format', { format: undefined }],
    ['an unknown field of the spec', { spec: { ...spec, colour: 'red' } }],
    ['a registry of too many subnets', { registry: [[], []] }],
    ['a time that is none', { genesisTimeNs: 5 }],
    ['a time that nodes cannot write', { networkTimeNs: 2n ** 64n }],
    ['a date that is none', { createdMs: Number.NaN }],
    ['a date beyond all calendars', { deletedMs: 1e300 }],
    ['a number of canisters that is none', { canisters: '7' }],
    ['nodes that are none', { subnetIds: ['aa'], nodeIds: [null] }],
    ['a registry version that nodes cannot read', { registry: [[{ version: 2, members: null }]] }],
    ['a registry version without its flags', { registry: [[{ ...RECORD, isHalted: undefined }]] }],
    ['a member that is no node', { registry: [[{ ...RECORD, members: ['all'] }]] }],
    ['a link that is none', { link: 5 }],
  ])('lists an entry of %s with a reason, and never as one to open', (_, wrong) => {
    const found = rowOf({ ...entryOf('x'), ...wrong });
    expect(found.readable).toBe(false);
    expect(found.entry).toMatchObject({ id: 'x', name: 'network x' });
    expect(found.readable ? '' : found.problem.length).toBeGreaterThan(20);
  });
});

describe('opening again', () => {
  const attached = { unlock: () => undefined, attach: () => undefined };

  it('refuses keys that are not those of the entry', async () => {
    const catalogue = createCatalogue('keys');
    const entry = entryOf('k', { subnetIds: ['aa'] });
    await catalogue.put(entry);
    const opening = openEntry(entry, catalogue, attached);
    expect(await opening.dealt(['aa'])).toMatchObject({ ok: true });
    expect(await opening.dealt(['bb'])).toMatchObject({ error: { code: 'KEYS_DIFFER' } });
  });

  it('never goes back in time, even if the wall clock did', () => {
    const aheadNs = BigInt(Date.now() + 3_600_000) * 1_000_000n;
    const { clock } = openEntry(
      entryOf('t', { networkTimeNs: aheadNs }),
      createCatalogue('time'),
      attached,
    );
    expect(clock.networkAnchorNs).toBe(aheadNs);
  });

  it('writes down how far it got when it closes', async () => {
    const catalogue = createCatalogue('notes');
    await catalogue.put(entryOf('n'));
    let unlocked = (): void => undefined;
    const closed = new Promise<void>((resolve) => {
      unlocked = resolve;
    });
    const opening = openEntry(entryOf('n'), catalogue, { ...attached, unlock: unlocked });
    const heights = { notarized: 9, finalized: 8, executed: 8, certified: 8, catchUpPackage: 0 };
    const batch: TelemetryBatch = {
      v: 1,
      seq: 0,
      from: 'host',
      atNs: 2n ** 62n,
      events: [{ kind: 'nodeHeights', nodeId: 'aa' as never, heights }],
      dropped: 0,
    };
    opening.observe(batch);
    opening.close();
    await closed;
    const [found] = value(await catalogue.rows());
    expect(found?.entry).toMatchObject({ height: 8, networkTimeNs: 2n ** 62n });
  });
});

describe('which network a load of the page means', () => {
  const rows = [
    row(entryOf('deleted', { deletedMs: 5, lastSeenMs: 9 })),
    rowOf({ ...entryOf('foreign'), format: 99 }),
    row(entryOf('seven', { link: 'nodes=7' })),
    row(entryOf('four')),
  ];
  it.each([
    ['', { kind: 'open', id: 'seven' }],
    ['?nodes=4', { kind: 'open', id: 'four' }],
    ['?nodes=5', { kind: 'new', link: 'nodes=5' }],
    ['?fresh', { kind: 'new', link: '' }],
    ['?nodes=4&fresh', { kind: 'new', link: 'nodes=4' }],
    ['?network=four', { kind: 'open', id: 'four' }],
    ['?network=foreign', { kind: 'cannot', why: 'otherFormat' }],
    ['?network=none', { kind: 'cannot', why: 'unknown' }],
  ])('"%s"', (search, expected) => {
    expect(chooseFrom(rows, new URLSearchParams(search))).toMatchObject(expected);
  });
});

describe('what is swept', () => {
  const DAY = 86_400_000;
  it('is the oldest of what nobody used, and what was deleted a day ago; nothing that is open', () => {
    const rows = [
      ...['a', 'b', 'c', 'd', 'e'].map((id) => row(entryOf(id))),
      row(entryOf('named', { isNamed: true })),
      row(entryOf('used', { canisters: 1 })),
      rowOf({ ...entryOf('foreign'), format: 99 }),
      row(entryOf('gone', { canisters: 1, deletedMs: 0 })),
      row(entryOf('undone', { canisters: 1, deletedMs: DAY })),
    ];
    expect(expiredNetworks(rows, new Set(['e']), DAY + 1)).toEqual(['d', 'gone']);
  });
});

const sha256: Digest = async (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest());

async function fileOf(records: readonly StoredRecord[]): Promise<Uint8Array<ArrayBuffer>> {
  const nodeIds = ['aa', 'bb'];
  const parts = await encodeNetworkFile(
    { entry: entryOf('f'), subnets: [{ nodeIds, records }] },
    sha256,
  );
  return Uint8Array.from(Buffer.concat(parts));
}

const CHUNK = new Uint8Array(500).fill(7);
function withByte(file: Uint8Array, at: number, byte: number): Uint8Array {
  const changed = Uint8Array.from(file);
  changed[at] = byte;
  return changed;
}

const RECORDS: readonly StoredRecord[] = [
  { key: 'artifact/finalization/7/ab', value: Uint8Array.of(1, 2, 3) },
  { key: 'checkpoint/5', value: new Uint8Array() },
  { key: `chunk/${chunkHash(CHUNK)}`, value: CHUNK },
];

/** What is said of a file of this content, whose hash is right. */
async function verdictOf(
  header: object,
  body = new Uint8Array(0),
  headerBeyond = 0,
): Promise<string> {
  const text = JSON.stringify({ entry: entryOf('f'), ...header }, (_, field: unknown) =>
    typeof field === 'bigint' ? { bigint: String(field) } : field,
  );
  const head = Buffer.from(text);
  const start = Buffer.alloc(16);
  start.write('SUBNETAR');
  start.writeUInt32BE(1, 8);
  start.writeUInt32BE(head.length + headerBeyond, 12);
  const content = Buffer.concat([start, head, body]);
  const file = Uint8Array.from(Buffer.concat([content, await sha256(Uint8Array.from(content))]));
  const decoded = await decodeNetworkFile(file, sha256);
  return decoded.ok ? 'taken' : decoded.error.message;
}

describe('a network in a file', () => {
  it('comes back as it was, without what only one node may have', async () => {
    const own = [
      { key: 'share/ab', value: Uint8Array.of(9) },
      { key: 'artifact/notarizationShare/8/cd', value: Uint8Array.of(9) },
    ];
    const decoded = value(await decodeNetworkFile(await fileOf([...own, ...RECORDS]), sha256));
    expect(decoded.subnets).toEqual([{ nodeIds: ['aa', 'bb'], records: RECORDS }]);
    const { createdMs, lastSeenMs, genesisTimeNs, networkTimeNs, ...rest } = entryOf('f');
    expect(decoded.entry).toMatchObject(rest);
    expect([typeof decoded.entry.genesisTimeNs, typeof createdMs]).toEqual([
      typeof genesisTimeNs,
      typeof lastSeenMs,
    ]);
    expect(typeof networkTimeNs).toBe('bigint');
  });

  it('is refused when a chunk has not the content that its name says', async () => {
    const forged = { key: `chunk/${chunkHash(CHUNK)}`, value: CHUNK.map((byte) => byte + 1) };
    const file = await fileOf([...RECORDS.slice(0, 2), forged]);
    expect(await decodeNetworkFile(file, sha256)).toMatchObject({
      error: { code: 'FILE_REFUSED', message: expect.stringContaining('chunk') },
    });
  });

  test.prop([fc.nat(), fc.integer({ min: 1, max: 255 })], { numRuns: 200 })(
    'is refused with any byte changed',
    async (at, flip) => {
      const file = await fileOf(RECORDS);
      const index = at % file.length;
      file[index] = (file[index] ?? 0) ^ flip;
      expect(await decodeNetworkFile(file, sha256)).toMatchObject({
        error: { code: 'FILE_REFUSED' },
      });
    },
  );

  it.each<[string, (file: Uint8Array) => Uint8Array, string]>([
    ['a photo', () => Uint8Array.of(0xff, 0xd8, 0xff, 0xe0), 'not a file of a saved network'],
    ['nothing', () => new Uint8Array(), 'not a file of a saved network'],
    ['a later version', (file) => withByte(file, 11, 2), 'of version 2; this page reads version 1'],
    [
      'an older version',
      (file) => withByte(file, 11, 0),
      'of version 0; this page reads version 1',
    ],
    ['a damaged file', (file) => withByte(file, 400, 0x7f), 'its hash does not fit'],
    [
      'a file with something behind it',
      (file) => Uint8Array.of(...file, 0),
      'its hash does not fit',
    ],
  ])('says of %s what it is', async (_, change, words) => {
    const file = Uint8Array.from(change(await fileOf(RECORDS)));
    const refused = await decodeNetworkFile(file, sha256);
    expect(refused.ok ? 'taken' : refused.error.message).toContain(words);
  });

  it('says so when its entry is of another format, though the file itself is whole', async () => {
    const entry = { ...entryOf('f'), format: SAVED_FORMAT + 1 };
    const parts = await encodeNetworkFile(
      { entry, subnets: [{ nodeIds: ['aa'], records: RECORDS }] },
      sha256,
    );
    const refused = await decodeNetworkFile(Uint8Array.from(Buffer.concat(parts)), sha256);
    expect(refused.ok ? 'taken' : refused.error.message).toContain(
      `format ${SAVED_FORMAT + 1}; this page reads format ${SAVED_FORMAT}`,
    );
  });

  it('of other content under a right hash is refused in words', async () => {
    const subnets = (more: object) => ({ subnets: [{ nodeIds: ['aa'], records: 0, ...more }] });
    const lists: readonly object[] = [
      { subnets: [] },
      subnets({ nodeIds: Array.from({ length: 65 }, () => 'aa') }),
      subnets({ nodeIds: ['../aa'] }),
      subnets({ nodeIds: 'aa' }),
      subnets({ records: -1 }),
      subnets({ records: 1e9 }),
    ];
    for (const list of lists) {
      expect(await verdictOf(list)).toBe('Its list of subnets is wrong.');
    }
    const record = (key: string, length: number, ...bytes: readonly number[]) =>
      Uint8Array.of(0, key.length, ...Buffer.from(key), 0, 0, 0, length, ...bytes);
    const one = subnets({ records: 1 });
    expect(await verdictOf(one, record('checkpoint/1', 2, 7, 7))).toBe('taken');
    for (const wrong of [record('share/ab', 1, 7), record('checkpoint/1', 3, 7, 7)]) {
      expect(await verdictOf(one, wrong)).toBe('One of its records is wrong.');
    }
    expect(await verdictOf(subnets({}), Uint8Array.of(0))).toBe('It is too long.');
    expect(await verdictOf(subnets({ pad: ' '.repeat(4 * 1024 * 1024) }))).toBe(
      'Its header does not end.',
    );
    expect(await verdictOf(subnets({}), new Uint8Array(0), 1)).toBe('Its header does not end.');
  });

  test.prop([fc.nat()], { numRuns: 100 })('is refused when it is cut off', async (at) => {
    const file = await fileOf(RECORDS);
    const cut = file.slice(0, at % file.length);
    expect(await decodeNetworkFile(cut, sha256)).toMatchObject({ error: { code: 'FILE_REFUSED' } });
  });

  test.prop([fc.uint8Array({ maxLength: 300 })], { numRuns: 200 })(
    'is refused when its content is wrong though its hash is right, and nothing is thrown',
    async (content) => {
      const whole = await fileOf(RECORDS);
      const start = Uint8Array.from([
        ...whole.subarray(0, 12),
        0,
        0,
        0,
        content.length,
        ...content,
      ]);
      const file = Uint8Array.from([...start, ...(await sha256(start))]);
      expect(await decodeNetworkFile(file, sha256)).toMatchObject({ ok: false });
    },
  );
});
