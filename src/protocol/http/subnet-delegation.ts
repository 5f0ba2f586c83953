import { compareBytes, equalBytes } from '../../base/bytes.ts';
import { bytesToHex } from '../../base/hex.ts';
import { decodeUleb128 } from '../../base/leb128.ts';
import { codedError, err, ok, type CodedError, type Result } from '../../base/result.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { asBytes, asMap, decodeCbor, encodeCbor } from '../crypto/cbor.ts';
import {
  type Certificate,
  type CertificateDelegation,
  decodeCertificate,
  encodeCertificate,
  stateRootSigningBytes,
} from '../crypto/certificate.ts';
import {
  lookupLabels,
  lookupPath,
  pruneTree,
  treeRoot,
  type TreePath,
} from '../crypto/hash-tree.ts';
import { ANONYMOUS_PRINCIPAL, principalToBytes, principalToText } from '../crypto/principal.ts';
import type { NodeCrypto } from '../interfaces/crypto.ts';
import { MAX_INGRESS_TTL_NS } from '../limits/messaging.ts';
import type { PrincipalId, SubnetId, TimeNs } from '../types/ids.ts';
import type { ReplicaRequest } from './handle-request.ts';
import type { HttpReply } from './http-error.ts';

/**
 * The root subnet's word for another subnet: a certificate that shows its key, type and canister
 * ranges. It stands in every certificate of that subnet, so that the root key suffices to check it.
 * @upstream rs/http_endpoints/nns_delegation_manager
 */
export interface SubnetDelegation {
  /** When the root certified it. */
  readonly timeNs: TimeNs;
  /** In the form that a route's clients look for. */
  show(ranges: ShownRanges): CertificateDelegation;
}

/**
 * What a delegation shows of the canister ranges: `flat` all in one leaf (deprecated routes), a
 * canister id the one shard it may be in (clients look into the wrong one of several), `none` for
 * requests about the subnet.
 */
export type ShownRanges = 'flat' | 'none' | { readonly shardOf: PrincipalId };

export type DelegationError = CodedError<
  'MALFORMED_DELEGATION' | 'BAD_SIGNATURE' | 'WRONG_SUBNET_KEY' | 'INCOMPLETE_DELEGATION'
>;

export interface DelegationTrust {
  readonly subnetId: SubnetId;
  readonly rootKeyDer: Uint8Array;
  /** Of the subnet itself. */
  readonly crypto: Pick<NodeCrypto, 'subnetPublicKeyDer' | 'verifySubnetSignature'>;
}

const TIME: TreePath = [encodeUtf8('time')];

function subnetPath(subnetId: SubnetId, leaf: string): TreePath {
  return [encodeUtf8('subnet'), principalToBytes(subnetId), encodeUtf8(leaf)];
}

function shardsPath(subnetId: SubnetId): TreePath {
  return [encodeUtf8('canister_ranges'), principalToBytes(subnetId)];
}

/** What a node of `subnetId` asks a node of the root subnet. */
export function delegationRequest(
  rootSubnetId: SubnetId,
  subnetId: SubnetId,
  nowNs: TimeNs,
): ReplicaRequest {
  const leaves = ['public_key', 'type', 'canister_ranges'].map((leaf) =>
    subnetPath(subnetId, leaf),
  );
  const content = {
    request_type: 'read_state',
    sender: principalToBytes(ANONYMOUS_PRINCIPAL),
    paths: [...leaves, shardsPath(subnetId)].map((path) => [...path]),
    ingress_expiry: nowNs + MAX_INGRESS_TTL_NS,
  };
  return {
    method: 'POST',
    path: `/api/v3/subnet/${principalToText(rootSubnetId)}/read_state`,
    body: encodeCbor({ content }, { selfDescribed: true }),
  };
}

function refuse(code: DelegationError['code'], why: string): Result<never, DelegationError> {
  return err(codedError('trust', code, `The delegation is refused: ${why}.`));
}

/** Checks a root node's answer: from one node alone, and so to be taken for hostile. */
export function acceptDelegation(
  reply: HttpReply,
  { subnetId, rootKeyDer, crypto }: DelegationTrust,
): Result<SubnetDelegation, DelegationError> {
  const body = decodeCbor(reply.body);
  const encoded = asBytes((body.ok ? asMap(body.value) : undefined)?.get('certificate'));
  const decoded = encoded === undefined ? undefined : decodeCertificate(encoded);
  if (decoded === undefined || !decoded.ok) {
    return refuse('MALFORMED_DELEGATION', 'it is no certificate');
  }
  const certificate = decoded.value;
  const { tree, signature, delegation } = certificate;
  if (delegation !== undefined) {
    return refuse('MALFORMED_DELEGATION', 'it is delegated itself');
  }
  if (!crypto.verifySubnetSignature(rootKeyDer, stateRootSigningBytes(treeRoot(tree)), signature)) {
    return refuse('BAD_SIGNATURE', 'it is not signed by the root subnet');
  }
  const key = lookupPath(tree, subnetPath(subnetId, 'public_key'));
  if (key === undefined || !equalBytes(key, crypto.subnetPublicKeyDer)) {
    return refuse('WRONG_SUBNET_KEY', 'it does not show the key of this subnet');
  }
  const time = lookupPath(tree, TIME);
  const timeNs = time === undefined ? undefined : decodeUleb128(time, 0, 10)?.value;
  const isComplete =
    lookupPath(tree, subnetPath(subnetId, 'type')) !== undefined &&
    lookupPath(tree, subnetPath(subnetId, 'canister_ranges')) !== undefined &&
    lookupLabels(tree, shardsPath(subnetId)).length > 0;
  return timeNs === undefined || !isComplete
    ? refuse('INCOMPLETE_DELEGATION', 'it does not show time, type and canister ranges')
    : ok(createDelegation(subnetId, certificate, timeNs));
}

function createDelegation(
  subnetId: SubnetId,
  certificate: Certificate,
  timeNs: TimeNs,
): SubnetDelegation {
  const shown = new Map<string, CertificateDelegation>();
  const shards = lookupLabels(certificate.tree, shardsPath(subnetId));
  const always = [TIME, subnetPath(subnetId, 'public_key'), subnetPath(subnetId, 'type')];
  const build = (name: string, ranges: readonly TreePath[]): CertificateDelegation => {
    const known = shown.get(name);
    if (known !== undefined) {
      return known;
    }
    const tree = pruneTree(certificate.tree, [...always, ...ranges]);
    const built = { subnetId, certificate: encodeCertificate({ ...certificate, tree }) };
    shown.set(name, built);
    return built;
  };
  return {
    timeNs,
    show: (ranges) => {
      if (ranges === 'none') {
        return build('none', []);
      }
      const id = ranges === 'flat' ? undefined : principalToBytes(ranges.shardOf);
      const shard = id && shards.findLast((first) => compareBytes(first, id) <= 0);
      // An id before all ranges is on no shard: any form says that it is not ours.
      return shard === undefined
        ? build('flat', [subnetPath(subnetId, 'canister_ranges')])
        : build(bytesToHex(shard), [[...shardsPath(subnetId), shard]]);
    },
  };
}
