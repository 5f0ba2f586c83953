import type { TraceEvent } from '../interfaces/trace.ts';
import { transcriptId } from '../crypto/transcript-id.ts';
import type { KeptKey } from './summary.ts';
import type { Block } from '../types/artifacts.ts';

/** What a finalized block means for the keys and the membership of the subnet. */
export function traceOfDkg(block: Block, kept: readonly KeptKey[]): readonly TraceEvent[] {
  const { height, payload } = block;
  if (payload.kind === 'data') {
    const { dealings, complaints } = payload.dkg;
    return [
      ...dealings.map(
        ({ tag, signer }): TraceEvent => ({
          kind: 'dkgDealingIncluded',
          height,
          tag,
          dealer: signer,
        }),
      ),
      ...complaints.map(
        ({ tag, dealer, signer }): TraceEvent => ({
          kind: 'dkgComplaintIncluded',
          height,
          tag,
          dealer,
          complainer: signer,
        }),
      ),
    ];
  }
  const { nextTranscripts, registryVersion, currentTranscripts } = payload.summary;
  const facts: TraceEvent[] = [
    {
      kind: 'dkgIntervalBegan',
      height,
      length: payload.summary.intervalLength,
      registryVersion,
      receivers: currentTranscripts.high.key.receivers,
    },
  ];
  for (const tag of ['low', 'high'] as const) {
    const made = nextTranscripts[tag];
    if (made === null) {
      const reason = kept.find((key) => key.tag === tag)?.reason ?? 'not enough dealings';
      facts.push({ kind: 'dkgTranscriptKept', height, tag, reason });
    } else {
      facts.push({
        kind: 'dkgTranscriptCreated',
        height,
        tag,
        transcript: transcriptId(made.key),
        dealers: made.dealings.map(({ dealer }) => dealer),
        receivers: made.key.receivers,
      });
    }
  }
  return facts;
}
