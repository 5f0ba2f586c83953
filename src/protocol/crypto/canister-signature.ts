import { equalBytes } from '../../base/bytes.ts';
import { bytesToHex } from '../../base/hex.ts';
import { createLru } from '../../base/lru.ts';
import { codedError, err, ok, type CodedError, type Result } from '../../base/result.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import type { BlsBackend, NodeCrypto } from '../interfaces/crypto.ts';
import { asBytes, asMap, decodeCbor } from './cbor.ts';
import { type Certificate, decodeCertificate, verifyCertificate } from './certificate.ts';
import { splitCanisterSignatureKey, unwrapBls, wrapBls } from './der.ts';
import { hashTreeFromCbor, lookupPath, MAX_TREE_DEPTH, treeRoot } from './hash-tree.ts';
import { principalFromBytes, principalToBytes } from './principal.ts';
import { sha256 } from './sha256.ts';

/**
 * Signatures of canisters: a certificate shows that the canister's certified data is the root of a
 * tree, and the tree holds what was signed. Interface specification, "Canister signatures".
 */

/** Whose certificates are believed. */
export interface SignatureTrust {
  /** DER, 133 bytes. */
  readonly rootKeyDer: Uint8Array;
  readonly bls: Pick<BlsBackend, 'verify'>;
}

/** Verdicts kept: a delegation comes with every request of its user. */
const VERDICTS = 256;

/** What a node believes: certificates of the root subnet, and of those that it delegates to. */
export function networkTrust(
  crypto: Pick<NodeCrypto, 'subnetPublicKeyDer' | 'verifyThreshold' | 'verifySubnetSignature'>,
  rootKeyDer: Uint8Array,
): SignatureTrust {
  const own = unwrapBls(crypto.subnetPublicKeyDer);
  const verdicts = createLru<boolean>(VERDICTS);
  return {
    rootKeyDer,
    bls: {
      verify: (key, message, signature) => {
        const isOwn = own.ok && equalBytes(key, own.value);
        const name = [
          isOwn ? '' : bytesToHex(key),
          bytesToHex(message),
          bytesToHex(signature),
        ].join(' ');
        const verdict =
          verdicts.get(name) ??
          (isOwn
            ? crypto.verifyThreshold('high', message, signature)
            : crypto.verifySubnetSignature(wrapBls(key), message, signature));
        verdicts.set(name, verdict);
        return verdict;
      },
    },
  };
}

type CanisterSignatureError = CodedError<'MALFORMED_KEY' | 'BAD_SIGNATURE'>;

function bad(why: string): Result<never, CanisterSignatureError> {
  return err(codedError('trust', 'BAD_SIGNATURE', `The canister signature is not valid: ${why}.`));
}

/**
 * Checks a canister's signature on `message` (already domain separated).
 * @param rawKey of a canister-signature key: length, canister id, seed
 */
export function verifyCanisterSignature(
  rawKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
  trust: SignatureTrust,
): Result<null, CanisterSignatureError> {
  const key = splitCanisterSignatureKey(rawKey);
  const canisterId = key === undefined ? undefined : principalFromBytes(key.canisterId);
  if (key === undefined || canisterId === undefined) {
    return err(codedError('input', 'MALFORMED_KEY', 'Not a canister-signature key.'));
  }
  const decoded = decodeCbor(signature, { maxDepth: MAX_TREE_DEPTH + 1 });
  const fields = decoded.ok ? asMap(decoded.value) : undefined;
  const encoded = asBytes(fields?.get('certificate'));
  const tree = hashTreeFromCbor(fields?.get('tree'));
  const certificate = encoded === undefined ? undefined : decodeCertificate(encoded);
  if (certificate === undefined || !certificate.ok || !tree.ok) {
    return bad('it has no certificate or no tree');
  }
  const verified = verifyCertificate(certificate.value, { ...trust, canisterId });
  if (!verified.ok) {
    return bad(verified.error.message);
  }
  if (!showsSubnetType(certificate.value)) {
    return bad('its delegation does not show the type of the subnet');
  }
  const path = [encodeUtf8('canister'), key.canisterId, encodeUtf8('certified_data')];
  const certified = lookupPath(certificate.value.tree, path);
  if (certified === undefined || !equalBytes(certified, treeRoot(tree.value))) {
    return bad('the certificate does not show the root of the tree');
  }
  const leaf = lookupPath(tree.value, [encodeUtf8('sig'), sha256(key.seed), sha256(message)]);
  return leaf?.length === 0 ? ok(null) : bad('the tree does not hold what should be signed');
}

/** Some types of subnets may not speak for their canisters, so a delegation must say which one it is. */
function showsSubnetType({ delegation }: Certificate): boolean {
  if (delegation === undefined) {
    return true;
  }
  const { subnetId } = delegation;
  const inner = decodeCertificate(delegation.certificate);
  const path = [encodeUtf8('subnet'), principalToBytes(subnetId), encodeUtf8('type')];
  return inner.ok && lookupPath(inner.value.tree, path) !== undefined;
}
