import type { InsertOutcome, PoolReader, Transmit } from '../artifact-pool/artifact-pool.ts';
import {
  applyMutations,
  createArtifactPool,
  insertUnvalidated,
  restoreValidated,
} from '../artifact-pool/artifact-pool.ts';
import type { CertifiedRoot } from '../certification/certifier.ts';
import {
  aggregateCertifications,
  makeCertificationShares,
  newCertifications,
  validateCertifications,
} from '../certification/certifier.ts';
import { nextSummaryHeight } from '../dkg/summary.ts';
import type { NodeCrypto } from '../interfaces/crypto.ts';
import type { PayloadBuilder, StateReader } from '../interfaces/replica.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import {
  MAX_STEPS_PER_POLL,
  maxUnvalidatedPerPeerAndHeight,
  MINIMUM_CHAIN_LENGTH,
  notaryBoundsFor,
} from '../limits/consensus.ts';
import type { Artifact, ArtifactId } from '../types/artifacts.ts';
import { artifactIdOf, isShare } from '../types/artifacts.ts';
import type { SubnetGenesis } from '../types/genesis.ts';
import type { HashHex, Height, NodeId, TimeNs } from '../types/ids.ts';
import type { FinalizedBatch } from './batch-delivery.ts';
import { deliverBatches } from './batch-delivery.ts';
import { makeBlock } from './block-maker.ts';
import type { BouncerVerdict } from './bouncer.ts';
import { bouncer } from './bouncer.ts';
import { makeCatchUpPackageShare } from './catch-up-package-maker.ts';
import { finalize } from './finalizer.ts';
import { createFinalizedChain } from './finalized-chain.ts';
import { genesisPackage } from './genesis-package.ts';
import { createMembership } from './membership.ts';
import { notarize } from './notary.ts';
import { createPoolView } from './pool-view.ts';
import { createPurger } from './purger.ts';
import { makeRandomBeaconShare } from './random-beacon-maker.ts';
import { makeRandomTapeShares } from './random-tape-maker.ts';
import type { Role, RoleContext } from './role-context.ts';
import { callNext } from './round-robin.ts';
import { aggregateShares } from './share-aggregator.ts';
import { traceOfApplied, traceOfFinalized } from './trace-facts.ts';
import { validateBlockProposals } from './validator/block-proposal.ts';
import { validateCatchUpPackages } from './validator/catch-up-package.ts';
import { validateEquivocationProofs } from './validator/equivocation-proof.ts';
import { validateFinalizations } from './validator/finalization.ts';
import { validateNotarizations } from './validator/notarization.ts';
import { validateRandomBeacons } from './validator/random-beacon.ts';
import { validateRandomTapes } from './validator/random-tape.ts';

/** What consensus needs to know of message routing. */
export interface MessageRoutingReader {
  /** Height of the next batch to be handed over: one above the last accepted batch or loaded state. */
  expectedBatchHeight(): Height;
  /** True while no further batch is accepted. */
  isFull(): boolean;
}

export interface ConsensusDeps {
  readonly nodeId: NodeId;
  readonly genesis: SubnetGenesis;
  readonly crypto: NodeCrypto;
  readonly payloadBuilder: PayloadBuilder;
  readonly stateReader: StateReader;
  readonly messageRouting: MessageRoutingReader;
  /** Validated heights kept below the catch-up package; 50 unless told. */
  readonly minimumChainLength?: number;
}

/** The subnet is further than this node can replay: fetch the checkpoint of this catch-up package. */
export interface StateSyncRequest {
  readonly height: Height;
  readonly stateHash: HashHex;
}

export interface PollOutcome {
  /** In order; the host sends own artifacts only after they are stored. */
  readonly transmits: readonly Transmit[];
  /** In height order; message routing must accept all of them. */
  readonly batches: readonly FinalizedBatch[];
  /** For the state manager. Repeated until it reports the height as certified. */
  readonly certifications: readonly CertifiedRoot[];
  /** States strictly below and checkpoints strictly below are not needed by consensus any more. */
  readonly purge: { readonly statesBelow: Height; readonly checkpointsBelow: Height };
  readonly stateSync: StateSyncRequest | null;
  readonly trace: readonly TraceEvent[];
  /** When to poll again without any event; null = only on events. */
  readonly nextWakeNs: TimeNs | null;
}

export interface ConsensusStatus {
  readonly notarized: Height;
  readonly finalized: Height;
  readonly beacon: Height;
  readonly certified: Height;
  readonly catchUpPackage: Height;
  readonly expectedBatch: Height;
}

export type ArtifactOutcome = InsertOutcome | 'unwanted' | 'rejected';

/** Consensus and certification of one node: pure, driven by artifacts and clock readings. */
export interface Consensus {
  /**
   * Takes a decoded artifact of a peer. Nothing is verified yet; `poll` does.
   * @param from the peer the transport authenticated; null for the node itself.
   * @param nowNs time of arrival; the last polled time unless given.
   */
  onArtifact(artifact: Artifact, from: NodeId | null, nowNs?: TimeNs): ArtifactOutcome;
  /** No peer offers the artifact any more: forget it if it is not validated. */
  onWithdrawn(id: ArtifactId): void;
  /** Lets every role work until nothing changes (bounded). Times may repeat but never go back. */
  poll(nowNs: TimeNs): PollOutcome;
  /** What peers may be offered and what storage must hold, in a fixed order. */
  validatedArtifacts(): readonly Artifact[];
  /** Puts `validatedArtifacts` of an earlier run back, before the first poll. */
  restore(artifacts: readonly Artifact[]): void;
  status(): ConsensusStatus;
  bouncer(id: ArtifactId): BouncerVerdict;
  /** For inspection. */
  readonly pool: PoolReader;
}

const UNSTAMPED: TimeNs = -1n;

/** The order of the IC's change loop; certification runs in the same loop here. */
function createRoles(): readonly Role[] {
  return [
    finalize,
    makeCatchUpPackageShare,
    aggregateShares,
    createPurger(),
    notarize,
    makeRandomBeaconShare,
    makeRandomTapeShares,
    makeBlock,
    validateRandomBeacons,
    validateNotarizations,
    validateFinalizations,
    validateBlockProposals,
    validateRandomTapes,
    validateEquivocationProofs,
    validateCatchUpPackages,
    validateCertifications,
    makeCertificationShares,
    aggregateCertifications,
  ];
}

/** Starts at genesis; `restore` brings back what an earlier run had. */
export function createConsensus(deps: ConsensusDeps): Consensus {
  const { nodeId, genesis, crypto, payloadBuilder, stateReader, messageRouting } = deps;
  const minimumChainLength = deps.minimumChainLength ?? MINIMUM_CHAIN_LENGTH;
  const pool = createArtifactPool();
  restoreValidated(pool, genesisPackage(genesis), UNSTAMPED);
  const view = createPoolView(pool);
  const membership = createMembership(genesis, view);
  const bounds = notaryBoundsFor(genesis.parameters.dkgIntervalLength);
  const maxPerPeer = maxUnvalidatedPerPeerAndHeight(membership.faultsTolerated);
  const roles = createRoles();
  let chain = createFinalizedChain(view.catchUpPackage().block);
  let cursor = 0;
  let lastNowNs = genesis.genesisTimeNs;
  let deliveredHeight: Height = 0;
  let unstamped = true;
  let lastFork: HashHex | null = null;
  let checkedCatchUp: Height = 0;

  const nextBatchHeight = (): Height =>
    Math.max(messageRouting.expectedBatchHeight(), deliveredHeight + 1);

  const bouncerHeights = () => {
    const { block, height } = view.catchUpPackage();
    return {
      beacon: view.beaconHeight(),
      notarized: view.notarizedHeight(),
      finalized: view.finalizedHeight(),
      certified: stateReader.latestCertifiedHeight(),
      catchUpPackage: height,
      nextCatchUpPackage:
        block.payload.kind === 'summary' ? nextSummaryHeight(block.payload.summary) : height,
      expectedBatch: nextBatchHeight(),
    };
  };

  const onArtifact = (
    artifact: Artifact,
    from: NodeId | null,
    nowNs: TimeNs = lastNowNs,
  ): ArtifactOutcome => {
    if (bouncer(artifactIdOf(artifact), bouncerHeights()) !== 'wants') {
      return 'unwanted';
    }
    // Honest nodes send only their own shares, so a peer can't fill another one's places.
    if (isShare(artifact) && from !== null && artifact.signer !== from) {
      return 'rejected';
    }
    return insertUnvalidated(pool, artifact, from, nowNs, maxPerPeer);
  };

  /** Follows finalizations; everything that became final is traced once. */
  const extendChain = (): readonly TraceEvent[] => {
    const { finalized, fork } = chain.update(view);
    if (fork !== null && fork.hash !== lastFork) {
      lastFork = fork.hash;
      const message = `two blocks of height ${fork.height} are finalized`;
      return [{ kind: 'criticalError', code: 'FINALIZED_FORK', message }];
    }
    return finalized.map((final) => {
      const { height, blockHash } = final.block;
      const proof = pool.validated
        .at('finalization', height)
        .find((finalization) => finalization.blockHash === blockHash);
      return traceOfFinalized(final, proof?.signers ?? []);
    });
  };

  /** The own checkpoint must have the hash that the subnet's catch-up package names. */
  const checkOwnCheckpoint = (): readonly TraceEvent[] => {
    const { height, stateHash } = view.catchUpPackage();
    const own = stateReader.checkpointHashAt(height);
    if (height <= checkedCatchUp || own === undefined) {
      return [];
    }
    checkedCatchUp = height;
    const message = `height ${height}: own checkpoint differs from the catch-up package`;
    return own === stateHash ? [] : [{ kind: 'criticalError', code: 'STATE_DIVERGED', message }];
  };

  /** One run of the change loop. False when it stopped at the step bound. */
  const runRoles = (
    context: RoleContext,
    wake: { ns: TimeNs | null },
    transmits: Transmit[],
    trace: TraceEvent[],
  ): boolean => {
    for (let step = 0; step < MAX_STEPS_PER_POLL; step += 1) {
      wake.ns = null;
      const { mutations, next } = callNext(roles, cursor, context);
      cursor = next;
      if (mutations.length === 0) {
        return true;
      }
      const outcome = applyMutations(pool, mutations, context.nowNs);
      transmits.push(...outcome.transmits);
      trace.push(...traceOfApplied(outcome.applied, membership), ...extendChain());
      if (!outcome.pollAgain) {
        return true;
      }
    }
    return false;
  };

  const contextFor = (wake: { ns: TimeNs | null }): RoleContext => ({
    nodeId,
    genesis,
    crypto,
    payloadBuilder,
    state: stateReader,
    pool,
    view,
    membership,
    chain,
    bounds,
    minimumChainLength,
    nextBatchHeight: nextBatchHeight(),
    nowNs: lastNowNs,
    wakeAt: (timeNs) => {
      wake.ns = wake.ns === null || timeNs < wake.ns ? timeNs : wake.ns;
    },
  });

  const deliver = (context: RoleContext, trace: TraceEvent[]): readonly FinalizedBatch[] => {
    if (messageRouting.isFull()) {
      return [];
    }
    const batches = deliverBatches(context);
    for (const { height, blockHash, payload } of batches) {
      deliveredHeight = height;
      trace.push({
        kind: 'batchDelivered',
        height,
        hash: blockHash,
        ingress: payload.ingress.length,
      });
    }
    return batches;
  };

  const neededStateSync = (): StateSyncRequest | null => {
    const { height, stateHash } = view.catchUpPackage();
    const next = nextBatchHeight();
    return height >= next && chain.blockAt(next) === undefined ? { height, stateHash } : null;
  };

  const poll = (nowNs: TimeNs): PollOutcome => {
    lastNowNs = nowNs > lastNowNs ? nowNs : lastNowNs;
    if (unstamped) {
      unstamped = false;
      pool.validated.restamp(UNSTAMPED, lastNowNs);
    }
    const transmits: Transmit[] = [];
    const trace: TraceEvent[] = [...extendChain()];
    const wake: { ns: TimeNs | null } = { ns: null };
    let quiet = runRoles(contextFor(wake), wake, transmits, trace);
    const batches = deliver(contextFor(wake), trace);
    if (batches.length > 0) {
      quiet = runRoles(contextFor(wake), wake, transmits, trace) && quiet;
    }
    const certifications = newCertifications(contextFor(wake));
    trace.push(...checkOwnCheckpoint());
    const cup = view.catchUpPackage().height;
    chain.purgeBelow(cup - minimumChainLength);
    return {
      transmits,
      batches,
      certifications,
      purge: { statesBelow: chain.tip.context.certifiedHeight, checkpointsBelow: cup },
      stateSync: neededStateSync(),
      trace,
      nextWakeNs: quiet ? wake.ns : lastNowNs,
    };
  };

  return {
    onArtifact,
    onWithdrawn: (id) => {
      pool.unvalidated.remove(id);
    },
    poll,
    validatedArtifacts: () =>
      pool.validated
        .all()
        .map((entry) => entry.artifact)
        .filter(({ kind, height }) => kind !== 'catchUpPackage' || height > 0),
    restore: (artifacts) => {
      for (const artifact of artifacts) {
        restoreValidated(pool, artifact, UNSTAMPED);
      }
      unstamped = true;
      deliveredHeight = 0;
      chain = createFinalizedChain(view.catchUpPackage().block);
    },
    status: () => {
      const { nextCatchUpPackage: _next, ...heights } = bouncerHeights();
      return heights;
    },
    bouncer: (id) => bouncer(id, bouncerHeights()),
    pool,
  };
}
