import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import { codedError, err, ok, type Result } from '../../base/result.ts';
import type { SubnetRecord } from '../../protocol/types/registry.ts';
import { type NetworkSpec, PACES, type Pace, parseNetworkSpec } from '../../wire/network-spec.ts';
import {
  type AutosaveSetting,
  isAutosaveSetting,
  type SavedError,
} from '../../wire/saved-networks.ts';

/**
 * Of this page's disk layout as a whole: catalogue entries, the records of nodes and the encodings
 * in them. Another number is not opened; raise it when older bytes no longer decode to the same.
 */
export const SAVED_FORMAT = 2;

/** Everything beside the nodes' own disks that a network needs to go on. Keys follow from the seed. */
export interface CatalogueEntry {
  readonly format: number;
  readonly id: string;
  readonly name: string;
  /** The reader chose the name: such a network is never removed by itself. */
  readonly isNamed: boolean;
  /** The address's parameters that it was made with. */
  readonly link: string;
  readonly spec: NetworkSpec;
  readonly genesisTimeNs: bigint;
  /** In the order of the spec, then those that were added; empty until the keys were dealt once. */
  readonly subnetIds: readonly string[];
  /** Members and spares of each subnet; empty until they were dealt once. */
  readonly nodeIds: readonly (readonly string[])[];
  /** Versions after the genesis of each subnet, ascending. */
  readonly registry: readonly (readonly SubnetRecord[])[];
  /** Hex of the network's registry versions after the genesis, ascending, where the root keeps them. */
  readonly registryDeltas: readonly string[];
  readonly pace: Pace;
  readonly createdMs: number;
  readonly lastSeenMs: number;
  /** The newest network time that was seen: it never goes back, even if the wall clock does. */
  readonly networkTimeNs: bigint;
  readonly height: number;
  readonly canisters: number;
  /** When it was taken off the list; null = it was not. */
  readonly deletedMs: number | null;
  /** Absent until the reader chose. */
  readonly autosave?: AutosaveSetting;
}

/** What is shown of an entry that this page cannot read. */
export interface UnreadableEntry {
  readonly format: unknown;
  readonly id: string;
  readonly name: string;
  readonly lastSeenMs: number;
  readonly deletedMs: number | null;
}

export type CatalogueRow =
  | { readonly readable: true; readonly entry: CatalogueEntry }
  | { readonly readable: false; readonly entry: UnreadableEntry; readonly problem: string };

export interface Catalogue {
  /** Newest first. */
  rows(): Promise<Result<readonly CatalogueRow[], SavedError>>;
  put(entry: CatalogueEntry): Promise<Result<void, SavedError>>;
  /** Changes fields of an entry in one transaction; NETWORK_UNKNOWN when it is gone. */
  change(id: string, change: Partial<CatalogueEntry>): Promise<Result<void, SavedError>>;
  /** Adds registry versions of one subnet. */
  addRecord(id: string, subnet: number, record: SubnetRecord): Promise<Result<void, SavedError>>;
  forget(id: string): Promise<Result<void, SavedError>>;
}

/** Not below `subnetarium/`, whose databases belong to nodes. */
const DATABASE = 'subnetarium-catalogue';
const STORE = 'networks';

interface CatalogueDatabase extends DBSchema {
  readonly [STORE]: { readonly key: string; readonly value: Record<string, unknown> };
}

/** @param name of the database; tests use their own */
export function createCatalogue(name = DATABASE): Catalogue {
  let opening: Promise<IDBPDatabase<CatalogueDatabase>> | undefined;
  const open = (): Promise<IDBPDatabase<CatalogueDatabase>> => {
    opening ??= openDB<CatalogueDatabase>(name, 1, {
      upgrade: (database) => {
        database.createObjectStore(STORE, { keyPath: 'id' });
      },
      terminated: () => {
        opening = undefined;
      },
    });
    return opening;
  };
  const guarded = async <T>(task: () => Promise<Result<T, SavedError>>) => {
    try {
      return await task();
    } catch (error) {
      opening = undefined;
      return err(
        codedError('transport', 'STORAGE_FAILED', `the list of networks: ${String(error)}`),
      );
    }
  };
  const edit = (id: string, next: (stored: CatalogueEntry) => CatalogueEntry) =>
    guarded(async () => {
      const transaction = (await open()).transaction(STORE, 'readwrite');
      const stored = await transaction.store.get(id);
      if (stored !== undefined) {
        await transaction.store.put({ ...next(stored as unknown as CatalogueEntry) });
      }
      await transaction.done;
      return stored === undefined
        ? err(codedError('input', 'NETWORK_UNKNOWN', `There is no saved network ${id}.`))
        : ok(undefined);
    });
  return {
    rows: () =>
      guarded(async () => {
        const stored = await (await open()).getAll(STORE);
        return ok(stored.map(rowOf).toSorted((a, b) => b.entry.lastSeenMs - a.entry.lastSeenMs));
      }),
    put: (entry) =>
      guarded(async () => {
        await (await open()).put(STORE, { ...entry });
        return ok(undefined);
      }),
    change: (id, change) => edit(id, (stored) => ({ ...stored, ...change })),
    addRecord: (id, subnet, record) =>
      edit(id, (stored) => ({
        ...stored,
        registry: stored.registry.map((records, index) =>
          index === subnet
            ? [...records.filter(({ version }) => version < record.version), record]
            : records,
        ),
      })),
    forget: (id) =>
      guarded(async () => {
        await (await open()).delete(STORE, id);
        return ok(undefined);
      }),
  };
}

/** An entry as this page understands it, or what can be said of it all the same. */
export function rowOf(stored: Readonly<Record<string, unknown>>): CatalogueRow {
  const { format, id, name, lastSeenMs, deletedMs } = stored as Partial<CatalogueEntry>;
  const known: UnreadableEntry = {
    format,
    id: String(id),
    name: typeof name === 'string' ? name.slice(0, 60) : 'A network without a name',
    lastSeenMs: typeof lastSeenMs === 'number' ? lastSeenMs : 0,
    deletedMs: typeof deletedMs === 'number' ? deletedMs : null,
  };
  if (format !== SAVED_FORMAT) {
    const problem = `It was saved in format ${String(format).slice(0, 20)}; this page reads format ${SAVED_FORMAT}.`;
    return { readable: false, entry: known, problem };
  }
  const entry = stored as unknown as CatalogueEntry;
  const spec = parseNetworkSpec(entry.spec);
  const fault = spec.ok ? faultOf(entry, spec.value) : spec.error.message;
  return fault === null && spec.ok
    ? { readable: true, entry: { ...entry, spec: spec.value } }
    : { readable: false, entry: known, problem: `Its entry in the list is damaged: ${fault}` };
}

function faultOf(entry: CatalogueEntry, spec: NetworkSpec): string | null {
  const subnets = spec.subnets.length;
  const fields: readonly (readonly [field: string, holds: boolean])[] = [
    ['name', typeof entry.name === 'string'],
    ['isNamed', typeof entry.isNamed === 'boolean'],
    ['link', typeof entry.link === 'string'],
    ['genesisTimeNs', isTime(entry.genesisTimeNs)],
    ['networkTimeNs', isTime(entry.networkTimeNs)],
    ['registry', isListOf(entry.registry, isRecords) && entry.registry.length === subnets],
    ['subnetIds', isEmptyOrAll(entry.subnetIds, isText, subnets)],
    ['nodeIds', isEmptyOrAll(entry.nodeIds, (ids) => isListOf(ids, isText), subnets)],
    ['registryDeltas', isListOf(entry.registryDeltas, isText)],
    ['pace', PACES.includes(entry.pace)],
    ['createdMs', isMoment(entry.createdMs)],
    ['lastSeenMs', isMoment(entry.lastSeenMs)],
    ['deletedMs', entry.deletedMs === null || isMoment(entry.deletedMs)],
    ['height', isNat(entry.height)],
    ['canisters', isNat(entry.canisters)],
    ['autosave', entry.autosave === undefined || isAutosaveSetting(entry.autosave)],
  ];
  const bad = fields.find(([, holds]) => !holds);
  return bad === undefined ? null : `${bad[0]} is not what it should be.`;
}

/** Far from the end of the nodes' 64 bits: the year 2262. */
const MAX_TIME_NS = 2n ** 63n;

function isMoment(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value < Number(MAX_TIME_NS / 1_000_000n);
}

function isTime(value: unknown): boolean {
  return typeof value === 'bigint' && value >= 0n && value < MAX_TIME_NS;
}

function isNat(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

/** Registry versions of a subnet: nodes act on them without a second look. */
function isRecords(value: unknown): boolean {
  return isListOf(value, (item) => {
    const { version, members, dkgIntervalLength, replicaVersion, ...flags } = Object(
      item,
    ) as Partial<SubnetRecord>;
    return (
      isNat(version) &&
      isListOf(members, (id) => isText(id) && /^([0-9a-f]{2}){1,29}$/u.test(id as string)) &&
      isNat(dkgIntervalLength) &&
      isText(replicaVersion) &&
      typeof flags.isHalted === 'boolean' &&
      typeof flags.haltAtCatchUpPackage === 'boolean'
    );
  });
}

/** Subnets may have been added to those of the spec. */
function isEmptyOrAll(list: unknown, isItem: (item: unknown) => boolean, ofSpec: number): boolean {
  const isList = Array.isArray(list) && list.every(isItem);
  return isList && (list.length === 0 || list.length >= ofSpec);
}
