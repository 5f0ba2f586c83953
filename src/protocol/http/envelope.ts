import { err, ok, type Result } from '../../base/result.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import {
  asArray,
  asBytes,
  asMap,
  asNat,
  asText,
  type CborMap,
  decodeCbor,
} from '../crypto/cbor.ts';
import { principalFromBytes } from '../crypto/principal.ts';
import { messageIdOf, requestIdOfContent } from '../crypto/representation-hash.ts';
import {
  MAX_DELEGATION_TARGETS,
  MAX_DELEGATIONS,
  MAX_ENVELOPE_DEPTH,
  MAX_METHOD_NAME_BYTES,
  MAX_NONCE_BYTES,
  MAX_READ_STATE_LABELS,
  MAX_READ_STATE_PATHS,
  MAX_REQUEST_BODY_BYTES,
} from '../limits/interface.ts';
import type { CallerInfo } from '../interfaces/wasm-host.ts';
import type { CanisterId, MessageId, PrincipalId, TimeNs } from '../types/ids.ts';
import { httpError, type HttpError } from './http-error.ts';

/**
 * The authentication envelope of interface spec 0.66 ("Authentication"): decoded and shaped, not
 * yet trusted. Unknown content fields count for the request id, as the specification demands.
 */
export interface Envelope {
  readonly content: RequestContent;
  /** SHA-256 of the content, 32 bytes. */
  readonly requestId: Uint8Array;
  readonly messageId: MessageId;
  readonly senderPublicKeyDer: Uint8Array | undefined;
  readonly senderSignature: Uint8Array | undefined;
  readonly delegations: readonly SignedDelegation[];
}

export type RequestContent = CallContent | QueryContent | ReadStateContent;

interface CommonContent {
  readonly sender: PrincipalId;
  readonly ingressExpiryNs: TimeNs;
  readonly nonce: Uint8Array | null;
}

/** What a canister says about the sender; its signature is not checked yet. */
export interface SenderInfo {
  readonly info: Uint8Array;
  readonly signer: PrincipalId;
  readonly signature: Uint8Array;
}

export interface CallContent extends CommonContent {
  readonly kind: 'call';
  readonly canisterId: CanisterId;
  readonly methodName: string;
  readonly arg: Uint8Array;
  readonly senderInfo?: SenderInfo | undefined;
}

export interface QueryContent extends CommonContent {
  readonly kind: 'query';
  readonly canisterId: CanisterId;
  readonly methodName: string;
  readonly arg: Uint8Array;
  readonly senderInfo?: SenderInfo | undefined;
}

/** What the canister's code is told of the sender, once the envelope is authentic. */
export function callerInfoOf({ senderInfo }: CallContent | QueryContent): CallerInfo | undefined {
  return senderInfo && { data: senderInfo.info, signer: senderInfo.signer };
}

export interface ReadStateContent extends CommonContent {
  readonly kind: 'read_state';
  readonly paths: readonly (readonly Uint8Array[])[];
}

export interface SignedDelegation {
  /** Hash of the delegation map: what the previous key signed, 32 bytes. */
  readonly hash: Uint8Array;
  readonly publicKeyDer: Uint8Array;
  readonly expirationNs: TimeNs;
  /** Undefined = every canister. */
  readonly targets: readonly PrincipalId[] | undefined;
  readonly permissions: 'all' | 'queries';
  readonly signature: Uint8Array;
}

function malformed(why: string): Result<never, HttpError> {
  return err(httpError('MALFORMED_REQUEST', `Could not parse body as request envelope: ${why}`));
}

/** Decodes a request body. Every length and depth is bounded. */
export function decodeEnvelope(body: Uint8Array): Result<Envelope, HttpError> {
  if (body.length > MAX_REQUEST_BODY_BYTES) {
    return err(
      httpError(
        'REQUEST_TOO_LARGE',
        `The request body has ${body.length} bytes; at most ${MAX_REQUEST_BODY_BYTES} are accepted.`,
      ),
    );
  }
  const decoded = decodeCbor(body, {
    maxDepth: MAX_ENVELOPE_DEPTH,
    maxBytes: MAX_REQUEST_BODY_BYTES,
  });
  if (!decoded.ok) {
    return malformed(decoded.error.message);
  }
  const fields = asMap(decoded.value);
  const contentMap = asMap(fields?.get('content'));
  if (fields === undefined || contentMap === undefined) {
    return malformed('missing field `content`');
  }
  const content = decodeContent(contentMap);
  if (!content.ok) {
    return content;
  }
  const requestId = requestIdOfContent(contentMap);
  if (!requestId.ok) {
    return malformed(requestId.error.message);
  }
  const delegations = decodeDelegations(fields);
  if (!delegations.ok) {
    return delegations;
  }
  const publicKey = fields.get('sender_pubkey') ?? undefined;
  const signature = fields.get('sender_sig') ?? undefined;
  if (
    (publicKey !== undefined && asBytes(publicKey) === undefined) ||
    (signature !== undefined && asBytes(signature) === undefined)
  ) {
    return malformed('`sender_pubkey` and `sender_sig` must be byte strings');
  }
  return ok({
    content: content.value,
    requestId: requestId.value,
    messageId: messageIdOf(requestId.value),
    senderPublicKeyDer: asBytes(publicKey),
    senderSignature: asBytes(signature),
    delegations: delegations.value,
  });
}

function decodeContent(map: CborMap): Result<RequestContent, HttpError> {
  const sender = principalField(map, 'sender');
  const ingressExpiryNs = asNat(map.get('ingress_expiry'));
  const nonce = map.get('nonce') ?? null;
  const requestType = asText(map.get('request_type'));
  if (sender === undefined) {
    return malformed('`sender` must be a principal of at most 29 bytes');
  }
  if (ingressExpiryNs === undefined) {
    return malformed('`ingress_expiry` must be an unsigned 64-bit integer');
  }
  if (nonce !== null && (asBytes(nonce)?.length ?? MAX_NONCE_BYTES + 1) > MAX_NONCE_BYTES) {
    return malformed(`\`nonce\` must be at most ${MAX_NONCE_BYTES} bytes`);
  }
  const common = { sender, ingressExpiryNs, nonce: asBytes(nonce ?? undefined) ?? null };
  switch (requestType) {
    case 'call':
    case 'query':
      return decodeCanisterContent(map, requestType, common);
    case 'read_state':
      return decodeReadState(map, common);
    default:
      return malformed(`unknown request_type \`${requestType?.slice(0, 40) ?? ''}\``);
  }
}

function decodeCanisterContent(
  map: CborMap,
  kind: 'call' | 'query',
  common: CommonContent,
): Result<RequestContent, HttpError> {
  const canisterId = principalField(map, 'canister_id');
  const methodName = asText(map.get('method_name'));
  const arg = asBytes(map.get('arg'));
  if (canisterId === undefined || methodName === undefined || arg === undefined) {
    return malformed('`canister_id`, `method_name` and `arg` are required');
  }
  if (encodeUtf8(methodName).length > MAX_METHOD_NAME_BYTES) {
    return malformed(`\`method_name\` is longer than ${MAX_METHOD_NAME_BYTES} bytes`);
  }
  const senderInfo = decodeSenderInfo(map);
  return senderInfo.ok
    ? ok({
        kind,
        ...common,
        canisterId: canisterId as CanisterId,
        methodName,
        arg,
        senderInfo: senderInfo.value,
      })
    : senderInfo;
}

function decodeSenderInfo(map: CborMap): Result<SenderInfo | undefined, HttpError> {
  const raw = map.get('sender_info') ?? null;
  if (raw === null) {
    return ok(undefined);
  }
  const fields = asMap(raw);
  const info = asBytes(fields?.get('info'));
  const signature = asBytes(fields?.get('sig'));
  const signer = fields === undefined ? undefined : principalField(fields, 'signer');
  return info === undefined || signature === undefined || signer === undefined
    ? malformed('`sender_info` needs `info`, `signer` and `sig`')
    : ok({ info, signer, signature });
}

function decodeReadState(map: CborMap, common: CommonContent): Result<RequestContent, HttpError> {
  const list = asArray(map.get('paths'));
  if (list === undefined || list.length > MAX_READ_STATE_PATHS) {
    return malformed(`\`paths\` must be a list of at most ${MAX_READ_STATE_PATHS} paths`);
  }
  const paths: Uint8Array[][] = [];
  for (const item of list) {
    const labels = asArray(item)?.map((label) => asBytes(label));
    if (labels === undefined || labels.length > MAX_READ_STATE_LABELS) {
      return malformed(`a path must be a list of at most ${MAX_READ_STATE_LABELS} labels`);
    }
    const path = labels.filter((label) => label !== undefined);
    if (path.length !== labels.length) {
      return malformed('a path label must be a byte string');
    }
    paths.push(path);
  }
  return ok({ kind: 'read_state', ...common, paths });
}

function decodeDelegations(fields: CborMap): Result<readonly SignedDelegation[], HttpError> {
  const raw = fields.get('sender_delegation') ?? null;
  if (raw === null) {
    return ok([]);
  }
  const list = asArray(raw);
  if (list === undefined || list.length > MAX_DELEGATIONS) {
    return malformed(
      `\`sender_delegation\` must be a list of at most ${MAX_DELEGATIONS} delegations`,
    );
  }
  const delegations: SignedDelegation[] = [];
  for (const item of list) {
    const signed = asMap(item);
    const delegation = asMap(signed?.get('delegation'));
    const signature = asBytes(signed?.get('signature'));
    if (delegation === undefined || signature === undefined) {
      return malformed('a delegation needs `delegation` and `signature`');
    }
    const decoded = decodeDelegation(delegation, signature);
    if (!decoded.ok) {
      return decoded;
    }
    delegations.push(decoded.value);
  }
  return ok(delegations);
}

function decodeDelegation(
  map: CborMap,
  signature: Uint8Array,
): Result<SignedDelegation, HttpError> {
  const publicKeyDer = asBytes(map.get('pubkey'));
  const expirationNs = asNat(map.get('expiration'));
  const permissions = map.get('permissions') ?? 'all';
  const hash = requestIdOfContent(map);
  if (publicKeyDer === undefined || expirationNs === undefined || !hash.ok) {
    return malformed('a delegation needs `pubkey` and `expiration`');
  }
  if (permissions !== 'all' && permissions !== 'queries') {
    return malformed('`permissions` of a delegation must be "all" or "queries"');
  }
  const targets = decodeTargets(map);
  if (!targets.ok) {
    return targets;
  }
  return ok({
    hash: hash.value,
    publicKeyDer,
    expirationNs,
    targets: targets.value,
    permissions,
    signature,
  });
}

function decodeTargets(map: CborMap): Result<readonly PrincipalId[] | undefined, HttpError> {
  const raw = map.get('targets') ?? null;
  if (raw === null) {
    return ok(undefined);
  }
  const list = asArray(raw);
  if (list === undefined || list.length > MAX_DELEGATION_TARGETS) {
    return malformed(
      `\`targets\` must be a list of at most ${MAX_DELEGATION_TARGETS} canister ids`,
    );
  }
  const targets: PrincipalId[] = [];
  for (const item of list) {
    const bytes = asBytes(item);
    const id = bytes === undefined ? undefined : principalFromBytes(bytes);
    if (id === undefined) {
      return malformed('a delegation target must be a principal');
    }
    targets.push(id);
  }
  return ok(targets);
}

function principalField(map: CborMap, name: string): PrincipalId | undefined {
  const bytes = asBytes(map.get(name));
  return bytes === undefined ? undefined : principalFromBytes(bytes);
}
