import { describe, expect, it } from 'vitest';
import type { TraceEvent } from '../interfaces/trace.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { HashHex, NodeId } from '../types/ids.ts';
import { createMisbehaviourWatch } from './misbehaviour-watch.ts';

const ME = '01'.repeat(29) as NodeId;
const PEER = '02'.repeat(29) as NodeId;
const hash = (digit: string): HashHex => digit.repeat(64) as HashHex;

function start() {
  const roots = new Map<number, HashHex>();
  const watch = createMisbehaviourWatch(ME, {
    stateRootAt: (height) => roots.get(height),
    checkpointHashAt: () => undefined,
  });
  const codes = (...facts: readonly TraceEvent[]): readonly string[] =>
    watch
      .annotate(facts)
      .flatMap((event) => (event.kind === 'misbehaviourSeen' ? [event.code] : []));
  const vote = (
    kind: 'notarizationShare' | 'finalizationShare',
    height: number,
    blockHash: HashHex,
  ): void => {
    const signature = new Uint8Array(48);
    watch.artifact(sealArtifact({ kind, height, blockHash, signer: PEER, signature }));
  };
  return { watch, roots, codes, vote };
}

function rounds(from: number, to: number): readonly TraceEvent[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i).flatMap(
    (height): readonly TraceEvent[] => [
      { kind: 'makersRanked', height, makers: [PEER], committee: [ME, PEER] },
      { kind: 'finalized', height, hash: hash('1'), signers: [], explicit: true },
    ],
  );
}

describe('a node that watches its peers', () => {
  it('tells votes that contradict each other from those that may', () => {
    const { codes, vote } = start();
    vote('notarizationShare', 5, hash('1'));
    vote('finalizationShare', 5, hash('1'));
    expect(codes()).toEqual([]);
    vote('notarizationShare', 5, hash('2'));
    expect(codes()).toEqual(['FINALIZED_AND_NOTARIZED_OTHER']);
    vote('notarizationShare', 6, hash('1'));
    vote('notarizationShare', 6, hash('2'));
    expect(codes()).toEqual(['NOTARIZED_SEVERAL_BLOCKS']);
    vote('finalizationShare', 7, hash('1'));
    vote('finalizationShare', 7, hash('2'));
    expect(codes()).toEqual(['FINALIZED_TWO_BLOCKS']);
    expect(codes()).toEqual([]);
  });

  it('compares certified roots with its own once it has them', () => {
    const { watch, roots, codes } = start();
    const executed = (height: number): TraceEvent => {
      roots.set(height, hash('1'));
      const cycles = { created: 0n, held: 0n, inFlight: 0n, consumed: 0n, sent: 0n, received: 0n };
      const rest = { instructions: 0n, messages: 0, timeNs: 1n, cycles };
      return { kind: 'executed', height, root: hash('1'), ...rest };
    };
    for (const [height, root] of [
      [3, hash('1')],
      [4, hash('2')],
    ] as const) {
      const signature = new Uint8Array(48);
      watch.artifact(
        sealArtifact<'certificationShare'>({
          kind: 'certificationShare',
          height,
          root,
          signer: PEER,
          signature,
        }),
      );
    }
    expect(codes()).toEqual([]);
    expect(codes(executed(3))).toEqual([]);
    expect(codes(executed(4))).toEqual(['WRONG_STATE_ROOT']);
  });

  it('names a maker whose turn passed', () => {
    const { codes } = start();
    const block = {
      height: 3,
      hash: hash('1'),
      parent: hash('0'),
      rank: 1,
      maker: ME,
      timeNs: 1n,
      ingress: 0,
      payloadBytes: 0,
      isSummary: false,
      certifiedHeight: 0,
    };
    const facts: readonly TraceEvent[] = [
      { kind: 'makersRanked', height: 3, makers: [PEER, ME], committee: [ME, PEER] },
      { kind: 'blockProposed', block },
      { kind: 'finalized', height: 3, hash: hash('1'), signers: [], explicit: true },
    ];
    expect(codes(...facts)).toEqual(['BLOCK_MAKER_FAILED']);
  });

  it('names a committee member that is silent for twenty heights, and again after twenty more', () => {
    const { codes, vote } = start();
    expect(codes(...rounds(1, 20))).toEqual([]);
    expect(codes(...rounds(21, 21))).toEqual(['NO_VOTES_SEEN']);
    vote('notarizationShare', 30, hash('1'));
    expect(codes(...rounds(22, 49))).toEqual([]);
    expect(codes(...rounds(50, 50))).toEqual(['NO_VOTES_SEEN']);
  });

  it('forgets old heights, whatever peers send', () => {
    const { codes, vote } = start();
    vote('finalizationShare', 5, hash('1'));
    vote('finalizationShare', 500, hash('1'));
    vote('finalizationShare', 5, hash('2'));
    expect(codes()).toEqual([]);
  });
});
