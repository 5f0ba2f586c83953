import type { ChangeAction, Mutations } from '../artifact-pool/change-action.ts';
import { addToValidated } from '../artifact-pool/change-action.ts';
import { TAPE_LOOK_AHEAD_HEIGHTS } from '../limits/consensus.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { Height } from '../types/ids.ts';
import { randomTapeSignedBytes } from '../types/signed-bytes.ts';
import type { RoleContext } from './role-context.ts';

/**
 * Heights whose random tape is wanted now: from the next batch to one above the finalized height.
 * Below the catch-up package only while the node can still replay the blocks there.
 */
export function wantedTapeHeights(context: RoleContext): readonly Height[] {
  const { view, chain, nextBatchHeight } = context;
  const canReplay = chain.blockAt(nextBatchHeight) !== undefined;
  const first = canReplay
    ? nextBatchHeight
    : Math.max(nextBatchHeight, view.catchUpPackage().height + 1);
  const last = Math.min(nextBatchHeight + TAPE_LOOK_AHEAD_HEIGHTS, view.finalizedHeight() + 1);
  const heights: Height[] = [];
  for (let height = first; height <= last; height += 1) {
    heights.push(height);
  }
  return heights;
}

/**
 * Signs shares of the random tapes, the randomness of batches.
 *
 * Liveness: batches wait for their tape, so shares are made as soon as a height may be finalized
 * next. Security: f + 1 shares are needed, so no honest node's canisters see randomness that was
 * known when their block was chosen. Upstream: rs/consensus/src/consensus/random_tape_maker.rs.
 */
export function makeRandomTapeShares(context: RoleContext): Mutations {
  const { pool, nodeId, crypto } = context;
  const made: ChangeAction[] = [];
  for (const height of wantedTapeHeights(context)) {
    const done =
      pool.validated.at('randomTape', height).length > 0 ||
      pool.validated.at('randomTapeShare', height).some((share) => share.signer === nodeId);
    const signature = done
      ? undefined
      : crypto.at(height).signThreshold('low', randomTapeSignedBytes(height));
    if (signature !== undefined) {
      made.push(
        addToValidated(
          sealArtifact<'randomTapeShare'>({
            kind: 'randomTapeShare',
            height,
            signer: nodeId,
            signature,
          }),
        ),
      );
    }
  }
  return made;
}
