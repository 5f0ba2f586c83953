import { concatBytes, u32ToBytesBe } from '../../../base/bytes.ts';
import { sha256 } from '../../crypto/sha256.ts';
import { createChaChaRng, type ChaChaRng } from '../../registry/chacha-rng.ts';
import { answerRequest } from '../call-contexts.ts';
import type { RoundState } from '../round-state.ts';
import { blobReply } from './replies.ts';

/** What a batch's randomness is drawn for here. @upstream rs/crypto/prng/src/lib.rs#RandomnessPurpose */
const EXECUTION_THREAD_PURPOSE = 4;
const RANDOM_WORDS = 8;

/**
 * The generator of one thread of execution.
 * @param randomness of the batch
 */
export function executionRng(randomness: Uint8Array, thread: number): ChaChaRng {
  const purpose = Uint8Array.of(EXECUTION_THREAD_PURPOSE);
  return createChaChaRng(sha256(concatBytes(randomness, purpose, u32ToBytesBe(thread))));
}

/**
 * Answers the calls of `raw_rand` of the round before: 32 bytes each, from this batch's randomness,
 * which nobody could know when the calls were made. Subnet messages draw from the generator after
 * those of the threads that canisters run on.
 * @upstream rs/execution_environment/src/scheduler.rs#execute_round (postponed raw_rand)
 */
export function answerRandomRequests(round: RoundState): void {
  const requests = round.randomRequests;
  if (requests.length === 0) {
    return;
  }
  round.randomRequests = [];
  const rng = executionRng(round.randomness, round.env.limits.executionThreads);
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
