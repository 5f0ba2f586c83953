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
