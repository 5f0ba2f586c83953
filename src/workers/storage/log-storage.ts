import { present } from '../../base/assert.ts';
import { compareText } from '../../base/bytes.ts';
import { codedError, err, ok, type Result } from '../../base/result.ts';
import { crc32 } from '../../protocol/crypto/crc32.ts';
import type { StorageWrite } from '../../protocol/node/node-io.ts';
import {
  encodeFrame,
  type Frame,
  frameAt,
  type Location,
  type LogVersion,
  mayBegin,
  type ReadBytes,
  toldEnd,
  writesOf,
} from './log-frames.ts';
import type { StorageBatch, StorageError, StoragePort, StoredRecord } from './storage-port.ts';

/** The part of FileSystemSyncAccessHandle the log needs. */
export interface SyncFile {
  read(buffer: Uint8Array<ArrayBuffer>, options: { readonly at: number }): number;
  write(buffer: Uint8Array<ArrayBuffer>, options: { readonly at: number }): number;
  truncate(size: number): void;
  getSize(): number;
  close(): void;
}

/**
 * Two append-only files, one of them current: a write is one framed batch at its end, done when the
 * call returns, so that a node waits for no other event before it speaks. When most of the file is
 * dead, the living records move to the other file, whose header is written last.
 *
 *   file:  u32 magic of its version | u32 generation | frame… (`log-frames.ts`)
 *
 * Opening reads the heads of all frames; a large value is checked when it is read. Files of version 1,
 * where all values are checked at the opening, go on as they are until their records move.
 */
const MAGIC: Readonly<Record<LogVersion, number>> = { 1: 0x5342_4e31, 2: 0x5342_4e32 };
const HEADER_BYTES = 8;
const MIN_COMPACTION_BYTES = 32 * 1024 * 1024;
/** Values that are moved in one frame: what is checked at the opening when it is the last one. */
const MOVED_BYTES = 4 * 1024 * 1024;

interface Log {
  file: SyncFile;
  spare: SyncFile;
  version: LogVersion;
  generation: number;
  size: number;
  liveBytes: number;
  readonly minCompactionBytes: number;
  /** Moved above this size: more than the least after a move that failed. */
  compactionBytes: number;
  index: Map<string, Location>;
  /** What was found damaged when the files were opened or large values were read. */
  readonly damage: string[];
  /** Small values as they were read at the opening, until the records are asked for or changed. */
  opened: Map<string, Uint8Array> | undefined;
}

/**
 * Opens the log that two files hold; a torn tail, which was never acknowledged, is cut off. A batch
 * that is damaged with others behind it is passed over and told by `damage`.
 * @param minCompactionBytes a log below this size is not worth moving
 */
export function openLogStorage(
  first: SyncFile,
  second: SyncFile,
  minCompactionBytes: number = MIN_COMPACTION_BYTES,
): StoragePort {
  const log = openLog(first, second, minCompactionBytes);
  let closed = false;
  let broken: StorageError | undefined;
  const guarded = <T>(task: () => T): Result<T, StorageError> => {
    if (closed) {
      return err(codedError('transport', 'STORAGE_CLOSED', 'the storage was closed'));
    }
    try {
      return ok(task());
    } catch (error) {
      return err(fileError(error));
    }
  };
  /** A change of the file; after one that failed its end may be torn, and only opening cuts it. */
  const change = (task: () => void): Result<void, StorageError> => {
    if (broken !== undefined && !closed) {
      return err(broken);
    }
    const outcome = guarded(task);
    broken = outcome.ok ? undefined : outcome.error;
    return outcome;
  };
  return {
    write: async (batch) =>
      change(() => {
        append(log, batch.writes);
        if (log.size > log.compactionBytes && log.size > 2 * log.liveBytes) {
          tryCompact(log);
        }
      }),
    readAll: async () => guarded(() => readRecords(log, [...log.index.keys()])),
    readSmall: async () =>
      guarded(() => {
        const keys = [...log.index];
        return {
          records: readRecords(
            log,
            keys.flatMap(([key, { crc }]) => (crc === undefined ? [key] : [])),
          ),
          large: new Map(
            keys.flatMap(([key, { crc, length }]) =>
              crc === undefined ? [] : [[key, length] as const],
            ),
          ),
          read: (key: string): Uint8Array | undefined => {
            const value = guarded(() => readKnown(log, key));
            return value.ok ? value.value : undefined;
          },
        };
      }),
    damage: () => log.damage,
    clear: async () =>
      change(() => {
        log.index.clear();
        log.liveBytes = 0;
        compact(log);
      }),
    close: () => {
      if (!closed) {
        closed = true;
        log.file.close();
        log.spare.close();
      }
    },
  };
}

function openLog(first: SyncFile, second: SyncFile, minCompactionBytes: number): Log {
  const [one, two] = [headerOf(first), headerOf(second)];
  const [current, file, spare] =
    two.generation > one.generation ? [two, second, first] : [one, first, second];
  const log: Log = {
    file,
    spare,
    version: current.version,
    generation: Math.max(current.generation, 1),
    size: HEADER_BYTES,
    liveBytes: 0,
    minCompactionBytes,
    compactionBytes: minCompactionBytes,
    index: new Map(),
    damage: [],
    opened: new Map(),
  };
  if (current.generation === 0) {
    file.truncate(0);
    writeHeader(log);
  }
  readFrames(log);
  file.truncate(log.size);
  if (log.version === 1 && log.size > WINDOW_BYTES) {
    tryCompact(log);
  }
  return log;
}

function readFrames(log: Log): void {
  const { file, version } = log;
  const size = file.getSize();
  const read = createWindow(file);
  while (log.size < size) {
    const frame = frameAt(version, read, log.size, size);
    if (frame !== undefined && (frame.end < size || areValuesWhole(log, frame))) {
      log.size = frame.end;
      indexFrame(log, frame);
      continue;
    }
    const next = nextFrame(log, size);
    if (next === undefined) {
      return;
    }
    log.damage.push(`${next - log.size} bytes at ${log.size} of the log are damaged`);
    log.size = next;
  }
}

/** Bytes of the file that are read ahead: heads lie close together, but for those of large values. */
const WINDOW_BYTES = 64 * 1024;

function createWindow(file: SyncFile): ReadBytes {
  let window: Uint8Array = new Uint8Array();
  let from = 0;
  return (at, length) => {
    if (at < from || at + length > from + window.length) {
      window = readRange(file, at, Math.max(length, WINDOW_BYTES));
      from = at;
    }
    return window.subarray(at - from, at - from + length);
  };
}

/** Of the last frame, which may be torn. */
function areValuesWhole({ file }: Log, frame: Frame): boolean {
  return [...writesOf(frame)].every(
    (write) => write.op === 'delete' || readValue(file, write.location) !== undefined,
  );
}

/** Records in order of key; those that are damaged are left out. */
function readRecords(log: Log, keys: readonly string[]): readonly StoredRecord[] {
  const { opened } = log;
  log.opened = undefined;
  return keys.toSorted(compareText).flatMap((key) => {
    const value = opened?.get(key) ?? readKnown(log, key);
    return value === undefined ? [] : [{ key, value }];
  });
}

/** The value of a record; undefined when there is none, or none that is undamaged, which is told. */
function readKnown(log: Log, key: string): Uint8Array | undefined {
  const location = log.index.get(key);
  const value = location && readValue(log.file, location);
  if (location !== undefined && value === undefined) {
    log.damage.push(`${key} is damaged`);
  }
  return value;
}

/** Bytes of the log in which the frame after a damaged one is looked for. */
const SEARCHED_BYTES = 16 * 1024 * 1024;

/**
 * Where the first whole frame behind a damaged one begins; undefined = there is none, so that it was
 * the last one. Its length may be what is damaged: then each byte could be the beginning.
 */
function nextFrame({ file, version, size: at }: Log, size: number): number | undefined {
  const rest = readRange(file, at, size - at);
  const read: ReadBytes = (from, length) => rest.subarray(from, from + length);
  if (rest.length < HEADER_BYTES) {
    return undefined;
  }
  const isFrame = (candidate: number): boolean =>
    mayBegin(version, rest, candidate) &&
    frameAt(version, read, candidate, rest.length) !== undefined;
  const told = toldEnd(version, read, 0);
  if (isFrame(told)) {
    return at + told;
  }
  const end = Math.min(rest.length, SEARCHED_BYTES);
  for (let candidate = 1; candidate < end; candidate += 1) {
    if (isFrame(candidate)) {
      return at + candidate;
    }
  }
  return undefined;
}

interface FileHeader {
  readonly version: LogVersion;
  /** 0 for a file without a header: new, or left in the middle of a move. */
  readonly generation: number;
}

function headerOf(file: SyncFile): FileHeader {
  const header = readRange(file, 0, Math.min(HEADER_BYTES, file.getSize()));
  const none: FileHeader = { version: 2, generation: 0 };
  if (header.length < HEADER_BYTES) {
    return none;
  }
  const view = new DataView(header.buffer);
  const generation = view.getUint32(4);
  switch (view.getUint32(0)) {
    case MAGIC[1]:
      return { version: 1, generation };
    case MAGIC[2]:
      return { version: 2, generation };
    default:
      return none;
  }
}

function writeHeader({ file, version, generation }: Log): void {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, MAGIC[version]);
  view.setUint32(4, generation);
  writeFully(file, header, 0);
}

function append(log: Log, writes: StorageBatch['writes']): void {
  log.opened = undefined;
  const bytes = encodeFrame(log.version, writes);
  const { version, size: at } = log;
  try {
    writeFully(log.file, bytes, at);
  } catch (error) {
    giveBack(log);
    throw error;
  }
  log.size += bytes.length;
  const read: ReadBytes = (from, length) => bytes.subarray(from - at, from - at + length);
  indexFrame(log, present(frameAt(version, read, at, log.size), 'it was just encoded'));
}

/** What a write that failed took of the room would be missing to the other nodes of the page. */
function giveBack({ file, size }: Log): void {
  try {
    file.truncate(size);
  } catch {
    // The end is cut off when the log is opened again.
  }
}

/** A move that fails, for want of room, costs nothing: the old file goes on and is moved later. */
function tryCompact(log: Log): void {
  try {
    compact(log);
    log.compactionBytes = log.minCompactionBytes;
  } catch {
    // Whatever is there of a newer header must not win when the log is opened again.
    log.spare.truncate(0);
    log.compactionBytes = 2 * log.size;
  }
}

/**
 * Moves the living records to the other file, but for damaged ones, which are told. The old file counts
 * until the new header is there; the log is as before when anything fails.
 */
function compact(log: Log): void {
  const { file: old, spare: target } = log;
  const moved: Log = {
    ...log,
    file: target,
    spare: old,
    version: 2,
    generation: log.generation + 1,
    size: HEADER_BYTES,
    liveBytes: 0,
    index: new Map(),
  };
  target.truncate(0);
  let writes: StorageWrite[] = [];
  let waiting = 0;
  for (const [key, { length }] of log.index) {
    const value = readKnown(log, key);
    if (value !== undefined) {
      writes.push({ op: 'put', key, value });
      waiting += length;
    }
    if (waiting >= MOVED_BYTES) {
      append(moved, writes);
      [writes, waiting] = [[], 0];
    }
  }
  append(moved, writes);
  writeHeader(moved);
  Object.assign(log, moved);
  old.truncate(0);
}

/** Takes a frame into the index. */
function indexFrame(log: Log, frame: Frame): void {
  for (const write of writesOf(frame)) {
    const { key } = write;
    log.liveBytes -= log.index.get(key)?.length ?? 0;
    if (write.op === 'delete') {
      log.index.delete(key);
      log.opened?.delete(key);
      continue;
    }
    const { location } = write;
    log.index.set(key, location);
    log.liveBytes += location.length;
    if (location.crc === undefined) {
      const start = location.at - frame.headAt;
      log.opened?.set(key, frame.head.slice(start, start + location.length));
    } else {
      log.opened?.delete(key);
    }
  }
}

/** Undefined when a large value is not what was written. */
function readValue(file: SyncFile, { at, length, crc }: Location): Uint8Array | undefined {
  const value = readRange(file, at, length);
  const isWhole = value.length === length && (crc === undefined || crc32(value) === crc);
  return isWhole ? value : undefined;
}

function readRange(file: SyncFile, at: number, length: number): Uint8Array<ArrayBuffer> {
  const buffer = new Uint8Array(length);
  const read = file.read(buffer, { at });
  return read === length ? buffer : buffer.slice(0, read);
}

function writeFully(file: SyncFile, bytes: Uint8Array<ArrayBuffer>, at: number): void {
  if (file.write(bytes, { at }) !== bytes.length) {
    throw new RangeError('the file took only a part of the write');
  }
}

function fileError(error: unknown): StorageError {
  const { name, message } = error instanceof Error ? error : { name: '', message: String(error) };
  return name === 'QuotaExceededError' || error instanceof RangeError
    ? codedError(
        'limit',
        'STORAGE_FULL',
        `the browser's quota for this page is used up: ${message}`,
      )
    : codedError('transport', 'STORAGE_FAILED', `the file failed: ${name} ${message}`);
}
