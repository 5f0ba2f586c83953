import { concatBytes, u32ToBytesBe } from '../../../base/bytes.ts';
import { domainSeparator } from '../../crypto/domain.ts';
import { bigintFromBytes, mod, scalarToBytes } from '../../crypto/scalars.ts';
import { sha256 } from '../../crypto/sha256.ts';

/** What the scheme hashes for; one name for each use, none of the IC's. */
export type FeldmanDomain =
  | 'subnetarium-feldman-context'
  | 'subnetarium-feldman-dealer-randomness'
  | 'subnetarium-feldman-piece-pad'
  | 'subnetarium-feldman-receiver-key'
  | 'subnetarium-feldman-ephemeral-key'
  | 'subnetarium-feldman-complaint'
  | 'subnetarium-feldman-nonce';

/** Domain and parts, each with its length: no two lists of parts give the same bytes. */
export function framed(domain: FeldmanDomain, parts: readonly Uint8Array[]): Uint8Array {
  return concatBytes(
    domainSeparator(domain),
    ...parts.flatMap((part) => [u32ToBytesBe(part.length), part]),
  );
}

/** A scalar that depends on everything framed: 512 bits reduced, so its bias is nil. 32 bytes. */
export function hashToScalar(domain: FeldmanDomain, parts: readonly Uint8Array[]): Uint8Array {
  const digest = sha256(framed(domain, parts));
  const wide = concatBytes(sha256(Uint8Array.of(0), digest), sha256(Uint8Array.of(1), digest));
  return scalarToBytes(mod(bigintFromBytes(wide)));
}
