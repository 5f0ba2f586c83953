import { present } from '../../../base/assert.ts';
import { compareText } from '../../../base/bytes.ts';
import type { ArtifactPool } from '../../artifact-pool/artifact-pool.ts';
import {
  applyMutations,
  createArtifactPool,
  restoreValidated,
} from '../../artifact-pool/artifact-pool.ts';
import type { Mutations } from '../../artifact-pool/change-action.ts';
import { INSECURE_TEST_SUITE } from '../../crypto/insecure-test-crypto.ts';
import type { MeteredNodeCrypto } from '../../crypto/node-crypto.ts';
import { createNodeCrypto } from '../../crypto/node-crypto.ts';
import { createActiveIntervals } from '../../dkg/active-intervals.ts';
import type { DkgReader } from '../../dkg/dkg-reader.ts';
import { createDkgReader } from '../../dkg/dkg-reader.ts';
import { createHeightCrypto } from '../../dkg/height-crypto.ts';
import { genesisSummary } from '../../dkg/summary.ts';
import type { ThresholdTag } from '../../interfaces/crypto.ts';
import type { PayloadBuilder } from '../../interfaces/replica.ts';
import { notaryBoundsFor } from '../../limits/consensus.ts';
import { dealSubnet } from '../../registry/genesis.ts';
import type { RegistryClient } from '../../registry/registry-client.ts';
import { createRegistryClient } from '../../registry/registry-client.ts';
import { sealArtifact } from '../../types/artifact-codec.ts';
import type {
  Artifact,
  Block,
  BlockProposal,
  CatchUpPackage,
  Finalization,
  Notarization,
  NotarizationShare,
  RandomBeacon,
  RandomTape,
} from '../../types/artifacts.ts';
import { NO_DKG, sealBlock } from '../../types/block-codec.ts';
import type { SubnetGenesis, SubnetParameters } from '../../types/genesis.ts';
import type { HashHex, Height, NodeId, TimeNs } from '../../types/ids.ts';
import {
  blockSignedBytes,
  catchUpSignedBytes,
  finalizationSignedBytes,
  notarizationSignedBytes,
  randomBeaconSignedBytes,
  randomTapeSignedBytes,
} from '../../types/signed-bytes.ts';
import type { FinalizedChain } from '../finalized-chain.ts';
import { createFinalizedChain } from '../finalized-chain.ts';
import { genesisPackage } from '../genesis-package.ts';
import type { HaltRegistry } from '../halting.ts';
import { NEVER_HALTS } from '../halting.ts';
import type { Membership } from '../membership.ts';
import { createMembership } from '../membership.ts';
import type { PoolView } from '../pool-view.ts';
import { createPoolView } from '../pool-view.ts';
import type { Role, RoleContext } from '../role-context.ts';
import { freshState, TEST_GENESIS_NS, TEST_PARAMETERS, type ToyState } from './mini-cluster.ts';

export const MS = 1_000_000n;

/** One node's pool with everything at hand to sign as any node: for tests of single roles. */
export class RoleFixture {
  readonly genesis: SubnetGenesis;
  readonly cryptos: readonly MeteredNodeCrypto[];
  readonly pool: ArtifactPool = createArtifactPool();
  readonly view: PoolView;
  readonly registry: RegistryClient;
  readonly intervals = createActiveIntervals();
  readonly dkg: DkgReader;
  readonly membership: Membership;
  readonly chain: FinalizedChain;
  readonly state: ToyState = freshState();
  readonly genesisBlock: Block;
  /** Wake-up times asked for since the last `run`. */
  wakes: TimeNs[] = [];
  nowNs: TimeNs = TEST_GENESIS_NS;
  self: NodeId;
  nextBatchHeight: Height = 1;
  minimumChainLength = 50;
  haltRegistry: HaltRegistry = NEVER_HALTS;
  payloadBuilder: PayloadBuilder = {
    build: () => ({ ingress: [] }),
    validate: () => ({ kind: 'valid' }),
  };

  constructor(nodes = 4, parameters: Partial<SubnetParameters> = {}) {
    const dealt = dealSubnet(
      {
        seed: 'role fixture',
        index: 0,
        nodes,
        parameters: { ...TEST_PARAMETERS, ...parameters },
        genesisTimeNs: TEST_GENESIS_NS,
      },
      INSECURE_TEST_SUITE,
    );
    this.genesis = dealt.genesis;
    this.cryptos = dealt.secrets.map((s) =>
      createNodeCrypto(dealt.genesis, s, INSECURE_TEST_SUITE),
    );
    this.self = present(this.cryptos[0], 'a node').nodeId;
    const cup = genesisPackage(this.genesis);
    this.genesisBlock = cup.block;
    restoreValidated(this.pool, cup, TEST_GENESIS_NS);
    this.view = createPoolView(this.pool);
    this.registry = createRegistryClient(this.genesis);
    this.intervals.note(cup.block);
    this.membership = createMembership(this.registry, this.intervals, this.view);
    this.dkg = createDkgReader(this.view, this.registry, this.cryptoOf(this.self).dkg);
    this.chain = createFinalizedChain(cup.block);
  }

  get nodes(): readonly NodeId[] {
    return this.genesis.nodes.map((node) => node.nodeId);
  }

  cryptoOf(node: NodeId): MeteredNodeCrypto {
    return present(
      this.cryptos.find((crypto) => crypto.nodeId === node),
      'a node of the subnet',
    );
  }

  context(): RoleContext {
    return {
      nodeId: this.self,
      genesis: this.genesis,
      crypto: createHeightCrypto(this.cryptoOf(this.self), this.intervals),
      registry: this.registry,
      intervals: this.intervals,
      dkg: this.dkg,
      payloadBuilder: this.payloadBuilder,
      state: {
        latestStateHeight: () => this.state.latest,
        latestCertifiedHeight: () => this.state.certified,
        stateRootAt: (height) => this.state.roots.get(height),
        checkpointHashAt: (height) => this.state.checkpoints.get(height),
      },
      pool: this.pool,
      view: this.view,
      membership: this.membership,
      chain: this.chain,
      bounds: notaryBoundsFor(this.genesis.parameters.dkgIntervalLength),
      haltRegistry: this.haltRegistry,
      minimumChainLength: this.minimumChainLength,
      nextBatchHeight: this.nextBatchHeight,
      nowNs: this.nowNs,
      wakeAt: (timeNs) => this.wakes.push(timeNs),
    };
  }

  /** Calls the role once; nothing is applied. */
  run(role: Role): Mutations {
    this.wakes = [];
    return role(this.context());
  }

  apply(mutations: Mutations): void {
    applyMutations(this.pool, mutations, this.nowNs);
    for (const { block } of this.chain.update(this.view).finalized) {
      this.intervals.note(block);
    }
    this.intervals.note(this.view.catchUpPackage().block);
  }

  /** Into the validated section, arriving now. */
  validated<A extends Artifact>(artifact: A): A {
    this.apply([{ kind: 'addToValidated', artifact }]);
    return artifact;
  }

  /** Into the unvalidated section, arriving now. */
  unvalidated<A extends Artifact>(artifact: A, from: NodeId | null = null): A {
    this.pool.unvalidated.insert({ artifact, arrivedNs: this.nowNs, from });
    return artifact;
  }

  /** The maker of a rank at a height whose beacon is known. */
  maker(height: Height, rank: number): NodeId {
    return present(this.membership.blockMakers(height)?.[rank], 'a maker of that rank');
  }

  beacon(height: Height): RandomBeacon {
    const parent = present(this.view.beaconAt(height - 1), 'the beacon before').hash;
    const message = randomBeaconSignedBytes(height, parent);
    const signature = this.threshold('low', message);
    return sealArtifact<'randomBeacon'>({ kind: 'randomBeacon', height, parent, signature });
  }

  tape(height: Height): RandomTape {
    const signature = this.threshold('low', randomTapeSignedBytes(height));
    return sealArtifact<'randomTape'>({ kind: 'randomTape', height, signature });
  }

  /** A package for a finalized summary block. */
  catchUpPackage(block: Block, stateHash: HashHex): CatchUpPackage {
    const beacon = present(this.view.beaconAt(block.height), 'the beacon of the summary');
    const content = {
      height: block.height,
      blockHash: block.blockHash,
      beaconHash: beacon.hash,
      stateHash,
      oldestRegistryVersion: null,
    };
    const signature = this.threshold('high', catchUpSignedBytes(content));
    return sealArtifact<'catchUpPackage'>({
      kind: 'catchUpPackage',
      height: block.height,
      block,
      beacon,
      stateHash,
      oldestRegistryVersion: null,
      signature,
    });
  }

  private threshold(tag: ThresholdTag, message: Uint8Array): Uint8Array {
    const shares = this.cryptos.map((crypto) => ({
      signer: crypto.nodeId,
      signature: present(crypto.signThreshold(tag, message), 'a receiver'),
    }));
    const crypto = this.cryptoOf(this.self);
    const outcome = crypto.combineThreshold(tag, message, shares.slice(0, crypto.thresholdOf(tag)));
    return outcome.kind === 'combined' ? outcome.signature : new Uint8Array(1);
  }

  block(
    parent: Block,
    rank = 0,
    edits: Partial<Omit<Block, 'payloadHash' | 'blockHash'>> = {},
  ): Block {
    return sealBlock({
      height: parent.height + 1,
      parent: parent.blockHash,
      rank,
      context: { ...parent.context, timeNs: parent.context.timeNs + 100n * MS + 1n },
      payload: {
        kind: 'data',
        dkgStartHeight: genesisSummary(this.genesis).height,
        dkg: NO_DKG,
        batch: { ingress: [] },
      },
      ...edits,
    });
  }

  /** Signed by the maker of the block's rank unless told otherwise. */
  proposal(block: Block, signer: NodeId = this.maker(block.height, block.rank)): BlockProposal {
    const { height, blockHash } = block;
    const message = blockSignedBytes(blockHash, height, this.genesis.subnetId);
    const signature = this.cryptoOf(signer).signBasic(message);
    return sealArtifact<'blockProposal'>({
      kind: 'blockProposal',
      height,
      block,
      signer,
      signature,
    });
  }

  notarizationShare(block: Block, signer: NodeId): NotarizationShare {
    const { height, blockHash } = block;
    const signature = this.cryptoOf(signer).signMulti(notarizationSignedBytes(height, blockHash));
    return sealArtifact<'notarizationShare'>({
      kind: 'notarizationShare',
      height,
      blockHash,
      signer,
      signature,
    });
  }

  private quorum(block: Block, message: Uint8Array, count: number) {
    const committee = present(this.membership.committee(block.height), 'a committee');
    const signers = [...committee].slice(0, count).sort(compareText);
    const shares = signers.map((signer) => ({
      signer,
      signature: this.cryptoOf(signer).signMulti(message),
    }));
    const outcome = this.cryptoOf(this.self).combineMulti(message, shares, count);
    const signature = outcome.kind === 'combined' ? outcome.signature : new Uint8Array(1);
    return { height: block.height, blockHash: block.blockHash, signers, signature };
  }

  notarization(
    block: Block,
    count: number = this.membership.notaryThreshold(block.height),
  ): Notarization {
    const message = notarizationSignedBytes(block.height, block.blockHash);
    return sealArtifact<'notarization'>({
      kind: 'notarization',
      ...this.quorum(block, message, count),
    });
  }

  finalization(
    block: Block,
    count: number = this.membership.notaryThreshold(block.height),
  ): Finalization {
    const message = finalizationSignedBytes(block.height, block.blockHash);
    return sealArtifact<'finalization'>({
      kind: 'finalization',
      ...this.quorum(block, message, count),
    });
  }

  /** A complete validated round on top of `parent`: block, notarization and beacon. */
  round(parent: Block, edits: Partial<Omit<Block, 'payloadHash' | 'blockHash'>> = {}): Block {
    const block = this.block(parent, 0, edits);
    this.validated(this.proposal(block));
    this.validated(this.notarization(block));
    this.validated(this.beacon(block.height));
    return block;
  }
}

/** A hash that belongs to nothing. */
export function fakeHash(seed: number): HashHex {
  return seed.toString(16).padStart(64, '0') as HashHex;
}
