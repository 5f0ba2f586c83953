import { compareText } from '../../base/bytes.ts';
import { bytesToHex } from '../../base/hex.ts';
import { codedError, err, ok, type Result } from '../../base/result.ts';
import { decodeUtf8, encodeUtf8 } from '../../base/utf8.ts';
import type { SavedError } from '../../wire/saved-networks.ts';
import type { StoredRecord } from '../storage/storage-port.ts';
import { type CatalogueEntry, rowOf } from './catalogue.ts';
import { areChunksIntact } from './check-chunks.ts';

/**
 * A network as one file: its entry in the catalogue and, for each subnet, what the disk of one of
 * its nodes held but for that node's own shares. All nodes start from the same records then.
 * `docs/state-layout.md` describes the bytes.
 *
 *   magic 8 | u32 version | u32 header length | header (JSON) | records of each subnet | sha256 32
 *   record: u16 key length | key | u32 value length | value
 */
const MAGIC = encodeUtf8('SUBNETAR');
const VERSION = 1;
const PREFIX_BYTES = MAGIC.length + 8;
const HASH_BYTES = 32;
const MAX_HEADER_BYTES = 4 * 1024 * 1024;
const MAX_RECORDS = 5_000_000;

export interface NetworkFile {
  readonly entry: CatalogueEntry;
  /** In the order of the spec. */
  readonly subnets: readonly SubnetRecords[];
}

export interface SubnetRecords {
  /** All that get these records: members and spares. */
  readonly nodeIds: readonly string[];
  readonly records: readonly StoredRecord[];
}

export type Digest = (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;

/** SHA-256 of the browser. */
export const sha256: Digest = async (bytes) =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));

/** What of a node's disk may go to others: no shares, neither of keys nor of signatures. */
export function isForAll(key: string): boolean {
  return /^(artifact\/(?!\w*Share\/)\w+\/|checkpoint\/\d|registry\/\d|chunk\/[0-9a-f])/u.test(key);
}

export async function encodeNetworkFile(
  { entry, subnets }: NetworkFile,
  digest: Digest = sha256,
): Promise<readonly Uint8Array<ArrayBuffer>[]> {
  const chosen = subnets.map(({ nodeIds, records }) => ({
    nodeIds,
    records: records
      .filter(({ key }) => isForAll(key))
      .toSorted((a, b) => compareText(a.key, b.key)),
  }));
  const header = encodeUtf8(
    JSON.stringify(
      {
        entry,
        subnets: chosen.map(({ nodeIds, records }) => ({ nodeIds, records: records.length })),
      },
      (_, value: unknown) => (typeof value === 'bigint' ? { bigint: String(value) } : value),
    ),
  );
  const bodies = chosen.flatMap(({ records }) => records.map(encodeRecord));
  const length = bodies.reduce((sum, body) => sum + body.length, PREFIX_BYTES + header.length);
  const file = new Uint8Array(length);
  const view = new DataView(file.buffer);
  file.set(MAGIC);
  view.setUint32(MAGIC.length, VERSION);
  view.setUint32(MAGIC.length + 4, header.length);
  file.set(header, PREFIX_BYTES);
  let at = PREFIX_BYTES + header.length;
  for (const body of bodies) {
    file.set(body, at);
    at += body.length;
  }
  return [file, Uint8Array.from(await digest(file))];
}

/** Refuses whatever is not a whole, undamaged file of this version. */
export async function decodeNetworkFile(
  file: Uint8Array<ArrayBuffer>,
  digest: Digest = sha256,
): Promise<Result<NetworkFile, SavedError>> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < PREFIX_BYTES || !MAGIC.every((byte, at) => file[at] === byte)) {
    return refused('It is not a file of a saved network.');
  }
  const version = view.getUint32(MAGIC.length);
  if (version !== VERSION) {
    return refused(`It is of version ${version}; this page reads version ${VERSION}.`);
  }
  const content = file.subarray(0, Math.max(0, file.length - HASH_BYTES));
  const hash = bytesToHex(await digest(content));
  if (hash !== bytesToHex(file.subarray(content.length))) {
    return refused('It is damaged or not complete: its hash does not fit.');
  }
  const headerLength = view.getUint32(MAGIC.length + 4);
  const start = PREFIX_BYTES + headerLength;
  if (headerLength > MAX_HEADER_BYTES || start > content.length) {
    return refused('Its header does not end.');
  }
  const header = readHeader(content.subarray(PREFIX_BYTES, start));
  const read = header.ok ? readRecords(header.value, content, start) : header;
  if (!read.ok) {
    return read;
  }
  for (const { records } of read.value.subnets) {
    // Nodes take what is on their disks for what they wrote: nobody else looks at this again.
    if (!(await areChunksIntact(records))) {
      return refused('One of its chunks has not the content that its name says.');
    }
  }
  return read;
}

interface Header {
  readonly entry: CatalogueEntry;
  readonly subnets: readonly { readonly nodeIds: readonly string[]; readonly records: number }[];
}

function readHeader(bytes: Uint8Array): Result<Header, SavedError> {
  const fields = parseJson(decodeUtf8(bytes) ?? '');
  const { entry, subnets } = Object(fields) as {
    readonly entry: unknown;
    readonly subnets: unknown;
  };
  const row = rowOf(Object(entry) as Record<string, unknown>);
  if (!row.readable) {
    return refused(row.problem);
  }
  const isWhole =
    Array.isArray(subnets) &&
    subnets.length >= row.entry.spec.subnets.length &&
    subnets.every(isSubnet);
  return isWhole ? ok({ entry: row.entry, subnets }) : refused('Its list of subnets is wrong.');
}

function isSubnet(value: unknown): value is Header['subnets'][number] {
  const { nodeIds, records } = Object(value) as Record<string, unknown>;
  return (
    Array.isArray(nodeIds) &&
    nodeIds.length <= 64 &&
    nodeIds.every((id) => typeof id === 'string' && /^[0-9a-f]{2,64}$/u.test(id)) &&
    Number.isSafeInteger(records) &&
    (records as number) >= 0 &&
    (records as number) <= MAX_RECORDS
  );
}

function readRecords(
  { entry, subnets }: Header,
  content: Uint8Array<ArrayBuffer>,
  start: number,
): Result<NetworkFile, SavedError> {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  let at = start;
  const next = (): StoredRecord | undefined => {
    const keyEnd = at + 2 <= content.length ? at + 2 + view.getUint16(at) : content.length;
    if (keyEnd + 4 > content.length) {
      return undefined;
    }
    const end = keyEnd + 4 + view.getUint32(keyEnd);
    const key = decodeUtf8(content.subarray(at + 2, keyEnd));
    if (end > content.length || key === undefined || !isForAll(key)) {
      return undefined;
    }
    const value = content.subarray(keyEnd + 4, end);
    at = end;
    return { key, value };
  };
  const found: SubnetRecords[] = [];
  for (const { nodeIds, records: count } of subnets) {
    const records: StoredRecord[] = [];
    while (records.length < count) {
      const record = next();
      if (record === undefined) {
        return refused('One of its records is wrong.');
      }
      records.push(record);
    }
    found.push({ nodeIds, records });
  }
  return at === content.length ? ok({ entry, subnets: found }) : refused('It is too long.');
}

function encodeRecord({ key, value }: StoredRecord): Uint8Array {
  const name = encodeUtf8(key);
  const bytes = new Uint8Array(6 + name.length + value.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, name.length);
  bytes.set(name, 2);
  view.setUint32(2 + name.length, value.length);
  bytes.set(value, 6 + name.length);
  return bytes;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, (_, value: unknown) => bigintOf(value) ?? value);
  } catch {
    return undefined;
  }
}

function bigintOf(value: unknown): bigint | undefined {
  const { bigint: digits } = Object(value) as { readonly bigint?: unknown };
  return typeof digits === 'string' && /^\d{1,30}$/u.test(digits) ? BigInt(digits) : undefined;
}

function refused(message: string): Result<never, SavedError> {
  return err(codedError('input', 'FILE_REFUSED', message));
}
