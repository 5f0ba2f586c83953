import { stateRootSigningBytes } from '../crypto/certificate.ts';
import { encodeCbor } from '../crypto/cbor.ts';
import { domainSeparated } from '../crypto/domain.ts';
import { principalToBytes } from '../crypto/principal.ts';
import type { CatchUpContent, SignedDkgComplaint, SignedDkgDealing } from './artifacts.ts';
import { hashToBytes } from './block-codec.ts';
import type { HashHex, Height, SubnetId } from './ids.ts';

/** The bytes nodes sign, each under its own domain separator. Upstream: rs/types/types/src/crypto/sign.rs. */

export function randomBeaconSignedBytes(height: Height, parent: HashHex): Uint8Array {
  return domainSeparated('randomBeacon', encodeCbor([height, hashToBytes(parent)]));
}

export function randomTapeSignedBytes(height: Height): Uint8Array {
  return domainSeparated('randomTape', encodeCbor([height]));
}

export function blockSignedBytes(
  blockHash: HashHex,
  height: Height,
  subnetId: SubnetId,
): Uint8Array {
  return domainSeparated(
    'blockMetadata',
    encodeCbor([hashToBytes(blockHash), height, principalToBytes(subnetId)]),
  );
}

export function notarizationSignedBytes(height: Height, blockHash: HashHex): Uint8Array {
  return domainSeparated('notarization', encodeCbor([height, hashToBytes(blockHash)]));
}

export function finalizationSignedBytes(height: Height, blockHash: HashHex): Uint8Array {
  return domainSeparated('finalization', encodeCbor([height, hashToBytes(blockHash)]));
}

export function catchUpSignedBytes(content: CatchUpContent): Uint8Array {
  return domainSeparated(
    'catchUp',
    encodeCbor([
      content.height,
      hashToBytes(content.blockHash),
      hashToBytes(content.beaconHash),
      hashToBytes(content.stateHash),
      content.oldestRegistryVersion,
    ]),
  );
}

/** As clients check it: the height is not part of the signed text. */
export function certificationSignedBytes(root: HashHex): Uint8Array {
  return stateRootSigningBytes(hashToBytes(root));
}

/** `dealing.height` and tag name the run. */
export function dkgDealingSignedBytes(
  { height, tag, content }: Pick<SignedDkgDealing, 'height' | 'tag' | 'content'>,
  subnetId: SubnetId,
): Uint8Array {
  return domainSeparated(
    'niDkgDealing',
    encodeCbor([height, tag, content, principalToBytes(subnetId)]),
  );
}

export function dkgComplaintSignedBytes(
  {
    height,
    tag,
    dealer,
    content,
  }: Pick<SignedDkgComplaint, 'height' | 'tag' | 'dealer' | 'content'>,
  subnetId: SubnetId,
): Uint8Array {
  return domainSeparated(
    'dkgComplaint',
    encodeCbor([height, tag, principalToBytes(dealer), content, principalToBytes(subnetId)]),
  );
}
