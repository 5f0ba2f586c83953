import { assert, present } from '../../base/assert.ts';
import { bytesToHex } from '../../base/hex.ts';
import {
  canonicalState,
  type CanonicalState,
  type SubnetTopology,
} from '../canonical-state/canonical-state.ts';
import { digest, type LabeledTree } from '../crypto/labeled-tree.ts';
import type { StateReader } from '../interfaces/replica.ts';
import type { ReplicatedState } from '../replicated-state/replicated-state.ts';
import type { HashHex, Height } from '../types/ids.ts';
import { createHashCache, makeCheckpoint, type Checkpoint, type HashCache } from './checkpoint.ts';

/**
 * Keeps the states of recent heights, their certified trees and certifications, and makes
 * checkpoints.
 * Liveness: a state stays until a later one is certified.
 * Security: a certification is accepted only for the very root this node computed.
 * @upstream rs/state_manager/src/lib.rs
 */

/** Certified states kept below the newest one, for validating blocks with an older context. */
const KEPT_BELOW_CERTIFIED = 20;
/** Root hashes kept longer than their states: consensus asks for them up to the last summary. */
const KEPT_ROOTS = 600;
const KEPT_CHECKPOINTS = 2;

export interface CertifiedState {
  readonly height: Height;
  readonly state: ReplicatedState;
  readonly tree: LabeledTree;
  readonly canonical: CanonicalState;
  /** Threshold signature on the root hash. */
  readonly signature: Uint8Array;
}

export type CertificationOutcome =
  | 'accepted'
  /** A later or the same height is certified already, or the height is not executed yet. */
  | 'notNeeded'
  /** The root differs: this node diverged, or the certification is not for this state. */
  | 'diverged';

export interface StateManager extends StateReader {
  latestState(): ReplicatedState;
  /** Undefined before the first certification. */
  latestCertified(): CertifiedState | undefined;
  /** The state of a height that is still kept. */
  stateAt(height: Height): ReplicatedState | undefined;
  oldestHeight(): Height;
  /**
   * Takes the state after the next batch; returns its root hash.
   * @param withCheckpoint at summary heights: also hash the complete state
   */
  commit(state: ReplicatedState, withCheckpoint: boolean): HashHex;
  /** A verified certification of `root` at `height`. */
  deliverCertification(height: Height, root: HashHex, signature: Uint8Array): CertificationOutcome;
  checkpointAt(height: Height): Checkpoint | undefined;
  latestCheckpoint(): Checkpoint | undefined;
  /** Forgets states below `height`, but for the newest and the certified one. */
  purgeBelow(height: Height): void;
  /** Replaces everything by a state that a catch-up package vouches for. */
  reset(state: ReplicatedState): HashHex;
}

interface Kept {
  readonly canonical: CanonicalState;
  readonly root: HashHex;
}

class StateManagerImpl implements StateManager {
  private readonly topology: SubnetTopology;
  private readonly kept = new Map<Height, Kept>();
  private readonly roots = new Map<Height, HashHex>();
  private readonly checkpoints = new Map<Height, Checkpoint>();
  private readonly hashes: HashCache = createHashCache();
  private latest: Height = 0;
  private certified: CertifiedState | undefined;

  constructor(topology: SubnetTopology, initial: ReplicatedState) {
    this.topology = topology;
    this.reset(initial);
  }

  reset(state: ReplicatedState): HashHex {
    this.kept.clear();
    this.roots.clear();
    // Checkpoints above belong to the state that is replaced: it may be a wrong one.
    for (const height of this.checkpoints.keys()) {
      if (height > state.height) {
        this.checkpoints.delete(height);
      }
    }
    this.certified = undefined;
    const root = this.keep(state, undefined);
    this.addCheckpoint(state);
    return root;
  }

  commit(executed: ReplicatedState, withCheckpoint: boolean): HashHex {
    assert(executed.height === this.latest + 1, 'states are committed in order of height');
    const previous = present(this.kept.get(this.latest), 'the latest state is kept');
    const state: ReplicatedState = { ...executed, previousRoot: previous.root };
    const root = this.keep(state, previous);
    if (withCheckpoint) {
      this.addCheckpoint(state);
    }
    return root;
  }

  private keep(state: ReplicatedState, previous: Kept | undefined): HashHex {
    const canonical = canonicalState(this.topology, state, previous?.canonical);
    const root = bytesToHex(digest(canonical.tree)) as HashHex;
    this.latest = state.height;
    this.kept.set(state.height, { canonical, root });
    this.roots.set(state.height, root);
    this.roots.delete(state.height - KEPT_ROOTS);
    return root;
  }

  private addCheckpoint(state: ReplicatedState): void {
    this.checkpoints.set(state.height, makeCheckpoint(state, this.hashes));
    const heights = [...this.checkpoints.keys()].sort((a, b) => a - b);
    for (const height of heights.slice(0, -KEPT_CHECKPOINTS)) {
      this.checkpoints.delete(height);
    }
  }

  deliverCertification(height: Height, root: HashHex, signature: Uint8Array): CertificationOutcome {
    const kept = this.kept.get(height);
    if (kept === undefined || height <= this.latestCertifiedHeight()) {
      return 'notNeeded';
    }
    if (kept.root !== root) {
      return 'diverged';
    }
    const { canonical } = kept;
    const { state, tree } = canonical;
    this.certified = { height, state, tree, canonical, signature };
    this.purgeBelow(height - KEPT_BELOW_CERTIFIED);
    return 'accepted';
  }

  purgeBelow(height: Height): void {
    for (const kept of this.kept.keys()) {
      if (kept < height && kept !== this.latest && kept !== this.certified?.height) {
        this.kept.delete(kept);
      }
    }
  }

  latestState(): ReplicatedState {
    return present(this.kept.get(this.latest), 'the latest state is kept').canonical.state;
  }

  latestCertified(): CertifiedState | undefined {
    return this.certified;
  }

  stateAt(height: Height): ReplicatedState | undefined {
    return this.kept.get(height)?.canonical.state;
  }

  oldestHeight(): Height {
    return Math.min(...this.kept.keys());
  }

  latestStateHeight(): Height {
    return this.latest;
  }

  latestCertifiedHeight(): Height {
    return this.certified?.height ?? 0;
  }

  stateRootAt(height: Height): HashHex | undefined {
    return this.roots.get(height);
  }

  checkpointHashAt(height: Height): HashHex | undefined {
    return this.checkpoints.get(height)?.hash;
  }

  checkpointAt(height: Height): Checkpoint | undefined {
    return this.checkpoints.get(height);
  }

  latestCheckpoint(): Checkpoint | undefined {
    return this.checkpoints.get(Math.max(...this.checkpoints.keys()));
  }
}

/** @param initial the genesis state or one restored from a checkpoint */
export function createStateManager(
  topology: SubnetTopology,
  initial: ReplicatedState,
): StateManager {
  return new StateManagerImpl(topology, initial);
}
