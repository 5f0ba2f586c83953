import { BATCH_QUEUE_SIZE } from '../limits/consensus.ts';
import type { BatchPayload } from '../interfaces/replica.ts';
import { hashToBytes } from '../types/block-codec.ts';
import type { Block } from '../types/artifacts.ts';
import type { HashHex, Height, NodeId, RegistryVersion, TimeNs } from '../types/ids.ts';
import { shouldHalt } from './halting.ts';
import type { RoleContext } from './role-context.ts';

/** A finalized block with its randomness, ready for message routing. The payload's envelopes are as users sent them. */
export interface FinalizedBatch {
  readonly height: Height;
  readonly blockHash: HashHex;
  readonly timeNs: TimeNs;
  /** Hash of the random tape of this height, 32 bytes. */
  readonly randomness: Uint8Array;
  readonly payload: BatchPayload;
  readonly registryVersion: RegistryVersion;
  /** Summary heights demand a checkpoint. */
  readonly requiresFullStateHash: boolean;
  readonly blockMaker: NodeId;
  readonly failedBlockMakers: readonly NodeId[];
}

const EMPTY_PAYLOAD: BatchPayload = { ingress: [] };

/**
 * Who made a finalized block, and whose turn it was before. A node that learnt of it by a catch-up package may never see its
 * proposal; then the makers of the height tell, if the beacon below is known.
 */
function makersOf({ view, membership }: BatchContext, block: Block): Makers | undefined {
  const { height, blockHash, rank } = block;
  const ranked = membership.blockMakers(height);
  const maker = view.proposal(height, blockHash)?.signer ?? ranked?.[rank];
  const failed = rank === 0 ? [] : ranked?.slice(0, rank);
  return maker === undefined || failed === undefined ? undefined : { maker, failed };
}

interface Makers {
  readonly maker: NodeId;
  /** Of lower rank: their blocks came too late, or not at all. */
  readonly failed: readonly NodeId[];
}

type BatchContext = Pick<RoleContext, 'chain' | 'membership' | 'view'>;

/** False when the node has not all it needs to execute this height, and peers may not have it either. */
export function canExecute(context: BatchContext, height: Height): boolean {
  const block = context.chain.blockAt(height);
  return block !== undefined && makersOf(context, block) !== undefined;
}

/**
 * Batches from `context.nextBatchHeight` on, in order, as far as finalized blocks and tapes reach.
 * At most a queue's worth at once.
 *
 * Liveness: each finalized height is handed over once, also again after a restart. Security: only
 * finalized blocks with the tape of their height, without a gap.
 * Upstream: rs/consensus/src/consensus/batch_delivery.rs.
 */
export function deliverBatches(context: RoleContext): readonly FinalizedBatch[] {
  const { chain, pool } = context;
  const batches: FinalizedBatch[] = [];
  const first = context.nextBatchHeight;
  for (let height = first; height < first + BATCH_QUEUE_SIZE; height += 1) {
    const block = chain.blockAt(height);
    const tape = pool.validated.at('randomTape', height)[0];
    const makers = block && makersOf(context, block);
    if (block === undefined || tape === undefined || makers === undefined) {
      break;
    }
    // A node that is behind the registry learns of the version sooner or later.
    if (context.registry.recordAt(block.context.registryVersion) === undefined) {
      break;
    }
    // A halting subnet executes its summary, whose state the catch-up package holds, and no more.
    if (block.payload.kind !== 'summary' && shouldHalt(context, height) === true) {
      break;
    }
    batches.push({
      height,
      blockHash: block.blockHash,
      timeNs: block.context.timeNs,
      randomness: hashToBytes(tape.hash),
      payload: block.payload.kind === 'data' ? block.payload.batch : EMPTY_PAYLOAD,
      registryVersion: block.context.registryVersion,
      requiresFullStateHash: block.payload.kind === 'summary',
      blockMaker: makers.maker,
      failedBlockMakers: makers.failed,
    });
  }
  return batches;
}
