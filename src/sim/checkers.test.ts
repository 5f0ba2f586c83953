import { describe, expect, it } from 'vitest';
import type { StreamFacts, TraceEvent } from '../protocol/interfaces/trace.ts';
import { emptyPacket } from '../protocol/p2p/packet.ts';
import { encodePacket } from '../protocol/p2p/packet-codec.ts';
import { encodeArtifact, sealArtifact } from '../protocol/types/artifact-codec.ts';
import { artifactStorageKey } from '../protocol/node/stored-node.ts';
import { sealBlock } from '../protocol/types/block-codec.ts';
import type { Artifact } from '../protocol/types/artifacts.ts';
import { artifactIdOf } from '../protocol/types/artifacts.ts';
import type { HashHex, NodeId, SubnetId } from '../protocol/types/ids.ts';
import { createCheckers } from './checkers.ts';
import { createNetworkCheckers } from './network-checkers.ts';

/** Every rule must be able to fail: each is shown one planted violation and what is next to it. */

const NODE_A = '0a'.repeat(29) as NodeId;
const NODE_B = '0b'.repeat(29) as NodeId;
const hash = (digit: string): HashHex => digit.repeat(64) as HashHex;

function executed(
  height: number,
  root: HashHex,
  timeNs = BigInt(height),
  consumed = 2n,
): TraceEvent {
  const cycles = { created: 9n, held: 4n, inFlight: 3n, consumed, sent: 2n, received: 2n };
  return { kind: 'executed', height, root, instructions: 0n, messages: 0, timeNs, cycles };
}

function finalized(height: number, block: HashHex): TraceEvent {
  return { kind: 'finalized', height, hash: block, signers: [], explicit: true };
}

function beacon(height: number, own: HashHex, parent: HashHex): TraceEvent {
  return { kind: 'beaconAggregated', height, hash: own, parent };
}

function message(height: number, messageId: string): TraceEvent {
  const call = { canisterId: '', method: 'm', instructions: 0n, outcome: 'replied' };
  return { kind: 'messageExecuted', height, messageId, ...call };
}

function vote(kind: 'notarizationShare' | 'finalizationShare', blockHash: HashHex): Artifact {
  return sealArtifact({
    kind,
    height: 7,
    blockHash,
    signer: NODE_A,
    signature: new Uint8Array(48),
  });
}

function packetOf(...artifacts: readonly Artifact[]): Uint8Array {
  return encodePacket({
    ...emptyPacket(1),
    updates: artifacts.map((artifact, slotId) => {
      const { kind, height, hash: own } = artifact;
      const name = { kind, height, hash: own };
      return { slotId, commitId: slotId + 1, name, bytes: encodeArtifact(artifact) };
    }),
  });
}

describe('the checkers of facts', () => {
  const planted: readonly [string, readonly TraceEvent[], readonly TraceEvent[]][] = [
    ['oneFinalizedBlock', [finalized(3, hash('1'))], [finalized(3, hash('2'))]],
    ['equalRoots', [executed(3, hash('1'))], [executed(3, hash('2'))]],
    ['cyclesConserved', [executed(3, hash('1'))], [executed(4, hash('1'), 4n, 1n)]],
    ['equalRoots', [executed(3, hash('1'))], [{ kind: 'certified', height: 3, root: hash('2') }]],
    ['beaconChain', [beacon(3, hash('1'), hash('0'))], [beacon(3, hash('2'), hash('0'))]],
    ['beaconChain', [beacon(3, hash('1'), hash('0'))], [beacon(4, hash('2'), hash('3'))]],
    ['ingressOnce', [message(3, 'aa')], [message(4, 'aa')]],
    [
      'noFalseAccusation',
      [],
      [
        {
          kind: 'misbehaviourSeen',
          code: 'EQUIVOCATION',
          message: 'two blocks',
          about: NODE_A,
          height: 3,
          proven: true,
        },
      ],
    ],
    ['noCriticalError', [], [{ kind: 'criticalError', code: 'X', message: 'broken' }]],
  ];

  it.each(planted)('%s fails on a planted violation of another node', (rule, before, after) => {
    const checkers = createCheckers();
    for (const event of before) {
      expect(checkers.observe(NODE_A, event)).toBeUndefined();
      expect(checkers.observe(NODE_B, event)).toBeUndefined();
    }
    expect(after.map((event) => checkers.observe(NODE_B, event)?.rule)).toContain(rule);
    expect(checkers.violations).toHaveLength(1);
  });

  it.each([
    ['certifiedMonotone', { kind: 'certified', height: 3, root: hash('1') }],
    ['timeMonotone', executed(3, hash('1'))],
  ] as const)('%s fails when one node repeats itself, unless it restarted', (rule, event) => {
    const checkers = createCheckers();
    expect(checkers.observe(NODE_A, event)).toBeUndefined();
    checkers.restarted(NODE_A);
    expect(checkers.observe(NODE_A, event)).toBeUndefined();
    expect(checkers.observe(NODE_A, event)?.rule).toBe(rule);
  });

  it('timeMonotone fails when a later height has an earlier time', () => {
    const checkers = createCheckers();
    expect(checkers.observe(NODE_A, executed(3, hash('1'), 9n))).toBeUndefined();
    expect(checkers.observe(NODE_A, executed(4, hash('2'), 9n))?.rule).toBe('timeMonotone');
  });

  it('hear nothing of nodes that lie, and know where messages were executed', () => {
    const checkers = createCheckers();
    checkers.observe(NODE_A, finalized(3, hash('1')));
    checkers.distrust(NODE_B);
    expect(checkers.observe(NODE_B, finalized(3, hash('2')))).toBeUndefined();
    checkers.observe(NODE_A, message(5, 'aa'));
    expect([checkers.executedAt('aa'), checkers.executedAt('bb')]).toEqual([5, undefined]);
  });
});

describe('the checkers of a network', () => {
  const SUBNETS = [
    { subnetId: 'aa' as SubnetId, nodeIds: [NODE_A] },
    { subnetId: 'bb' as SubnetId, nodeIds: [NODE_B] },
  ];
  const told = (height: number, sent: bigint, received: bigint): TraceEvent => {
    const event = executed(height, hash('1'));
    const cycles = { created: 9n, held: 9n + received, inFlight: 0n, consumed: 0n };
    return event.kind === 'executed'
      ? { ...event, cycles: { ...cycles, held: cycles.held - sent, sent, received } }
      : event;
  };

  it('fail when more cycles arrive than left, of all subnets together', () => {
    const checkers = createNetworkCheckers(SUBNETS);
    expect(checkers.observe(NODE_A, told(1, 5n, 0n))).toBeUndefined();
    expect(checkers.observe(NODE_B, told(1, 0n, 5n))).toBeUndefined();
    expect(checkers.observe(NODE_B, told(2, 1n, 5n))).toBeUndefined();
    expect(checkers.observe(NODE_A, told(2, 5n, 2n))?.rule).toBe('cyclesInTransit');
    expect(checkers.violations).toHaveLength(1);
  });

  it('believe no subnet that is not heard', () => {
    const checkers = createNetworkCheckers(SUBNETS);
    checkers.distrust(NODE_A);
    checkers.observe(NODE_A, told(1, 5n, 0n));
    expect(checkers.observe(NODE_B, told(1, 0n, 5n))?.rule).toBe('cyclesInTransit');
  });
});

describe('the checker of streams between subnets', () => {
  const EMPTY = {
    begin: 0,
    end: 0,
    signalsEnd: 0,
    bytes: 0,
    enqueued: 0,
    inducted: 0,
    rejected: 0,
    collected: 0,
    rejectSignals: 0,
    sliceHeight: null,
    refusals: [],
  };
  const [A, B, SECOND_A] = ['aa', 'bb', '04'] as [SubnetId, SubnetId, NodeId];
  const SUBNETS = [
    { subnetId: A, nodeIds: [NODE_A, SECOND_A] },
    { subnetId: B, nodeIds: [NODE_B] },
  ];
  const advanced = (height: number, to: SubnetId, stream: Partial<StreamFacts>): TraceEvent => ({
    kind: 'streamAdvanced',
    height,
    stream: { ...EMPTY, ...stream, from: to === A ? B : A, subnetId: to },
  });
  const sent = advanced(1, B, { end: 2, enqueued: 2 });
  const taken = advanced(1, A, { signalsEnd: 2, inducted: 1, rejected: 1 });

  it('follows messages from one to the other until the stream is drained', () => {
    const checkers = createNetworkCheckers(SUBNETS);
    expect(checkers.underWay()).toEqual([]);
    expect(checkers.observe(NODE_A, sent)).toBeUndefined();
    expect(checkers.observe(SECOND_A, sent)).toBeUndefined();
    expect(checkers.underWay()).toHaveLength(1);
    expect(checkers.observe(NODE_B, taken)).toBeUndefined();
    const dropped = advanced(2, B, { begin: 2, end: 2, collected: 2 });
    expect(checkers.observe(NODE_A, dropped)).toBeUndefined();
    expect(checkers.underWay()).toEqual([]);
  });

  it.each<readonly [string, NodeId, TraceEvent]>([
    ['another node tells otherwise', SECOND_A, advanced(1, B, { end: 3, enqueued: 3 })],
    ['messages came from nowhere', NODE_A, advanced(2, B, { end: 4, enqueued: 1 })],
    ['a message was lost', NODE_A, advanced(2, B, { begin: 1, end: 2 })],
    ['a message was taken twice', NODE_B, advanced(2, A, { signalsEnd: 2, inducted: 1 })],
    ['more was taken than was sent', NODE_B, advanced(2, A, { signalsEnd: 3, inducted: 1 })],
    [
      'more was dropped than was taken',
      NODE_A,
      advanced(2, B, { begin: 3, end: 3, enqueued: 1, collected: 3 }),
    ],
    ['a stream begins behind its end', NODE_A, advanced(2, B, { begin: 2, end: 1, enqueued: -1 })],
  ])('fails when %s', (_, nodeId, event) => {
    const checkers = createNetworkCheckers(SUBNETS);
    checkers.observe(NODE_A, sent);
    checkers.observe(NODE_B, taken);
    expect(checkers.violations).toEqual([]);
    expect(checkers.observe(nodeId, event)?.rule).toBe('streamsAdvance');
  });

  it('takes what a node tells after a jump or a restart as it comes, if it is within what others told', () => {
    const checkers = createNetworkCheckers(SUBNETS);
    checkers.observe(NODE_A, sent);
    checkers.observe(SECOND_A, sent);
    const later = advanced(9, B, { end: 7, enqueued: 1 });
    checkers.observe(SECOND_A, { kind: 'caughtUp', height: 8, from: 'stateSync' });
    expect(checkers.observe(SECOND_A, later)).toBeUndefined();
    checkers.restarted(NODE_A);
    expect(checkers.observe(NODE_A, sent)).toBeUndefined();
    checkers.distrust(NODE_A);
    expect(checkers.observe(NODE_A, advanced(2, B, { end: 99 }))).toBeUndefined();
  });
});

describe('the checker of what is said on the wire', () => {
  it('fails on two finalizations, and on a notarization beside one, even after a restart', () => {
    const one = vote('finalizationShare', hash('1'));
    for (const other of [
      vote('finalizationShare', hash('2')),
      vote('notarizationShare', hash('2')),
    ]) {
      const checkers = createCheckers();
      expect(checkers.packet(NODE_A, packetOf(one))).toBeUndefined();
      expect(checkers.packet(NODE_A, packetOf(one))).toBeUndefined();
      checkers.restarted(NODE_A);
      expect(checkers.packet(NODE_A, packetOf(other))?.rule).toBe('noContradiction');
    }
  });

  it('takes several notarizations while nothing is finalized, and forgets with the disk', () => {
    const checkers = createCheckers();
    const blocks = [hash('1'), hash('2')].map((block) => vote('notarizationShare', block));
    expect(checkers.packet(NODE_A, packetOf(...blocks))).toBeUndefined();
    checkers.wiped(NODE_A);
    const final = vote('finalizationShare', hash('3'));
    expect(checkers.packet(NODE_A, packetOf(final))).toBeUndefined();
  });

  it('fails on what the disk does not hold', () => {
    const disk = new Set<string>();
    const checkers = createCheckers((nodeId, key) => disk.has(`${nodeId} ${key}`));
    const share = vote('finalizationShare', hash('1'));
    disk.add(`${NODE_A} ${artifactStorageKey(artifactIdOf(share))}`);
    expect(checkers.packet(NODE_A, packetOf(share))).toBeUndefined();
    expect(checkers.packet(NODE_B, packetOf(share))?.rule).toBe('persistedFirst');
  });

  it('fails on two blocks of its own; a relayed one is not its own', () => {
    const proposal = (timeNs: bigint): Artifact =>
      sealArtifact<'blockProposal'>({
        kind: 'blockProposal',
        height: 7,
        block: sealBlock({
          height: 7,
          parent: hash('0'),
          rank: 0,
          context: { certifiedHeight: 6, registryVersion: 1, timeNs },
          payload: {
            kind: 'data',
            dkgStartHeight: 0,
            dkg: { dealings: [], complaints: [] },
            batch: { ingress: [] },
          },
        }),
        signer: NODE_A,
        signature: new Uint8Array(64),
      });
    const checkers = createCheckers();
    const [one, other] = [proposal(1n), proposal(2n)];
    expect(checkers.packet(NODE_A, packetOf(one))).toBeUndefined();
    expect(checkers.packet(NODE_B, packetOf(one, other))).toBeUndefined();
    expect(checkers.packet(NODE_A, packetOf(other))?.rule).toBe('noContradiction');
  });

  it('fails on two states certified at one height', () => {
    const checkers = createCheckers();
    const shares = [hash('1'), hash('2')].map((root) =>
      sealArtifact<'certificationShare'>({
        kind: 'certificationShare',
        height: 3,
        root,
        signer: NODE_A,
        signature: new Uint8Array(48),
      }),
    );
    expect(checkers.packet(NODE_A, packetOf(...shares))?.rule).toBe('noContradiction');
  });
});
