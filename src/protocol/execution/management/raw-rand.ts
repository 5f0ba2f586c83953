import { concatBytes, u32ToBytesBe } from '../../../base/bytes.ts';
import { sha256 } from '../../crypto/sha256.ts';
import { createChaChaRng } from '../../registry/chacha-rng.ts';
import { answerRequest } from '../call-contexts.ts';
import type { RoundState } from '../round-state.ts';
import { blobReply } from './replies.ts';

/** What the batch's randomness is drawn for here; each purpose gives an independent generator. */
const EXECUTION_PURPOSE = 4;
const RANDOM_WORDS = 8;

/**
 * Answers the calls of `raw_rand` of the round before: 32 bytes each, from this batch's randomness,
 * which nobody could know when the calls were made.
 * @upstream rs/execution_environment/src/scheduler.rs#execute_round (postponed raw_rand)
 */
export function answerRandomRequests(round: RoundState): void {
  const requests = round.randomRequests;
  if (requests.length === 0) {
    return;
  }
  round.randomRequests = [];
  const rng = createChaChaRng(
    sha256(concatBytes(round.randomness, u32ToBytesBe(EXECUTION_PURPOSE))),
  );
  for (const request of requests) {
    const bytes = new Uint8Array(RANDOM_WORDS * 4);
    const view = new DataView(bytes.buffer);
    for (let word = 0; word < RANDOM_WORDS; word += 1) {
      view.setUint32(word * 4, rng.nextU32(), true);
    }
    const outcome = { kind: 'replied', reply: blobReply(bytes) } as const;
    answerRequest(round, request, outcome, request.cycles);
  }
}
