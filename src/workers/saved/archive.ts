import { codedError, err, ok, type Result } from '../../base/result.ts';
import type { SavedError } from '../../wire/saved-networks.ts';
import { createRemoteControl, type RemoteControl } from '../control/remote.ts';
import { eraseNetwork } from '../storage/stale-storage.ts';
import type { StoredRecord } from '../storage/storage-port.ts';
import type { ArchiveControl } from './archive.worker.ts';
import type { Catalogue, CatalogueEntry } from './catalogue.ts';
import type { DiskReader } from './disk-reader.ts';
import {
  decodeNetworkFile,
  encodeNetworkFile,
  type NetworkFile,
  type SubnetRecords,
} from './network-file.ts';
import { asOwner } from './network-lock.ts';
import { type Momentary, readMoment } from './network-moment.ts';
import { newNetworkId } from './network-opening.ts';

/** Copying 64 MiB to 40 nodes takes a while on a slow disk. */
const DEADLINE_MS = 300_000;

/** Bytes of a file with the whole network; one that runs is asked for its disks. */
export async function exportNetwork(
  entry: CatalogueEntry,
  running: RunningDisks | undefined,
): Promise<Result<Blob, SavedError>> {
  if (entry.nodeIds.length === 0) {
    return err(codedError('input', 'NETWORK_UNKNOWN', 'The network never ran.'));
  }
  const subnets =
    running === undefined
      ? await closedSubnets(entry)
      : await readMoment(running.network, { read: running.read });
  if (!subnets.ok) {
    return subnets;
  }
  const parts = await encodeNetworkFile({ entry, subnets: subnets.value });
  return ok(new Blob([...parts], { type: 'application/octet-stream' }));
}

/** A network that this page runs, and what reads its nodes' disks. */
export interface RunningDisks {
  readonly network: Momentary;
  readonly read: DiskReader;
}

/** Nothing runs: its disks are of one moment. */
function closedSubnets(
  entry: CatalogueEntry,
): Promise<Result<readonly SubnetRecords[], SavedError>> {
  return withArchive(async (archive) => {
    const subnets: SubnetRecords[] = [];
    for (const nodeIds of entry.nodeIds) {
      const best = await fullestDisk(nodeIds, closedDisks(archive, entry.id));
      if (!best.ok) {
        return best;
      }
      subnets.push({ nodeIds, records: best.value });
    }
    return ok(subnets);
  });
}

/** Makes a new network of a file; it is on the list once all of it is on the disk. */
export async function importNetwork(
  file: Blob,
  catalogue: Catalogue,
): Promise<Result<string, SavedError>> {
  const decoded = await decodeNetworkFile(new Uint8Array(await file.arrayBuffer()));
  return decoded.ok
    ? makeNetwork(decoded.value, `${decoded.value.entry.name} (imported)`, catalogue)
    : decoded;
}

/**
 * A network of this content under a new id: its entry is there once all of it is on the disk. Until
 * then its lock says to other tabs that somebody works on it.
 */
export async function makeNetwork(
  file: NetworkFile,
  name: string,
  catalogue: Pick<Catalogue, 'put'>,
  open: typeof withArchive = withArchive,
): Promise<Result<string, SavedError>> {
  const id = newNetworkId();
  const made = await asOwner(id, async () => {
    const written = await open((archive) => writeNetwork(file, id, archive));
    const listed = written.ok ? await catalogue.put(entryOf(file, id, name)) : written;
    if (!listed.ok) {
      await eraseNetwork(id).catch(() => undefined);
    }
    return listed;
  });
  const taken = codedError('transport', 'STORAGE_FAILED', 'Another tab has a network of this id.');
  const outcome = made ?? err(taken);
  return outcome.ok ? ok(id) : outcome;
}

function entryOf({ entry }: NetworkFile, id: string, name: string): CatalogueEntry {
  return {
    ...entry,
    id,
    name: name.slice(0, 60),
    isNamed: true,
    link: '',
    lastSeenMs: Date.now(),
    deletedMs: null,
  };
}

async function writeNetwork(
  { subnets }: NetworkFile,
  id: string,
  archive: Pick<RemoteControl<ArchiveControl>, 'call'>,
): Promise<Result<void, SavedError>> {
  for (const { nodeIds, records } of subnets) {
    const asked = await archive.call({ deadlineMs: DEADLINE_MS }, 'write', id, nodeIds, records);
    const outcome = asked.ok ? asked.value : asked;
    if (!outcome.ok) {
      return err(codedError('transport', 'STORAGE_FAILED', outcome.error.message));
    }
  }
  return ok(undefined);
}

function closedDisks(archive: RemoteControl<ArchiveControl>, networkId: string): DiskReader {
  return async (nodeId) => {
    const asked = await archive.call({ deadlineMs: DEADLINE_MS }, 'read', networkId, nodeId);
    const outcome = asked.ok ? asked.value : asked;
    return outcome.ok
      ? outcome
      : err(codedError('transport', 'STORAGE_FAILED', outcome.error.message));
  };
}

/** Of the nodes that can be read, the one that has got furthest. */
async function fullestDisk(
  nodeIds: readonly string[],
  read: DiskReader,
): Promise<Result<readonly StoredRecord[], SavedError>> {
  let best: readonly StoredRecord[] = [];
  let reached = -1;
  let failure: SavedError | undefined;
  for (const nodeId of nodeIds) {
    const records = await read(nodeId);
    if (!records.ok) {
      failure ??= records.error;
      continue;
    }
    const height = records.value.reduce((most, { key }) => Math.max(most, heightOf(key)), 0);
    if (height > reached) {
      best = records.value;
      reached = height;
    }
  }
  const nothing = codedError('transport', 'STORAGE_FAILED', 'No node has anything on its disk.');
  return reached < 0 ? err(failure ?? nothing) : ok(best);
}

/** Of a finalization, from its key `artifact/finalization/<height>/<hash>`. */
function heightOf(key: string): number {
  const [, kind, height] = key.split('/');
  return kind === 'finalization' ? Number(height) : 0;
}

async function withArchive<T>(
  task: (archive: RemoteControl<ArchiveControl>) => Promise<Result<T, SavedError>>,
): Promise<Result<T, SavedError>> {
  const worker = new Worker(new URL('./archive.worker.ts', import.meta.url), {
    type: 'module',
    name: 'archive',
  });
  const control = createRemoteControl<ArchiveControl>(worker);
  worker.onerror = (event) => {
    event.preventDefault();
    control.exited(event.message);
  };
  try {
    return await task(control);
  } finally {
    worker.terminate();
    control.exited('the archive is closed');
  }
}
