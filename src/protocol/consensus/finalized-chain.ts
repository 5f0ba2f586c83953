import type { Block } from '../types/artifacts.ts';
import type { HashHex, Height } from '../types/ids.ts';
import type { PoolView } from './pool-view.ts';

/** A block that became final, by its own finalization or as ancestor of a finalized one. */
export interface NewlyFinalized {
  readonly block: Block;
  readonly explicit: boolean;
}

export interface ChainExtension {
  /** Ascending. */
  readonly finalized: readonly NewlyFinalized[];
  /** Set when a finalization contradicts the chain: more than f nodes lied. The chain is kept as it was. */
  readonly fork: { readonly height: Height; readonly hash: HashHex } | null;
}

/**
 * The finalized blocks by height, kept along as finalizations arrive.
 *
 * Liveness: one finalization settles all its ancestors. Security: a finalization that contradicts
 * the chain is reported, never followed. Upstream: rs/consensus/utils/src/pool_reader.rs.
 */
export interface FinalizedChain {
  readonly tip: Block;
  blockAt(height: Height): Block | undefined;
  /** Follows the pool. Finalizing a block finalizes all its ancestors. */
  update(view: PoolView): ChainExtension;
  purgeBelow(height: Height): void;
}

/** @param ancestors of the root, each the parent of the one before: what a node still has to replay */
export function createFinalizedChain(
  root: Block,
  ancestors: readonly Block[] = [],
): FinalizedChain {
  const blocks = new Map([root, ...ancestors].map((block) => [block.height, block]));
  let tip = root;
  let lowest = ancestors.at(-1)?.height ?? root.height;

  const update = (view: PoolView): ChainExtension => {
    const cup = view.catchUpPackage();
    const height = view.finalizedHeight();
    if (height <= tip.height) {
      return { finalized: [], fork: null };
    }
    const hash = view.pool.validated.at('finalization', height)[0]?.blockHash;
    const top = hash === undefined ? cup.block : view.block(height, hash);
    if (top === undefined) {
      return { finalized: [], fork: null };
    }
    const path: Block[] = [];
    let block: Block | undefined = top;
    while (block !== undefined && block.height > tip.height) {
      path.push(block);
      block = view.block(block.height - 1, block.parent);
    }
    const base = path.at(-1) as Block;
    const joins = base.height === tip.height + 1;
    if (joins && base.parent !== tip.blockHash) {
      return { finalized: [], fork: { height: base.height, hash: base.blockHash } };
    }
    if (!joins && base.height > cup.height) {
      return { finalized: [], fork: null };
    }
    path.reverse();
    const rival = path.flatMap(({ height: at, blockHash }) =>
      view.pool.validated.at('finalization', at).filter((other) => other.blockHash !== blockHash),
    )[0];
    if (rival !== undefined) {
      return { finalized: [], fork: { height: rival.height, hash: rival.blockHash } };
    }
    for (const final of path) {
      blocks.set(final.height, final);
    }
    tip = top;
    return {
      finalized: path.map((final) => ({
        block: final,
        explicit: view.pool.validated
          .at('finalization', final.height)
          .some((finalization) => finalization.blockHash === final.blockHash),
      })),
      fork: null,
    };
  };

  return {
    get tip() {
      return tip;
    },
    blockAt: (height) => blocks.get(height),
    update,
    purgeBelow: (height) => {
      for (; lowest < height; lowest += 1) {
        if (lowest !== tip.height) {
          blocks.delete(lowest);
        }
      }
    },
  };
}
