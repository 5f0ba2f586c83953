import { equalBytes } from '../../base/bytes.ts';
import { sealArtifact, type Unsealed } from './artifact-codec.ts';
import type { ArtifactOf } from './artifacts.ts';
import { rememberedEncoding, rememberEncoding } from './sealed-encodings.ts';

/** What every node of a subnet makes of the shares, each by itself. */
type AggregateKind =
  | 'randomBeacon'
  | 'randomTape'
  | 'notarization'
  | 'finalization'
  | 'certification';
type Aggregate = ArtifactOf<AggregateKind>;

interface Kept {
  readonly artifact: Aggregate;
  readonly encoding: Uint8Array | undefined;
}

/**
 * The aggregates that were sealed last. The nodes of a simulated subnet make the same ones at about
 * the same time: one object, and one encoding, serves them all. A node of its own process finds none.
 */
const KEPT = 16;
const kept: Kept[] = [];
let oldest = 0;

/** As `sealArtifact`; the answer may be shared with other nodes of this process. */
export function sealAggregate<K extends AggregateKind>(
  content: { readonly kind: K } & Unsealed<ArtifactOf<K>>,
): ArtifactOf<K> {
  const known = kept.find(({ artifact }) => isSame(artifact, content as unknown as Aggregate));
  if (known !== undefined) {
    if (known.encoding !== undefined) {
      rememberEncoding(known.artifact, known.encoding);
    }
    return known.artifact as ArtifactOf<K>;
  }
  const artifact = sealArtifact<K>(content);
  kept[oldest] = { artifact, encoding: rememberedEncoding(artifact) };
  oldest = (oldest + 1) % KEPT;
  return artifact;
}

/** Equal in all that is encoded; the signature last. */
function isSame(a: Aggregate, b: Unsealed<Aggregate>): boolean {
  return (
    a.height === b.height &&
    a.kind === b.kind &&
    hasSameSubject(a, b as Aggregate) &&
    equalBytes(a.signature, b.signature)
  );
}

function hasSameSubject(a: Aggregate, b: Aggregate): boolean {
  switch (a.kind) {
    case 'randomTape':
      return true;
    case 'randomBeacon':
      return b.kind === a.kind && b.parent === a.parent;
    case 'certification':
      return b.kind === a.kind && b.root === a.root;
    default:
      return (
        b.kind === a.kind &&
        b.blockHash === a.blockHash &&
        b.signers.length === a.signers.length &&
        a.signers.every((signer, i) => signer === b.signers[i])
      );
  }
}
