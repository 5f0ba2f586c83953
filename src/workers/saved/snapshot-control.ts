import { codedError, err } from '../../base/result.ts';
import { isAutosaveSetting, type SavedNetworks } from '../../wire/saved-networks.ts';
import { makeNetwork, type RunningDisks } from './archive.ts';
import type { Autosave } from './autosave.ts';
import type { Catalogue } from './catalogue.ts';
import { areChunksIntact } from './check-chunks.ts';
import type { SnapshotStore } from './snapshot-store.ts';

/** A network that this page runs. */
export interface OpenNetwork extends RunningDisks {
  readonly autosave: Autosave;
}

type SnapshotMethods = Pick<
  SavedNetworks,
  'takeSnapshot' | 'openSnapshot' | 'removeSnapshot' | 'restoreSnapshot' | 'setAutosave'
>;

/** What scripts and the page do with snapshots. */
export function createSnapshotControl(
  catalogue: Catalogue,
  store: SnapshotStore,
  openHere: ReadonlyMap<string, OpenNetwork | undefined>,
): SnapshotMethods {
  return {
    takeSnapshot: async (id) =>
      openHere.get(id)?.autosave.take() ??
      err(codedError('input', 'NETWORK_UNKNOWN', 'The network is not open in this tab.')),
    openSnapshot: async (snapshotId) => {
      const taken = await store.list();
      const facts = taken.ok ? taken.value.find(({ id }) => id === snapshotId) : undefined;
      const file = taken.ok ? await store.read(snapshotId) : taken;
      if (!file.ok) {
        return file;
      }
      const { entry, subnets } = file.value;
      // A start trusts what is on its disk.
      for (const { records } of subnets) {
        if (!(await areChunksIntact(records))) {
          return err(codedError('transport', 'STORAGE_FAILED', 'The snapshot is damaged.'));
        }
      }
      return makeNetwork(file.value, nameAt(entry.name, facts?.takenMs ?? 0), catalogue);
    },
    removeSnapshot: (snapshotId) => store.mark(snapshotId, Date.now()),
    restoreSnapshot: (snapshotId) => store.mark(snapshotId, null),
    setAutosave: async (id, setting) =>
      isAutosaveSetting(setting)
        ? catalogue.change(id, {
            autosave: { kept: setting.kept, everyMinutes: setting.everyMinutes },
          })
        : err(
            codedError(
              'input',
              'INVALID_ARGUMENT',
              'Up to 10 snapshots are kept, one to 1,440 minutes apart.',
            ),
          ),
  };
}

/** "My counter as of 14:05", the name cut short before the time is. */
function nameAt(name: string, takenMs: number): string {
  const at = new Date(takenMs);
  const [hours, minutes] = [at.getHours(), at.getMinutes()].map((part) =>
    String(part).padStart(2, '0'),
  );
  return `${name.slice(0, 45)} as of ${hours}:${minutes}`;
}
