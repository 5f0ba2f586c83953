import { equalBytes } from '../../../base/bytes.ts';
import type { Mutations } from '../../artifact-pool/change-action.ts';
import { handleInvalid, moveToValidated, NO_MUTATIONS } from '../../artifact-pool/change-action.ts';
import type { PoolEntry } from '../../artifact-pool/pool-section.ts';
import { CATCH_UP_HOLD_BACK_UNITS, LOOK_AHEAD_HEIGHTS, NS_PER_MS } from '../../limits/consensus.ts';
import type { CatchUpContent, CatchUpPackage } from '../../types/artifacts.ts';
import { catchUpSignedBytes } from '../../types/signed-bytes.ts';
import type { RoleContext } from '../role-context.ts';
import { isDue } from '../role-context.ts';

/** What the signature of a package covers. */
export function catchUpContentOf(cup: CatchUpPackage): CatchUpContent {
  return {
    height: cup.height,
    blockHash: cup.block.blockHash,
    beaconHash: cup.beacon.hash,
    stateHash: cup.stateHash,
    oldestRegistryVersion: cup.oldestRegistryVersion,
  };
}

/**
 * Peers' catch-up packages above the own one, highest first. The subnet's high-threshold key vouches for
 * everything in it. A package that this node may still reach by itself is held back, because
 * jumping to it would cost a state transfer.
 *
 * Liveness: a node far behind, or new, joins with nothing but a package and the state it names.
 * Security: n − f nodes reached that very state; the key that vouches never changes.
 * Upstream: rs/consensus/src/consensus/validator.rs#validate_catch_up_packages.
 */
export function validateCatchUpPackages(context: RoleContext): Mutations {
  const { view, pool } = context;
  const known = view.catchUpPackage().height;
  for (const height of [...pool.unvalidated.heights('catchUpPackage')].reverse()) {
    for (const entry of pool.unvalidated.entriesAt('catchUpPackage', height)) {
      if (height <= known || !isWorthJumping(context, entry)) {
        continue;
      }
      return [validatePackage(context, entry.artifact)];
    }
  }
  return NO_MUTATIONS;
}

function validatePackage(context: RoleContext, cup: CatchUpPackage) {
  const { payload } = cup.block;
  if (payload.kind !== 'summary' || payload.summary.height !== cup.height) {
    return handleInvalid(cup, 'NOT_A_SUMMARY', 'the block is not the summary of this height');
  }
  const { high } = payload.summary.currentTranscripts;
  if (!equalBytes(high.key.publicKey, context.genesis.highTranscript.publicKey)) {
    return handleInvalid(cup, 'UNKNOWN_TRANSCRIPTS', "the package names another subnet's key");
  }
  const message = catchUpSignedBytes(catchUpContentOf(cup));
  return context.crypto.verifyThreshold('high', message, cup.signature)
    ? moveToValidated(cup)
    : handleInvalid(cup, 'BAD_THRESHOLD_SIGNATURE', 'the package does not verify');
}

/**
 * False for a while when the node may get there by itself: it holds all blocks up to the package
 * and its state is less than a quarter of an interval short of it.
 *
 * @playground also when only a few blocks are missing that may be on their way: with an interval of
 * ten blocks a slightly slow node would otherwise fetch a state in each of them.
 * Upstream: rs/consensus/src/consensus/validator.rs#maybe_hold_back_cup.
 */
function isWorthJumping(context: RoleContext, entry: PoolEntry<CatchUpPackage>): boolean {
  const { view, genesis, state } = context;
  const { unitDelayMs } = genesis.parameters;
  const { height, block } = entry.artifact;
  const interval = block.payload.kind === 'summary' ? block.payload.summary.nextIntervalLength : 0;
  const blocksShort = height - view.finalizedHeight();
  const statesShort = height - state.latestStateHeight();
  const mayCompute =
    blocksShort <= 0
      ? statesShort > 0 && statesShort < Math.floor(interval / 4)
      : blocksShort <= Math.min(LOOK_AHEAD_HEIGHTS, Math.max(1, Math.floor((interval + 1) / 4)));
  if (!mayCompute) {
    return true;
  }
  const holdBackNs = CATCH_UP_HOLD_BACK_UNITS * BigInt(unitDelayMs) * NS_PER_MS;
  return isDue(context, entry.arrivedNs + holdBackNs);
}
