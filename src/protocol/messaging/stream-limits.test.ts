import { describe, expect, it } from 'vitest';
import {
  MAX_STREAM_MESSAGES,
  MAX_SYSTEM_STREAM_MESSAGES,
  TARGET_STREAM_BYTES,
} from '../limits/messaging.ts';
import { EMPTY_STREAM, type StreamMessage } from '../replicated-state/streams.ts';
import type { CanisterId, SubnetId } from '../types/ids.ts';
import { requestOf, requests } from '../xnet/testing/certified-streams.ts';
import { StreamDraft } from './stream-drafts.ts';
import { isStreamFull, streamMessageBytes, takesRefunds } from './stream-limits.ts';

const MIB = 1024 * 1024;

function draft(messages: readonly StreamMessage[]): StreamDraft {
  return new StreamDraft('aa' as SubnetId, 'bb' as SubnetId, { ...EMPTY_STREAM, messages });
}

function refunds(count: number): readonly StreamMessage[] {
  const refund: StreamMessage = { kind: 'refund', recipient: '00' as CanisterId, cycles: 1n };
  return Array.from({ length: count }, () => refund);
}

describe('a stream', () => {
  it('takes no message above 10,000', () => {
    expect(MAX_STREAM_MESSAGES).toBe(10_000);
    const stream = draft(requests(0, MAX_STREAM_MESSAGES - 1));
    expect(isStreamFull(stream, 'application')).toBe(false);
    stream.push(requestOf(0));
    expect(isStreamFull(stream, 'application')).toBe(true);
  });

  it('takes none once it holds 10 MiB; the one that reaches it still goes in', () => {
    expect(TARGET_STREAM_BYTES).toBe(10 * MIB);
    const stream = draft(requests(0, 6, 2 * MIB - 1024).slice(0, 5));
    expect(stream.bytes).toBeLessThan(TARGET_STREAM_BYTES);
    expect(isStreamFull(stream, 'application')).toBe(false);
    const last = requestOf(9, 2 * MIB);
    stream.push(last);
    expect(stream.bytes).toBeGreaterThan(TARGET_STREAM_BYTES + streamMessageBytes(last) / 2);
    expect(isStreamFull(stream, 'application')).toBe(true);
    expect(takesRefunds(stream)).toBe(false);
  });

  it('to a system subnet takes 200 messages; refunds do not count', () => {
    const limit = 2 * MAX_SYSTEM_STREAM_MESSAGES;
    expect(limit).toBe(200);
    for (const type of ['application', 'verified_application', 'system'] as const) {
      expect(isStreamFull(draft(requests(0, limit - 1)), type)).toBe(false);
      expect(isStreamFull(draft(requests(0, limit)), type)).toBe(type === 'system');
      expect(isStreamFull(draft([...refunds(300), ...requests(1, limit)]), type)).toBe(false);
    }
  });

  it('leaves half of its messages to canisters: refunds fill the other', () => {
    expect(takesRefunds(draft(refunds(MAX_STREAM_MESSAGES / 2 - 1)))).toBe(true);
    expect(takesRefunds(draft(refunds(MAX_STREAM_MESSAGES / 2)))).toBe(false);
    expect(isStreamFull(draft(refunds(MAX_STREAM_MESSAGES / 2)), 'application')).toBe(false);
  });
});
