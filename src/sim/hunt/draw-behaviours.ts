import type { Prng } from '../../base/prng.ts';
import { ARTIFACT_KINDS } from '../../protocol/types/artifacts.ts';
import type { MaliciousBehaviour } from '../../protocol/types/malicious.ts';

const GARBAGE = ['packets', 'artifacts', 'signatures'] as const;

/** One to three attacks at once. */
export function drawBehaviours(prng: Prng): readonly MaliciousBehaviour[] {
  const kinds = prng.shuffle(ARTIFACT_KINDS).slice(0, 1 + prng.below(4));
  const all: readonly MaliciousBehaviour[] = [
    { kind: 'equivocate', blocks: 2 + prng.below(3) },
    { kind: 'makeNoBlocks' },
    { kind: 'makeBlocksLate', delayMs: 500 + prng.below(4000) },
    { kind: 'makeBlocksOutOfRank' },
    { kind: 'invalidPayload' },
    { kind: 'withhold', artifacts: kinds, from: null },
    { kind: 'notarizeEverything' },
    { kind: 'finalizeEverything' },
    { kind: 'wrongCertification' },
    { kind: 'wrongCatchUpPackage' },
    { kind: 'garbage', what: GARBAGE[prng.below(GARBAGE.length)] ?? 'packets' },
    { kind: 'replay' },
    { kind: 'floodSlots' },
    { kind: 'corruptStateChunks' },
    { kind: 'corruptDealing' },
    { kind: 'falseComplaint' },
  ];
  // The classic: split the others, then vote for both halves.
  const splitter: readonly MaliciousBehaviour[] = [
    { kind: 'equivocate', blocks: 2 },
    { kind: 'notarizeEverything' },
    { kind: 'finalizeEverything' },
  ];
  return prng.chance(1, 4) ? splitter : prng.shuffle(all).slice(0, 1 + prng.below(3));
}

/** One to three attacks on streams between subnets, or the others. */
export function drawStreamLies(prng: Prng): readonly MaliciousBehaviour[] {
  const lies: readonly MaliciousBehaviour[] = [
    { kind: 'forgeSlices' },
    { kind: 'staleSlices' },
    { kind: 'gapInSlices' },
    { kind: 'withholdStreams' },
    { kind: 'wrongSignals' },
  ];
  const drawn = prng.shuffle(lies).slice(0, 1 + prng.below(2));
  switch (prng.below(4)) {
    case 0:
      return drawBehaviours(prng);
    case 1:
      return [...drawn, ...drawBehaviours(prng)];
    default:
      return drawn;
  }
}
