import { CHUNK_KEY } from '../../protocol/node/stored-node.ts';
import { CHUNK_DOMAIN } from '../../protocol/state-manager/manifest.ts';
import type { HashHex } from '../../protocol/types/ids.ts';
import { bytesToHex } from '../../base/hex.ts';
import type { StoredRecord } from './storage-port.ts';

/** Hashes under way at once: enough to keep the browser's own threads busy. */
const AT_ONCE = 32;

/**
 * Names of those chunks whose bytes have the hash that they are stored under. The browser's own
 * SHA-256 takes a tenth of the time of the one in the core, which need not repeat it.
 */
export async function intactChunksOf(
  records: readonly StoredRecord[],
): Promise<ReadonlySet<HashHex>> {
  const chunks = records.filter(({ key }) => key.startsWith(CHUNK_KEY));
  const intact = new Set<HashHex>();
  for (let at = 0; at < chunks.length; at += AT_ONCE) {
    await Promise.all(
      chunks.slice(at, at + AT_ONCE).map(async ({ key, value }) => {
        const message = new Uint8Array(CHUNK_DOMAIN.length + value.length);
        message.set(CHUNK_DOMAIN);
        message.set(value, CHUNK_DOMAIN.length);
        const hash = bytesToHex(new Uint8Array(await crypto.subtle.digest('SHA-256', message)));
        if (key === CHUNK_KEY + hash) {
          intact.add(hash as HashHex);
        }
      }),
    );
  }
  return intact;
}
