import { unreachable } from '../../base/assert.ts';
import { bytesToHex } from '../../base/hex.ts';
import type { CodedError, Result } from '../../base/result.ts';
import { codedError, err, ok } from '../../base/result.ts';
import type { CborInput } from '../crypto/cbor.ts';
import { decodeCbor, encodeCbor } from '../crypto/cbor.ts';
import { writeCbor } from '../crypto/cbor-encode.ts';
import type { CborWriter } from '../crypto/cbor-encode.ts';
import { principalToBytes } from '../crypto/principal.ts';
import { sha256 } from '../crypto/sha256.ts';
import {
  MAX_ARTIFACT_BYTES,
  MAX_INGRESS_PER_BLOCK,
  MAX_SUBNET_NODES,
} from '../limits/consensus.ts';
import type { Artifact, ArtifactId, ArtifactKind, ArtifactOf, RandomBeacon } from './artifacts.ts';
import { ARTIFACT_KINDS } from './artifacts.ts';
import { blockFields, hashToBytes, readBlock } from './block-codec.ts';
import { complaintFields, dealingFields, readComplaint, readDealing } from './dkg-codec.ts';
import { FieldReader } from './field-reader.ts';
import type { HashHex, NodeId } from './ids.ts';
import { rememberEncoding } from './sealed-encodings.ts';

/**
 * Canonical CBOR of artifacts: `[kind code, height, …fields]`. There is exactly one encoding of an
 * artifact (the decoder refuses any other), so its SHA-256 names it.
 */

export type ArtifactError = CodedError<'MALFORMED_ARTIFACT'>;

/** BLS signatures have 48 bytes, Ed25519 ones 64; test schemes may differ. */
const MAX_SIGNATURE_BYTES = 96;
/** Depth: artifact, block of a catch-up package, its payload. */
const MAX_DEPTH = 4;
const MAX_ITEMS = 64 + MAX_SUBNET_NODES + MAX_INGRESS_PER_BLOCK;

/** An artifact before its hash is known. */
export type Unsealed<A extends Artifact = Artifact> = A extends Artifact ? Omit<A, 'hash'> : never;

/** Computes the hash that names the artifact. */
export function sealArtifact<K extends ArtifactKind>(
  content: { readonly kind: K } & Unsealed<ArtifactOf<K>>,
): ArtifactOf<K> {
  const encoded = encodeArtifact(content as unknown as Unsealed);
  const sealed = { ...content, hash: hashOfEncoded(encoded) } as unknown as ArtifactOf<K>;
  rememberEncoding(sealed, encoded);
  return sealed;
}

/** The one encoding; a fresh array each time. */
export function encodeArtifact(artifact: Artifact | Unsealed): Uint8Array {
  const whole = artifact as Artifact;
  return isSmall(whole)
    ? writeCbor((writer) => {
        writeSmall(writer, whole);
      })
    : encodeCbor([ARTIFACT_KINDS.indexOf(artifact.kind), artifact.height, ...contentFields(whole)]);
}

/** Votes and what is made of them: nearly everything a node encodes, so without a tree in between. */
type SmallArtifact = ArtifactOf<
  | 'randomBeacon'
  | 'randomBeaconShare'
  | 'randomTape'
  | 'randomTapeShare'
  | 'notarization'
  | 'notarizationShare'
  | 'finalization'
  | 'finalizationShare'
  | 'certification'
  | 'certificationShare'
>;

const SMALL_KINDS: ReadonlySet<ArtifactKind> = new Set<SmallArtifact['kind']>([
  'randomBeacon',
  'randomBeaconShare',
  'randomTape',
  'randomTapeShare',
  'notarization',
  'notarizationShare',
  'finalization',
  'finalizationShare',
  'certification',
  'certificationShare',
]);

function isSmall(artifact: Artifact): artifact is SmallArtifact {
  return SMALL_KINDS.has(artifact.kind);
}

/** What the signature is on besides the height, by its hash; the tape is on the height alone. */
function subjectOf(artifact: SmallArtifact): HashHex | null {
  switch (artifact.kind) {
    case 'randomTape':
    case 'randomTapeShare':
      return null;
    case 'randomBeacon':
    case 'randomBeaconShare':
      return artifact.parent;
    case 'certification':
    case 'certificationShare':
      return artifact.root;
    default:
      return artifact.blockHash;
  }
}

/** `[kind code, height, subject?, signer or signers?, signature]` */
function writeSmall(writer: CborWriter, artifact: SmallArtifact): void {
  const subject = subjectOf(artifact);
  const isSigned = 'signer' in artifact || 'signers' in artifact;
  writer.array(3 + (subject === null ? 0 : 1) + (isSigned ? 1 : 0));
  writer.nat(ARTIFACT_KINDS.indexOf(artifact.kind));
  writer.nat(artifact.height);
  if (subject !== null) {
    writer.hex(subject);
  }
  if ('signer' in artifact) {
    writer.hex(artifact.signer);
  } else if ('signers' in artifact) {
    writer.array(artifact.signers.length);
    for (const signer of artifact.signers) {
      writer.hex(signer);
    }
  }
  writer.bytes(artifact.signature);
}

function hashOfEncoded(encoded: Uint8Array): HashHex {
  return bytesToHex(sha256(encoded)) as HashHex;
}

function node(id: NodeId): Uint8Array {
  return principalToBytes(id);
}

function contentFields(artifact: Exclude<Artifact, SmallArtifact>): readonly CborInput[] {
  switch (artifact.kind) {
    case 'blockProposal':
      return [blockFields(artifact.block), node(artifact.signer), artifact.signature];
    case 'catchUpPackage':
      return [
        blockFields(artifact.block),
        [hashToBytes(artifact.beacon.parent), artifact.beacon.signature],
        hashToBytes(artifact.stateHash),
        artifact.oldestRegistryVersion,
        artifact.signature,
      ];
    case 'catchUpPackageShare':
      return [
        hashToBytes(artifact.blockHash),
        hashToBytes(artifact.beaconHash),
        hashToBytes(artifact.stateHash),
        artifact.oldestRegistryVersion,
        node(artifact.signer),
        artifact.signature,
      ];
    case 'equivocationProof':
      return [
        node(artifact.signer),
        hashToBytes(artifact.hash1),
        artifact.signature1,
        hashToBytes(artifact.hash2),
        artifact.signature2,
      ];
    case 'dkgDealing':
      return dealingFields(artifact);
    case 'dkgComplaint':
      return complaintFields(artifact);
    default:
      return unreachable(artifact);
  }
}

function malformed(what: string): { readonly ok: false; readonly error: ArtifactError } {
  return err(codedError('input', 'MALFORMED_ARTIFACT', `malformed artifact: ${what}`));
}

/** Decodes hostile bytes. Anything but the one canonical encoding of a well-formed artifact is refused. */
export function decodeArtifact(bytes: Uint8Array): Result<Artifact, ArtifactError> {
  const decoded = decodeCbor(bytes, {
    maxBytes: MAX_ARTIFACT_BYTES,
    maxDepth: MAX_DEPTH,
    maxItems: MAX_ITEMS,
    canonical: true,
  });
  if (!decoded.ok) {
    return malformed(decoded.error.message);
  }
  const fields = new FieldReader(decoded.value);
  const kind = ARTIFACT_KINDS[fields.safeNat()];
  if (kind === undefined) {
    return malformed('unknown kind');
  }
  const height = fields.height();
  const content = readContent(kind, height, fields);
  fields.end();
  if (fields.failure !== null) {
    return malformed(`${kind}: ${fields.failure}`);
  }
  return ok({ ...content, hash: hashOfEncoded(bytes) } as Artifact);
}

function readContent(kind: ArtifactKind, height: number, fields: FieldReader): Unsealed {
  const signature = (): Uint8Array => fields.bytes(1, MAX_SIGNATURE_BYTES);
  const signedBy = (): { signer: NodeId; signature: Uint8Array } => ({
    signer: fields.nodeId(),
    signature: signature(),
  });
  switch (kind) {
    case 'randomBeacon':
      return { kind, height, parent: fields.hash(), signature: signature() };
    case 'randomBeaconShare':
      return { kind, height, parent: fields.hash(), ...signedBy() };
    case 'randomTape':
      return { kind, height, signature: signature() };
    case 'randomTapeShare':
      return { kind, height, ...signedBy() };
    case 'blockProposal':
      return readProposal(height, fields);
    case 'notarization':
    case 'finalization':
      return {
        kind,
        height,
        blockHash: fields.hash(),
        signers: fields.signers(MAX_SUBNET_NODES),
        signature: signature(),
      };
    case 'notarizationShare':
    case 'finalizationShare':
      return { kind, height, blockHash: fields.hash(), ...signedBy() };
    case 'catchUpPackage':
      return readCatchUpPackage(height, fields);
    case 'catchUpPackageShare':
      return {
        kind,
        height,
        blockHash: fields.hash(),
        beaconHash: fields.hash(),
        stateHash: fields.hash(),
        oldestRegistryVersion: fields.nullable(() => fields.safeNat()),
        ...signedBy(),
      };
    case 'equivocationProof':
      return readEquivocationProof(height, fields);
    case 'certification':
      return { kind, height, root: fields.hash(), signature: signature() };
    case 'certificationShare':
      return { kind, height, root: fields.hash(), ...signedBy() };
    case 'dkgDealing':
      return readDealing(height, fields);
    case 'dkgComplaint':
      return readComplaint(height, fields);
    default:
      return unreachable(kind);
  }
}

function readProposal(height: number, fields: FieldReader): Unsealed {
  const block = fields.nested(readBlock);
  if (block.height !== height) {
    fields.fail('height of block and artifact differ');
  }
  return {
    kind: 'blockProposal',
    height,
    block,
    signer: fields.nodeId(),
    signature: fields.bytes(1, MAX_SIGNATURE_BYTES),
  };
}

function readCatchUpPackage(height: number, fields: FieldReader): Unsealed {
  const block = fields.nested(readBlock);
  const beacon = fields.nested(
    (inner): RandomBeacon =>
      sealArtifact<'randomBeacon'>({
        kind: 'randomBeacon',
        height,
        parent: inner.hash(),
        signature: inner.bytes(1, MAX_SIGNATURE_BYTES),
      }),
  );
  if (block.height !== height || block.payload.kind !== 'summary') {
    fields.fail('not the summary block of this height');
  }
  return {
    kind: 'catchUpPackage',
    height,
    block,
    beacon,
    stateHash: fields.hash(),
    oldestRegistryVersion: fields.nullable(() => fields.safeNat()),
    signature: fields.bytes(1, MAX_SIGNATURE_BYTES),
  };
}

function readEquivocationProof(height: number, fields: FieldReader): Unsealed {
  const signer = fields.nodeId();
  const hash1 = fields.hash();
  const signature1 = fields.bytes(1, MAX_SIGNATURE_BYTES);
  const hash2 = fields.hash();
  const signature2 = fields.bytes(1, MAX_SIGNATURE_BYTES);
  if (hash1 >= hash2) {
    fields.fail('hashes not ascending');
  }
  return { kind: 'equivocationProof', height, signer, hash1, signature1, hash2, signature2 };
}

/** `[kind code, height, hash]` for adverts. */
export function encodeArtifactId(id: ArtifactId): Uint8Array {
  return encodeCbor([ARTIFACT_KINDS.indexOf(id.kind), id.height, hashToBytes(id.hash)]);
}

export function decodeArtifactId(bytes: Uint8Array): Result<ArtifactId, ArtifactError> {
  const decoded = decodeCbor(bytes, { maxBytes: 64, maxDepth: 1, canonical: true });
  if (!decoded.ok) {
    return malformed(decoded.error.message);
  }
  const fields = new FieldReader(decoded.value);
  const kind = ARTIFACT_KINDS[fields.safeNat()];
  const id = { height: fields.height(), hash: fields.hash() };
  fields.end();
  if (kind === undefined || fields.failure !== null) {
    return malformed(`id: ${fields.failure ?? 'unknown kind'}`);
  }
  return ok({ kind, ...id });
}
