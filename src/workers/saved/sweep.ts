import { eraseNetwork, lockedNetworks, storedNetworks } from '../storage/stale-storage.ts';
import { type Catalogue, type CatalogueRow, createCatalogue } from './catalogue.ts';
import { asOwner } from './network-lock.ts';
import { createSnapshotStore, type SnapshotStore } from './snapshot-store.ts';

/** A network that was taken off the list can come back for so long. */
const UNDO_MS = 24 * 60 * 60 * 1000;
/** Networks that nobody named and that hold no canister are kept up to this number. */
const KEPT_UNUSED = 3;

/**
 * Removes from the disk what belongs to no saved network and to no open one. When the list cannot
 * be read nothing is removed.
 */
export async function sweepStorage(
  catalogue: Catalogue = createCatalogue(),
  nowMs: number = Date.now(),
  store: SnapshotStore = createSnapshotStore(),
): Promise<void> {
  // What there is comes first: another tab puts a network on the list after its files are there,
  // and holds its lock until then.
  const stored = await storedNetworks();
  const taken = await store.list();
  const open = await lockedNetworks();
  const rows = await catalogue.rows();
  if (!rows.ok || !taken.ok) {
    return;
  }
  const expired = expiredNetworks(rows.value, open, nowMs);
  const kept = new Set(rows.value.map(({ entry }) => entry.id));
  const found = [...stored, ...taken.value.map(({ networkId }) => networkId)];
  const stray = found.filter((id) => !open.has(id) && !kept.has(id));
  for (const id of new Set([...expired, ...stray])) {
    await asOwner(id, async () => {
      await catalogue.forget(id);
      await eraseNetwork(id);
      await store.forgetNetwork(id);
    });
  }
}

/**
 * Which entries end now: those deleted a day ago, and all but the newest of the networks that a
 * visit made and nobody used. Of a format that this page does not know, none but the deleted ones.
 */
export function expiredNetworks(
  rows: readonly CatalogueRow[],
  open: ReadonlySet<string>,
  nowMs: number,
): readonly string[] {
  const unused = rows.filter(
    (row) =>
      row.readable &&
      row.entry.deletedMs === null &&
      !row.entry.isNamed &&
      row.entry.canisters === 0,
  );
  const deleted = rows.filter(
    ({ entry: { deletedMs } }) => deletedMs !== null && nowMs - deletedMs > UNDO_MS,
  );
  return [...unused.slice(KEPT_UNUSED), ...deleted]
    .map(({ entry }) => entry.id)
    .filter((id) => !open.has(id));
}
