import type { Block } from '../types/artifacts.ts';
import type { Height, RegistryVersion } from '../types/ids.ts';
import type { FinalizedChain } from './finalized-chain.ts';
import type { PoolView } from './pool-view.ts';

/**
 * The registry version in force at a height: the one the summary of its interval names; for the
 * interval after it, the one in the context of that summary block. Undefined for heights that the
 * catch-up package and the newest finalized summary say nothing about.
 *
 * The package is asked first: while no package for a newer summary exists, heights of its own
 * intervals (tapes, certifications) still need an answer.
 * Upstream: rs/consensus/utils/src/lib.rs#registry_version_at_height.
 */
export function registryVersionAt(
  view: PoolView,
  chain: Pick<FinalizedChain, 'tip' | 'blockAt'>,
  height: Height,
): RegistryVersion | undefined {
  const packaged = view.catchUpPackage().block;
  const known = versionBySummary(packaged, height);
  if (known !== undefined) {
    return known;
  }
  const newest = newestSummary(chain);
  return newest === undefined ? undefined : versionBySummary(newest, height);
}

function newestSummary({ tip, blockAt }: Pick<FinalizedChain, 'tip' | 'blockAt'>) {
  return tip.payload.kind === 'summary' ? tip : blockAt(tip.payload.dkgStartHeight);
}

function versionBySummary(block: Block, height: Height): RegistryVersion | undefined {
  if (block.payload.kind !== 'summary' || height < block.height) {
    return undefined;
  }
  const { registryVersion, intervalLength, nextIntervalLength } = block.payload.summary;
  const next = block.height + intervalLength + 1;
  if (height < next) {
    return registryVersion;
  }
  return height < next + nextIntervalLength + 1 ? block.context.registryVersion : undefined;
}
