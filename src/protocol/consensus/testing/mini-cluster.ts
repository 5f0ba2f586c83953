import { bytesToHex } from '../../../base/hex.ts';
import { createPrng } from '../../../base/prng.ts';
import type { Transmit } from '../../artifact-pool/artifact-pool.ts';
import { INSECURE_TEST_SUITE } from '../../crypto/insecure-test-crypto.ts';
import type { MeteredNodeCrypto } from '../../crypto/node-crypto.ts';
import { createNodeCrypto } from '../../crypto/node-crypto.ts';
import { sha256 } from '../../crypto/sha256.ts';
import type { CryptoSuite } from '../../crypto/suite.ts';
import type { PayloadBuilder, StateReader } from '../../interfaces/replica.ts';
import type { TraceEvent } from '../../interfaces/trace.ts';
import { dealSubnet } from '../../registry/genesis.ts';
import {
  applyRegistryChange,
  genesisRecord,
  registeredNodes,
} from '../../registry/registry-change.ts';
import type { RegistryClient } from '../../registry/registry-client.ts';
import { createRegistryClient } from '../../registry/registry-client.ts';
import { decodeArtifact, encodeArtifact } from '../../types/artifact-codec.ts';
import type { Artifact } from '../../types/artifacts.ts';
import { artifactIdOf, artifactKey } from '../../types/artifacts.ts';
import { hashToBytes } from '../../types/block-codec.ts';
import type { NodeSecrets, SubnetGenesis, SubnetParameters } from '../../types/genesis.ts';
import type { HashHex, Height, NodeId, TimeNs } from '../../types/ids.ts';
import type { RegistryChange, SubnetRecord } from '../../types/registry.ts';
import type { FinalizedBatch } from '../batch-delivery.ts';
import type { Consensus, PollOutcome } from '../consensus-interface.ts';
import { createConsensus } from '../consensus.ts';
import type { HaltRegistry } from '../halting.ts';

/**
 * A subnet in one thread for tests of consensus: real artifacts as bytes, virtual time, a constant or
 * random network delay, and a toy replicated state (a hash chain of batches).
 */

export interface ClusterOptions {
  readonly nodes: number;
  readonly seed?: string;
  readonly parameters?: Partial<SubnetParameters>;
  readonly suite?: CryptoSuite;
  /** Registered nodes that are not started; `start` does that. */
  readonly spareNodes?: number;
  /** The same for all nodes. */
  readonly haltRegistry?: HaltRegistry;
  /** Most milliseconds a packet travels; drawn from 1 up. */
  readonly maxDelayMs?: number;
  /** Edits what a node sends to a peer: Byzantine behaviour. Null drops the artifact. */
  readonly tamper?: (from: number, to: number, artifact: Artifact) => readonly Artifact[];
}

export interface ClusterNode {
  readonly index: number;
  readonly nodeId: NodeId;
  readonly crypto: MeteredNodeCrypto;
  readonly registry: RegistryClient;
  consensus: Consensus;
  state: ToyState;
  alive: boolean;
  wakeNs: TimeNs | null;
  /** What peers offer, by peer and artifact; undelivered ones wait for the bouncer. */
  readonly offers: Map<string, { readonly from: NodeId; readonly bytes: Uint8Array }>;
  readonly batches: FinalizedBatch[];
  readonly trace: TraceEvent[];
  lastPoll: PollOutcome | null;
}

/** Roots by height; certified and checkpoint heights as a state manager would report them. */
export interface ToyState {
  readonly roots: Map<Height, HashHex>;
  readonly checkpoints: Map<Height, HashHex>;
  latest: Height;
  certified: Height;
}

const NS_PER_MS = 1_000_000n;
export const TEST_GENESIS_NS: TimeNs = 1_700_000_000_000_000_000n;

export const TEST_PARAMETERS: SubnetParameters = {
  subnetType: 'application',
  dkgIntervalLength: 9,
  unitDelayMs: 1000,
  initialNotaryDelayMs: 100,
  maxBlockPayloadBytes: 4 * 1024 * 1024,
  maxIngressMessagesPerBlock: 1000,
  maxIngressBytesPerMessage: 2 * 1024 * 1024,
};

/** One distinguishable message a block; nothing is invalid. */
const toyPayloads: PayloadBuilder = {
  build: (_context, past) => ({ ingress: [Uint8Array.of(past.length)] }),
  validate: () => ({ kind: 'valid' }),
};

function readerOf(node: { readonly state: ToyState }): StateReader {
  return {
    latestStateHeight: () => node.state.latest,
    latestCertifiedHeight: () => node.state.certified,
    stateRootAt: (height) => node.state.roots.get(height),
    checkpointHashAt: (height) => node.state.checkpoints.get(height),
  };
}

export function freshState(): ToyState {
  return { roots: new Map(), checkpoints: new Map(), latest: 0, certified: 0 };
}

function execute(state: ToyState, batch: FinalizedBatch): void {
  const before = state.roots.get(batch.height - 1);
  const root = sha256(
    before === undefined ? new Uint8Array(0) : hashToBytes(before),
    hashToBytes(batch.blockHash),
    batch.randomness,
  );
  state.roots.set(batch.height, bytesToHex(root) as HashHex);
  state.latest = batch.height;
  if (batch.requiresFullStateHash) {
    state.checkpoints.set(batch.height, bytesToHex(sha256(root)) as HashHex);
  }
}

interface Packet {
  readonly atNs: TimeNs;
  readonly sequence: number;
  readonly to: number;
  readonly from: number;
  readonly transmit:
    | { readonly kind: 'deliver'; readonly bytes: Uint8Array }
    | { readonly kind: 'withdraw'; readonly key: string };
}

export class MiniCluster {
  readonly nodes: readonly ClusterNode[];
  readonly genesis: SubnetGenesis;
  nowNs: TimeNs = TEST_GENESIS_NS;
  record: SubnetRecord;

  private readonly options: ClusterOptions;
  private readonly prng: ReturnType<typeof createPrng>;
  private packets: Packet[] = [];
  private sequence = 0;

  constructor(options: ClusterOptions) {
    this.options = options;
    this.prng = createPrng(`mini-cluster ${options.seed ?? '0'}`);
    const suite = options.suite ?? INSECURE_TEST_SUITE;
    const dealt = dealSubnet(
      {
        seed: options.seed ?? '0',
        index: 0,
        nodes: options.nodes,
        spareNodes: options.spareNodes ?? 0,
        parameters: { ...TEST_PARAMETERS, ...options.parameters },
        genesisTimeNs: TEST_GENESIS_NS,
      },
      suite,
    );
    this.genesis = dealt.genesis;

    this.record = genesisRecord(this.genesis);
    this.nodes = dealt.secrets.map((secrets, index) => this.createNode(secrets, index, suite));
  }

  /** Makes the next registry version; every node hears of it at once. */
  changeRegistry(change: RegistryChange): void {
    const next = applyRegistryChange(this.record, change, registeredNodes(this.genesis));
    if (!next.ok) {
      throw new RangeError(next.error.message);
    }
    this.record = next.value;
    for (const node of this.nodes) {
      node.registry.apply([next.value], this.nowNs);
      node.wakeNs = this.nowNs;
    }
  }

  private createNode(secrets: NodeSecrets, index: number, suite: CryptoSuite): ClusterNode {
    const crypto = createNodeCrypto(this.genesis, secrets, suite);
    const node = {
      index,
      nodeId: secrets.nodeId,
      crypto,
      state: freshState(),
      alive: index < this.genesis.nodes.length,
      registry: createRegistryClient(this.genesis),
      wakeNs: null,
      offers: new Map(),
      batches: [],
      trace: [],
      lastPoll: null,
    } as unknown as ClusterNode;
    node.consensus = this.createConsensusOf(node);
    return node;
  }

  private createConsensusOf(node: ClusterNode): Consensus {
    return createConsensus({
      nodeId: node.nodeId,
      genesis: this.genesis,
      crypto: node.crypto,
      payloadBuilder: toyPayloads,
      registry: node.registry,
      stateReader: readerOf(node),
      messageRouting: {
        expectedBatchHeight: () => node.state.latest + 1,
        isFull: () => false,
      },
      ...(this.options.haltRegistry && { haltRegistry: this.options.haltRegistry }),
    });
  }

  /** Stops a node; what it had in its validated pool and state stays on its disk. */
  crash(index: number): void {
    (this.nodes[index] as ClusterNode).alive = false;
  }

  /** Starts a crashed node from its disk, or empty when `wiped`. */
  restart(index: number, wiped = false): void {
    const node = this.nodes[index] as ClusterNode;
    this.restartWith(index, wiped ? [] : node.consensus.validatedArtifacts(), wiped);
  }

  /** Starts a node with these artifacts on its disk. */
  restartWith(index: number, stored: readonly Artifact[], wiped = false): Consensus {
    const node = this.nodes[index] as ClusterNode;
    node.alive = true;
    node.offers.clear();
    node.state = wiped ? freshState() : node.state;
    node.consensus = this.createConsensusOf(node);
    node.consensus.restore(stored);
    for (const peer of this.nodes) {
      if (peer.alive && peer !== node) {
        this.offerAll(peer, node);
        this.offerAll(node, peer);
      }
    }
    node.wakeNs = this.nowNs;
    return node.consensus;
  }

  private offerAll(from: ClusterNode, to: ClusterNode): void {
    for (const artifact of from.consensus.validatedArtifacts()) {
      this.send(from, to, { kind: 'deliver', artifact, latencySensitive: false });
    }
  }

  /** Runs events until `until` holds or virtual time is over; true when it holds. */
  runUntil(until: () => boolean, maxVirtualMs: number): boolean {
    const endNs = this.nowNs + BigInt(maxVirtualMs) * NS_PER_MS;
    for (const node of this.nodes) {
      node.wakeNs ??= this.nowNs;
    }
    while (!until()) {
      const nextNs = this.nextEventNs();
      if (nextNs === null || nextNs > endNs) {
        this.nowNs = endNs;
        return false;
      }
      this.nowNs = nextNs > this.nowNs ? nextNs : this.nowNs;
      this.receiveDue();
      for (const node of this.nodes) {
        if (node.alive && node.wakeNs !== null && node.wakeNs <= this.nowNs) {
          this.poll(node);
        }
      }
    }
    return true;
  }

  private nextEventNs(): TimeNs | null {
    let next: TimeNs | null = null;
    const consider = (atNs: TimeNs): void => {
      next = next === null || atNs < next ? atNs : next;
    };
    for (const packet of this.packets) {
      consider(packet.atNs);
    }
    for (const node of this.nodes) {
      if (node.alive && node.wakeNs !== null) {
        consider(node.wakeNs);
      }
    }
    return next;
  }

  private receiveDue(): void {
    const due = this.packets.filter((packet) => packet.atNs <= this.nowNs);
    this.packets = this.packets.filter((packet) => packet.atNs > this.nowNs);
    due.sort((a, b) => (a.atNs === b.atNs ? a.sequence - b.sequence : a.atNs < b.atNs ? -1 : 1));
    for (const { to, from, transmit } of due) {
      const receiver = this.nodes[to] as ClusterNode;
      const sender = this.nodes[from] as ClusterNode;
      if (!receiver.alive) {
        continue;
      }
      if (transmit.kind === 'withdraw') {
        receiver.offers.delete(`${from}/${transmit.key}`);
        continue;
      }
      const decoded = decodeArtifact(transmit.bytes);
      if (decoded.ok) {
        const key = artifactKey(artifactIdOf(decoded.value));
        receiver.offers.set(`${from}/${key}`, { from: sender.nodeId, bytes: transmit.bytes });
      }
      receiver.wakeNs = this.nowNs;
    }
  }

  private takeOffers(node: ClusterNode): void {
    for (const [key, offer] of node.offers) {
      const decoded = decodeArtifact(offer.bytes);
      if (!decoded.ok) {
        continue;
      }
      const verdict = node.consensus.bouncer(artifactIdOf(decoded.value));
      if (verdict === 'wants') {
        node.consensus.onArtifact(decoded.value, offer.from, this.nowNs);
      }
      if (verdict !== 'maybeLater') {
        node.offers.delete(key);
      }
    }
  }

  private poll(node: ClusterNode): void {
    this.takeOffers(node);
    const outcome = node.consensus.poll(this.nowNs);
    node.lastPoll = outcome;
    node.trace.push(...outcome.trace);
    for (const batch of outcome.batches) {
      node.batches.push(batch);
      execute(node.state, batch);
    }
    for (const { height } of outcome.certifications) {
      node.state.certified = Math.max(node.state.certified, height);
    }
    for (const transmit of outcome.transmits) {
      for (const peer of this.nodes) {
        if (peer !== node) {
          this.send(node, peer, transmit);
        }
      }
    }
    const busy =
      outcome.batches.length > 0 || outcome.certifications.length > 0 || outcome.trace.length > 0;
    node.wakeNs = busy ? this.nowNs : outcome.nextWakeNs;
  }

  private send(from: ClusterNode, to: ClusterNode, transmit: Transmit): void {
    const delayMs = 1 + this.prng.below(this.options.maxDelayMs ?? 20);
    const base = {
      atNs: this.nowNs + BigInt(delayMs) * NS_PER_MS,
      to: to.index,
      from: from.index,
    };
    if (transmit.kind === 'withdraw') {
      const key = artifactKey(transmit.id);
      this.enqueue({ ...base, transmit: { kind: 'withdraw', key } });
      return;
    }
    const sent = this.options.tamper?.(from.index, to.index, transmit.artifact) ?? [
      transmit.artifact,
    ];
    for (const artifact of sent) {
      const bytes = encodeArtifact(artifact);
      this.enqueue({ ...base, transmit: { kind: 'deliver', bytes } });
    }
  }

  private enqueue(packet: Omit<Packet, 'sequence'>): void {
    this.sequence += 1;
    this.packets.push({ ...packet, sequence: this.sequence });
  }
}
