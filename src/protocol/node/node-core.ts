import { createPrng } from '../../base/prng.ts';
import { createTopologyReader } from '../canonical-state/canonical-state.ts';
import { createConsensus } from '../consensus/consensus.ts';
import type { Consensus, ConsensusStatus, PollOutcome } from '../consensus/consensus-interface.ts';
import {
  createExecutionEnvironment,
  type ExecutionEnvironment,
} from '../execution/execution-environment.ts';
import type { DelayBudget } from '../interfaces/replica.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import { createAdversary } from '../malicious/adversary.ts';
import type { Adversary } from '../malicious/adversary.ts';
import { createMisbehaviourWatch } from '../misbehaviour/misbehaviour-watch.ts';
import type { MisbehaviourWatch } from '../misbehaviour/misbehaviour-watch.ts';
import type { Gossip } from '../p2p/gossip.ts';
import { INGRESS_KIND } from '../p2p/packet.ts';
import { createStateManager } from '../state-manager/state-manager.ts';
import type { StateManager } from '../state-manager/state-manager.ts';
import { createStateSync } from '../state-sync/state-sync.ts';
import type { StateSync } from '../state-sync/state-sync.ts';
import type { ArtifactId } from '../types/artifacts.ts';
import type { HashHex, Height, RegistryVersion, TimeNs } from '../types/ids.ts';
import { ArtifactIntake } from './artifact-intake.ts';
import { BatchExecutor } from './batch-executor.ts';
import { IngressManager } from './ingress-manager.ts';
import { deliverCertifications } from './deliver-certifications.ts';
import { earliestOf } from './earliest.ts';
import { findArtifact, findBlockHeight } from './inspection.ts';
import type { ArtifactQuery } from './inspection.ts';
import type {
  NodeCore,
  NodeCoreConfig,
  NodeEffect,
  NodeInput,
  NodeOutput,
  NodeStatus,
  Transmit,
} from './node-io.ts';
import { summarizePacket } from './packet-summary.ts';
import { createNodeGossip } from './node-gossip.ts';
import { createNodeRegistry, type NodeRegistry } from './node-registry.ts';
import { withDelays } from './pace-delays.ts';
import { RequestRouter } from './request-router.ts';
import { answerWhileStopped } from './stopped-node.ts';
import { PoolWriter, type WrittenTransmit } from './pool-writer.ts';
import { StorageJournal } from './storage-journal.ts';
import { factsOfRestore, factsOfStreams } from './restore-facts.ts';
import {
  CheckpointStore,
  loadStoredNode,
  registryStorageKey,
  type StoredNode,
} from './stored-node.ts';
import { loadShares, storeShares } from './stored-shares.ts';
import { createWireDecoder, type WireDecoder } from './wire-decoder.ts';

/**
 * One node of a subnet: composes P2P, consensus, message routing, execution and the HTTP interface
 * into a state machine that only its inputs move.
 *
 * Liveness: whatever becomes possible by an input happens within the same step, or at the wake-up
 * time it returns. Security: nothing this node signed leaves it before it is stored, so that a
 * restart never contradicts it; hostile input ends in a typed rejection in the trace.
 */
export function createNodeCore(config: NodeCoreConfig): NodeCore {
  return new NodeCoreMachine(config);
}

/** Rounds of consensus and execution in one step; what is left follows at once in the next. */
const MAX_ROUNDS_PER_STEP = 32;

/** What peers' offers are judged by: they are looked at again when one of these moves. */
const BOUNCER_HEIGHTS = ['notarized', 'finalized', 'beacon', 'expectedBatch'] as const;

class NodeCoreMachine implements NodeCore {
  private readonly stateManager: StateManager;
  private readonly consensus: Consensus;
  private readonly executor: BatchExecutor;
  private readonly ingress: IngressManager;
  private readonly router: RequestRouter;
  private readonly gossip: Gossip;
  private readonly intake: ArtifactIntake;
  private readonly adversary: Adversary;
  private readonly watch: MisbehaviourWatch;
  private readonly stateSync: StateSync;
  private readonly journal: StorageJournal<WrittenTransmit>;
  private readonly writer: PoolWriter;
  private readonly checkpoints: CheckpointStore;
  private readonly registry: NodeRegistry;
  private delays: DelayBudget;
  private nowNs: TimeNs = 0n;
  private trace: TraceEvent[] = [];
  private operations = 0;
  /** Something changed since consensus was polled last. */
  private consensusDue = true;
  private consensusWakeNs: TimeNs | null = null;
  /** What a node that decides alone has decided, until the votes for it are on the disk. */
  private undisclosed: PollOutcome | null = null;
  /** What the bouncer went by when the gossip last asked it about everything. */
  private bounced: ConsensusStatus | null = null;
  private stopped = false;
  /** What an earlier life had finalized. */
  private replayTo: Height = 0;

  constructor(config: NodeCoreConfig) {
    const { genesis, crypto, nodeId, rootKeyDer } = config;
    this.adversary = createAdversary(config);
    this.delays = config.delays ?? genesis.parameters;
    const stored = loadStoredNode(config.stored, config.isStorageChecked, config.storedChunks);
    const prng = createPrng(config.seed);
    const nextOperation = (): number => {
      this.operations += 1;
      return this.operations;
    };
    const env = createExecutionEnvironment(genesis, rootKeyDer);
    this.journal = new StorageJournal(nextOperation);
    this.registry = createNodeRegistry(config, {
      stored: stored.registry,
      nextOperation,
      chance: prng.fork('registry'),
      onTrace: (event) => this.trace.push(event),
      store: (version, encoded) => this.journal.put(registryStorageKey(version), encoded),
    });
    this.stateManager = createStateManager(
      createTopologyReader(genesis, crypto.subnetPublicKeyDer),
      stored.restored?.state ?? this.registry.genesisState(),
      stored.restored,
    );
    this.checkpoints = new CheckpointStore(this.journal, stored);
    const { stateManager } = this;
    this.watch = createMisbehaviourWatch(nodeId, stateManager);
    const decoder = config.decoder ?? createWireDecoder();
    this.intake = this.createIntake(decoder);
    this.writer = this.createWriter();
    this.gossip = createNodeGossip(config, {
      decoder,
      chance: prng.fork('pull'),
      intake: this.intake,
      stateSync: () => this.stateSync,
      delays: () => this.delays,
      nowNs: () => this.nowNs,
    });
    this.ingress = new IngressManager({ ...config, env, stateManager, gossip: this.gossip });
    this.executor = this.createExecutor(env, nextOperation);
    this.stateSync = this.createStateSync(prng.fork('state sync').below);
    this.router = new RequestRouter(config, {
      env,
      stateManager,
      registry: this.registry,
      ingress: this.ingress,
      adversary: this.adversary,
      isReplaying: () => this.stateManager.latestStateHeight() < this.replayTo,
      unitDelayMs: () => this.delays.unitDelayMs,
      prng,
      nextOperation,
      onTrace: (event) => this.trace.push(event),
    });
    this.consensus = createConsensus({
      nodeId,
      genesis: withDelays(genesis, () => this.delays),
      crypto,
      payloadBuilder: this.router.xnet.payloadBuilder,
      stateReader: stateManager,
      messageRouting: this.executor,
      registry: this.registry.reader,
      storedShares: loadShares(stored, crypto),
      adversary: this.adversary,
    });
    this.restore(stored);
  }

  private createExecutor(env: ExecutionEnvironment, nextOperation: () => number): BatchExecutor {
    return new BatchExecutor({
      env,
      stateManager: this.stateManager,
      topologyAt: (version) => this.registry.networkAt(version),
      nextOperation,
      readIngress: (envelope) => this.ingress.read(envelope),
      slicesOf: (payload) => this.router.xnet.slicesOf(payload),
      onTrace: (event) => this.trace.push(event),
      onCheckpoint: (checkpoint) => this.checkpoints.save(checkpoint),
    });
  }

  private createWriter(): PoolWriter {
    return new PoolWriter({
      journal: this.journal,
      intake: this.intake,
      forget: (id) => this.checkpoints.forget(id, this.consensus.status().catchUpPackage),
    });
  }

  private createIntake(decoder: WireDecoder): ArtifactIntake {
    return new ArtifactIntake({
      consensus: () => this.consensus,
      ingress: () => this.ingress,
      gossip: () => this.gossip,
      decoder,
      nowNs: () => this.nowNs,
      onInserted: (artifact) => {
        // An attack may act on whatever comes in.
        this.consensusDue ||= this.adversary.isActive || this.consensus.matters(artifact);
        this.watch.artifact(artifact);
      },
      onRefused: ({ name: { kind: artifact, height }, ...why }) => {
        this.trace.push({ kind: 'artifactRejected', artifact, height, ...why });
      },
    });
  }

  private createStateSync(chooseIndex: (bound: number) => number): StateSync {
    return createStateSync({
      stateManager: this.stateManager,
      chooseIndex,
      unitDelayMs: () => this.delays.unitDelayMs,
      sendAdverts: (to, adverts) => this.gossip.sendStateAdverts(to, adverts),
      sendRequest: (to, request) => this.gossip.sendStateRequest(to, request),
      sendResponse: (to, response) => this.gossip.sendStateResponse(to, response),
      onTrace: (event) => this.trace.push(event),
    });
  }

  step(nowNs: TimeNs, inputs: readonly NodeInput[]): NodeOutput {
    if (this.stopped) {
      return answerWhileStopped(inputs);
    }
    this.nowNs = nowNs > this.nowNs ? nowNs : this.nowNs;
    for (const input of inputs) {
      this.take(input);
    }
    const effects: NodeEffect[] = [];
    this.executor.work();
    this.consensusDue = this.executor.takeCommitted() > 0 || this.consensusDue;
    let rounds = 0;
    do {
      rounds += 1;
      if (
        this.consensusDue ||
        (this.consensusWakeNs !== null && this.consensusWakeNs <= this.nowNs)
      ) {
        this.pollConsensus();
      }
      effects.push(...this.executor.takeEffects());
      this.consensusDue = this.executor.takeCommitted() > 0 || this.consensusDue;
    } while (this.consensusDue && rounds < MAX_ROUNDS_PER_STEP);
    this.syncState();
    this.checkpoints.work();
    effects.push(...this.router.takeEffects(this.nowNs));
    this.ingress.purge(this.nowNs);
    return this.finish(effects);
  }

  status(): NodeStatus {
    const { notarized, finalized, certified, catchUpPackage } = this.consensus.status();
    const executed = this.stateManager.latestStateHeight();
    return {
      notarized,
      finalized,
      executed,
      certified,
      catchUpPackage,
      stateRoot: this.stateManager.stateRootAt(executed) ?? null,
      hasDelegation: this.router.http.hasDelegation(),
      peersUp: this.gossip.peersUp(),
    };
  }

  findArtifact(query: ArtifactQuery): Uint8Array | null {
    return findArtifact(this.consensus.pool, query);
  }

  findBlockHeight(blockHash: HashHex): Height | null {
    return findBlockHeight(this.consensus.pool, blockHash);
  }

  registrySince(version: RegistryVersion): readonly Uint8Array[] {
    return this.registry.deltasSince(version);
  }

  private restore(stored: StoredNode): void {
    this.trace.push(...factsOfRestore(stored));
    this.consensus.restore(stored.artifacts);
    for (const artifact of stored.artifacts) {
      this.intake.deliver(artifact, false);
    }
    this.replayTo = this.consensus.status().finalized;
  }

  private take(input: NodeInput): void {
    switch (input.kind) {
      case 'packet':
        this.gossip.receive(input.from, input.bytes, this.nowNs);
        return;
      case 'httpRequest':
        this.router.request(input, this.nowNs);
        return;
      case 'httpCancelled':
        this.router.cancel(input.requestId);
        return;
      case 'fetched':
        this.consensusDue = this.router.fetched(input, this.nowNs) || this.consensusDue;
        return;
      case 'sandboxReply':
        // A reply that neither lane waits for belongs to work that a fetched state made void.
        if (!this.executor.reply(input.operationId, input.reply)) {
          this.router.http.reply(input.operationId, input.reply);
        }
        return;
      case 'persisted':
        this.writer.persisted(input.operationId);
        this.disclose();
        return;
      case 'delaysChanged':
        this.delays = input.delays;
        this.consensusDue = true;
        return;
      case 'registryRecovery':
        this.consensusDue = this.registry.recover(input.deltas, this.nowNs) || this.consensusDue;
        return;
      case 'registryDelta':
        this.consensusDue = this.registry.apply(input.records, this.nowNs) || this.consensusDue;
        return;
      case 'malicious':
        // What its attacks left in the peers' tables ends with them.
        if (this.adversary.isActive) {
          this.gossip.reconnect(this.nowNs);
        }
        this.adversary.set(input.behaviours);
        this.consensusDue = true;
    }
  }

  private pollConsensus(): void {
    this.consensusDue = false;
    this.consensusWakeNs = null;
    if (this.undisclosed !== null) {
      return;
    }
    const outcome = this.consensus.poll(this.nowNs);
    // Before what is signed with them: the journal writes in order.
    storeShares(this.journal, outcome.keys);
    for (const transmit of outcome.transmits) {
      this.writer.store(transmit);
    }
    if (outcome.decidesAlone && !this.journal.isStored) {
      this.undisclosed = outcome;
    } else {
      this.act(outcome);
    }
  }

  /** Once the disk holds the votes of a lone node, a restart cannot decide otherwise. */
  private disclose(): void {
    const outcome = this.undisclosed;
    if (outcome !== null && this.journal.isStored) {
      this.undisclosed = null;
      this.consensusDue = true;
      this.act(outcome);
    }
  }

  private act(outcome: PollOutcome): void {
    this.consensusWakeNs = outcome.nextWakeNs;
    // A height counts as certified once the state manager took the certification, in order.
    this.trace.push(...outcome.trace.filter((event) => event.kind !== 'certified'));
    for (const batch of outcome.batches) {
      this.executor.accept(batch);
    }
    this.deliverCertifications(outcome);
    this.stateManager.purgeBelow(outcome.purge.statesBelow);
    this.stateManager.needCheckpointsFrom(outcome.purge.checkpointsBelow);
    this.checkpoints.needFrom(outcome.purge.checkpointsBelow);
    const target = outcome.stateSync;
    this.stateSync.want(target === null ? null : { height: target.height, root: target.stateHash });
    if (outcome.startOver) {
      this.executor.reset(this.registry.genesisState());
      this.checkpoints.clear();
      this.consensusDue = true;
    }
    this.stopped = outcome.stopped;
    const { bounced } = this;
    this.bounced = this.consensus.status();
    if (BOUNCER_HEIGHTS.some((height) => this.bounced?.[height] !== bounced?.[height])) {
      this.gossip.reconsider();
    }
  }

  private deliverCertifications({ certifications }: PollOutcome): void {
    const facts = deliverCertifications(this.stateManager, certifications);
    this.trace.push(...facts);
    this.consensusDue ||= facts.some(({ kind }) => kind === 'certified');
    if (certifications.length > 0) {
      this.consensusDue = this.router.onCertified(this.nowNs) || this.consensusDue;
    }
  }

  private syncState(): void {
    const restored = this.stateSync.step(this.nowNs, this.gossip.peersUp());
    if (restored !== undefined) {
      const { state, checkpoint } = restored;
      this.executor.reset(state, restored);
      this.checkpoints.replace(checkpoint);
      this.trace.push(...factsOfStreams(state));
      this.trace.push({ kind: 'caughtUp', height: state.height, from: 'stateSync' });
      this.pollConsensus();
    }
  }

  private finish(effects: NodeEffect[]): NodeOutput {
    this.writer.releaseFree();
    const write = this.journal.takeEffect();
    if (write !== null) {
      effects.push(write);
    }
    const said = this.gossip.flush(this.nowNs);
    for (const name of said.vanished) {
      if (name.kind !== INGRESS_KIND) {
        this.consensus.onWithdrawn(name as ArtifactId);
      }
    }
    const { notarized } = this.consensus.status();
    const transmits = this.adversary
      .send(said.packets, { nowNs: this.nowNs, connection: this.gossip.connection, notarized })
      .map(({ to, packet, bytes }): Transmit => ({ to, bytes, contents: summarizePacket(packet) }));
    const trace = this.watch.annotate([...this.trace, ...said.trace]);
    this.trace = [];
    return { transmits, effects, trace, nextWakeNs: this.nextWake(said.nextWakeNs) };
  }

  private nextWake(gossipNs: TimeNs | null): TimeNs | null {
    return earliestOf([
      gossipNs,
      this.consensusDue ? this.nowNs : this.consensusWakeNs,
      this.stateSync.nextWakeNs(),
      this.executor.isHashing() ? this.nowNs : null,
      this.router.nextWakeNs(),
      this.ingress.nextPurgeNs(),
    ]);
  }
}
