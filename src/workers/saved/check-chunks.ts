import { bytesToHex } from '../../base/hex.ts';
import { CHUNK_KEY } from '../../protocol/node/stored-node.ts';
import { CHUNK_DOMAIN } from '../../protocol/state-manager/manifest.ts';
import type { StoredRecord } from '../storage/storage-port.ts';

/** Hashes under way at once: enough to keep the browser's own threads busy. */
const AT_ONCE = 32;

/** Whether every chunk of a checkpoint has the hash that it is stored under. */
export async function areChunksIntact(records: readonly StoredRecord[]): Promise<boolean> {
  const chunks = records.filter(({ key }) => key.startsWith(CHUNK_KEY));
  for (let at = 0; at < chunks.length; at += AT_ONCE) {
    const found = await Promise.all(chunks.slice(at, at + AT_ONCE).map(isIntact));
    if (found.includes(false)) {
      return false;
    }
  }
  return true;
}

async function isIntact({ key, value }: StoredRecord): Promise<boolean> {
  const message = new Uint8Array(CHUNK_DOMAIN.length + value.length);
  message.set(CHUNK_DOMAIN);
  message.set(value, CHUNK_DOMAIN.length);
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', message));
  return key === CHUNK_KEY + bytesToHex(hash);
}
