import { present } from '../base/assert.ts';
import { codedError } from '../base/result.ts';
import { browserStackBytes } from '../sandbox/suspending-engine.ts';
import type { Network, NetworkError } from '../wire/network.ts';
import { type NetworkSpec, parseNetworkSpec } from '../wire/network-spec.ts';
import type { SavedNetworks } from '../wire/saved-networks.ts';
import { type CatalogueEntry, createCatalogue } from './saved/catalogue.ts';
import { createAutosave } from './saved/autosave.ts';
import type { DiskReader } from './saved/disk-reader.ts';
import { takeNetworkLock, untilTaken, untilUnlocked } from './saved/network-lock.ts';
import {
  newEntry,
  newNetworkId,
  type Opening,
  openEntry,
  openUnsaved,
} from './saved/network-opening.ts';
import { createSavedNetworks } from './saved/saved-control.ts';
import type { OpenNetwork } from './saved/snapshot-control.ts';
import { createSnapshotStore } from './saved/snapshot-store.ts';
import { listOpfsFiles, type NodeFileUse } from './storage/opfs-storage.ts';
import { openViewChannel } from './view/view-messages.ts';
import { serveView } from './view/serve-view.ts';
import { type WatchedNetwork, watchNetwork } from './view/watch-network.ts';
import { startNetwork } from './supervisor/worker-network.ts';

export { chooseNetwork, type NetworkChoice } from './saved/choose-network.ts';

/** Why there is no network: the spec was refused, or its workers could not be started. */
export class NetworkStartError extends Error {
  override readonly name = 'NetworkStartError';
  readonly error: NetworkError;

  constructor(error: NetworkError) {
    super(error.message);
    this.error = error;
  }
}

const catalogue = createCatalogue();
const snapshots = createSnapshotStore();
const openHere = new Map<string, OpenNetwork | undefined>();

/** The networks that this browser keeps. */
export const savedNetworks: SavedNetworks = createSavedNetworks(catalogue, snapshots, openHere);

/**
 * Starts a network in this tab: one worker per node, real time. Resolves once all nodes run; the
 * first block follows, as `events` tell. Rejects with `NetworkStartError` only. It ends with its tab.
 */
export async function createWorkerNetwork(spec: NetworkSpec): Promise<Network> {
  const networkId = newNetworkId();
  return begin(checked(spec), networkId, (unlock) => openUnsaved(spec, networkId, unlock));
}

/** The same for a network that is kept: `openSavedNetwork` goes on with it. */
export async function createSavedNetwork(
  spec: NetworkSpec,
  { name, link }: { readonly name: string; readonly link: string },
): Promise<Network> {
  const id = newNetworkId();
  // Whatever the browser can give when it goes on: the same calls must trap.
  const { wasmStackBytes, ...rest } = checked(spec);
  const fixed = { ...rest, wasmStackBytes: wasmStackBytes ?? browserStackBytes() };
  const entry = newEntry(fixed, { id, name, link });
  return openKept(entry);
}

/** Goes on with a saved network: the same keys, its nodes from their disks. */
export async function openSavedNetwork(id: string): Promise<Network> {
  const rows = await catalogue.rows();
  const row = rows.ok ? rows.value.find(({ entry }) => entry.id === id) : undefined;
  if (row === undefined || !row.readable) {
    const why = row?.problem ?? (rows.ok ? `There is no saved network ${id}.` : rows.error.message);
    throw new NetworkStartError(codedError('input', 'INVALID_ARGUMENT', why));
  }
  if (row.entry.height > 0 && (await areDisksGone(row.entry))) {
    const message = `The disks of the nodes of "${row.entry.name}" are gone: the browser erased them, or somebody did. What is left is its entry in the list, and its snapshots if it has any: a fresh network shows both under Networks.`;
    throw new NetworkStartError(codedError('transport', 'STORAGE_FAILED', message));
  }
  return openKept(row.entry);
}

function isKept(files: readonly NodeFileUse[], id: string, member: string): boolean {
  return files.some(
    ({ networkId, nodeId, bytes }) => networkId === id && nodeId === member && bytes > 0,
  );
}

/** Its nodes, or those of one subnet, would start from genesis with the old keys, as if nothing had ever been. */
async function areDisksGone({ id, nodeIds }: CatalogueEntry): Promise<boolean> {
  const files = await listOpfsFiles();
  return (
    files !== null &&
    'createSyncAccessHandle' in FileSystemFileHandle.prototype &&
    (nodeIds.length === 0
      ? !files.some(({ networkId, bytes }) => networkId === id && bytes > 0)
      : nodeIds.some((members) => members.every((member) => !isKept(files, id, member))))
  );
}

/** Resolves once no tab has the network open. */
export const untilNetworkIsFree: (id: string) => Promise<void> = untilUnlocked;

async function openKept(entry: CatalogueEntry): Promise<Network> {
  const { id, spec } = entry;
  let disks: DiskReader | undefined;
  const attach = (read: DiskReader): void => {
    disks = read;
  };
  const network = await begin(spec, id, (unlock) =>
    openEntry({ ...entry, deletedMs: null }, catalogue, { unlock, attach }),
  );
  const read = present(disks, 'a network that runs has nodes with disks');
  const autosave = createAutosave({
    networkId: id,
    network,
    catalogue,
    store: snapshots,
    read,
    nowMs: Date.now,
    freeBytes,
  });
  const endView = serveView(network, openViewChannel(id), {
    nowMs: Date.now,
    onHandOver: () => void handOver(id, network),
  });
  openHere.set(id, {
    network,
    read,
    autosave: {
      ...autosave,
      stop: () => {
        autosave.stop();
        endView();
      },
    },
  });
  const nodeIds = network
    .topology()
    .subnets.map(({ nodes, spareNodes }) => [...nodes, ...spareNodes].map(({ nodeId }) => nodeId));
  await catalogue.change(id, { nodeIds, deletedMs: null });
  return network;
}

let handedOver: (networkId: string) => void = () => undefined;

/** Calls back once a network of this tab was ended here and runs in the tab that asked for it. */
export function onHandedOver(listener: (networkId: string) => void): void {
  handedOver = listener;
}

async function handOver(id: string, network: Network): Promise<void> {
  await network.close();
  await untilUnlocked(id);
  await untilTaken(id);
  handedOver(id);
}

/**
 * A network that another tab runs, to look at; `undefined` when that tab does not answer. Whatever
 * would change it answers READ_ONLY.
 */
export async function watchElsewhere(id: string): Promise<WatchedNetwork | undefined> {
  return watchNetwork(openViewChannel(id), newNetworkId(), {
    nowMs: Date.now,
    every: (ms, task) => {
      const timer = setInterval(task, ms);
      return () => clearInterval(timer);
    },
    after: (ms, task) => {
      const timer = setTimeout(task, ms);
      return () => clearTimeout(timer);
    },
  });
}

async function freeBytes(): Promise<number | null> {
  const { usage, quota } = await navigator.storage.estimate().catch(() => ({}) as StorageEstimate);
  return usage === undefined || quota === undefined ? null : quota - usage;
}

function checked(spec: NetworkSpec): NetworkSpec {
  const parsed = parseNetworkSpec(spec);
  if (!parsed.ok) {
    const { message } = parsed.error;
    throw new NetworkStartError(codedError('input', 'INVALID_ARGUMENT', message));
  }
  return parsed.value;
}

async function begin(
  spec: NetworkSpec,
  id: string,
  open: (unlock: () => void) => Opening,
): Promise<Network> {
  const wanted = spec.wasmStackBytes ?? 0;
  if (wanted > browserStackBytes()) {
    const message = `Canisters of this network have ${wanted} bytes of stack; this browser can give ${browserStackBytes()}.`;
    throw new NetworkStartError(codedError('input', 'NODE_START_FAILED', message));
  }
  const release = await takeNetworkLock(id);
  if (release === undefined) {
    const message = 'The network is open in another tab.';
    throw new NetworkStartError(codedError('input', 'NETWORK_IN_USE', message));
  }
  openHere.set(id, undefined);
  const started = await startNetwork(
    spec,
    open(() => {
      openHere.get(id)?.autosave.stop();
      openHere.delete(id);
      release();
    }),
  );
  if (!started.ok) {
    throw new NetworkStartError(started.error);
  }
  return started.value;
}
