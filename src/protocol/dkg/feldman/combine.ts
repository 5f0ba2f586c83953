import { assert, present } from '../../../base/assert.ts';
import { equalBytes } from '../../../base/bytes.ts';
import { codedError, err, ok } from '../../../base/result.ts';
import type { Result } from '../../../base/result.ts';
import { lagrangeAtZero } from '../../crypto/lagrange.ts';
import { bigintFromBytes, invertScalar, mod, scalarToBytes } from '../../crypto/scalars.ts';
import type { BlsSuite } from '../../crypto/suite.ts';
import type { DkgError } from '../../interfaces/dkg.ts';
import type { DkgConfig, DkgDealing } from '../../types/dkg.ts';
import type { ThresholdTranscript } from '../../types/genesis.ts';
import type { NodeId } from '../../types/ids.ts';
import { decodeDealing } from './dealing-codec.ts';

/** How dealings become a key: the same for coefficients (points) and for pieces (scalars). */

/** Where a dealer's share of the old key lies: its position among the old key's receivers. */
export function oldIndexOf(resharing: ThresholdTranscript, dealer: NodeId): number | undefined {
  const index = resharing.receivers.indexOf(dealer);
  return index === -1 ? undefined : index;
}

function notEnough(message: string): Result<never, DkgError> {
  return err(codedError('protocol', 'NOT_ENOUGH_DEALINGS', message));
}

/** The dealings that make the key: every node takes the same ones, whatever order it has them in. */
function selectDealings(
  config: DkgConfig,
  dealings: readonly DkgDealing[],
): Result<readonly DkgDealing[], DkgError> {
  assert(
    config.resharing === null || config.collectionThreshold >= config.resharing.threshold,
    'a resharing collects at least the threshold of the old key',
  );
  const byDealer = new Map(dealings.map((dealing) => [dealing.dealer, dealing]));
  const selected = config.dealers
    .flatMap((dealer) => byDealer.get(dealer) ?? [])
    .slice(0, config.collectionThreshold);
  return selected.length === config.collectionThreshold
    ? ok(selected)
    : notEnough(
        `A key needs ${String(config.collectionThreshold)} dealings, there are ${String(selected.length)}.`,
      );
}

function oldIndexesOf(
  resharing: ThresholdTranscript,
  selected: readonly DkgDealing[],
): readonly number[] {
  return selected.map(({ dealer }) =>
    present(oldIndexOf(resharing, dealer), 'a verified resharing comes from a holder of the key'),
  );
}

function combineColumn(
  bls: BlsSuite,
  column: readonly Uint8Array[],
  oldIndexes: readonly number[] | undefined,
) {
  return oldIndexes === undefined
    ? bls.aggregatePublicKeys(column)
    : bls.combinePublicKeys(
        column.map((publicKey, i) => ({ index: oldIndexes[i] as number, publicKey })),
      );
}

/** See `DkgScheme.combineDealings`. */
export function combineFeldmanDealings(
  bls: BlsSuite,
  config: DkgConfig,
  dealings: readonly DkgDealing[],
): Result<ThresholdTranscript, DkgError> {
  const selected = selectDealings(config, dealings);
  if (!selected.ok) {
    return selected;
  }
  const shape = { threshold: config.threshold, receivers: config.receivers.length };
  const polynomials = selected.value.map(({ content }) => {
    const decoded = decodeDealing(content, shape);
    assert(decoded.ok, 'only verified dealings are combined');
    return decoded.value.coefficients;
  });
  const { resharing } = config;
  const oldIndexes = resharing === null ? undefined : oldIndexesOf(resharing, selected.value);
  const coefficients: Uint8Array[] = [];
  for (let degree = 0; degree < config.threshold; degree += 1) {
    const column = polynomials.map((polynomial) => polynomial[degree] as Uint8Array);
    const sum = combineColumn(bls, column, oldIndexes);
    if (!sum.ok) {
      return err(codedError('trust', 'DEGENERATE_KEY', 'The dealings cancel out.'));
    }
    coefficients.push(sum.value);
  }
  const publicKey = coefficients[0] as Uint8Array;
  assert(
    resharing === null || equalBytes(publicKey, resharing.publicKey),
    'a resharing of verified dealings keeps the public key',
  );
  const { threshold, receivers } = config;
  return ok({ tag: config.id.tag, threshold, receivers, publicKey, coefficients });
}

/** See `DkgScheme.combineShares`. */
export function combineFeldmanShares(
  config: DkgConfig,
  dealings: readonly DkgDealing[],
  shares: ReadonlyMap<NodeId, Uint8Array>,
): Result<Uint8Array, DkgError> {
  const selected = selectDealings(config, dealings);
  if (!selected.ok) {
    return selected;
  }
  const pieces: bigint[] = [];
  for (const { dealer } of selected.value) {
    const share = shares.get(dealer);
    if (share === undefined) {
      return notEnough(`The piece dealt by ${dealer} is missing.`);
    }
    pieces.push(bigintFromBytes(share));
  }
  const { numerators, denominator } =
    config.resharing === null
      ? { numerators: pieces.map(() => 1n), denominator: 1n }
      : lagrangeAtZero(oldIndexesOf(config.resharing, selected.value));
  const weighted = pieces.reduce((sum, piece, i) => sum + piece * (numerators[i] as bigint), 0n);
  const share = mod(mod(weighted) * invertScalar(denominator));
  return share === 0n
    ? err(codedError('trust', 'DEGENERATE_KEY', 'The pieces cancel out.'))
    : ok(scalarToBytes(share));
}
