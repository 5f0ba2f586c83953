import { compareText } from '../../base/bytes.ts';
import { codedError, err, ok, type Result } from '../../base/result.ts';
import { decodeUtf8, encodeUtf8 } from '../../base/utf8.ts';
import { crc32 } from '../../protocol/crypto/crc32.ts';
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
 *   file:  u32 magic | u32 generation | batch…      batch:  u32 length | u32 crc32 | writes
 *   write: u8 op (1 put, 2 delete) | u16 key length | key | u32 value length | value
 */
const MAGIC = 0x5342_4e31;
const HEADER_BYTES = 8;
const FRAME_BYTES = 8;
const OP_PUT = 1;
const OP_DELETE = 2;
const MIN_COMPACTION_BYTES = 32 * 1024 * 1024;

interface Location {
  readonly at: number;
  readonly length: number;
}

interface Log {
  file: SyncFile;
  spare: SyncFile;
  generation: number;
  size: number;
  liveBytes: number;
  readonly minCompactionBytes: number;
  /** Moved above this size: more than the least after a move that failed. */
  compactionBytes: number;
  index: Map<string, Location>;
  /** What was found damaged when the files were opened. */
  readonly damage: string[];
  /** The file as it was read when it was opened, until the first record is asked for or changed. */
  opened: Uint8Array | undefined;
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
        append(log, batch);
        if (log.size > log.compactionBytes && log.size > 2 * log.liveBytes) {
          tryCompact(log);
        }
      }),
    readAll: async () => guarded(() => readRecords(log)),
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
  const [one, two] = [generationOf(first), generationOf(second)];
  const [file, spare] = two > one ? [second, first] : [first, second];
  const generation = Math.max(one, two, 1);
  const log: Log = {
    file,
    spare,
    generation,
    size: HEADER_BYTES,
    liveBytes: 0,
    minCompactionBytes,
    compactionBytes: minCompactionBytes,
    index: new Map(),
    damage: [],
    opened: undefined,
  };
  if (Math.max(one, two) === 0) {
    file.truncate(0);
    writeHeader(file, generation);
  }
  const bytes = readRange(file, 0, file.getSize());
  const view = new DataView(bytes.buffer);
  while (log.size + FRAME_BYTES <= bytes.length) {
    const start = log.size + FRAME_BYTES;
    const body = frameAt(bytes, view, log.size);
    if (body !== undefined) {
      indexBatch(log, body, start);
      log.size = start + body.length;
      continue;
    }
    const next = nextFrame(bytes, view, log.size);
    if (next === undefined) {
      break;
    }
    log.damage.push(`${next - log.size} bytes at ${log.size} of the log are damaged`);
    log.size = next;
  }
  file.truncate(log.size);
  log.opened = bytes;
  return log;
}

/** Of a file, more than this part must live for its records to be views of the bytes read at the opening. */
const DENSE = 3 / 4;

/** The first time after the opening nothing is read again, unless that kept many dead bytes in memory. */
function readRecords(log: Log): readonly StoredRecord[] {
  const { opened, file } = log;
  log.opened = undefined;
  const kept = opened !== undefined && log.liveBytes > DENSE * opened.length ? opened : undefined;
  return [...log.index]
    .sort(([a], [b]) => compareText(a, b))
    .map(([key, location]) => ({
      key,
      value:
        kept?.subarray(location.at, location.at + location.length) ?? readValue(file, location),
    }));
}

/** The body of a whole, undamaged batch. */
function frameAt(bytes: Uint8Array, view: DataView, at: number): Uint8Array | undefined {
  if (at + FRAME_BYTES > bytes.length) {
    return undefined;
  }
  const length = view.getUint32(at);
  const start = at + FRAME_BYTES;
  const body = bytes.subarray(start, start + length);
  return body.length === length && crc32(body) === view.getUint32(at + 4) ? body : undefined;
}

/** Bytes of the log in which the batch after a damaged one is looked for. */
const SEARCHED_BYTES = 16 * 1024 * 1024;

/**
 * Where the first whole batch behind a damaged one begins; undefined = there is none, so that it was
 * the last one. Its length may be what is damaged: then each byte could be the beginning.
 */
function nextFrame(bytes: Uint8Array, view: DataView, at: number): number | undefined {
  const told = at + FRAME_BYTES + view.getUint32(at);
  if ((frameAt(bytes, view, told)?.length ?? 0) > 0) {
    return told;
  }
  const end = Math.min(bytes.length - FRAME_BYTES, at + SEARCHED_BYTES);
  for (let candidate = at + 1; candidate < end; candidate += 1) {
    // A batch begins with a write: most bytes are told from one without a checksum.
    const op = bytes[candidate + FRAME_BYTES];
    const fits = candidate + FRAME_BYTES + view.getUint32(candidate) <= bytes.length;
    if ((op === OP_PUT || op === OP_DELETE) && fits && frameAt(bytes, view, candidate)) {
      return candidate;
    }
  }
  return undefined;
}

/** 0 for a file without a header: new, or left in the middle of a move. */
function generationOf(file: SyncFile): number {
  const header = readRange(file, 0, Math.min(HEADER_BYTES, file.getSize()));
  if (header.length < HEADER_BYTES) {
    return 0;
  }
  const view = new DataView(header.buffer);
  return view.getUint32(0) === MAGIC ? view.getUint32(4) : 0;
}

function writeHeader(file: SyncFile, generation: number): void {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, MAGIC);
  view.setUint32(4, generation);
  writeFully(file, header, 0);
}

function append(log: Log, batch: StorageBatch): void {
  log.opened = undefined;
  const frame = encodeBatch(batch);
  try {
    writeFully(log.file, frame, log.size);
  } catch (error) {
    giveBack(log);
    throw error;
  }
  indexBatch(log, frame.subarray(FRAME_BYTES), log.size + FRAME_BYTES);
  log.size += frame.length;
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
 * Moves the living records to the other file. The old one counts until the new header is there; the
 * log is as before when anything fails.
 */
function compact(log: Log): void {
  const writes: StorageBatch['writes'] = [...log.index].map(([key, location]) => ({
    op: 'put',
    key,
    value: readValue(log.file, location),
  }));
  const { file: old, spare: target } = log;
  const moved: Log = {
    ...log,
    file: target,
    spare: old,
    generation: log.generation + 1,
    size: HEADER_BYTES,
    liveBytes: 0,
    index: new Map(),
  };
  target.truncate(0);
  append(moved, { writes });
  writeHeader(target, moved.generation);
  Object.assign(log, moved);
  old.truncate(0);
}

function encodeBatch({ writes }: StorageBatch): Uint8Array<ArrayBuffer> {
  const keys = writes.map((write) => encodeUtf8(write.key));
  const sizes = writes.map((write, i) => {
    const key = keys[i]?.length ?? 0;
    return 3 + key + (write.op === 'put' ? 4 + write.value.length : 0);
  });
  const frame = new Uint8Array(sizes.reduce((sum, size) => sum + size, FRAME_BYTES));
  const view = new DataView(frame.buffer);
  let at = FRAME_BYTES;
  for (const [i, write] of writes.entries()) {
    const key = keys[i] ?? new Uint8Array();
    frame[at] = write.op === 'put' ? OP_PUT : OP_DELETE;
    view.setUint16(at + 1, key.length);
    frame.set(key, at + 3);
    if (write.op === 'put') {
      view.setUint32(at + 3 + key.length, write.value.length);
      frame.set(write.value, at + 7 + key.length);
    }
    at += sizes[i] ?? 0;
  }
  view.setUint32(0, frame.length - FRAME_BYTES);
  view.setUint32(4, crc32(frame.subarray(FRAME_BYTES)));
  return frame;
}

/** Takes a batch into the index; `base` is where its body starts in the file. */
function indexBatch(log: Log, body: Uint8Array, base: number): void {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let at = 0;
  while (at < body.length) {
    const keyLength = view.getUint16(at + 1);
    const key = decodeUtf8(body.subarray(at + 3, at + 3 + keyLength)) ?? '';
    log.liveBytes -= log.index.get(key)?.length ?? 0;
    const isPut = body[at] === OP_PUT;
    at += 3 + keyLength;
    if (isPut) {
      const length = view.getUint32(at);
      log.index.set(key, { at: base + at + 4, length });
      log.liveBytes += length;
      at += 4 + length;
    } else {
      log.index.delete(key);
    }
  }
}

function readValue(file: SyncFile, { at, length }: Location): Uint8Array {
  return readRange(file, at, length);
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
