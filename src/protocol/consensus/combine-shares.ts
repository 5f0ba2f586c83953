import type { PoolReader } from '../artifact-pool/artifact-pool.ts';
import type { ChangeAction } from '../artifact-pool/change-action.ts';
import { handleInvalid } from '../artifact-pool/change-action.ts';
import type { CombineOutcome, SignatureShare } from '../interfaces/crypto.ts';
import type { Artifact, ArtifactOf, ShareArtifact } from '../types/artifacts.ts';
import type { Height, NodeId } from '../types/ids.ts';

export type ShareKind = ShareArtifact['kind'];

/**
 * All shares of a kind at a height: the node's own from the validated section, the peers' as they
 * came. Peers' shares are never checked one by one: only their combination is.
 */
export function sharesAt<K extends ShareKind>(
  pool: PoolReader,
  kind: K,
  height: Height,
): readonly ArtifactOf<K>[] {
  const own = pool.validated.at(kind, height);
  const peers = pool.unvalidated.at(kind, height);
  return own.length === 0 ? peers : peers.length === 0 ? own : [...own, ...peers];
}

/** How many `sharesAt` would list. */
export function countShares(pool: PoolReader, kind: ShareKind, height: Height): number {
  return pool.validated.countAt(kind, height) + pool.unvalidated.countAt(kind, height);
}

/** Groups by what was signed, in order of first arrival. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): readonly T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, [item]);
    } else {
      group.push(item);
    }
  }
  return [...groups.values()];
}

export interface CombineRequest {
  /** Shares on one and the same message. */
  readonly shares: readonly ShareArtifact[];
  readonly threshold: number;
  isEligible(signer: NodeId): boolean;
  combine(shares: readonly SignatureShare[]): CombineOutcome;
  aggregate(signature: Uint8Array, signers: readonly NodeId[]): ChangeAction;
}

/**
 * Aggregate first: combines exactly `threshold` shares and lets the crypto port verify the result
 * once. When that fails the liars are named and removed, and the next call tries with the others.
 */
export function combineShares(request: CombineRequest): readonly ChangeAction[] {
  if (request.shares.length < request.threshold) {
    return [];
  }
  const actions: ChangeAction[] = [];
  const bySigner = new Map<NodeId, ShareArtifact>();
  for (const share of request.shares) {
    if (!request.isEligible(share.signer)) {
      actions.push(invalidShare(share, 'SIGNER_NOT_IN_COMMITTEE', 'signer may not sign this'));
    } else if (!bySigner.has(share.signer)) {
      bySigner.set(share.signer, share);
    }
  }
  if (bySigner.size < request.threshold || actions.length > 0) {
    return actions;
  }
  const chosen = [...bySigner.values()].slice(0, request.threshold);
  const outcome = request.combine(chosen.map(({ signer, signature }) => ({ signer, signature })));
  if (outcome.kind === 'combined') {
    return [request.aggregate(outcome.signature, outcome.signers)];
  }
  const liars = new Set(outcome.liars);
  return chosen
    .filter((share) => liars.has(share.signer))
    .map((share) => invalidShare(share, 'BAD_SIGNATURE_SHARE', 'signature share does not verify'));
}

function invalidShare(share: Artifact, code: string, message: string): ChangeAction {
  return handleInvalid(share, code, message);
}
