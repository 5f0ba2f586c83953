import { codedError, err, ok, type Result } from '../../base/result.ts';
import {
  DEFAULT_AUTOSAVE,
  type NodeStorageUse,
  type SavedError,
  type SavedNetwork,
  type SavedNetworks,
  type SavedResult,
} from '../../wire/saved-networks.ts';
import { listOpfsFiles } from '../storage/opfs-storage.ts';
import { eraseNetwork, lockedNetworks } from '../storage/stale-storage.ts';
import { exportNetwork, importNetwork } from './archive.ts';
import type { Catalogue, CatalogueRow } from './catalogue.ts';
import { asOwner } from './network-lock.ts';
import { createSnapshotControl, type OpenNetwork } from './snapshot-control.ts';
import type { SnapshotFacts, SnapshotStore } from './snapshot-store.ts';

const MAX_NAME = 60;

/** @param openHere the networks that this page runs; undefined while one starts */
export function createSavedNetworks(
  catalogue: Catalogue,
  store: SnapshotStore,
  openHere: ReadonlyMap<string, OpenNetwork | undefined>,
): SavedNetworks {
  const rowsNow = async (): Promise<readonly CatalogueRow[]> => {
    const rows = await catalogue.rows();
    return rows.ok ? rows.value : [];
  };
  const mark = (id: string, deletedMs: number | null): SavedResult<void> =>
    catalogue.change(id, { deletedMs });
  return {
    list: async () => {
      const [rows, locked, files, taken] = await Promise.all([
        rowsNow(),
        lockedNetworks(),
        listOpfsFiles(),
        store.list(),
      ]);
      const snapshots = taken.ok ? taken.value : [];
      return rows.map((row) => savedNetwork(row, { locked, files, snapshots, openHere }));
    },
    rename: async (id, name) => {
      const trimmed = typeof name === 'string' ? name.trim() : '';
      return trimmed === '' || trimmed.length > MAX_NAME
        ? err(codedError('input', 'INVALID_ARGUMENT', `A name has 1 to ${MAX_NAME} characters.`))
        : catalogue.change(id, { name: trimmed, isNamed: true });
    },
    remove: (id) => mark(id, Date.now()),
    restore: (id) => mark(id, null),
    erase: async (id) => {
      const outcome = await asOwner(id, async () => {
        const forgotten = await catalogue.forget(id);
        const erased = forgotten.ok ? await eraseFiles(id) : forgotten;
        return erased.ok ? store.forgetNetwork(id) : erased;
      });
      return outcome ?? err(inUse('The network is open in a tab.'));
    },
    exportNetwork: async (id) => {
      const row = (await rowsNow()).find(({ entry }) => entry.id === id);
      if (row === undefined || !row.readable) {
        const message = row?.problem ?? `There is no saved network ${id}.`;
        return err(codedError('input', 'NETWORK_UNKNOWN', message));
      }
      if (openHere.has(id)) {
        return exportNetwork(row.entry, openHere.get(id));
      }
      const exported = await asOwner(id, () => exportNetwork(row.entry, undefined));
      return exported ?? err(inUse('The network is open in another tab: export it there.'));
    },
    importNetwork: (file) => importNetwork(file, catalogue),
    ...createSnapshotControl(catalogue, store, openHere),
    storage: async () => {
      const [estimate, persisted, nodes] = await Promise.all([
        navigator.storage.estimate().catch(() => undefined),
        navigator.storage.persisted().catch(() => null),
        listOpfsFiles(),
      ]);
      return {
        usedBytes: estimate?.usage ?? null,
        quotaBytes: estimate?.quota ?? null,
        persisted,
        nodes: nodes ?? [],
      };
    },
    persist: () => askToPersist(),
  };
}

function inUse(message: string): SavedError {
  return codedError('input', 'NETWORK_IN_USE', message);
}

async function eraseFiles(id: string): Promise<Result<void, SavedError>> {
  try {
    await eraseNetwork(id);
    return ok(undefined);
  } catch (error) {
    return err(codedError('transport', 'STORAGE_FAILED', `Its files: ${String(error)}.`));
  }
}

/** Only a page may ask; this module is also type-checked with a worker's library. */
async function askToPersist(): Promise<boolean> {
  const storage = navigator.storage as StorageManager & { persist?(): Promise<boolean> };
  return (await storage.persist?.().catch(() => false)) ?? false;
}

interface Surroundings {
  readonly locked: ReadonlySet<string>;
  readonly openHere: ReadonlyMap<string, OpenNetwork | undefined>;
  readonly snapshots: readonly SnapshotFacts[];
  readonly files: readonly NodeStorageUse[] | null;
}

function savedNetwork(row: CatalogueRow, around: Surroundings): SavedNetwork {
  const { id, name, lastSeenMs, deletedMs } = row.entry;
  const files = around.files?.filter(({ networkId }) => networkId === id);
  const bytes = files?.reduce((sum, file) => sum + file.bytes, 0) ?? null;
  const common = {
    id,
    name,
    lastSeenMs,
    bytes,
    autosave: (row.readable ? row.entry.autosave : undefined) ?? DEFAULT_AUTOSAVE,
    autosaveProblem: around.openHere.get(id)?.autosave.problem() ?? null,
    snapshots: around.snapshots
      .filter(({ networkId }) => networkId === id)
      .map((taken) => ({
        id: taken.id,
        takenMs: taken.takenMs,
        height: taken.height,
        bytes: taken.bytes,
        isDeleted: taken.deletedMs !== null,
      })),
  };
  if (!row.readable) {
    const state = deletedMs === null ? 'otherFormat' : 'deleted';
    const none = { subnetSizes: [], pace: null, createdMs: lastSeenMs, height: 0, canisters: 0 };
    return { ...common, ...none, state, problem: row.problem };
  }
  const { spec, pace, createdMs, height, canisters } = row.entry;
  const subnetSizes = spec.subnets.map(({ nodes }) => nodes);
  const state = stateOf(id, deletedMs, around);
  return { ...common, state, problem: null, subnetSizes, pace, createdMs, height, canisters };
}

function stateOf(
  id: string,
  deletedMs: number | null,
  { locked, openHere }: Surroundings,
): SavedNetwork['state'] {
  if (openHere.has(id)) {
    return 'openHere';
  }
  if (deletedMs !== null) {
    return 'deleted';
  }
  return locked.has(id) ? 'openElsewhere' : 'openable';
}
