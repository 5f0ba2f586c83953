import { describe, expect, it } from 'vitest';
import type { NodeId } from '../types/ids.ts';
import { NS_PER_MS } from './limits.ts';
import type { ArtifactName } from './packet.ts';
import { createSlotSender } from './slot-sender.ts';

const PEER = 'aa' as NodeId;
const ms = (count: number): bigint => BigInt(count) * NS_PER_MS;

/** A peer that takes `answerMs` for each of `answers` updates; then how long one is waited for. */
function firstPauseAfter(answers: number, answerMs: number): number {
  const sender = createSlotSender();
  let nowNs = 0n;
  const deliver = (id: number): readonly number[] => {
    const name: ArtifactName = { kind: 'randomBeaconShare', height: id, hash: '' };
    sender.deliver(name, new Uint8Array(8), true);
    return sender.takeFresh(nowNs).map(({ commitId }) => commitId);
  };
  sender.resendAll(PEER, nowNs);
  for (let i = 0; i < answers; i += 1) {
    const commitIds = deliver(i);
    nowNs += ms(answerMs);
    // It comes as a repetition too, which must not be taken for the first sending.
    sender.takeDue(PEER, nowNs);
    sender.acknowledge(PEER, commitIds, nowNs);
  }
  deliver(answers);
  for (let pauseMs = 0; pauseMs <= 10_000; pauseMs += 10) {
    if (sender.takeDue(PEER, nowNs + ms(pauseMs)).length > 0) {
      return pauseMs;
    }
  }
  return Number.POSITIVE_INFINITY;
}

describe('an update that is not acknowledged', () => {
  it.each([
    ['is repeated after 250 ms to a peer nothing is known of', 0, 0, 250],
    ['is repeated after 250 ms to a quick peer', 20, 20, 250],
    ['waits twice as long as a slow peer lately took', 20, 600, 1_200],
    ['waits four seconds at most', 20, 9_000, 4_000],
  ])('%s', (_, answers, answerMs, expected) => {
    expect(firstPauseAfter(answers, answerMs)).toBe(expected);
  });
});

describe('what waits for a peer', () => {
  const nameOf = (height: number): ArtifactName => ({
    kind: 'randomBeaconShare',
    height,
    hash: `${height}`,
  });
  const senderWith = (count: number) => {
    const sender = createSlotSender();
    sender.resendAll(PEER, 0n);
    for (let height = 0; height < count; height += 1) {
      sender.deliver(nameOf(height), new Uint8Array(8), true);
    }
    return sender;
  };

  it('is sent once, not twice, when a peer comes up before the update left', () => {
    const sender = senderWith(1);
    sender.resendAll(PEER, 0n);
    expect(sender.takeFresh(0n)).toHaveLength(1);
    expect(sender.nextDueNs()).toBe(ms(250));
    expect(sender.takeDue(PEER, 0n)).toEqual([]);
  });

  it('keeps the order of sending whatever is acknowledged or withdrawn in between', () => {
    const sender = senderWith(6);
    const commitIds = sender.takeFresh(0n).map(({ commitId }) => commitId);
    sender.acknowledge(PEER, [commitIds[0] as number, commitIds[5] as number], ms(1));
    sender.withdraw(nameOf(2));
    sender.withdraw(nameOf(5));
    sender.deliver(nameOf(6), new Uint8Array(8), true);
    sender.takeFresh(ms(2));
    const due = sender.takeDue(PEER, ms(300));
    expect(due.map(({ name }) => name.height)).toEqual([1, 3, 4, 6]);
    expect(sender.takeDue(PEER, ms(300))).toEqual([]);
    sender.acknowledge(
      PEER,
      due.map(({ commitId }) => commitId),
      ms(301),
    );
    expect(sender.nextDueNs()).toBeNull();
  });
});
