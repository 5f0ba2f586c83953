import type { InsertOutcome, PoolReader, Transmit } from '../artifact-pool/artifact-pool.ts';
import type { CertifiedRoot } from '../certification/certifier.ts';
import type { KeyChanges } from '../dkg/key-manager.ts';
import type { NodeCrypto } from '../interfaces/crypto.ts';
import type { PayloadBuilder, StateReader } from '../interfaces/replica.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import type { Adversary } from '../malicious/adversary.ts';
import type { RegistryReader } from '../registry/registry-client.ts';
import type { Artifact, ArtifactId } from '../types/artifacts.ts';
import type { SubnetGenesis } from '../types/genesis.ts';
import type { HashHex, Height, NodeId, TimeNs } from '../types/ids.ts';
import type { FinalizedBatch } from './batch-delivery.ts';
import type { BouncerVerdict } from './bouncer.ts';
import type { HaltRegistry } from './halting.ts';
import type { StateDivergence } from './state-divergence.ts';

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
  /** What this node knows of the registry; the genesis record alone unless given. */
  readonly registry?: RegistryReader;
  /** Ids of the key shares in the storage; the crypto has them loaded. */
  readonly storedShares?: readonly HashHex[];
  /** Orders of the registry to stop; none unless given. */
  readonly haltRegistry?: HaltRegistry;
  /** Validated heights kept below the catch-up package; 50 unless told. */
  readonly minimumChainLength?: number;
  /** The Byzantine switches of this node. */
  readonly adversary?: Pick<Adversary, 'isActive' | 'run' | 'produce'>;
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
  /**
   * Said at every poll until the state reader shows a state that nothing contradicts: the host
   * drops the state and goes on from the one `stateSync` names.
   */
  readonly diverged: StateDivergence | null;
  /** Said once for a divergence without a package: the host puts the genesis state in place. */
  readonly startOver: boolean;
  /** Two blocks of one height are finalized: this node takes part in nothing any more. */
  readonly stopped: boolean;
  /**
   * This node alone is the committee, so what it has just signed may have decided already: the host
   * acts on this outcome, and polls again, only after everything in it is stored.
   */
  readonly decidesAlone: boolean;
  /** Key shares to store, before anything that is in `transmits`, and to delete. */
  readonly keys: KeyChanges;
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
  /** Whether there is anything to `poll` for because of an artifact that was just inserted. */
  matters(artifact: Artifact): boolean;
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
