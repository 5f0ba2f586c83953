import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { MAX_INGRESS_TTL_NS } from '../limits/messaging.ts';
import type { MessageId, PrincipalId } from '../types/ids.ts';
import {
  emptyIngressHistory,
  pruneIngressHistory,
  withIngressStatus,
  type IngressEntry,
  type IngressStatus,
} from './ingress-history.ts';

const id = (n: number): MessageId => n.toString(16).padStart(64, '0') as MessageId;
const entry = (status: IngressStatus, timeNs: bigint): IngressEntry => ({
  status,
  sender: '04' as PrincipalId,
  effectiveCanisterId: '' as PrincipalId,
  timeNs,
});
const REPLIED: IngressStatus = { kind: 'replied', reply: new Uint8Array(0) };

describe('ingress history', () => {
  it('keeps a finished status for exactly five minutes and an open one for ever', () => {
    let history = withIngressStatus(emptyIngressHistory(), id(1), entry(REPLIED, 1000n));
    history = withIngressStatus(history, id(2), entry({ kind: 'received' }, 0n));
    const at = (timeNs: bigint): string[] =>
      [...pruneIngressHistory(history, timeNs).entries.entries()].map(([key]) => key);
    expect(at(1000n + MAX_INGRESS_TTL_NS)).toEqual([id(1), id(2)]);
    expect(at(1001n + MAX_INGRESS_TTL_NS)).toEqual([id(2)]);
  });

  it('never changes a finished status', () => {
    const history = withIngressStatus(emptyIngressHistory(), id(1), entry(REPLIED, 0n));
    expect(() => withIngressStatus(history, id(1), entry({ kind: 'received' }, 1n))).toThrow(
      /final/,
    );
  });

  test.prop([fc.array(fc.tuple(fc.nat(40), fc.nat(1000)), { maxLength: 40 }), fc.nat(1000)])(
    'prunes what is due and nothing else',
    (finished, now) => {
      let history = emptyIngressHistory();
      const model = new Map<string, bigint>();
      for (const [n, second] of finished) {
        if (!model.has(id(n))) {
          const timeNs = BigInt(second) * 1_000_000_000n;
          history = withIngressStatus(history, id(n), entry(REPLIED, timeNs));
          model.set(id(n), timeNs);
        }
      }
      const nowNs = BigInt(now) * 1_000_000_000n;
      const pruned = pruneIngressHistory(history, nowNs);
      const kept = [...model].filter(([, timeNs]) => timeNs + MAX_INGRESS_TTL_NS >= nowNs);
      expect(new Set([...pruned.entries.entries()].map(([key]) => key))).toEqual(
        new Set(kept.map(([key]) => key)),
      );
      expect(pruned.expirations.size).toBe(kept.length);
    },
  );
});
