import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPrng } from '../../base/prng.ts';
import type { NodeId } from '../types/ids.ts';
import { sha256 } from '../crypto/sha256.ts';
import { bytesToHex } from '../../base/hex.ts';
import { createGossip } from './gossip.ts';
import type { Gossip, GossipOutput } from './gossip.ts';
import { decodePacket, encodePacket } from './packet-codec.ts';
import { emptyPacket, nameKey } from './packet.ts';
import type { ArtifactName } from './packet.ts';
import type { BouncerValue } from './slot-receiver.ts';

const NS_PER_MS = 1_000_000n;
const START_NS = 1_700_000_000_000_000_000n;
const NODES = ['aa', 'bb', 'cc', 'dd'].map((id) => id as NodeId);

interface TestNode {
  readonly id: NodeId;
  gossip: Gossip;
  readonly received: Map<string, Uint8Array>;
  readonly vanished: ArtifactName[];
  readonly codes: string[];
  bouncer: (name: ArtifactName) => BouncerValue;
}

function artifact(label: string, size = 100): { name: ArtifactName; bytes: Uint8Array } {
  const bytes = createPrng(label).bytes(size);
  return { name: { kind: 'test', height: 1, hash: bytesToHex(sha256(bytes)) }, bytes };
}

function start(node: TestNode, incarnation: number): void {
  node.gossip = createGossip({
    decodePacket,
    nodeId: node.id,
    peers: NODES,
    incarnation,
    bouncer: (name) => node.bouncer(name),
    accept: (name, bytes) => {
      if (bytesToHex(sha256(bytes)) !== name.hash) {
        return false;
      }
      node.received.set(nameKey(name), bytes);
      return true;
    },
    chooseIndex: createPrng(`${node.id}/${incarnation}`).below,
    onStateAdverts: () => undefined,
    onStateRequest: () => undefined,
    onStateResponse: () => undefined,
  });
}

/** Four gossips on a medium with loss, duplication and reordering; time moves in steps of 10 ms. */
function createMesh(seed: string, lossPercent: number) {
  const prng = createPrng(seed);
  const nodes = NODES.map((id): TestNode => {
    const node = {
      id,
      received: new Map(),
      vanished: [],
      codes: [],
      bouncer: () => 'wants' as const,
    } as unknown as TestNode;
    start(node, 1);
    return node;
  });
  const down = new Set<NodeId>();
  let nowNs = START_NS;
  let flying: { to: NodeId; from: NodeId; bytes: Uint8Array; atNs: bigint }[] = [];
  const post = (from: NodeId, output: GossipOutput) => {
    for (const { to, bytes } of output.packets) {
      for (const node of nodes) {
        if (node.id === from || (to !== 'all' && to !== node.id)) {
          continue;
        }
        for (let copies = prng.chance(lossPercent, 200) ? 2 : 1; copies > 0; copies -= 1) {
          if (!prng.chance(lossPercent, 100)) {
            const atNs = nowNs + BigInt(prng.below(60)) * NS_PER_MS;
            flying.push({ to: node.id, from, bytes, atNs });
          }
        }
      }
    }
  };
  const run = (ms: number) => {
    const endNs = nowNs + BigInt(ms) * NS_PER_MS;
    while (nowNs < endNs) {
      nowNs += 10n * NS_PER_MS;
      const due = flying.filter((packet) => packet.atNs <= nowNs);
      flying = flying.filter((packet) => packet.atNs > nowNs);
      for (const node of nodes) {
        if (down.has(node.id)) {
          continue;
        }
        for (const packet of prng.shuffle(due.filter((other) => other.to === node.id))) {
          node.gossip.receive(packet.from, packet.bytes, nowNs);
        }
        const output = node.gossip.flush(nowNs);
        node.vanished.push(...output.vanished);
        for (const event of output.trace) {
          node.codes.push(event.kind === 'packetRejected' ? event.code : event.kind);
        }
        post(node.id, output);
      }
    }
  };
  return { nodes: nodes as [TestNode, TestNode, TestNode, TestNode], down, run, now: () => nowNs };
}

describe('gossip', () => {
  it('CN87: brings pushed and pulled artifacts to every peer', () => {
    const mesh = createMesh('plain', 0);
    const [a, b, c, d] = mesh.nodes;
    mesh.run(100);
    const small = artifact('small');
    const large = artifact('large', 5000);
    a.gossip.deliver(small.name, small.bytes, false);
    a.gossip.deliver(large.name, large.bytes, false);
    mesh.run(400);
    for (const node of [b, c, d]) {
      expect(node.received.get(nameKey(small.name))).toEqual(small.bytes);
      expect(node.received.get(nameKey(large.name))).toEqual(large.bytes);
    }
    expect(a.received.size).toBe(0);
  });

  it.each([1, 2, 3, 4, 5])(
    'gets everything through heavy loss, repeats and disorder (seed %i)',
    (seed) => {
      const mesh = createMesh(`loss ${seed}`, 30);
      const sent = mesh.nodes.flatMap((node, i) =>
        Array.from({ length: 20 }, (_, k) => {
          const made = artifact(`${seed}/${i}/${k}`, k % 2 === 0 ? 80 : 3000);
          node.gossip.deliver(made.name, made.bytes, false);
          return made;
        }),
      );
      mesh.run(60_000);
      for (const [i, node] of mesh.nodes.entries()) {
        const others = sent.filter((_, k) => Math.floor(k / 20) !== i);
        for (const { name } of others) {
          expect(node.received.has(nameKey(name)), `node ${i}`).toBe(true);
        }
      }
    },
  );

  it('CN88: repeats every slot to a peer that started again', () => {
    const mesh = createMesh('restart', 0);
    const [a, b] = mesh.nodes;
    const made = artifact('kept');
    a.gossip.deliver(made.name, made.bytes, false);
    mesh.run(1000);
    mesh.down.add(b.id);
    mesh.run(8000);
    expect(a.codes).toContain('peerDown');
    b.received.clear();
    start(b, 2);
    mesh.down.delete(b.id);
    mesh.run(1500);
    expect(b.received.has(nameKey(made.name))).toBe(true);
    expect(a.codes.filter((code) => code === 'peerUp')).toHaveLength(4);
  });

  it('CN89: tells when nobody advertises an artifact any more', () => {
    const mesh = createMesh('vanish', 0);
    const [a, b] = mesh.nodes;
    const first = artifact('first');
    const second = artifact('second');
    a.gossip.deliver(first.name, first.bytes, false);
    mesh.run(300);
    a.gossip.withdraw(first.name);
    a.gossip.deliver(second.name, second.bytes, false);
    mesh.run(300);
    expect(b.vanished).toContainEqual(first.name);
    expect(b.received.has(nameKey(second.name))).toBe(true);
  });

  it('fetches what the bouncer put off once it is wanted', () => {
    const mesh = createMesh('later', 0);
    const [a, b, c] = mesh.nodes;
    b.bouncer = () => 'maybeLater';
    c.bouncer = () => 'unwanted';
    const made = artifact('early');
    a.gossip.deliver(made.name, made.bytes, false);
    mesh.run(2000);
    expect(b.received.size).toBe(0);
    b.bouncer = () => 'wants';
    mesh.run(2000);
    expect(b.received.has(nameKey(made.name))).toBe(true);
    expect(c.received.size).toBe(0);
  });

  it('CN87: takes an artifact from an honest peer when a liar sends other bytes under its name', () => {
    const mesh = createMesh('liar', 0);
    const [a, b, c] = mesh.nodes;
    const made = artifact('true');
    a.gossip.deliver(made.name, Uint8Array.of(1, 2, 3), true);
    mesh.run(300);
    expect(c.received.size).toBe(0);
    b.gossip.deliver(made.name, made.bytes, true);
    mesh.run(300);
    expect(c.received.get(nameKey(made.name))).toEqual(made.bytes);
  });

  it('sends nothing again once it was acknowledged', () => {
    const mesh = createMesh('quiet', 0);
    const [a] = mesh.nodes;
    mesh.run(100);
    const made = artifact('once');
    a.gossip.deliver(made.name, made.bytes, false);
    mesh.run(600);
    const later = a.gossip.flush(mesh.now() + 300n * NS_PER_MS);
    expect(later.packets.flatMap((packet) => packet.packet.updates)).toEqual([]);
  });

  it('finds its acknowledgements wherever they stand in a packet', () => {
    const { nodes, now } = createMesh('places', 0);
    const [{ gossip }, { id: peer }] = nodes;
    const [own, , other, another] = NODES;
    let nowNs = now();
    const repeatedAfter = (before: readonly (NodeId | undefined)[], isForUs: boolean) => {
      const made = artifact(`${nowNs}`);
      gossip.deliver(made.name, made.bytes, false);
      const sent = gossip.flush(nowNs).packets.flatMap(({ packet }) => packet.updates);
      const commitIds = sent.map(({ commitId }) => commitId);
      const to = [...before, ...(isForUs ? [own] : [])] as readonly NodeId[];
      const acks = to.map((id) => ({ to: id, incarnation: gossip.connection, commitIds }));
      gossip.receive(peer, encodePacket({ ...emptyPacket(1), acks }), nowNs);
      nowNs += 1000n * NS_PER_MS;
      const later = gossip.flush(nowNs).packets.filter((packet) => packet.to === peer);
      expect(sent).toHaveLength(1);
      return later.flatMap(({ packet }) => packet.updates).length;
    };
    gossip.receive(peer, encodePacket(emptyPacket(1)), nowNs);
    expect(repeatedAfter([], true)).toBe(0);
    expect(repeatedAfter([other, another], true)).toBe(0);
    expect(repeatedAfter([other], true)).toBe(0);
    expect(repeatedAfter([other, another], true)).toBe(0);
    expect(repeatedAfter([other, another], false)).toBe(1);
  });

  it('spreads large answers over several steps, so that few bytes cannot ask for many at once', () => {
    const mesh = createMesh('amplification', 0);
    const [a, b] = mesh.nodes;
    mesh.run(100);
    const large = Array.from({ length: 8 }, (_, i) => artifact(`large ${i}`, 2 * 1024 * 1024));
    for (const { name, bytes } of large) {
      a.gossip.deliver(name, bytes, false);
    }
    const pulls = large.map(({ name }) => name);
    a.gossip.receive(
      b.id,
      encodePacket({ ...emptyPacket(b.gossip.connection), pulls }),
      mesh.now(),
    );
    const answered = () =>
      a.gossip
        .flush(mesh.now())
        .packets.flatMap(({ packet }) => packet.pulled)
        .reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
    const sizes = [answered(), answered(), answered(), answered()];
    expect(Math.max(...sizes)).toBeLessThanOrEqual(6 * 1024 * 1024);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(16 * 1024 * 1024);
  });

  it('CN88: is a new peer to the others after it reconnected: they forget its slots', () => {
    const mesh = createMesh('reconnect', 0);
    const [a, b] = mesh.nodes;
    mesh.run(100);
    const { name, bytes } = artifact('left behind', 10);
    // A slot number that the honest sender never reaches, as an attack leaves it behind.
    const update = { slotId: 1 << 20, commitId: 5, name, bytes };
    const stray = { ...emptyPacket(a.gossip.connection), updates: [update] };
    b.gossip.receive(a.id, encodePacket(stray), mesh.now());
    mesh.run(100);
    expect(b.received.has(nameKey(name))).toBe(true);
    expect(b.vanished).toEqual([]);
    a.gossip.reconnect(mesh.now());
    mesh.run(100);
    expect(b.vanished.map(({ hash }) => hash)).toContain(name.hash);
    const late = artifact('late', 10);
    a.gossip.deliver(late.name, late.bytes, false);
    mesh.run(100);
    expect(b.received.has(nameKey(late.name))).toBe(true);
  });

  it('counts packets from strangers and packets that are not packets', () => {
    const mesh = createMesh('hostile', 0);
    const [a, b] = mesh.nodes;
    a.gossip.receive('ee' as NodeId, encodePacket(emptyPacket(1)), mesh.now());
    a.gossip.receive(b.id, Uint8Array.of(0xff), mesh.now());
    a.gossip.receive(b.id, new Uint8Array(9 * 1024 * 1024), mesh.now());
    const codes = a.gossip.flush(mesh.now()).trace.map((event) => 'code' in event && event.code);
    expect(codes).toEqual(['PACKET_FROM_STRANGER', 'PACKET_MALFORMED', 'PACKET_TOO_LARGE']);
  });
});

describe('packet codec', () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytesToHex);
  const nodeId = fc
    .uint8Array({ minLength: 1, maxLength: 29 })
    .map((id) => bytesToHex(id) as NodeId);
  const nat = fc.maxSafeNat();
  const bytes = fc.option(fc.uint8Array({ maxLength: 200 }));
  const name = fc.record({
    kind: fc.string({ maxLength: 32, unit: 'grapheme-ascii' }),
    height: nat,
    hash,
  });
  const advert = { height: nat, root: hash };
  const state = { ...advert, chunk: nat };
  const packet = fc.record({
    incarnation: nat,
    sessions: fc.array(fc.record({ peer: nodeId, session: nat }), { maxLength: 5 }),
    acks: fc.array(fc.record({ to: nodeId, incarnation: nat, commitIds: fc.array(nat) }), {
      maxLength: 5,
    }),
    updates: fc.array(fc.record({ slotId: nat, commitId: nat, name, bytes }), { maxLength: 5 }),
    pulls: fc.array(name, { maxLength: 5 }),
    pulled: fc.array(fc.record({ name, bytes }), { maxLength: 5 }),
    stateAdverts: fc.array(fc.record(advert), { maxLength: 3 }),
    stateRequests: fc.array(fc.record(state), { maxLength: 3 }),
    stateResponses: fc.array(fc.record({ ...state, bytes, busy: fc.boolean() }), {
      maxLength: 3,
    }),
  });

  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(packet, (value) => {
        const decoded = decodePacket(encodePacket(value));
        expect(decoded).toEqual({ ok: true, value });
      }),
    );
  });

  it('never throws on changed, cut or random bytes, and refuses a second encoding', () => {
    fc.assert(
      fc.property(packet, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, at, mask) => {
        const encoded = encodePacket(value);
        const cut = decodePacket(encoded.slice(0, at % encoded.length));
        expect(cut.ok).toBe(false);
        const changed = encoded.slice();
        changed[at % changed.length] = (changed[at % changed.length] as number) ^ mask;
        const decoded = decodePacket(changed);
        if (decoded.ok) {
          expect(encodePacket(decoded.value)).toEqual(changed);
        }
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (value) => decodePacket(value).ok || true),
    );
  });

  it('refuses a list longer than its bound', () => {
    const pulls = Array.from({ length: 65 }, () => artifact('x').name);
    const decoded = decodePacket(encodePacket({ ...emptyPacket(1), pulls }));
    expect(decoded).toMatchObject({ ok: false, error: { code: 'PACKET_MALFORMED' } });
  });
});
