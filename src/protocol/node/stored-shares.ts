import type { KeyChanges } from '../dkg/key-manager.ts';
import type { NodeCrypto } from '../interfaces/crypto.ts';
import type { HashHex } from '../types/ids.ts';
import type { StorageJournal } from './storage-journal.ts';

/** Storage keys of the node's shares of threshold keys: `share/<transcript>`. */
export const SHARE_KEY = 'share/';

/** Lets the crypto sign with the shares of an earlier life; returns their ids. */
export function loadShares(
  { shares }: { readonly shares: ReadonlyMap<HashHex, Uint8Array> },
  crypto: Pick<NodeCrypto, 'loadShare'>,
): readonly HashHex[] {
  for (const [id, share] of shares) {
    crypto.loadShare(id, share);
  }
  return [...shares.keys()];
}

export function storeShares(
  journal: Pick<StorageJournal<unknown>, 'put' | 'delete'>,
  keys: KeyChanges,
): void {
  for (const { id, share } of keys.put) {
    journal.put(SHARE_KEY + id, share);
  }
  for (const id of keys.delete) {
    journal.delete(SHARE_KEY + id);
  }
}
