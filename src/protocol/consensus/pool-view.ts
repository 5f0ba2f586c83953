import { present } from '../../base/assert.ts';
import type { PoolReader } from '../artifact-pool/artifact-pool.ts';
import type { Block, BlockProposal, CatchUpPackage, RandomBeacon } from '../types/artifacts.ts';
import type { HashHex, Height, NodeId, TimeNs } from '../types/ids.ts';

/**
 * Questions every role asks of the validated pool. Below the newest catch-up package the pool may
 * be incomplete; at its height the package itself answers for block, notarization and beacon.
 * Upstream: rs/consensus/utils/src/pool_reader.rs.
 */
export interface PoolView {
  readonly pool: PoolReader;
  catchUpPackage(): CatchUpPackage;
  notarizedHeight(): Height;
  finalizedHeight(): Height;
  beaconHeight(): Height;
  beaconAt(height: Height): RandomBeacon | undefined;
  /** A validated proposal by the hash of its block. */
  proposal(height: Height, blockHash: HashHex): BlockProposal | undefined;
  /** A validated block: from a proposal or the catch-up package. */
  block(height: Height, blockHash: HashHex): Block | undefined;
  /** One entry per notarized block at the height, in order of arrival. */
  notarizedBlocks(height: Height): readonly Block[];
  isNotarized(height: Height, blockHash: HashHex): boolean;
  /** Makers with a proof of equivocation at the height. */
  equivocators(height: Height): ReadonlySet<NodeId>;
  /** When the round of this height began; undefined while its notarized parent or beacon is missing. */
  roundStartNs(height: Height): TimeNs | undefined;
}

const NOBODY: ReadonlySet<NodeId> = new Set();

export function createPoolView(pool: PoolReader): PoolView {
  const { validated } = pool;

  let cached: CatchUpPackage | undefined;
  let cachedVersion = -1;
  const catchUpPackage = (): CatchUpPackage => {
    if (cached !== undefined && cachedVersion === validated.version) {
      return cached;
    }
    const height = present(validated.maxHeight('catchUpPackage'), 'a catch-up package is there');
    cached = present(validated.at('catchUpPackage', height)[0], 'the package of the top height');
    cachedVersion = validated.version;
    return cached;
  };
  const atLeastCatchUp = (height: Height | undefined): Height =>
    Math.max(height ?? 0, catchUpPackage().height);

  const beaconAt = (height: Height): RandomBeacon | undefined => {
    const cup = catchUpPackage();
    return cup.height === height ? cup.beacon : validated.at('randomBeacon', height)[0];
  };
  const proposal = (height: Height, blockHash: HashHex): BlockProposal | undefined =>
    validated
      .at('blockProposal', height)
      .find((candidate) => candidate.block.blockHash === blockHash);
  const block = (height: Height, blockHash: HashHex): Block | undefined => {
    const cup = validated.at('catchUpPackage', height)[0];
    if (cup !== undefined && cup.block.blockHash === blockHash) {
      return cup.block;
    }
    return proposal(height, blockHash)?.block;
  };

  const notarizedBlocks = (height: Height): readonly Block[] => {
    const cup = catchUpPackage();
    if (cup.height === height) {
      return [cup.block];
    }
    const blocks: Block[] = [];
    for (const { blockHash } of validated.at('notarization', height)) {
      const known = blocks.some((found) => found.blockHash === blockHash);
      const found = known ? undefined : block(height, blockHash);
      if (found !== undefined) {
        blocks.push(found);
      }
    }
    return blocks;
  };
  const isNotarized = (height: Height, blockHash: HashHex): boolean => {
    const cup = catchUpPackage();
    return cup.height === height
      ? cup.block.blockHash === blockHash
      : validated.at('notarization', height).some((one) => one.blockHash === blockHash) &&
          block(height, blockHash) !== undefined;
  };

  return {
    pool,
    catchUpPackage,
    notarizedHeight: () => atLeastCatchUp(validated.maxHeight('notarization')),
    finalizedHeight: () => atLeastCatchUp(validated.maxHeight('finalization')),
    beaconHeight: () => atLeastCatchUp(validated.maxHeight('randomBeacon')),
    beaconAt,
    proposal,
    block,
    notarizedBlocks,
    isNotarized,
    equivocators: (height) => equivocators(pool, height),
    roundStartNs: (height) => roundStartNs(pool, catchUpPackage(), height),
  };
}

function equivocators({ validated }: PoolReader, height: Height): ReadonlySet<NodeId> {
  const proofs = validated.at('equivocationProof', height);
  return proofs.length === 0 ? NOBODY : new Set(proofs.map((proof) => proof.signer));
}

function roundStartNs(pool: PoolReader, cup: CatchUpPackage, height: Height): TimeNs | undefined {
  const before = height - 1;
  if (before < cup.height) {
    return undefined;
  }
  const earliest = (kind: 'notarization' | 'randomBeacon' | 'catchUpPackage') => {
    let first: TimeNs | undefined;
    for (const { arrivedNs } of pool.validated.entriesAt(kind, before)) {
      first = first === undefined || arrivedNs < first ? arrivedNs : first;
    }
    return first;
  };
  const cupArrival = before === cup.height ? earliest('catchUpPackage') : undefined;
  const notarizedNs = earliest('notarization') ?? cupArrival;
  const beaconNs = earliest('randomBeacon') ?? cupArrival;
  if (notarizedNs === undefined || beaconNs === undefined) {
    return undefined;
  }
  return notarizedNs > beaconNs ? notarizedNs : beaconNs;
}
