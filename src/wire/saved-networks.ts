import type { CodedError, Result } from '../base/result.ts';
import type { Pace } from './network-spec.ts';

/**
 * Networks that this browser keeps: what the page lists, opens again, exports and deletes. A saved
 * network is open in one tab at a time; its nodes go on from what is on their disks.
 */
export interface SavedNetworks {
  /** Newest first. Entries of a format that this page cannot read are among them. */
  list(): Promise<readonly SavedNetwork[]>;
  /** @param name 1–60 characters */
  rename(id: string, name: string): SavedResult<void>;
  /** Takes it off the list; `restore` undoes that until the storage is swept. */
  remove(id: string): SavedResult<void>;
  restore(id: string): SavedResult<void>;
  /** Erases a network for good. Refused while it is open. */
  erase(id: string): SavedResult<void>;
  /** The whole network as one file, as `docs/state-layout.md` describes it. */
  exportNetwork(id: string): SavedResult<Blob>;
  /**
   * Makes a new network with the same keys and state of such a file; answers its id. Nothing is
   * changed when the file is damaged, of another version or none of ours.
   */
  importNetwork(file: Blob): SavedResult<string>;
  /** Keeps what an open network is at this moment, beside those it keeps by itself. */
  takeSnapshot(id: string): SavedResult<string>;
  /** Makes a new network that goes on from a snapshot; the one it was taken of stays. Answers its id. */
  openSnapshot(snapshotId: string): SavedResult<string>;
  /** Takes a snapshot off the list; `restoreSnapshot` undoes that until the next one is taken. */
  removeSnapshot(snapshotId: string): SavedResult<void>;
  restoreSnapshot(snapshotId: string): SavedResult<void>;
  /** How many snapshots a network keeps by itself, and how far apart. */
  setAutosave(id: string, setting: AutosaveSetting): SavedResult<void>;
  storage(): Promise<StorageUse>;
  /** Asks the browser not to evict this page's storage; answers whether it agreed. */
  persist(): Promise<boolean>;
}

export type SavedErrorCode =
  | 'NETWORK_UNKNOWN'
  | 'NETWORK_IN_USE'
  | 'FORMAT_UNKNOWN'
  | 'KEYS_DIFFER'
  | 'FILE_REFUSED'
  | 'INVALID_ARGUMENT'
  | 'STORAGE_FULL'
  | 'STORAGE_FAILED';
export type SavedError = CodedError<SavedErrorCode>;
export type SavedResult<T> = Promise<Result<T, SavedError>>;

export interface SavedNetwork {
  readonly id: string;
  readonly name: string;
  /** `openable`; open in this tab or another one; of another format; deleted, but not yet erased. */
  readonly state: 'openable' | 'openHere' | 'openElsewhere' | 'otherFormat' | 'deleted';
  /** Why it cannot be opened, for readers; null when it can. */
  readonly problem: string | null;
  /** Of each subnet; empty when the format is unknown. */
  readonly subnetSizes: readonly number[];
  readonly pace: Pace | null;
  readonly createdMs: number;
  readonly lastSeenMs: number;
  /** Highest finalized height, of any subnet, that was seen. */
  readonly height: number;
  readonly canisters: number;
  /** Bytes of its nodes' files; null where the browser does not tell. */
  readonly bytes: number | null;
  readonly autosave: AutosaveSetting;
  /** Why the last snapshot was not taken; null when it was. */
  readonly autosaveProblem: string | null;
  /** Newest first. */
  readonly snapshots: readonly SavedSnapshot[];
}

/** What a network was at one moment: every subnet at a height from which all go on together. */
export interface SavedSnapshot {
  readonly id: string;
  readonly takenMs: number;
  /** Highest finalized height of any subnet. */
  readonly height: number;
  /** Bytes that it would need alone; parts that several snapshots share are stored once. */
  readonly bytes: number;
  readonly isDeleted: boolean;
}

/** Snapshots that a network keeps by itself, the oldest making room for the newest. */
export interface AutosaveSetting {
  /** 0 = none, at most `MAX_KEPT_SNAPSHOTS`. */
  readonly kept: number;
  /** One is taken with a checkpoint, at most so often. */
  readonly everyMinutes: number;
}

export const DEFAULT_AUTOSAVE: AutosaveSetting = { kept: 3, everyMinutes: 5 };
export const MAX_KEPT_SNAPSHOTS = 10;
const MAX_MINUTES = 1_440;

export function isAutosaveSetting(value: unknown): value is AutosaveSetting {
  const { kept, everyMinutes } = Object(value) as Record<string, unknown>;
  return isWithin(kept, 0, MAX_KEPT_SNAPSHOTS) && isWithin(everyMinutes, 1, MAX_MINUTES);
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
}

/** The disk as a whole. Bytes are the browser's own, rough figures; null where it gives none. */
export interface StorageUse {
  readonly usedBytes: number | null;
  readonly quotaBytes: number | null;
  /** False: the browser may evict everything when the disk gets full. Null: it does not tell. */
  readonly persisted: boolean | null;
  readonly nodes: readonly NodeStorageUse[];
}

export interface NodeStorageUse {
  readonly networkId: string;
  readonly nodeId: string;
  readonly bytes: number;
}
