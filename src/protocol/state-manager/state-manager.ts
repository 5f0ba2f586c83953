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
import {
  HASHED_BYTES_PER_STEP,
  KEPT_CHECKPOINTS,
  MAX_REHASHED_CHUNKS,
} from '../limits/state-sync.ts';
import { CheckpointBuilder, makeCheckpoint, type Checkpoint } from './checkpoint.ts';
import type { RecordCache } from './checkpoint-files.ts';
import { chooseForRehash, isIntact, type Rehash } from './rehash.ts';
import type { RestoredCheckpoint } from './restore-checkpoint.ts';

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
   * @param withCheckpoint at summary heights: also hash the complete state; what one step should
   *   not hash at once is left for `work`
   */
  commit(state: ReplicatedState, withCheckpoint: boolean): HashHex;
  /** A verified certification of `root` at `height`. */
  deliverCertification(height: Height, root: HashHex, signature: Uint8Array): CertificationOutcome;
  checkpointAt(height: Height): Checkpoint | undefined;
  latestCheckpoint(): Checkpoint | undefined;
  /** In order of height. */
  checkpoints(): readonly Checkpoint[];
  /** Hashes a portion of what a checkpoint waits for. */
  work(): void;
  /** True while a checkpoint is not completely hashed. */
  hasWork(): boolean;
  /** Checkpoints that became complete since the last call. */
  takeFinished(): readonly Checkpoint[];
  /** Chunks found changed although nothing changed them, in words; since the last call. */
  takeFaults(): readonly string[];
  /** Forgets states below `height`, but for the newest and the certified one. */
  purgeBelow(height: Height): void;
  /**
   * The catch-up package's height: a node that joins is sent to the checkpoint there, however many
   * came after it. Of those below, only the newest are kept.
   */
  needCheckpointsFrom(height: Height): void;
  /** Replaces everything by a state that a catch-up package vouches for, or by genesis. */
  reset(state: ReplicatedState, restored?: RestoredCheckpoint): HashHex;
}

export type TopologyOf = (state: ReplicatedState) => SubnetTopology;

interface Kept {
  readonly canonical: CanonicalState;
  readonly root: HashHex;
}

class StateManagerImpl implements StateManager {
  private readonly topologyOf: TopologyOf;
  private readonly kept = new Map<Height, Kept>();
  private readonly roots = new Map<Height, HashHex>();
  /** In order of height; replaced when it changes. */
  private checkpointList: readonly Checkpoint[] = [];
  /** States of summary heights in order; the first is being hashed by `builder`. */
  private waiting: ReplicatedState[] = [];
  private builder: CheckpointBuilder | undefined;
  private finished: Checkpoint[] = [];
  private neededFrom: Height = Number.POSITIVE_INFINITY;
  private rehash: Rehash = { due: [], from: 0 };
  private faults: string[] = [];
  /** A chunk was found changed: the next checkpoint is hashed from nothing, and differs from the subnet's. */
  private isDistrusted = false;
  private records: RecordCache = new WeakMap();
  private latest: Height = 0;
  private certified: CertifiedState | undefined;

  constructor(
    topologyOf: TopologyOf,
    initial: ReplicatedState,
    restored: RestoredCheckpoint | undefined,
  ) {
    this.topologyOf = topologyOf;
    this.reset(initial, restored);
  }

  reset(state: ReplicatedState, restored?: RestoredCheckpoint): HashHex {
    this.kept.clear();
    this.roots.clear();
    this.waiting = [];
    this.builder = undefined;
    this.finished = [];
    this.rehash = { due: [], from: this.rehash.from };
    this.isDistrusted = false;
    // Checkpoints above belong to the state that is replaced: it may be a wrong one.
    this.checkpointList = this.checkpointList.filter(({ height }) => height <= state.height);
    this.certified = undefined;
    const root = this.keep(state, undefined);
    this.records = restored?.records ?? new WeakMap();
    this.addCheckpoint(restored?.checkpoint ?? makeCheckpoint(state, undefined, this.records));
    return root;
  }

  commit(executed: ReplicatedState, withCheckpoint: boolean): HashHex {
    assert(executed.height === this.latest + 1, 'states are committed in order of height');
    const previous = present(this.kept.get(this.latest), 'the latest state is kept');
    const state: ReplicatedState = { ...executed, previousRoot: previous.root };
    const root = this.keep(state, previous);
    if (withCheckpoint) {
      this.waiting.push(state);
      this.work();
    }
    return root;
  }

  work(): void {
    const state = this.waiting[0];
    if (state === undefined) {
      this.rehashOne();
      return;
    }
    const before = this.isDistrusted ? undefined : this.latestCheckpoint();
    this.builder ??= new CheckpointBuilder(state, before, this.records);
    const checkpoint = this.builder.work(HASHED_BYTES_PER_STEP);
    if (checkpoint !== undefined) {
      this.rehash = chooseForRehash(this.builder.reused, this.rehash.from, MAX_REHASHED_CHUNKS);
      this.waiting.shift();
      this.builder = undefined;
      this.isDistrusted = false;
      this.addCheckpoint(checkpoint);
      this.finished.push(checkpoint);
    }
  }

  hasWork(): boolean {
    return this.waiting.length > 0;
  }

  takeFinished(): readonly Checkpoint[] {
    const { finished } = this;
    this.finished = [];
    return finished;
  }

  takeFaults(): readonly string[] {
    const { faults } = this;
    this.faults = [];
    return faults;
  }

  /** Nobody waits for this: it takes place in steps that come anyway. */
  private rehashOne(): void {
    const reused = this.rehash.due.shift();
    if (reused !== undefined && !isIntact(reused)) {
      this.faults.push(`${reused.path} at ${reused.chunk.offset}`);
      this.isDistrusted = true;
    }
  }

  private keep(state: ReplicatedState, previous: Kept | undefined): HashHex {
    const canonical = canonicalState(this.topologyOf(state), state, previous?.canonical);
    const root = bytesToHex(digest(canonical.tree)) as HashHex;
    this.latest = state.height;
    this.kept.set(state.height, { canonical, root });
    this.roots.set(state.height, root);
    this.roots.delete(state.height - KEPT_ROOTS);
    return root;
  }

  private addCheckpoint(checkpoint: Checkpoint): void {
    const others = this.checkpointList.filter(({ height }) => height !== checkpoint.height);
    this.checkpointList = [...others, checkpoint].sort((a, b) => a.height - b.height);
    this.dropOldCheckpoints();
  }

  needCheckpointsFrom(height: Height): void {
    if (height !== this.neededFrom) {
      this.neededFrom = height;
      this.dropOldCheckpoints();
    }
  }

  private dropOldCheckpoints(): void {
    const spared = this.checkpointList.length - KEPT_CHECKPOINTS;
    this.checkpointList = this.checkpointList.filter(
      ({ height }, place) => place >= spared || height >= this.neededFrom,
    );
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
    return this.checkpointAt(height)?.hash;
  }

  checkpointAt(height: Height): Checkpoint | undefined {
    return this.checkpointList.find((checkpoint) => checkpoint.height === height);
  }

  latestCheckpoint(): Checkpoint | undefined {
    return this.checkpointList.at(-1);
  }

  checkpoints(): readonly Checkpoint[] {
    return this.checkpointList;
  }
}

/**
 * @param topologyOf what the tree of a state shows of the network
 * @param initial the genesis state or one restored from a checkpoint
 * @param restored what came with it, when it is restored
 */
export function createStateManager(
  topologyOf: TopologyOf,
  initial: ReplicatedState,
  restored?: RestoredCheckpoint,
): StateManager {
  return new StateManagerImpl(topologyOf, initial, restored);
}
