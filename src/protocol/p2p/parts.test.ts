import { beforeEach, describe, expect, it } from 'vitest';
import { bytesToHex } from '../../base/hex.ts';
import { createPrng } from '../../base/prng.ts';
import { sha256 } from '../crypto/sha256.ts';
import type { NodeId } from '../types/ids.ts';
import { MAX_ASSEMBLING_PER_PEER } from './limits.ts';
import { nameKey } from './packet.ts';
import type { ArtifactName } from './packet.ts';
import { createSlotReceiver } from './slot-receiver.ts';
import type { BouncerValue, NeededPart, SlotReceiver } from './slot-receiver.ts';

const [MAKER, RELAY, LIAR] = ['aa', 'bb', 'cc'].map((id) => id as NodeId) as [
  NodeId,
  NodeId,
  NodeId,
];
const WHOLE: ArtifactName = { kind: 'whole', height: 1, hash: 'ee'.repeat(32) };
const FRAME = Uint8Array.of(1, 2, 3);

function partOf(label: string): { name: ArtifactName; bytes: Uint8Array } {
  const bytes = createPrng(label).bytes(40);
  return { name: { kind: 'part', height: 1, hash: bytesToHex(sha256(bytes)) }, bytes };
}

/** A receiver of artifacts that need two parts each. */
function createReceiver() {
  const parts = [partOf('one'), partOf('two')];
  const taken: string[] = [];
  const state = {
    verdict: 'wants' as BouncerValue,
    needs: parts.map(({ name, bytes }): NeededPart => ({ name, bytes: bytes.length })),
  };
  let slot = 0;
  let nowNs = 0n;
  const receiver: SlotReceiver = createSlotReceiver({
    bouncer: () => state.verdict,
    chooseIndex: createPrng('parts').below,
    accept: (name, bytes, _from, collected) => {
      if (name.kind === 'part') {
        return bytesToHex(sha256(bytes)) === name.hash;
      }
      const missing = state.needs.filter((part) => !collected.has(part.name.hash));
      if (missing.length > 0) {
        return { needs: missing };
      }
      taken.push(nameKey(name));
      return true;
    },
  });
  const advertise = (peer: NodeId, name: ArtifactName, bytes: Uint8Array | null) => {
    slot += 1;
    return receiver.update(peer, { slotId: slot, commitId: slot, name, bytes });
  };
  /** Who is asked for which part now. */
  const asked = (): readonly (readonly [NodeId, ArtifactName])[] =>
    [...receiver.takePulls(nowNs)].flatMap(([peer, names]) =>
      names.map((name) => [peer, name] as const),
    );
  const wait = (ms: number) => {
    nowNs += BigInt(ms) * 1_000_000n;
    receiver.reconsider(nowNs);
  };
  return { receiver, parts, taken, state, advertise, asked, wait };
}

describe('an artifact that needs parts', () => {
  let test: ReturnType<typeof createReceiver>;
  const answer = (peer: NodeId, name: ArtifactName, honest = true) => {
    const bytes = test.parts.find((part) => part.name.hash === name.hash)?.bytes ?? null;
    test.receiver.pulled(peer, name, honest ? bytes : Uint8Array.of(0));
  };
  beforeEach(() => {
    test = createReceiver();
  });

  it('is taken once an advertiser has delivered them', () => {
    test.advertise(MAKER, WHOLE, FRAME);
    expect(test.taken).toEqual([]);
    const requests = test.asked();
    expect(requests.map(([peer]) => peer)).toEqual([MAKER, MAKER]);
    for (const [peer, name] of requests) {
      answer(peer, name);
    }
    expect(test.taken).toEqual([nameKey(WHOLE)]);
    expect(test.asked()).toEqual([]);
  });

  it('gets them from another advertiser when one has none or lies', () => {
    test.advertise(LIAR, WHOLE, FRAME);
    const [first, second] = test.asked();
    test.receiver.pulled(LIAR, first?.[1] as ArtifactName, null);
    answer(LIAR, second?.[1] as ArtifactName, false);
    // Nobody is left to ask, until somebody else advertises it.
    expect(test.asked()).toEqual([]);
    test.advertise(RELAY, WHOLE, null);
    const again = test.asked();
    expect(again.map(([peer]) => peer)).toEqual([RELAY, RELAY]);
    for (const [peer, name] of again) {
      answer(peer, name);
    }
    expect(test.taken).toEqual([nameKey(WHOLE)]);
  });

  it('takes parts only from the peer that was asked', () => {
    test.advertise(MAKER, WHOLE, FRAME);
    for (const [, name] of test.asked()) {
      answer(RELAY, name);
    }
    expect(test.taken).toEqual([]);
  });

  it('is refused when a part has another size than it said, and taken from whoever says it right', () => {
    test.state.needs = test.state.needs.map((part) => ({ ...part, bytes: part.bytes + 1 }));
    test.advertise(LIAR, WHOLE, FRAME);
    test.advertise(MAKER, WHOLE, null);
    const requests = test.asked();
    test.state.needs = test.state.needs.map((part) => ({ ...part, bytes: part.bytes - 1 }));
    for (const [peer, name] of requests) {
      answer(peer, name);
    }
    expect(test.taken).toEqual([]);
    // The liar's word counts no more: the whole is asked of the other one.
    expect(test.asked()).toEqual([[MAKER, WHOLE]]);
    test.receiver.pulled(MAKER, WHOLE, FRAME);
    for (const [peer, name] of test.asked()) {
      answer(peer, name);
    }
    expect(test.taken).toEqual([nameKey(WHOLE)]);
  });

  it('is given up when it is no longer wanted or nobody advertises it', () => {
    test.advertise(MAKER, WHOLE, FRAME);
    const requests = test.asked();
    test.state.verdict = 'unwanted';
    test.wait(1000);
    for (const [peer, name] of requests) {
      answer(peer, name);
    }
    expect(test.taken).toEqual([]);
    test.state.verdict = 'wants';
    test.advertise(RELAY, { ...WHOLE, height: 2 }, FRAME);
    expect(test.asked()).toHaveLength(2);
    test.receiver.forget(RELAY);
    test.wait(10_000);
    expect(test.asked()).toEqual([]);
  });

  it('takes a bounded number of places of one peer, and leaves the others theirs', () => {
    for (let i = 0; i < 50; i += 1) {
      test.state.needs = [{ name: partOf(`fake ${i}`).name, bytes: 40 }];
      test.advertise(LIAR, { ...WHOLE, height: 100 + i }, FRAME);
    }
    expect(test.asked()).toHaveLength(MAX_ASSEMBLING_PER_PEER);
    test.state.needs = test.parts.map(({ name, bytes }) => ({ name, bytes: bytes.length }));
    test.advertise(MAKER, WHOLE, FRAME);
    for (const [peer, name] of test.asked()) {
      answer(peer, name);
    }
    expect(test.taken).toEqual([nameKey(WHOLE)]);
  });

  it('shares a part that two of them need', () => {
    test.advertise(MAKER, WHOLE, FRAME);
    test.advertise(RELAY, { ...WHOLE, height: 2 }, FRAME);
    const requests = test.asked();
    expect(requests).toHaveLength(2);
    for (const [peer, name] of requests) {
      answer(peer, name);
    }
    expect(test.taken).toHaveLength(2);
  });
});
