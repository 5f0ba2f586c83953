import { bytesToHex } from '../../base/hex.ts';
import { codedError, err, ok } from '../../base/result.ts';
import type { Network } from '../../wire/network.ts';
import { DEFAULT_AUTOSAVE, type SavedResult } from '../../wire/saved-networks.ts';
import type { Catalogue } from './catalogue.ts';
import type { DiskReader } from './disk-reader.ts';
import { readMoment } from './network-moment.ts';
import type { SnapshotStore } from './snapshot-store.ts';

/** The snapshots of one open network. */
export interface Autosave {
  /** Takes one now; answers its id. */
  take(): SavedResult<string>;
  /** Why the last one was not taken. */
  problem(): string | null;
  stop(): void;
}

export interface AutosaveDeps {
  readonly networkId: string;
  readonly network: Network;
  readonly catalogue: Pick<Catalogue, 'rows'>;
  readonly store: SnapshotStore;
  readonly read: DiskReader;
  nowMs(): number;
  /** Bytes that the browser would still give; null = it does not tell. */
  freeBytes(): Promise<number | null>;
}

const MINUTE_MS = 60_000;

/** Takes a snapshot when a checkpoint was made and the last one is old enough. */
export function createAutosave(deps: AutosaveDeps): Autosave {
  const { network, networkId, store, nowMs } = deps;
  let problem: string | null = null;
  let lastMs = nowMs();
  let package_ = 0;
  let taking: SavedResult<string> | undefined;

  const settingNow = async () => {
    const rows = await deps.catalogue.rows();
    const row = rows.ok ? rows.value.find(({ entry }) => entry.id === networkId) : undefined;
    return row?.readable === true
      ? { entry: row.entry, ...(row.entry.autosave ?? DEFAULT_AUTOSAVE) }
      : undefined;
  };
  const takeNow = async (takenMs: number): SavedResult<string> => {
    const setting = await settingNow();
    if (setting === undefined) {
      return err(codedError('input', 'NETWORK_UNKNOWN', 'The network is not on the list.'));
    }
    const known = await store.knownChunks(networkId);
    const moment = known.ok
      ? await readMoment(network, { read: deps.read, known: known.value })
      : known;
    if (!moment.ok || !known.ok) {
      return moment.ok ? err(codedError('transport', 'STORAGE_FAILED', 'no list')) : moment;
    }
    const subnets = moment.value;
    const freshBytes = sumOf(subnets, ({ value }) => value.length);
    const free = await deps.freeBytes();
    if (free !== null && freshBytes > free / 2) {
      const message = `A snapshot needs ${mib(freshBytes)} MiB; the nodes would be left with less than that.`;
      return err(codedError('limit', 'STORAGE_FULL', message));
    }
    const { nodes } = await network.snapshot();
    const id = bytesToHex(crypto.getRandomValues(new Uint8Array(8)));
    const facts = {
      id,
      networkId,
      takenMs,
      height: Math.max(0, ...nodes.map(({ heights }) => heights.finalized)),
      // A chunk that is known has its size from the format; the last ones of a file are smaller.
      bytes: sumOf(subnets, ({ value }) => (value.length === 0 ? CHUNK_BYTES : value.length)),
      deletedMs: null,
    };
    const { entry, kept } = setting;
    const stored = await store.put(facts, { entry, subnets }, Math.max(1, kept));
    return stored.ok ? ok(id) : stored;
  };
  const take = (): SavedResult<string> => {
    // One at a time: a second asker gets the first one's.
    const startedMs = nowMs();
    taking ??= takeNow(startedMs).then((outcome) => {
      taking = undefined;
      lastMs = startedMs;
      problem = outcome.ok ? null : outcome.error.message;
      return outcome;
    });
    return taking;
  };
  const takeIfDue = async (): Promise<void> => {
    const { canisters } = await network.snapshot();
    const setting = await settingNow();
    const isDue =
      setting !== undefined &&
      setting.kept > 0 &&
      canisters.length > 0 &&
      nowMs() - lastMs >= setting.everyMinutes * MINUTE_MS;
    if (isDue) {
      await take();
    }
  };
  const stop = network.events.subscribe(({ events }) => {
    for (const event of events) {
      if (event.kind === 'nodeHeights' && event.heights.catchUpPackage > package_) {
        package_ = event.heights.catchUpPackage;
        void takeIfDue();
      }
    }
  });
  return { take, problem: () => problem, stop };
}

const CHUNK_BYTES = 64 * 1024;

type Records = readonly { readonly records: readonly { readonly value: Uint8Array }[] }[];

function sumOf(subnets: Records, bytes: (record: { value: Uint8Array }) => number): number {
  return subnets
    .flatMap(({ records }) => records)
    .reduce((sum, { value }) => sum + bytes({ value }), 0);
}

function mib(bytes: number): number {
  return Math.ceil(bytes / 1024 / 1024);
}
