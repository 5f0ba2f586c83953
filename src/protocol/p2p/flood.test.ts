import { describe, expect, it } from 'vitest';
import { bytesToHex } from '../../base/hex.ts';
import { createPrng } from '../../base/prng.ts';
import { sha256 } from '../crypto/sha256.ts';
import type { NodeId } from '../types/ids.ts';
import { createGossip } from './gossip.ts';
import type { GossipConfig } from './gossip.ts';
import { MAX_BACKLOG_PACKETS, MAX_OPEN_PULLS_PER_PEER, MAX_UPDATES_PER_PACKET } from './limits.ts';
import { emptyPacket, nameKey } from './packet.ts';
import type { ArtifactName, Packet, SlotUpdate } from './packet.ts';
import { decodePacket, encodePacket } from './packet-codec.ts';

const NS_PER_MS = 1_000_000n;
const [VICTIM, FLOODER, HONEST] = ['aa', 'bb', 'cc'].map((id) => id as NodeId) as [
  NodeId,
  NodeId,
  NodeId,
];
/** As dear as the check of a signature. */
const DEAR = 2000;

function artifact(label: string, size: number): { name: ArtifactName; bytes: Uint8Array } {
  const bytes = createPrng(label).bytes(size);
  return { name: { kind: 'test', height: 1, hash: bytesToHex(sha256(bytes)) }, bytes };
}

function createVictim(overrides: Partial<GossipConfig> = {}) {
  const accepted: { name: ArtifactName; from: NodeId; step: number }[] = [];
  let step = 0;
  let nowNs = 1_700_000_000_000_000_000n;
  const gossip = createGossip({
    decodePacket,
    nodeId: VICTIM,
    peers: [VICTIM, FLOODER, HONEST],
    incarnation: 1,
    bouncer: () => 'wants',
    accept: (name, bytes, from) => {
      accepted.push({ name, from, step });
      return bytesToHex(sha256(bytes)) === name.hash;
    },
    workOf: () => DEAR,
    chooseIndex: createPrng('victim').below,
    onStateAdverts: () => undefined,
    onStateRequest: () => undefined,
    onStateResponse: () => undefined,
    ...overrides,
  });
  const pulls: { to: NodeId; name: ArtifactName; step: number }[] = [];
  return {
    gossip,
    accepted,
    pulls,
    receive: (from: NodeId, packet: Partial<Packet>) => {
      gossip.receive(from, encodePacket({ ...emptyPacket(1), ...packet }), nowNs);
    },
    receiveBytes: (from: NodeId, bytes: Uint8Array) => {
      gossip.receive(from, bytes, nowNs);
    },
    step: (ms = 5) => {
      step += 1;
      nowNs += BigInt(ms) * NS_PER_MS;
      const output = gossip.flush(nowNs);
      for (const { to, packet } of output.packets) {
        for (const name of packet.pulls) {
          pulls.push({ to: to as NodeId, name, step });
        }
      }
      return output;
    },
  };
}

function pushes(label: string, count: number, firstSlot: number): readonly SlotUpdate[] {
  return Array.from({ length: count }, (_, i) => {
    const made = artifact(`${label} ${i}`, 100);
    return { slotId: firstSlot + i, commitId: firstSlot + i + 1, ...made };
  });
}

describe('a peer that floods', () => {
  it('CN100: has a share of every step and no more: the others are read in the step they arrive', () => {
    const victim = createVictim();
    for (let i = 0; i < 20; i += 1) {
      victim.receive(FLOODER, { updates: pushes(`flood ${i}`, 200, 200 * i) });
    }
    const wanted = pushes('honest', 5, 0);
    victim.receive(HONEST, { updates: wanted });
    expect(victim.accepted.filter(({ from }) => from === HONEST)).toHaveLength(5);
    const before = victim.accepted.length;
    victim.step();
    // Ten dear artifacts are one step's worth; the last one may overdraw it.
    expect(victim.accepted.length - before).toBeLessThanOrEqual(11);
    for (let i = 0; i < 10; i += 1) {
      victim.receive(HONEST, { updates: pushes(`again ${i}`, 3, 10 + 3 * i) });
      const arrived = victim.accepted.filter(({ from }) => from === HONEST).length;
      expect(arrived).toBe(5 + 3 * (i + 1));
      victim.step();
    }
  });

  it('CN100: gets everything read in the end, when it stops', () => {
    const victim = createVictim();
    for (let i = 0; i < 5; i += 1) {
      victim.receive(FLOODER, { updates: pushes(`burst ${i}`, 40, 40 * i) });
    }
    let steps = 0;
    while (victim.accepted.length < 200 && steps < 100) {
      const { nextWakeNs } = victim.step();
      expect(nextWakeNs).not.toBeNull();
      steps += 1;
    }
    expect(victim.accepted).toHaveLength(200);
    expect(steps).toBeGreaterThan(10);
  });

  it('CN100: has a bounded backlog; what is beyond it is counted, not kept', () => {
    const victim = createVictim();
    for (let i = 0; i < MAX_BACKLOG_PACKETS + 50; i += 1) {
      victim.receive(FLOODER, { updates: pushes(`over ${i}`, 20, 20 * i) });
    }
    const refused = victim.gossip.penaltiesOf(FLOODER).BACKLOG_FULL ?? 0;
    expect(refused).toBeGreaterThanOrEqual(49);
    const { trace } = victim.step();
    // The trace names it, with the count, but is not flooded itself.
    const facts = trace.filter((event) => event.kind === 'packetRejected');
    expect(facts.length).toBeLessThanOrEqual(4);
    expect(facts[0]).toMatchObject({ from: FLOODER, code: 'BACKLOG_FULL', count: 1 });
    expect(victim.gossip.penaltiesOf(HONEST)).toEqual({});
  });

  it('CN100: delays nobody by advertising what it never delivers', () => {
    const victim = createVictim();
    for (let i = 0; i < 10; i += 1) {
      const updates = pushes(`empty ${i}`, MAX_UPDATES_PER_PACKET, MAX_UPDATES_PER_PACKET * i);
      victim.receive(FLOODER, { updates: updates.map((update) => ({ ...update, bytes: null })) });
      victim.step();
    }
    expect(victim.pulls.filter(({ to }) => to === FLOODER)).toHaveLength(MAX_OPEN_PULLS_PER_PEER);
    // One of its names is real, and an honest peer has it.
    const real = pushes('empty 3', 500, 0)[499] as SlotUpdate;
    const other = pushes('new', 1, 100)[0] as SlotUpdate;
    victim.receive(HONEST, {
      updates: [
        { ...real, bytes: null },
        { ...other, bytes: null },
      ],
    });
    const asked = victim.pulls.length;
    victim.step();
    const names = victim.pulls.slice(asked).map(({ name }) => nameKey(name));
    expect(names).toEqual(expect.arrayContaining([nameKey(real.name), nameKey(other.name)]));
    expect(victim.pulls.slice(asked).every(({ to }) => to === HONEST)).toBe(true);
  });

  it('CN101: has a bounded number of slots, its calls in a table of their own', () => {
    const victim = createVictim({ bouncer: () => 'unwanted' });
    const say = (kind: string, total: number, firstSlot: number) => {
      for (let done = 0; done < total; done += MAX_UPDATES_PER_PACKET) {
        const updates = Array.from({ length: MAX_UPDATES_PER_PACKET }, (_, i) => {
          const slotId = firstSlot + done + i;
          const hash = slotId.toString(16).padStart(64, '0');
          return { slotId, commitId: 1, name: { kind, height: 0, hash }, bytes: null };
        });
        victim.receive(FLOODER, { updates });
        victim.step();
        victim.step();
      }
    };
    say('test', 22_000, 0);
    const refused = victim.gossip.penaltiesOf(FLOODER).SLOT_TABLE_FULL ?? 0;
    expect(refused).toBe(22 * MAX_UPDATES_PER_PACKET - 20_000);
    say('ingress', 10_000, 100_000);
    expect(victim.gossip.penaltiesOf(FLOODER).SLOT_TABLE_FULL).toBe(refused);
  });

  it('CN87: is counted for bytes that are not what their name says', () => {
    const victim = createVictim();
    const [lie] = pushes('lie', 1, 0) as [SlotUpdate];
    victim.receive(FLOODER, { updates: [{ ...lie, bytes: Uint8Array.of(1) }] });
    victim.receiveBytes(FLOODER, Uint8Array.of(0));
    expect(victim.gossip.penaltiesOf(FLOODER)).toEqual({
      ARTIFACT_REFUSED: 1,
      PACKET_MALFORMED: 1,
    });
  });
});

describe('pulls', () => {
  it('CN102: repeat the question to the same peer and then ask another one', () => {
    const victim = createVictim({ firstTimeoutMs: () => 5000 });
    const [made] = pushes('slow', 1, 0) as [SlotUpdate];
    for (const peer of [FLOODER, HONEST]) {
      victim.receive(peer, { updates: [{ ...made, bytes: null }] });
    }
    const askedAt = new Map<NodeId, number[]>();
    for (let ms = 0; ms < 20_000; ms += 100) {
      for (const peer of [FLOODER, HONEST]) {
        // Still alive, just not answering.
        victim.receive(peer, {});
      }
      const before = victim.pulls.length;
      victim.step(100);
      for (const { to } of victim.pulls.slice(before)) {
        askedAt.set(to, [...(askedAt.get(to) ?? []), ms]);
      }
    }
    const times = [...askedAt.values()].flat().toSorted((a, b) => a - b);
    const [first = 0, second = 0, third = 0] = times;
    expect(second - first).toBe(500);
    expect(third - second).toBe(1000);
    // Within twenty seconds two patiences (5 s and 10 s) end, and everybody was asked.
    expect(times.length).toBeGreaterThanOrEqual(8);
    expect(times.length).toBeLessThanOrEqual(16);
  });

  it('CN87: take bytes only from the peer that was asked, and only under the name that was asked for', () => {
    const victim = createVictim();
    const [made] = pushes('asked', 1, 0) as [SlotUpdate];
    victim.receive(HONEST, { updates: [{ ...made, bytes: null }] });
    victim.step();
    const answer = { name: made.name, bytes: made.bytes };
    victim.receive(FLOODER, { pulled: [answer] });
    const other = artifact('other', 50);
    victim.receive(HONEST, { pulled: [other] });
    expect(victim.accepted).toEqual([]);
    victim.receive(HONEST, { pulled: [answer] });
    expect(victim.accepted).toMatchObject([{ name: made.name, from: HONEST }]);
  });
});
