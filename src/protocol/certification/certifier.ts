import type { ChangeAction, Mutations } from '../artifact-pool/change-action.ts';
import {
  addToValidated,
  handleInvalid,
  moveToValidated,
  NO_MUTATIONS,
  removeFromUnvalidated,
} from '../artifact-pool/change-action.ts';
import { combineShares, countShares, sharesAt } from '../consensus/combine-shares.ts';
import type { RoleContext } from '../consensus/role-context.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { Certification } from '../types/artifacts.ts';
import type { HashHex, Height } from '../types/ids.ts';
import { sealAggregate } from '../types/sealed-aggregates.ts';
import { certificationSignedBytes } from '../types/signed-bytes.ts';

/**
 * Certifies the state of every height: shares on the own state root, their aggregate, and peers'
 * certifications.
 *
 * Liveness: n − f nodes with the same state certify it. Security: a certification is only taken
 * over for a height whose root this node computed itself and found equal.
 * Upstream: rs/consensus/certification/src/certifier.rs.
 */

interface UncertifiedState {
  readonly height: Height;
  readonly root: HashHex;
}

const NOTHING: readonly UncertifiedState[] = [];

/** Executed heights that still need a certification, ascending. */
function uncertified({ state, view, pool }: RoleContext): readonly UncertifiedState[] {
  const last = state.latestStateHeight();
  const first = Math.max(state.latestCertifiedHeight() + 1, view.catchUpPackage().height);
  if (first > last) {
    return NOTHING;
  }
  const found: UncertifiedState[] = [];
  for (let height = first; height <= last; height += 1) {
    const root = state.stateRootAt(height);
    if (root !== undefined && pool.validated.at('certification', height).length === 0) {
      found.push({ height, root });
    }
  }
  return found;
}

/** Signs a share for every state that needs one. */
export function makeCertificationShares(context: RoleContext): Mutations {
  const { pool, nodeId, crypto } = context;
  const shares: ChangeAction[] = [];
  for (const { height, root } of uncertified(context)) {
    const own = pool.validated
      .at('certificationShare', height)
      .some((share) => share.signer === nodeId && share.root === root);
    const signature = own
      ? undefined
      : crypto.at(height).signThreshold('high', certificationSignedBytes(root));
    if (signature !== undefined) {
      shares.push(
        addToValidated(
          sealArtifact<'certificationShare'>({
            kind: 'certificationShare',
            height,
            root,
            signer: nodeId,
            signature,
          }),
        ),
      );
    }
  }
  return shares;
}

/** Combines shares on the own root; a peer's certification that waits for its check goes first. */
export function aggregateCertifications(context: RoleContext): Mutations {
  const { pool, crypto, membership } = context;
  const isEnough = ({ height }: UncertifiedState): boolean =>
    countShares(pool, 'certificationShare', height) >= crypto.at(height).thresholdOf('high');
  const ready = uncertified(context).filter(isEnough);
  if (ready.length === 0) {
    return NO_MUTATIONS;
  }
  return ready.flatMap(({ height, root }) => {
    if (pool.unvalidated.at('certification', height).some((c) => c.root === root)) {
      return [];
    }
    return combineShares({
      shares: sharesAt(pool, 'certificationShare', height).filter((s) => s.root === root),
      threshold: crypto.at(height).thresholdOf('high'),
      isEligible: (signer) => membership.isReceiver('high', signer, height),
      combine: (chosen) =>
        crypto.at(height).combineThreshold('high', certificationSignedBytes(root), chosen),
      aggregate: (signature) =>
        addToValidated(
          sealAggregate<'certification'>({ kind: 'certification', height, root, signature }),
        ),
    });
  });
}

/** Checks peers' certifications of heights this node has executed. */
export function validateCertifications(context: RoleContext): Mutations {
  const { pool, state, view } = context;
  const lastExecuted = state.latestStateHeight();
  const first = Math.max(state.latestCertifiedHeight() + 1, view.catchUpPackage().height);
  for (const height of pool.unvalidated.heights('certification')) {
    const root = state.stateRootAt(height);
    if (height < first || height > lastExecuted || root === undefined) {
      continue;
    }
    for (const certification of pool.unvalidated.at('certification', height)) {
      return [judge(context, certification, root)];
    }
  }
  return NO_MUTATIONS;
}

function judge(context: RoleContext, certification: Certification, root: HashHex): ChangeAction {
  if (context.pool.validated.at('certification', certification.height).length > 0) {
    return removeFromUnvalidated(certification);
  }
  const message = certificationSignedBytes(certification.root);
  if (!context.crypto.verifyThreshold('high', message, certification.signature)) {
    return handleInvalid(certification, 'BAD_THRESHOLD_SIGNATURE', 'it does not verify');
  }
  // The signature does not cover the height: a peer may have given a true one a wrong height.
  return certification.root === root
    ? moveToValidated(certification)
    : handleInvalid(
        certification,
        'CERTIFIED_ROOT_DIFFERS',
        'the root is not the one this node computed for that height',
      );
}

/** A certification for the state manager. */
export interface CertifiedRoot {
  readonly height: Height;
  readonly root: HashHex;
  /** High-threshold signature on the root, 48 bytes. */
  readonly signature: Uint8Array;
}

/** Validated certifications of executed heights above the certified one, ascending. */
export function newCertifications({ pool, state }: RoleContext): readonly CertifiedRoot[] {
  const found: CertifiedRoot[] = [];
  const last = state.latestStateHeight();
  for (let height = state.latestCertifiedHeight() + 1; height <= last; height += 1) {
    const certification = pool.validated.at('certification', height)[0];
    if (certification !== undefined && state.stateRootAt(height) === certification.root) {
      found.push({ height, root: certification.root, signature: certification.signature });
    }
  }
  return found;
}

export interface DivergedRoot {
  readonly height: Height;
  readonly own: HashHex;
  readonly certified: HashHex;
}

/**
 * The lowest executed height whose validated certification names another root than this node
 * computed: it diverged from the subnet, for instance while it replayed blocks after a restart.
 */
export function divergedHeight({
  pool,
  state,
}: Pick<RoleContext, 'pool' | 'state'>): DivergedRoot | undefined {
  const last = state.latestStateHeight();
  for (let height = state.latestCertifiedHeight() + 1; height <= last; height += 1) {
    const certification = pool.validated.at('certification', height)[0];
    const root = state.stateRootAt(height);
    if (certification !== undefined && root !== undefined && root !== certification.root) {
      return { height, own: root, certified: certification.root };
    }
  }
  return undefined;
}
