import type { Artifact, ArtifactId, ArtifactKind } from '../types/artifacts.ts';
import type { Height } from '../types/ids.ts';

/**
 * What a role wants changed in the pool. Roles only read and return these; `applyMutations` is the
 * one writer. Upstream: rs/interfaces/src/consensus_pool.rs#ChangeAction.
 */
export type ChangeAction =
  /** Made by this node. */
  | { readonly kind: 'addToValidated'; readonly artifact: Artifact }
  /** Checked, or brought into the validated section by a quorum. */
  | { readonly kind: 'moveToValidated'; readonly artifact: Artifact }
  | { readonly kind: 'removeFromValidated'; readonly id: ArtifactId }
  | { readonly kind: 'removeFromUnvalidated'; readonly id: ArtifactId }
  /** Removed from the unvalidated section and reported with its deliverer. */
  | {
      readonly kind: 'handleInvalid';
      readonly artifact: Artifact;
      readonly code: string;
      readonly message: string;
    }
  /** Strictly below `height`; all kinds unless named. */
  | {
      readonly kind: 'purgeValidatedBelow';
      readonly height: Height;
      readonly kinds: readonly ArtifactKind[];
    }
  | {
      readonly kind: 'purgeUnvalidatedBelow';
      readonly height: Height;
      readonly kinds: readonly ArtifactKind[];
    };

export type Mutations = readonly ChangeAction[];

export const NO_MUTATIONS: Mutations = [];

export function addToValidated(artifact: Artifact): ChangeAction {
  return { kind: 'addToValidated', artifact };
}

export function moveToValidated(artifact: Artifact): ChangeAction {
  return { kind: 'moveToValidated', artifact };
}

export function removeFromUnvalidated(artifact: ArtifactId): ChangeAction {
  const { kind, height, hash } = artifact;
  return { kind: 'removeFromUnvalidated', id: { kind, height, hash } };
}

export function removeFromValidated(artifact: ArtifactId): ChangeAction {
  const { kind, height, hash } = artifact;
  return { kind: 'removeFromValidated', id: { kind, height, hash } };
}

export function handleInvalid(artifact: Artifact, code: string, message: string): ChangeAction {
  return { kind: 'handleInvalid', artifact, code, message };
}
