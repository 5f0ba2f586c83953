import type { ArtifactPool, PoolReader } from '../artifact-pool/artifact-pool.ts';
import {
  createArtifactPool,
  insertUnvalidated,
  restoreValidated,
} from '../artifact-pool/artifact-pool.ts';
import { divergedHeight, newCertifications } from '../certification/certifier.ts';
import { nextSummaryHeight } from '../dkg/summary.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import {
  maxUnvalidatedPerPeerAndHeight,
  MINIMUM_CHAIN_LENGTH,
  notaryBoundsFor,
} from '../limits/consensus.ts';
import type { Artifact, ArtifactId } from '../types/artifacts.ts';
import { artifactIdOf, isShare } from '../types/artifacts.ts';
import type { HashHex, Height, NodeId, TimeNs } from '../types/ids.ts';
import type { FinalizedBatch } from './batch-delivery.ts';
import { deliverBatches } from './batch-delivery.ts';
import type { BouncerHeights, BouncerVerdict } from './bouncer.ts';
import { bouncer } from './bouncer.ts';
import type { ChangeLoop, LoopOutput } from './change-loop.ts';
import { createChangeLoop } from './change-loop.ts';
import type {
  ArtifactOutcome,
  Consensus,
  ConsensusDeps,
  ConsensusStatus,
  PollOutcome,
  StateSyncRequest,
} from './consensus-interface.ts';
import type { FinalizedChain } from './finalized-chain.ts';
import { createFinalizedChain } from './finalized-chain.ts';
import { genesisPackage } from './genesis-package.ts';
import { NEVER_HALTS } from './halting.ts';
import type { Membership } from './membership.ts';
import { createMembership } from './membership.ts';
import type { PoolView } from './pool-view.ts';
import { createPoolView } from './pool-view.ts';
import type { RoleContext } from './role-context.ts';
import { traceOfFinalized } from './trace-facts.ts';

/** Arrival time of artifacts that came in before the first clock reading. */
const UNSTAMPED: TimeNs = -1n;

/** Starts at genesis; `restore` brings back what an earlier run had. */
export function createConsensus(deps: ConsensusDeps): Consensus {
  return new ConsensusNode(deps);
}

class ConsensusNode implements Consensus {
  private readonly deps: ConsensusDeps;
  private readonly artifacts: ArtifactPool;
  private readonly view: PoolView;
  private readonly membership: Membership;
  private readonly loop: ChangeLoop;
  private readonly maxPerPeer: number;
  private readonly minimumChainLength: number;
  private chain: FinalizedChain;
  private lastNowNs: TimeNs;
  private wakeNs: TimeNs | null = null;
  private deliveredHeight: Height = 0;
  private hasUnstamped = true;
  private reportedFork: HashHex | null = null;
  private checkedCatchUpHeight: Height = 0;
  private reportedDivergence: Height | null = null;

  constructor(deps: ConsensusDeps) {
    this.deps = deps;
    this.artifacts = createArtifactPool();
    restoreValidated(this.artifacts, genesisPackage(deps.genesis), UNSTAMPED);
    this.view = createPoolView(this.artifacts);
    this.membership = createMembership(deps.genesis, this.view);
    this.loop = createChangeLoop(this.artifacts, deps.adversary);
    this.maxPerPeer = maxUnvalidatedPerPeerAndHeight(this.membership.faultsTolerated);
    this.minimumChainLength = deps.minimumChainLength ?? MINIMUM_CHAIN_LENGTH;
    this.chain = createFinalizedChain(this.view.catchUpPackage().block);
    this.lastNowNs = deps.genesis.genesisTimeNs;
  }

  get pool(): PoolReader {
    return this.artifacts;
  }

  onArtifact(artifact: Artifact, from: NodeId | null, nowNs?: TimeNs): ArtifactOutcome {
    if (this.bouncer(artifactIdOf(artifact)) !== 'wants') {
      return 'unwanted';
    }
    // Honest nodes send only their own shares, so a peer can't fill another one's places.
    if (isShare(artifact) && from !== null && artifact.signer !== from) {
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

  onWithdrawn(id: ArtifactId): void {
    this.artifacts.unvalidated.remove(id);
  }

  poll(nowNs: TimeNs): PollOutcome {
    this.lastNowNs = nowNs > this.lastNowNs ? nowNs : this.lastNowNs;
    if (this.hasUnstamped) {
      this.hasUnstamped = false;
      this.artifacts.validated.restamp(UNSTAMPED, this.lastNowNs);
    }
    const output: LoopOutput = { transmits: [], trace: [...this.extendChain()] };
    let quiet = this.runLoop(output);
    const batches = this.deliver(output);
    if (batches.length > 0) {
      // The next batch height moved: tapes further up are wanted now.
      quiet = this.runLoop(output) && quiet;
    }
    output.trace.push(...this.checkOwnCheckpoint(), ...this.checkOwnRoots());
    const cupHeight = this.view.catchUpPackage().height;
    this.chain.purgeBelow(cupHeight - this.minimumChainLength);
    return {
      transmits: output.transmits,
      batches,
      certifications: newCertifications(this.context()),
      purge: {
        statesBelow: this.chain.tip.context.certifiedHeight,
        checkpointsBelow: cupHeight,
      },
      stateSync: this.neededStateSync(),
      trace: output.trace,
      nextWakeNs: quiet ? this.wakeNs : this.lastNowNs,
    };
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
    this.chain = createFinalizedChain(this.view.catchUpPackage().block);
  }

  status(): ConsensusStatus {
    const { nextCatchUpPackage: _next, ...heights } = this.heights();
    return heights;
  }

  bouncer(id: ArtifactId): BouncerVerdict {
    return bouncer(id, this.heights());
  }

  private heights(): BouncerHeights {
    const { block, height } = this.view.catchUpPackage();
    return {
      beacon: this.view.beaconHeight(),
      notarized: this.view.notarizedHeight(),
      finalized: this.view.finalizedHeight(),
      certified: this.deps.stateReader.latestCertifiedHeight(),
      catchUpPackage: height,
      nextCatchUpPackage:
        block.payload.kind === 'summary' ? nextSummaryHeight(block.payload.summary) : height,
      expectedBatch: this.nextBatchHeight(),
    };
  }

  private nextBatchHeight(): Height {
    return Math.max(this.deps.messageRouting.expectedBatchHeight(), this.deliveredHeight + 1);
  }

  private context(): RoleContext {
    const { nodeId, genesis, crypto, payloadBuilder, stateReader } = this.deps;
    return {
      nodeId,
      genesis,
      crypto,
      payloadBuilder,
      state: stateReader,
      pool: this.artifacts,
      view: this.view,
      membership: this.membership,
      chain: this.chain,
      bounds: notaryBoundsFor(genesis.parameters.dkgIntervalLength),
      haltRegistry: this.deps.haltRegistry ?? NEVER_HALTS,
      minimumChainLength: this.minimumChainLength,
      nextBatchHeight: this.nextBatchHeight(),
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
      },
      () => this.extendChain(),
      output,
    );
  }

  /** Follows finalizations; everything that became final is traced once. */
  private extendChain(): readonly TraceEvent[] {
    const { finalized, fork } = this.chain.update(this.view);
    if (fork !== null && fork.hash !== this.reportedFork) {
      this.reportedFork = fork.hash;
      const message = `two blocks of height ${fork.height} are finalized`;
      return [{ kind: 'criticalError', code: 'FINALIZED_FORK', message }];
    }
    return finalized.map((final) => {
      const { height, blockHash } = final.block;
      const proof = this.artifacts.validated
        .at('finalization', height)
        .find((finalization) => finalization.blockHash === blockHash);
      return traceOfFinalized(final, proof?.signers ?? []);
    });
  }

  private deliver({ trace }: LoopOutput): readonly FinalizedBatch[] {
    const context = this.context();
    if (this.deps.messageRouting.isFull() || context.haltRegistry.newest().isHalted) {
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

  /** The own checkpoint must have the hash that the subnet's catch-up package names. */
  private checkOwnCheckpoint(): readonly TraceEvent[] {
    const { height, stateHash } = this.view.catchUpPackage();
    const own = this.deps.stateReader.checkpointHashAt(height);
    if (height <= this.checkedCatchUpHeight || own === undefined) {
      return [];
    }
    this.checkedCatchUpHeight = height;
    const message = `height ${height}: own checkpoint differs from the catch-up package`;
    return own === stateHash ? [] : [{ kind: 'criticalError', code: 'STATE_DIVERGED', message }];
  }

  /** Reported once a height: the host stops the node, consensus itself can only refuse to certify. */
  private checkOwnRoots(): readonly TraceEvent[] {
    const height = divergedHeight(this.context()) ?? null;
    if (height === null || height === this.reportedDivergence) {
      return [];
    }
    this.reportedDivergence = height;
    const message = `height ${height}: own state root differs from the certified one`;
    return [{ kind: 'criticalError', code: 'STATE_DIVERGED', message }];
  }

  private neededStateSync(): StateSyncRequest | null {
    const { height, stateHash } = this.view.catchUpPackage();
    const next = this.nextBatchHeight();
    const canReplay = height < next || this.chain.blockAt(next) !== undefined;
    return canReplay ? null : { height, stateHash };
  }
}
