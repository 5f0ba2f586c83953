import { ok, type Result } from '../../base/result.ts';
import type { NodeCoreConfig } from '../../protocol/node/node-io.ts';
import { CHUNK_KEY } from '../../protocol/node/stored-node.ts';
import type { HashHex } from '../../protocol/types/ids.ts';
import type { StorageError, StoragePort, StoredRecord } from '../storage/storage-port.ts';

/** What a core starts with. */
type StoredPart = Pick<NodeCoreConfig, 'stored' | 'storedChunks'>;

/**
 * Reads a node's disk for its start. Chunks stay there where the disk can be read at once: a node that
 * goes on needs few of them, and none before its first block.
 * @param onLost a chunk that is needed is damaged; what is thrown then must end the node
 */
export async function readForStart(
  disk: StoragePort,
  onLost: (key: string) => void,
): Promise<Result<StoredPart, StorageError>> {
  const small = await disk.readSmall?.();
  if (small === undefined) {
    const all = await disk.readAll();
    return all.ok ? ok({ stored: all.value.map(owned) }) : all;
  }
  if (!small.ok) {
    return small;
  }
  const { records, large, read } = small.value;
  const stored = records.map(({ key, value }) => [key, value] as const);
  const sizes = new Map<HashHex, number>();
  for (const [key, length] of large) {
    if (key.startsWith(CHUNK_KEY)) {
      sizes.set(key.slice(CHUNK_KEY.length) as HashHex, length);
      continue;
    }
    const value = read(key);
    if (value !== undefined) {
      stored.push([key, value]);
    }
  }
  if (sizes.size === 0) {
    return ok({ stored });
  }
  const lost = (hash: HashHex): never => {
    const key = CHUNK_KEY + hash;
    onLost(key);
    throw new RangeError(`${key} is damaged on the disk: the node starts again without it`);
  };
  return ok({ stored, storedChunks: { sizes, read: (hash) => read(CHUNK_KEY + hash), lost } });
}

/**
 * A record that owns its bytes: what is decoded of it is posted to sandboxes, and to post a view
 * clones all that lies behind it. Chunks are copied page by page before they go anywhere.
 */
function owned({ key, value }: StoredRecord): readonly [string, Uint8Array] {
  return [key, key.startsWith(CHUNK_KEY) ? value : value.slice()];
}
