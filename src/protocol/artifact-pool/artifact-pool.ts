import { unreachable } from '../../base/assert.ts';
import type { Artifact, ArtifactId } from '../types/artifacts.ts';
import { artifactIdOf, isOfOneSigner } from '../types/artifacts.ts';
import type { NodeId, TimeNs } from '../types/ids.ts';
import type { ChangeAction, Mutations } from './change-action.ts';
import type { PoolEntry, SectionReader } from './pool-section.ts';
import { PoolSection } from './pool-section.ts';

/** What the roles see of the pool. */
export interface PoolReader {
  readonly validated: SectionReader;
  readonly unvalidated: SectionReader;
}

/** The pool of one node. Written only by `insertUnvalidated`, `restoreValidated` and `applyMutations`. */
export interface ArtifactPool extends PoolReader {
  readonly validated: PoolSection;
  readonly unvalidated: PoolSection;
}

/** Hand this artifact to the peers until it is withdrawn. */
export interface Deliver {
  readonly kind: 'deliver';
  readonly artifact: Artifact;
  /** Made by this node: push it, the round waits for it. */
  readonly latencySensitive: boolean;
}
/** The artifact left the validated section: stop offering it. */
export interface Withdraw {
  readonly kind: 'withdraw';
  readonly id: ArtifactId;
}
export type Transmit = Deliver | Withdraw;

export interface AppliedMutations {
  readonly transmits: readonly Transmit[];
  /** The validated section grew or shrank: roles may have more to do. */
  readonly pollAgain: boolean;
  /** Actions that really changed something, in order, with the entry concerned. */
  readonly applied: readonly { readonly action: ChangeAction; readonly entry: PoolEntry | null }[];
}

export function createArtifactPool(): ArtifactPool {
  return { validated: new PoolSection(), unvalidated: new PoolSection() };
}

export type InsertOutcome = 'inserted' | 'duplicate' | 'full';

/**
 * Puts a peer's artifact into the unvalidated section.
 *
 * One peer may hold at most `maxPerPeer` entries of a kind at a height; with the bouncer's height
 * window this bounds the section whatever peers send.
 */
export function insertUnvalidated(
  pool: ArtifactPool,
  artifact: Artifact,
  from: NodeId | null,
  nowNs: TimeNs,
  maxPerPeer: number,
): InsertOutcome {
  if (pool.validated.get(artifact) !== undefined || pool.unvalidated.get(artifact) !== undefined) {
    return 'duplicate';
  }
  if (pool.unvalidated.countFrom(artifact.kind, artifact.height, from) >= maxPerPeer) {
    return 'full';
  }
  pool.unvalidated.insert({ artifact, arrivedNs: nowNs, from });
  return 'inserted';
}

/** Puts an artifact of an earlier run back; nothing is transmitted. */
export function restoreValidated(pool: ArtifactPool, artifact: Artifact, nowNs: TimeNs): boolean {
  return pool.validated.insert({ artifact, arrivedNs: nowNs, from: null });
}

function withdrawals(removed: readonly PoolEntry[]): readonly Transmit[] {
  return removed.map(({ artifact }) => ({ kind: 'withdraw', id: artifactIdOf(artifact) }));
}

/**
 * The one writer of the pool. Applies the actions in order and says what peers must hear of it.
 * Peers' shares that enter the validated section are not relayed: their signer delivers them.
 */
export function applyMutations(
  pool: ArtifactPool,
  mutations: Mutations,
  nowNs: TimeNs,
): AppliedMutations {
  const transmits: Transmit[] = [];
  const applied: { action: ChangeAction; entry: PoolEntry | null }[] = [];
  let pollAgain = false;
  for (const action of mutations) {
    const outcome = applyAction(pool, action, nowNs);
    if (outcome.changed) {
      transmits.push(...outcome.transmits);
      applied.push({ action, entry: outcome.entry });
      pollAgain = true;
    }
  }
  return { transmits, pollAgain, applied };
}

interface ActionOutcome {
  readonly changed: boolean;
  readonly entry: PoolEntry | null;
  readonly transmits: readonly Transmit[];
}

const NO_TRANSMITS: readonly Transmit[] = [];
const UNCHANGED: ActionOutcome = { changed: false, entry: null, transmits: NO_TRANSMITS };

function applyAction(pool: ArtifactPool, action: ChangeAction, nowNs: TimeNs): ActionOutcome {
  switch (action.kind) {
    case 'addToValidated':
      return addEntry(pool, { artifact: action.artifact, arrivedNs: nowNs, from: null }, true);
    case 'moveToValidated': {
      const moved = pool.unvalidated.get(action.artifact);
      return moved === undefined
        ? addEntry(pool, { artifact: action.artifact, arrivedNs: nowNs, from: null }, false)
        : addEntry(pool, moved, false);
    }
    case 'removeFromValidated': {
      const entry = pool.validated.remove(action.id);
      return entry === undefined
        ? UNCHANGED
        : { changed: true, entry, transmits: withdrawals([entry]) };
    }
    case 'removeFromUnvalidated': {
      const entry = pool.unvalidated.remove(action.id);
      return entry === undefined ? UNCHANGED : { changed: true, entry, transmits: NO_TRANSMITS };
    }
    case 'handleInvalid': {
      const entry = pool.unvalidated.remove(action.artifact);
      return entry === undefined ? UNCHANGED : { changed: true, entry, transmits: NO_TRANSMITS };
    }
    case 'purgeValidatedBelow': {
      const removed = pool.validated.purgeBelow(action.height, action.kinds);
      return { changed: removed.length > 0, entry: null, transmits: withdrawals(removed) };
    }
    case 'purgeUnvalidatedBelow': {
      const removed = pool.unvalidated.purgeBelow(action.height, action.kinds);
      return { changed: removed.length > 0, entry: null, transmits: NO_TRANSMITS };
    }
    default:
      return unreachable(action);
  }
}

function addEntry(pool: ArtifactPool, entry: PoolEntry, own: boolean): ActionOutcome {
  const { artifact } = entry;
  const wasUnvalidated = pool.unvalidated.remove(artifact) !== undefined;
  if (!pool.validated.insert(entry)) {
    return wasUnvalidated ? { changed: true, entry, transmits: NO_TRANSMITS } : UNCHANGED;
  }
  const relayed = own || !isOfOneSigner(artifact);
  return {
    changed: true,
    entry,
    transmits: relayed ? [{ kind: 'deliver', artifact, latencySensitive: own }] : NO_TRANSMITS,
  };
}
