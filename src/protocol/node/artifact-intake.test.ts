import { describe, expect, it } from 'vitest';
import { bytesToHex } from '../../base/hex.ts';
import { createPrng } from '../../base/prng.ts';
import { sha256 } from '../crypto/sha256.ts';
import type { SignedIngress } from '../interfaces/replica.ts';
import { createGossip } from '../p2p/gossip.ts';
import type { Gossip, GossipPacket } from '../p2p/gossip.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { Artifact, BlockProposal } from '../types/artifacts.ts';
import { NO_DKG, sealBlock } from '../types/block-codec.ts';
import type { HashHex, MessageId, NodeId } from '../types/ids.ts';
import { decodePacket } from '../p2p/packet-codec.ts';
import { ArtifactIntake } from './artifact-intake.ts';
import { createWireDecoder } from './wire-decoder.ts';

const NODES = ['aa', 'bb', 'cc'].map((id) => id as NodeId);
const START_NS = 1_700_000_000_000_000_000n;

function idOf(envelope: Uint8Array): MessageId {
  return bytesToHex(sha256(Uint8Array.of(1), envelope)) as MessageId;
}

function proposalWith(ingress: readonly Uint8Array[]): BlockProposal {
  const block = sealBlock({
    height: 7,
    parent: 'ab'.repeat(32) as HashHex,
    rank: 0,
    context: { certifiedHeight: 6, registryVersion: 1, timeNs: START_NS },
    payload: { kind: 'data', dkgStartHeight: 0, dkg: NO_DKG, batch: { ingress } },
  });
  return sealArtifact<'blockProposal'>({
    kind: 'blockProposal',
    height: 7,
    block,
    signer: 'aa' as NodeId,
    signature: new Uint8Array(64).fill(9),
  });
}

/** P2P and intake of a node whose pools take everything. */
class TestNode {
  readonly id: NodeId;
  readonly gossip: Gossip;
  readonly intake: ArtifactIntake;
  readonly artifacts: Artifact[] = [];
  readonly refused: string[] = [];
  readonly calls = new Map<MessageId, Uint8Array>();

  constructor(id: NodeId) {
    this.id = id;
    this.intake = new ArtifactIntake({
      decoder: createWireDecoder(),
      consensus: () => ({
        bouncer: () => 'wants',
        onArtifact: (artifact) => {
          this.artifacts.push(artifact);
          return 'inserted';
        },
      }),
      ingress: () => ({
        bounce: () => 'unwanted',
        accept: () => null,
        read: (envelope) => ({ messageId: idOf(envelope), envelope }) as SignedIngress,
        envelopeOf: (messageId) => this.calls.get(messageId),
      }),
      gossip: () => this.gossip,
      nowNs: () => START_NS,
      onInserted: () => undefined,
      onRefused: ({ code }) => this.refused.push(code),
    });
    this.gossip = createGossip({
      decodePacket,
      nodeId: id,
      peers: NODES,
      incarnation: 1,
      bouncer: (name) => this.intake.bounce(name),
      accept: (name, bytes, from, parts) => this.intake.accept(name, bytes, from, parts),
      extraBytesOf: (name) => this.intake.callOfBlock(name),
      chooseIndex: createPrng(id).below,
      onStateRequest: () => undefined,
      onStateResponse: () => undefined,
      onStateAdverts: () => undefined,
    });
  }
}

/** Steps of 10 ms in which every packet arrives; returns what was sent. */
function run(
  nodes: readonly TestNode[],
  steps: number,
): readonly (GossipPacket & { from: NodeId })[] {
  const sent: (GossipPacket & { from: NodeId })[] = [];
  for (let step = 1; step <= steps; step += 1) {
    const nowNs = START_NS + BigInt(step) * 10_000_000n;
    const now = nodes.flatMap((node) =>
      node.gossip.flush(nowNs).packets.map((packet) => ({ ...packet, from: node.id })),
    );
    for (const packet of now) {
      for (const node of nodes) {
        if (node.id !== packet.from && (packet.to === 'all' || packet.to === node.id)) {
          node.gossip.receive(packet.from, packet.bytes, nowNs);
        }
      }
    }
    sent.push(...now);
  }
  return sent;
}

describe('a block on its way', () => {
  const calls = [100_000, 50_000].map((size, i) => createPrng(`call ${i}`).bytes(size));
  const [large, small] = calls as [Uint8Array, Uint8Array];

  function createNodes(): [TestNode, TestNode, TestNode] {
    const nodes = NODES.map((id) => new TestNode(id)) as [TestNode, TestNode, TestNode];
    run(nodes, 5);
    return nodes;
  }

  it('leaves the calls at home that its peers have', () => {
    const nodes = createNodes();
    const [maker, ...peers] = nodes;
    for (const { calls: pool } of nodes) {
      pool.set(idOf(large), large).set(idOf(small), small);
    }
    maker.intake.deliver(proposalWith(calls), true);
    const bytes = run(nodes, 5).reduce((sum, packet) => sum + packet.bytes.length, 0);
    for (const peer of peers) {
      expect(peer.artifacts).toEqual([proposalWith(calls)]);
    }
    expect(bytes).toBeLessThan(5000);
  });

  it('is completed by the calls that a peer misses, and by no others', () => {
    const nodes = createNodes();
    const [maker, some, none] = nodes;
    some.calls.set(idOf(large), large);
    maker.intake.deliver(proposalWith(calls), true);
    const pulls = run(nodes, 10).flatMap(({ from, packet }) =>
      packet.pulls.map(({ kind, hash }) => `${from} ${kind} ${hash}`),
    );
    const hashOf = (call: Uint8Array) => bytesToHex(sha256(call));
    expect(pulls.toSorted()).toEqual(
      [
        `bb blockIngress ${hashOf(small)}`,
        `cc blockIngress ${hashOf(large)}`,
        `cc blockIngress ${hashOf(small)}`,
      ].toSorted(),
    );
    for (const peer of [some, none]) {
      expect(peer.artifacts).toEqual([proposalWith(calls)]);
      expect(peer.refused).toEqual([]);
    }
  });

  it('is completed with its own bytes where the pool holds another envelope of the same id', () => {
    const nodes = createNodes();
    const [maker, peer] = nodes;
    // As a call that was signed twice: one id, two envelopes.
    peer.calls.set(idOf(small), large);
    maker.intake.deliver(proposalWith([small]), true);
    run(nodes, 10);
    expect(peer.artifacts).toEqual([proposalWith([small])]);
  });

  it('is offered no more once it is withdrawn, nor are its calls', () => {
    const nodes = createNodes();
    const [maker] = nodes;
    const proposal = proposalWith([small]);
    const name = { kind: 'blockIngress', height: 7, hash: bytesToHex(sha256(small)) };
    maker.intake.deliver(proposal, true);
    expect(maker.intake.callOfBlock(name)).toEqual(small);
    expect(maker.intake.callOfBlock({ ...name, height: 8 })).toBeUndefined();
    const { kind, height, hash } = proposal;
    maker.intake.withdraw({ kind, height, hash });
    expect(maker.intake.callOfBlock(name)).toBeUndefined();
  });

  it('travels whole when it has no calls', () => {
    const nodes = createNodes();
    const [maker, peer] = nodes;
    maker.intake.deliver(proposalWith([]), true);
    run(nodes, 5);
    expect(peer.artifacts).toEqual([proposalWith([])]);
  });
});
