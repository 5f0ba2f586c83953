import { assert } from '../../base/assert.ts';
import { concatBytes } from '../../base/bytes.ts';
import { encodeUtf8 } from '../../base/utf8.ts';

/**
 * Domain separators of the IC: every signed or hashed text begins with one length byte and the
 * name, so that bytes signed for one purpose never pass for another. Names as in the replica
 * (rs/types/types/src/crypto/sign.rs) and, for those a client sees, the interface specification.
 */
export const DOMAINS = {
  request: 'ic-request',
  delegation: 'ic-request-auth-delegation',
  senderInfo: 'ic-sender-info',
  queryResponse: 'ic-response',
  stateRoot: 'ic-state-root',
  hashTreeEmpty: 'ic-hashtree-empty',
  hashTreeFork: 'ic-hashtree-fork',
  hashTreeLabeled: 'ic-hashtree-labeled',
  hashTreeLeaf: 'ic-hashtree-leaf',
  block: 'block_domain',
  blockMetadata: 'block_metadata_domain',
  notarization: 'notarization_content_domain',
  finalization: 'finalization_content_domain',
  randomBeacon: 'random_beacon_content_domain',
  randomTape: 'random_tape_content_domain',
  catchUp: 'catch_up_content_proto_domain',
  catchUpShare: 'catch_up_share_content_domain',
  inMemoryPayload: 'inmemory_payload_domain',
  messageId: 'messageid_domain',
  niDkgDealing: 'dealing_content_non_interactive',
  /** Ours: the IC's dealings need no complaints. */
  dkgComplaint: 'dkg_complaint_domain',
  idkgDealing: 'ic-idkg-dealing-domain',
  idkgSignedDealing: 'ic-idkg-signed-dealing-domain',
  idkgDealingSupport: 'ic-idkg-dealing-support-domain',
  idkgTranscript: 'ic-idkg-transcript-domain',
  ecdsaShare: 'ic-threshold-ecdsa-sig-share-domain',
  schnorrShare: 'ic-threshold-schnorr-sig-share-domain',
  vetKdShare: 'ic-vetkd-encrypted-key-share-content-domain',
  canisterHttpResponse: 'ic-canister-http-response-domain',
} as const;
export type DomainName = keyof typeof DOMAINS;

/** One length byte and the ASCII name. */
export function domainSeparator(name: string): Uint8Array {
  const text = encodeUtf8(name);
  assert(text.length > 0 && text.length < 256, 'a domain name fits its length byte');
  return concatBytes(Uint8Array.of(text.length), text);
}

const SEPARATORS: ReadonlyMap<string, Uint8Array> = new Map(
  Object.entries(DOMAINS).map(([key, name]) => [key, domainSeparator(name)]),
);

/** The bytes that are signed or hashed for `message` in a domain. */
export function domainSeparated(domain: DomainName, message: Uint8Array): Uint8Array {
  return concatBytes(SEPARATORS.get(domain) as Uint8Array, message);
}
