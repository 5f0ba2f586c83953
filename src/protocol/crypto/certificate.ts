import { compareText } from '../../base/bytes.ts';
import { decodeUleb128 } from '../../base/leb128.ts';
import { codedError, err, ok } from '../../base/result.ts';
import type { CodedError, Result } from '../../base/result.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import type { BlsBackend } from '../interfaces/crypto.ts';
import type { CanisterId, PrincipalId, SubnetId, TimeNs } from '../types/ids.ts';
import type { CborValue } from './cbor.ts';
import { asArray, asBytes, asMap, decodeCbor, encodeCbor } from './cbor.ts';
import { unwrapBls } from './der.ts';
import { domainSeparated } from './domain.ts';
import type { HashTree } from './hash-tree.ts';
import {
  hashTreeFromCbor,
  hashTreeToCbor,
  lookupLabels,
  lookupPath,
  MAX_TREE_DEPTH,
  treeRoot,
} from './hash-tree.ts';
import { principalFromBytes, principalToBytes } from './principal.ts';

/** The root subnet's (or any signer's) word that `subnetId` has a key and canister ranges. */
export interface CertificateDelegation {
  readonly subnetId: SubnetId;
  /** An encoded certificate without delegation of its own. */
  readonly certificate: Uint8Array;
}

export interface Certificate {
  readonly tree: HashTree;
  /** BLS signature on the state root, 48 bytes. */
  readonly signature: Uint8Array;
  readonly delegation?: CertificateDelegation;
}

export type CertificateErrorCode =
  | 'MALFORMED_CERTIFICATE'
  | 'BAD_SIGNATURE'
  | 'BAD_DELEGATION'
  | 'CANISTER_OUT_OF_RANGE';
export type CertificateError = CodedError<CertificateErrorCode>;

/** Inclusive range of canister ids, in the bytewise order of ids. */
export type CanisterRange = readonly [first: CanisterId, last: CanisterId];

/** What is signed for a state root hash: "ic-state-root" and the 32 bytes. */
export function stateRootSigningBytes(rootHash: Uint8Array): Uint8Array {
  return domainSeparated('stateRoot', rootHash);
}

export function encodeCertificate(certificate: Certificate): Uint8Array {
  const { tree, signature, delegation } = certificate;
  return encodeCbor(
    {
      tree: hashTreeToCbor(tree),
      signature,
      delegation:
        delegation === undefined
          ? undefined
          : {
              subnet_id: principalToBytes(delegation.subnetId),
              certificate: delegation.certificate,
            },
    },
    { selfDescribed: true },
  );
}

function malformed(why: string): Result<never, CertificateError> {
  return err(codedError('input', 'MALFORMED_CERTIFICATE', `Malformed certificate: ${why}.`));
}

function delegationFromCbor(value: CborValue): CertificateDelegation | undefined {
  const fields = asMap(value);
  const subnet = asBytes(fields?.get('subnet_id'));
  const certificate = asBytes(fields?.get('certificate'));
  const subnetId = subnet === undefined ? undefined : principalFromBytes(subnet);
  return subnetId === undefined || certificate === undefined
    ? undefined
    : { subnetId: subnetId as SubnetId, certificate };
}

export function decodeCertificate(bytes: Uint8Array): Result<Certificate, CertificateError> {
  const decoded = decodeCbor(bytes, { maxDepth: MAX_TREE_DEPTH + 1 });
  if (!decoded.ok) {
    return malformed(decoded.error.message);
  }
  const fields = asMap(decoded.value);
  const signature = asBytes(fields?.get('signature'));
  const tree = hashTreeFromCbor(fields?.get('tree'));
  if (signature === undefined || !tree.ok) {
    return malformed('no tree or no signature');
  }
  const rawDelegation = fields?.get('delegation');
  if (rawDelegation === undefined || rawDelegation === null) {
    return ok({ tree: tree.value, signature });
  }
  const delegation = delegationFromCbor(rawDelegation);
  return delegation === undefined
    ? malformed('delegation without subnet id or certificate')
    : ok({ tree: tree.value, signature, delegation });
}

/** Canister ranges as the state tree's leaves carry them: self-described CBOR, pairs of ids. */
export function encodeCanisterRanges(ranges: readonly CanisterRange[]): Uint8Array {
  const pairs = ranges.map(([first, last]) => [principalToBytes(first), principalToBytes(last)]);
  return encodeCbor(pairs, { selfDescribed: true });
}

export function decodeCanisterRanges(bytes: Uint8Array): readonly CanisterRange[] | undefined {
  const decoded = decodeCbor(bytes);
  const pairs = decoded.ok ? asArray(decoded.value) : undefined;
  if (pairs === undefined) {
    return undefined;
  }
  const ranges: CanisterRange[] = [];
  for (const pair of pairs) {
    const ends = asArray(pair)?.map((end) => {
      const bytesOfEnd = asBytes(end);
      return bytesOfEnd === undefined ? undefined : principalFromBytes(bytesOfEnd);
    });
    const first = ends?.[0];
    const last = ends?.[1];
    if (first === undefined || last === undefined || ends?.length !== 2) {
      return undefined;
    }
    ranges.push([first as CanisterId, last as CanisterId]);
  }
  return ranges;
}

/**
 * The ranges a (root) tree shows for a subnet: all visible shards under /canister_ranges/<subnet>,
 * else the flat leaf /subnet/<subnet>/canister_ranges. Undefined when it shows neither.
 */
export function canisterRangesIn(
  tree: HashTree,
  subnetId: SubnetId,
): readonly CanisterRange[] | undefined {
  const subnet = principalToBytes(subnetId);
  const shardsPath = [encodeUtf8('canister_ranges'), subnet];
  const leaves: Uint8Array[] = [];
  for (const label of lookupLabels(tree, shardsPath)) {
    const shard = lookupPath(tree, [...shardsPath, label]);
    if (shard !== undefined) {
      leaves.push(shard);
    }
  }
  if (leaves.length === 0) {
    const flat = lookupPath(tree, [encodeUtf8('subnet'), subnet, encodeUtf8('canister_ranges')]);
    if (flat === undefined) {
      return undefined;
    }
    leaves.push(flat);
  }
  const ranges: CanisterRange[] = [];
  for (const bytes of leaves) {
    const decoded = decodeCanisterRanges(bytes);
    if (decoded === undefined) {
      return undefined;
    }
    ranges.push(...decoded);
  }
  return ranges;
}

export function isInRanges(id: PrincipalId, ranges: readonly CanisterRange[]): boolean {
  return ranges.some(([first, last]) => compareText(first, id) <= 0 && compareText(id, last) <= 0);
}

export interface VerifiedCertificate {
  readonly certificate: Certificate;
  /** /time of the outer tree; undefined when the tree doesn't show it. */
  readonly timeNs: TimeNs | undefined;
  /** The delegated subnet; undefined when the root key signed itself. */
  readonly subnetId: SubnetId | undefined;
}

export interface CertificateVerifyOptions {
  /** DER, 133 bytes. */
  readonly rootKeyDer: Uint8Array;
  readonly bls: Pick<BlsBackend, 'verify'>;
  /** When given, a delegated certificate must show it inside the subnet's ranges. */
  readonly canisterId?: PrincipalId;
}

function checkSignature(
  certificate: Certificate,
  keyDer: Uint8Array,
  bls: Pick<BlsBackend, 'verify'>,
): Result<null, CertificateError> {
  const key = unwrapBls(keyDer);
  if (!key.ok) {
    return malformed('the signer key is no BLS key');
  }
  const message = stateRootSigningBytes(treeRoot(certificate.tree));
  return bls.verify(key.value, message, certificate.signature)
    ? ok(null)
    : err(
        codedError(
          'trust',
          'BAD_SIGNATURE',
          'The certificate is not signed by the expected subnet key.',
        ),
      );
}

function badDelegation(why: string): Result<never, CertificateError> {
  return err(codedError('trust', 'BAD_DELEGATION', `Bad subnet delegation: ${why}.`));
}

/** The key that must have signed the outer tree, after checking the delegation. */
function delegatedKey(
  delegation: CertificateDelegation,
  options: CertificateVerifyOptions,
): Result<Uint8Array, CertificateError> {
  const inner = decodeCertificate(delegation.certificate);
  if (!inner.ok) {
    return inner;
  }
  if (inner.value.delegation !== undefined) {
    return badDelegation('more than one level');
  }
  const signed = checkSignature(inner.value, options.rootKeyDer, options.bls);
  if (!signed.ok) {
    return signed;
  }
  const subnet = principalToBytes(delegation.subnetId);
  const key = lookupPath(inner.value.tree, [
    encodeUtf8('subnet'),
    subnet,
    encodeUtf8('public_key'),
  ]);
  if (key === undefined) {
    return badDelegation('it does not show the public key of the subnet');
  }
  if (options.canisterId !== undefined) {
    const ranges = canisterRangesIn(inner.value.tree, delegation.subnetId);
    if (ranges === undefined) {
      return badDelegation('it does not show the canister ranges of the subnet');
    }
    if (!isInRanges(options.canisterId, ranges)) {
      return err(
        codedError(
          'trust',
          'CANISTER_OUT_OF_RANGE',
          'The subnet is not responsible for this canister.',
        ),
      );
    }
  }
  return ok(key);
}

/**
 * Checks a certificate against the root key (interface specification, "Certificate", "Delegation"):
 * signature on the root hash, at most one delegation, canister ranges. Freshness is the caller's.
 */
export function verifyCertificate(
  certificate: Certificate,
  options: CertificateVerifyOptions,
): Result<VerifiedCertificate, CertificateError> {
  const { delegation } = certificate;
  const key = delegation === undefined ? ok(options.rootKeyDer) : delegatedKey(delegation, options);
  if (!key.ok) {
    return key;
  }
  const signed = checkSignature(certificate, key.value, options.bls);
  if (!signed.ok) {
    return signed;
  }
  const time = lookupPath(certificate.tree, [encodeUtf8('time')]);
  const timeNs = time === undefined ? undefined : decodeUleb128(time, 0, 10)?.value;
  return ok({ certificate, timeNs, subnetId: delegation?.subnetId });
}
