import type { PoolReader } from '../artifact-pool/artifact-pool.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import { MAX_SUBNET_NODES, type NotaryBounds } from '../limits/consensus.ts';
import { faultsTolerated } from '../registry/committee.ts';
import type { ArtifactKind } from '../types/artifacts.ts';
import type { RoleContext } from './role-context.ts';

/**
 * How much the validated section may hold. Purging keeps every healthy node below; a node above has
 * a fault in its own rules, so this is checked and counted, never enforced.
 * Upstream: rs/consensus/src/consensus/bounds.rs.
 */

/** Finalized heights between two checks. @upstream VALIDATED_POOL_BOUNDS_CHECK_FREQUENCY */
const POOL_CHECK_HEIGHTS = 10;

export interface PoolBoundsInput {
  readonly nodes: number;
  /** Data blocks of an interval. */
  readonly dkgIntervalLength: number;
  readonly bounds: NotaryBounds;
  /** Heights kept below the catch-up package. */
  readonly minimumChainLength: number;
}

/** Most artifacts of each kind: worst case is an interval and a chain below it, plus the gap without a package. */
export function maximumValidated(
  input: PoolBoundsInput,
): Readonly<Partial<Record<ArtifactKind, number>>> {
  const { nodes, minimumChainLength } = input;
  const { certificationGap: undecided, catchUpGap } = input.bounds;
  const interval = input.dkgIntervalLength + 1;
  const makers = faultsTolerated(nodes) + 1;
  const heights = interval + minimumChainLength + catchUpGap + 1;
  // The current package, the next one, and every interval that fits into the chain below; one more
  // for a node that catches up.
  const packages = 3 + Math.floor(minimumChainLength / interval);
  const competing = makers * undecided + Math.max(0, heights - undecided);
  return {
    blockProposal: competing + 1,
    notarization: competing,
    finalization: heights,
    randomBeacon: heights + 1,
    randomTape: heights + 1,
    notarizationShare: undecided * makers * nodes,
    finalizationShare: undecided * nodes,
    randomBeaconShare: (heights + 1) * nodes,
    randomTapeShare: (heights + 1) * nodes,
    catchUpPackage: packages,
    catchUpPackageShare: packages * nodes,
    equivocationProof: undecided * makers,
  };
}

export interface PoolExcess {
  readonly artifact: ArtifactKind;
  readonly found: number;
  readonly allowed: number;
}

/** The kinds of which the validated section holds too many. */
export function poolExcess(pool: PoolReader, input: PoolBoundsInput): readonly PoolExcess[] {
  const allowedOf = maximumValidated(input);
  return (Object.keys(allowedOf) as ArtifactKind[]).flatMap((artifact) => {
    const found = pool.validated.count(artifact);
    const allowed = allowedOf[artifact] ?? 0;
    return found > allowed ? [{ artifact, found, allowed }] : [];
  });
}

type Facts = Pick<
  RoleContext,
  'pool' | 'chain' | 'membership' | 'genesis' | 'bounds' | 'minimumChainLength'
>;

/** Looks every ten finalized heights; what it returns is a fault of this node's own rules. */
export function createPoolBoundsWatch(): (facts: Facts) => readonly TraceEvent[] {
  let checkedAt = 0;
  return ({ pool, chain, membership, genesis, bounds, minimumChainLength }) => {
    const { height } = chain.tip;
    const checkpoint = height - (height % POOL_CHECK_HEIGHTS);
    if (checkpoint <= checkedAt) {
      return [];
    }
    checkedAt = checkpoint;
    const { dkgIntervalLength } = genesis.parameters;
    const nodes = membership.nodesAt(height)?.length ?? MAX_SUBNET_NODES;
    const excess = poolExcess(pool, { nodes, dkgIntervalLength, bounds, minimumChainLength });
    return excess.map(({ artifact, found, allowed }) => ({
      kind: 'criticalError',
      code: 'POOL_BOUND_EXCEEDED',
      message: `height ${height}: ${found} validated ${artifact}, ${allowed} at most`,
    }));
  };
}
