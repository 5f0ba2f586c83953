import { assert } from '../../base/assert.ts';
import { INGRESS_HISTORY_MAX_MESSAGES, MAX_INGRESS_TTL_NS } from '../limits/messaging.ts';
import type { MessageId, PrincipalId, TimeNs } from '../types/ids.ts';
import { RadixMap } from './radix-map.ts';

/**
 * What the subnet knows of each user's call. A finished status is kept for five minutes; the number
 * of entries is bounded.
 * Security: a message id is never inducted twice, because its entry outlives the message's expiry.
 */

export type IngressStatus =
  | { readonly kind: 'received' }
  | { readonly kind: 'processing' }
  | { readonly kind: 'replied'; readonly reply: Uint8Array }
  | { readonly kind: 'rejected'; readonly errorCode: number; readonly message: string };

export interface IngressEntry {
  readonly status: IngressStatus;
  readonly sender: PrincipalId;
  readonly effectiveCanisterId: PrincipalId;
  /** When the entry came to this status. */
  readonly timeNs: TimeNs;
}

export interface IngressHistory {
  readonly entries: RadixMap<IngressEntry>;
  /** 16 hex digits of the time to forget a finished message, then its id. */
  readonly expirations: RadixMap<true>;
}

export function emptyIngressHistory(): IngressHistory {
  return { entries: RadixMap.empty(), expirations: RadixMap.empty() };
}

export function isTerminal(status: IngressStatus): boolean {
  return status.kind === 'replied' || status.kind === 'rejected';
}

export function isHistoryFull(history: IngressHistory): boolean {
  return history.entries.size >= INGRESS_HISTORY_MAX_MESSAGES;
}

/** Records a status. A finished message never changes again. */
export function withIngressStatus(
  history: IngressHistory,
  messageId: MessageId,
  entry: IngressEntry,
): IngressHistory {
  const before = history.entries.get(messageId);
  assert(before === undefined || !isTerminal(before.status), 'a finished ingress status is final');
  const entries = history.entries.set(messageId, entry);
  if (!isTerminal(entry.status)) {
    return { entries, expirations: history.expirations };
  }
  const key = expirationKey(entry.timeNs + MAX_INGRESS_TTL_NS, messageId);
  return { entries, expirations: history.expirations.set(key, true) };
}

/** Forgets what expired before `nowNs`. */
export function pruneIngressHistory(history: IngressHistory, nowNs: TimeNs): IngressHistory {
  const limit = expirationKey(nowNs, '' as MessageId);
  let { entries, expirations } = history;
  for (const [key] of history.expirations.entries()) {
    if (key.slice(0, limit.length) >= limit) {
      break;
    }
    expirations = expirations.delete(key);
    entries = entries.delete(key.slice(limit.length));
  }
  return { entries, expirations };
}

function expirationKey(timeNs: TimeNs, messageId: MessageId): string {
  return timeNs.toString(16).padStart(16, '0') + messageId;
}
