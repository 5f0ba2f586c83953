import type { ArtifactPool, PoolReader } from '../artifact-pool/artifact-pool.ts';
import {
  applyMutations,
  createArtifactPool,
  insertUnvalidated,
  restoreValidated,
} from '../artifact-pool/artifact-pool.ts';
import { newCertifications } from '../certification/certifier.ts';
import { createActiveIntervals } from '../dkg/active-intervals.ts';
import { createDkgReader, type DkgReader } from '../dkg/dkg-reader.ts';
import { createHeightCrypto } from '../dkg/height-crypto.ts';
import { KeyManager, type KeyWork, NO_KEY_WORK } from '../dkg/key-manager.ts';
import type { KeptKey } from '../dkg/summary.ts';
import { traceOfDkg } from '../dkg/trace-facts.ts';
import type { NodeCrypto } from '../interfaces/crypto.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import {
  maxUnvalidatedPerPeerAndHeight,
  MINIMUM_CHAIN_LENGTH,
  notaryBoundsFor,
} from '../limits/consensus.ts';
import { faultsTolerated } from '../registry/committee.ts';
import { createRegistryClient, type RegistryReader } from '../registry/registry-client.ts';
import { type Artifact, type ArtifactId, type Block, isOfOneSigner } from '../types/artifacts.ts';
import type { Height, NodeId, TimeNs } from '../types/ids.ts';
import { canExecute, deliverBatches, type FinalizedBatch } from './batch-delivery.ts';
import { bouncer, type BouncerHeights, type BouncerVerdict } from './bouncer.ts';
import { type ChangeLoop, createChangeLoop, type LoopOutput } from './change-loop.ts';
import type {
  ArtifactOutcome,
  Consensus,
  ConsensusDeps,
  ConsensusStatus,
  PollOutcome,
  StateSyncRequest,
} from './consensus-interface.ts';
import { createFinalizedChain, type FinalizedChain } from './finalized-chain.ts';
import { genesisPackage } from './genesis-package.ts';
import { KnownHeights } from './known-heights.ts';
import { haltRegistryOf } from './registry-orders.ts';
import { RestartGrace } from './restart-grace.ts';
import { restoreChain } from './restored-chain.ts';
import type { Membership } from './membership.ts';
import { createMembership, hasLeft } from './membership.ts';
import { createPoolBoundsWatch } from './pool-bounds.ts';
import type { PoolView } from './pool-view.ts';
import { createPoolView } from './pool-view.ts';
import { matters } from './share-matters.ts';
import type { RoleContext } from './role-context.ts';
import type { StateDivergence } from './state-divergence.ts';
import { findDivergence, persists, stateBelow } from './state-divergence.ts';
import { traceOfApplied, traceOfFinalized } from './trace-facts.ts';

/** Arrival time of artifacts that came in before the first clock reading. */
const UNSTAMPED: TimeNs = -1n;

interface LastContext {
  readonly known: RoleContext | null;
  readonly diverged: StateDivergence | null;
}

/** Starts at genesis; `restore` brings back what an earlier run had. */
export function createConsensus(deps: ConsensusDeps): Consensus {
  return new ConsensusNode(deps);
}

class ConsensusNode implements Consensus {
  private readonly deps: ConsensusDeps;
  private readonly artifacts: ArtifactPool;
  private readonly view: PoolView;
  private readonly membership: Membership;
  private readonly registry: RegistryReader;
  private readonly intervals = createActiveIntervals();
  private readonly crypto: NodeCrypto;
  private readonly dkg: DkgReader;
  private readonly keyManager: KeyManager;
  private readonly loop: ChangeLoop;
  private readonly knownHeights: KnownHeights;
  private readonly boundsWatch = createPoolBoundsWatch();
  private readonly maxPerPeer: number;
  private readonly minimumChainLength: number;
  private chain: FinalizedChain;
  private lastNowNs: TimeNs;
  private wakeNs: TimeNs | null = null;
  private deliveredHeight: Height = 0;
  /** Up to here this node goes through blocks again that it may hold alone. */
  private replayTo: Height = 0;
  private checkedLeftAt: Height = 0;
  private hasUnstamped = true;
  private expectedHeight: Height = 0;
  private stopped = false;
  private startedOverFor: Height | null = null;
  private diverged: StateDivergence | null = null;
  private readonly grace = new RestartGrace();
  private lastContext: LastContext = { known: null, diverged: null };

  constructor(deps: ConsensusDeps) {
    this.deps = deps;
    this.artifacts = createArtifactPool();
    restoreValidated(this.artifacts, genesisPackage(deps.genesis), UNSTAMPED);
    this.view = createPoolView(this.artifacts);
    this.registry = deps.registry ?? createRegistryClient(deps.genesis);
    this.membership = createMembership(this.registry, this.intervals, this.view);
    this.crypto = createHeightCrypto(deps.crypto, this.intervals);
    const { artifacts, view, intervals } = this;
    this.knownHeights = new KnownHeights({ artifacts, view, intervals, state: deps.stateReader });
    this.dkg = createDkgReader(this.view, this.registry, deps.crypto.dkg);
    this.keyManager = new KeyManager(deps.nodeId, deps.storedShares ?? []);
    this.loop = createChangeLoop(this.artifacts, deps.adversary);
    this.maxPerPeer = maxUnvalidatedPerPeerAndHeight(faultsTolerated(this.registry.nodes.size));
    this.minimumChainLength = deps.minimumChainLength ?? MINIMUM_CHAIN_LENGTH;
    this.chain = createFinalizedChain(this.view.catchUpPackage().block);
    this.lastNowNs = deps.genesis.genesisTimeNs;
  }

  get pool(): PoolReader {
    return this.artifacts;
  }

  onArtifact(artifact: Artifact, from: NodeId | null, nowNs?: TimeNs): ArtifactOutcome {
    if (this.stopped || this.bouncer(artifact) !== 'wants') {
      return 'unwanted';
    }
    // Each node's aggregate has other signers: one of them is enough.
    if (
      artifact.kind === 'notarization' &&
      this.view.isNotarized(artifact.height, artifact.blockHash)
    ) {
      return 'unwanted';
    }
    // Honest nodes send only their own shares, so a peer can't fill another one's places.
    if (isOfOneSigner(artifact) && from !== null && artifact.signer !== from) {
      return 'rejected';
    }
    return insertUnvalidated(
      this.artifacts,
      artifact,
      from,
      nowNs ?? this.lastNowNs,
      this.maxPerPeer,
    );
  }

  matters(artifact: Artifact): boolean {
    const { artifacts: pool, view, membership, crypto } = this;
    return matters(artifact, { pool, view, membership, crypto });
  }

  onWithdrawn(id: ArtifactId): void {
    this.artifacts.unvalidated.remove(id);
  }

  poll(nowNs: TimeNs): PollOutcome {
    this.lastNowNs = nowNs > this.lastNowNs ? nowNs : this.lastNowNs;
    if (this.hasUnstamped) {
      this.hasUnstamped = false;
      this.artifacts.validated.restamp(UNSTAMPED, this.lastNowNs);
    }
    this.followState();
    const wasAlone = this.isAlone();
    const output: LoopOutput = {
      transmits: [],
      trace: [...this.checkState(), ...this.extendChain()],
    };
    let quiet = this.runLoop(output);
    const batches = this.deliver(output);
    if (batches.length > 0) {
      // The next batch height moved: tapes further up are wanted now.
      quiet = this.runLoop(output) && quiet;
    }
    output.trace.push(...this.checkState());
    const keyWork = this.workOnKeys(output);
    const cupHeight = this.view.catchUpPackage().height;
    this.chain.purgeBelow(Math.min(cupHeight - this.minimumChainLength, this.replayFrom()));
    output.trace.push(...this.boundsWatch(this.context()));
    return {
      transmits: output.transmits,
      batches,
      certifications: newCertifications(this.context()),
      purge: {
        statesBelow: this.chain.tip.context.certifiedHeight,
        checkpointsBelow: cupHeight,
      },
      stateSync: this.neededStateSync(),
      diverged: this.diverged,
      startOver: this.shouldStartOver(),
      stopped: this.stopped,
      decidesAlone: wasAlone || this.isAlone(),
      keys: keyWork.keys,
      trace: output.trace,
      nextWakeNs: quiet && !keyWork.isPending ? this.wakeNs : this.lastNowNs,
    };
  }

  private isAlone(): boolean {
    return this.membership.nodesAt(this.view.notarizedHeight() + 1)?.length === 1;
  }

  validatedArtifacts(): readonly Artifact[] {
    return this.artifacts.validated
      .all()
      .map((entry) => entry.artifact)
      .filter(({ kind, height }) => kind !== 'catchUpPackage' || height > 0);
  }

  restore(artifacts: readonly Artifact[]): void {
    for (const artifact of artifacts) {
      restoreValidated(this.artifacts, artifact, UNSTAMPED);
    }
    this.hasUnstamped = true;
    this.deliveredHeight = 0;
    this.replayTo = this.view.catchUpPackage().height;
    this.chain = restoreChain(this.view, this.intervals, this.nextBatchHeight());
    this.grace.begin(this.view.finalizedHeight());
  }

  status(): ConsensusStatus {
    const { beacon, notarized, finalized, certified, catchUpPackage, expectedBatch } =
      this.heights();
    return { beacon, notarized, finalized, certified, catchUpPackage, expectedBatch };
  }

  bouncer(id: ArtifactId): BouncerVerdict {
    return bouncer(id, this.heights());
  }

  private heights(): BouncerHeights {
    return this.knownHeights.read(this.nextBatchHeight());
  }

  /** What is replayed after a restart must stay: of an older state than the package's. */
  private replayFrom(): Height {
    const executed = this.deps.messageRouting.expectedBatchHeight() - 1;
    return executed < this.replayTo && this.chain.blockAt(executed + 1) !== undefined
      ? executed
      : Number.POSITIVE_INFINITY;
  }

  private nextBatchHeight(): Height {
    return Math.max(this.deps.messageRouting.expectedBatchHeight(), this.deliveredHeight + 1);
  }

  /** Several parts of a poll ask for it: made anew when the time, the state or what was delivered moved. */
  private context(): RoleContext {
    this.intervals.note(this.view.catchUpPackage().block);
    const nextBatchHeight = this.nextBatchHeight();
    const { known, diverged } = this.lastContext;
    const isSame =
      known?.nowNs === this.lastNowNs &&
      known.nextBatchHeight === nextBatchHeight &&
      known.chain === this.chain &&
      diverged === this.diverged;
    if (isSame) {
      return known;
    }
    const context = this.newContext(nextBatchHeight);
    this.lastContext = { known: context, diverged: this.diverged };
    return context;
  }

  private newContext(nextBatchHeight: Height): RoleContext {
    const { nodeId, genesis, payloadBuilder, stateReader } = this.deps;
    return {
      ...this.grace.during(stateReader.latestStateHeight(), this.lastNowNs),
      nodeId,
      genesis,
      crypto: this.crypto,
      registry: this.registry,
      intervals: this.intervals,
      dkg: this.dkg,
      payloadBuilder,
      state: this.diverged === null ? stateReader : stateBelow(stateReader, this.diverged.height),
      pool: this.artifacts,
      view: this.view,
      membership: this.membership,
      chain: this.chain,
      bounds: notaryBoundsFor(genesis.parameters.dkgIntervalLength),
      haltRegistry: this.deps.haltRegistry ?? haltRegistryOf(this.registry),
      minimumChainLength: this.minimumChainLength,
      replayFrom: this.replayFrom(),
      nextBatchHeight,
      nowNs: this.lastNowNs,
      wakeAt: (timeNs) => {
        this.wakeNs = this.wakeNs === null || timeNs < this.wakeNs ? timeNs : this.wakeNs;
      },
    };
  }

  /** Only what the last, quiet turn of the roles asked for counts as wake-up time. */
  private runLoop(output: LoopOutput): boolean {
    return this.loop.run(
      this.context(),
      () => {
        this.wakeNs = null;
        return !this.stopped;
      },
      () => this.extendChain(),
      output,
    );
  }

  /** Follows finalizations; everything that became final is traced once. */
  private extendChain(): readonly TraceEvent[] {
    if (this.stopped) {
      return [];
    }
    const { finalized, fork } = this.chain.update(this.view);
    if (fork !== null) {
      this.stopped = true;
      const message = `two blocks of height ${fork.height} are finalized: this node stops`;
      return [{ kind: 'criticalError', code: 'FINALIZED_FORK', message }];
    }
    const { block: packaged } = this.view.catchUpPackage();
    this.intervals.note(packaged);
    const left = this.checkLeft(packaged);
    const facts = finalized.flatMap((final) => {
      const { height, blockHash } = final.block;
      const proof = this.artifacts.validated
        .at('finalization', height)
        .find((finalization) => finalization.blockHash === blockHash);
      this.intervals.note(final.block);
      return [
        traceOfFinalized(final, proof?.signers ?? []),
        ...traceOfDkg(final.block, this.keptKeys(final.block)),
      ];
    });
    return [...facts, ...left];
  }

  /** Why the runs that end with a summary block made no key. */
  private keptKeys({ height, parent, payload, context }: Block): readonly KeptKey[] {
    const before = payload.kind === 'summary' ? this.view.block(height - 1, parent) : undefined;
    return (before && this.dkg.summaryAfter(before, context.registryVersion)?.kept) ?? [];
  }

  /** Said once, when a catch-up package shows that nothing depends on this node any more. */
  private checkLeft({ height }: Block): readonly TraceEvent[] {
    if (height <= this.checkedLeftAt) {
      return [];
    }
    this.checkedLeftAt = height;
    const interval = this.intervals.at(height);
    const isLeft =
      interval !== undefined &&
      hasLeft(this.deps.nodeId, interval, this.intervals.at(interval.end), this.registry);
    return isLeft ? [{ kind: 'leftSubnet', height }] : [];
  }

  /** One step of what this node does as a receiver of keys. */
  private workOnKeys(output: LoopOutput): KeyWork {
    const work = this.stopped ? NO_KEY_WORK : this.keyManager.work(this.context());
    const { transmits, applied } = applyMutations(this.artifacts, work.actions, this.lastNowNs);
    output.transmits.push(...transmits);
    output.trace.push(...work.trace, ...traceOfApplied(applied, this.membership));
    return work;
  }

  private deliver({ trace }: LoopOutput): readonly FinalizedBatch[] {
    const context = this.context();
    const { isHalted } = context.haltRegistry.newest();
    if (this.deps.messageRouting.isFull() || isHalted || this.stopped || this.diverged !== null) {
      return [];
    }
    const batches = deliverBatches(context);
    for (const { height, blockHash, payload } of batches) {
      this.deliveredHeight = height;
      const ingress = payload.ingress.length;
      trace.push({ kind: 'batchDelivered', height, hash: blockHash, ingress });
    }
    return batches;
  }

  /** The host put an older state in place: what was handed over above it is handed over again. */
  private followState(): void {
    const expected = this.deps.messageRouting.expectedBatchHeight();
    if (expected < this.expectedHeight) {
      this.deliveredHeight = expected - 1;
    }
    this.expectedHeight = expected;
  }

  /** Looks for contradictions between own states and what the subnet signed; traced once each. */
  private checkState(): readonly TraceEvent[] {
    const { view, artifacts: pool } = this;
    const { stateReader: state } = this.deps;
    if (this.diverged !== null && persists(this.diverged, state)) {
      return [];
    }
    this.diverged = findDivergence({ view, pool, state });
    if (this.diverged === null) {
      return [];
    }
    const { height, evidence } = this.diverged;
    const what = evidence === 'catchUpPackage' ? 'catch-up package' : 'certification';
    const message = `height ${height}: own state contradicts the subnet's ${what}; it is dropped`;
    return [{ kind: 'criticalError', code: 'STATE_DIVERGED', message }];
  }

  /** Not twice for one height: a replay from the start that fails again would never end. */
  private shouldStartOver(): boolean {
    if (this.diverged === null || this.view.catchUpPackage().height > 0) {
      return false;
    }
    const isFirst = this.startedOverFor !== this.diverged.height;
    this.startedOverFor = this.diverged.height;
    return isFirst;
  }

  private neededStateSync(): StateSyncRequest | null {
    const { chain, view, membership } = this;
    const { height, stateHash } = view.catchUpPackage();
    const next = this.nextBatchHeight();
    const canReplay = height < next || canExecute({ chain, view, membership }, next);
    const isUsable = this.diverged === null ? canReplay : height === 0;
    return isUsable ? null : { height, stateHash };
  }
}
