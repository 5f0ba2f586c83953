import { bytesToHex } from '../../base/hex.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { decodeUtf8, encodeUtf8 } from '../../base/utf8.ts';
import { type CertificateDelegation, encodeCertificate } from '../crypto/certificate.ts';
import { type TreePath } from '../crypto/hash-tree.ts';
import { getEntry, mapEntries, witness } from '../crypto/labeled-tree.ts';
import {
  MANAGEMENT_CANISTER_ID,
  principalFromBytes,
  principalToBytes,
  principalToText,
} from '../crypto/principal.ts';
import type { CanisterId, MessageId, PrincipalId } from '../types/ids.ts';
import type { ReadStateContent } from './envelope.ts';
import { httpError, type HttpError } from './http-error.ts';
import type { CertifiedState } from './replica-context.ts';
import type { ShownRanges, SubnetDelegation } from './subnet-delegation.ts';

/** Where a read_state request came in: what may be read depends on it. */
export interface ReadRoute {
  readonly kind: 'canister' | 'subnet';
  /** The canister or subnet named in the URL. */
  readonly id: PrincipalId;
  /** v2 shows flat canister ranges, v3 the sharded ones. */
  readonly version: 2 | 3;
}

const TIME = encodeUtf8('time');
const REQUEST_ID_BYTES = 32;

/**
 * The certificate for the requested paths, `/time` always included.
 * @upstream interface spec 0.66 "Request: Read state", rs/http_endpoints/public/src/read_state
 */
export function readState(
  certified: CertifiedState,
  delegation: SubnetDelegation | null,
  content: ReadStateContent,
  route: ReadRoute,
): Result<Uint8Array, HttpError> {
  const requested = new Set<string>();
  const shown: TreePath[] = [];
  for (const path of content.paths) {
    const allowed = checkPath(certified, content, route, path, requested);
    if (!allowed.ok) {
      return allowed;
    }
    shown.push(...allowed.value);
  }
  return ok(certificateFor(certified, shown, delegation?.show(rangesFor(route))));
}

function rangesFor({ kind, id, version }: ReadRoute): ShownRanges {
  if (version === 2) {
    return 'flat';
  }
  return kind === 'canister' ? { shardOf: id } : 'none';
}

/** Certificate of the newest certified state that shows `paths` and the time. */
export function certificateFor(
  certified: CertifiedState,
  paths: readonly TreePath[],
  delegation: CertificateDelegation | undefined,
): Uint8Array {
  const tree = witness(certified.tree, [[TIME], ...paths]);
  const { signature } = certified;
  return encodeCertificate({ tree, signature, ...(delegation && { delegation }) });
}

/** The certificate that a canister gets for its certified data in a query. */
export function dataCertificate(
  certified: CertifiedState,
  canisterId: CanisterId,
  delegation: CertificateDelegation | undefined,
): Uint8Array {
  const path = [encodeUtf8('canister'), principalToBytes(canisterId), encodeUtf8('certified_data')];
  return certificateFor(certified, [path], delegation);
}

function invalidPath(): Result<never, HttpError> {
  return err(httpError('UNKNOWN_PATH', 'Invalid path requested.'));
}

function denied(why: string): Result<never, HttpError> {
  return err(httpError('ACCESS_DENIED', why));
}

/** Which concrete paths a requested one may show: prefixes are expanded to what is public below them. */
function checkPath(
  certified: CertifiedState,
  content: ReadStateContent,
  route: ReadRoute,
  path: TreePath,
  requested: Set<string>,
): Result<readonly TreePath[], HttpError> {
  const top = path[0] === undefined ? undefined : decodeUtf8(path[0]);
  switch (top) {
    case 'time':
      return path.length === 1 ? ok([path]) : invalidPath();
    case 'api_boundary_nodes':
      return ok([path]);
    case 'subnet':
      return checkSubnetPath(certified, route, path);
    case 'canister_ranges':
      return checkRangesPath(route, path, requested);
    case 'canister':
      return route.kind === 'canister'
        ? checkCanisterPath(certified, content, route, path)
        : invalidPath();
    case 'request_status':
      return route.kind === 'canister'
        ? checkStatusPath(certified, content, route, path, requested)
        : invalidPath();
    default:
      return invalidPath();
  }
}

const PUBLIC_SUBNET_LEAVES = ['public_key', 'type', 'node', 'canister_ranges'] as const;

function checkSubnetPath(
  certified: CertifiedState,
  route: ReadRoute,
  path: TreePath,
): Result<readonly TreePath[], HttpError> {
  const [top, subnet, leaf] = path;
  if (top === undefined) {
    return invalidPath();
  }
  if (leaf === undefined) {
    const subnets = subnet === undefined ? labelsBelow(certified, top) : [subnet];
    return ok(
      subnets.flatMap((id) => PUBLIC_SUBNET_LEAVES.map((name) => [top, id, encodeUtf8(name)])),
    );
  }
  const name = decodeUtf8(leaf);
  if (name === 'metrics') {
    const own = route.kind === 'subnet' && subnet !== undefined && bytesToHex(subnet) === route.id;
    return own && path.length === 3 ? ok([path]) : invalidPath();
  }
  return (PUBLIC_SUBNET_LEAVES as readonly (string | undefined)[]).includes(name)
    ? ok([path])
    : invalidPath();
}

function labelsBelow(certified: CertifiedState, top: Uint8Array): readonly Uint8Array[] {
  const below = certified.tree.kind === 'map' ? getEntry(certified.tree, top) : undefined;
  return below?.kind === 'map' ? mapEntries(below).map(([label]) => label) : [];
}

function checkRangesPath(
  route: ReadRoute,
  path: TreePath,
  requested: Set<string>,
): Result<readonly TreePath[], HttpError> {
  const subnet = path[1];
  if (route.kind !== 'subnet' || route.version !== 3 || subnet === undefined || path.length > 3) {
    return invalidPath();
  }
  return onlyOne(requested, 'ranges', bytesToHex(subnet))
    ? ok([path])
    : err(httpError('MALFORMED_REQUEST', 'Can only request the canister ranges of one subnet.'));
}

/** Records a request of a family that may name only one thing; false for the second. */
function onlyOne(requested: Set<string>, family: string, key: string): boolean {
  const full = `${family} ${key}`;
  requested.add(full);
  return [...requested].filter((known) => known.startsWith(`${family} `)).length === 1;
}

function checkCanisterPath(
  certified: CertifiedState,
  content: ReadStateContent,
  route: ReadRoute,
  path: TreePath,
): Result<readonly TreePath[], HttpError> {
  const [, idBytes, leaf, name] = path;
  const id = idBytes === undefined ? undefined : principalFromBytes(idBytes);
  if (id === undefined || leaf === undefined) {
    return invalidPath();
  }
  if (id !== route.id) {
    return err(
      httpError(
        'ID_MISMATCH',
        `Effective principal id in URL ${principalToText(route.id)} does not match requested principal id: ${principalToText(id)}.`,
      ),
    );
  }
  switch (decodeUtf8(leaf)) {
    case 'controllers':
    case 'module_hash':
    case 'canister_creation_timestamp':
    case 'last_install_timestamp':
      return path.length === 3 ? ok([path]) : invalidPath();
    case 'metadata':
      return name !== undefined && path.length === 4
        ? checkMetadata(certified, content, id as CanisterId, path, name)
        : invalidPath();
    default:
      return invalidPath();
  }
}

function checkMetadata(
  certified: CertifiedState,
  content: ReadStateContent,
  id: CanisterId,
  path: TreePath,
  name: Uint8Array,
): Result<readonly TreePath[], HttpError> {
  const text = decodeUtf8(name);
  if (text === undefined) {
    return err(httpError('MALFORMED_REQUEST', 'Could not parse the custom section name as UTF-8.'));
  }
  const canister = certified.state.canisters.get(id);
  const section = canister?.execution?.customSections.find((known) => known.name === text);
  const isController = canister?.controllers.includes(content.sender) ?? false;
  return section?.visibility === 'private' && !isController
    ? denied(
        `Custom section ${text.slice(0, 100)} can only be requested by the controllers of the canister.`,
      )
    : ok([path]);
}

function checkStatusPath(
  certified: CertifiedState,
  content: ReadStateContent,
  route: ReadRoute,
  path: TreePath,
  requested: Set<string>,
): Result<readonly TreePath[], HttpError> {
  const idBytes = path[1];
  if (idBytes === undefined || idBytes.length !== REQUEST_ID_BYTES || path.length > 3) {
    return invalidPath();
  }
  const id = bytesToHex(idBytes) as MessageId;
  if (!onlyOne(requested, 'status', id)) {
    return err(
      httpError(
        'MALFORMED_REQUEST',
        'Can only request a single request ID in request_status paths.',
      ),
    );
  }
  const entry = certified.state.ingressHistory.entries.get(id);
  if (entry !== undefined && entry.sender !== content.sender) {
    return denied('The user tries to access Request ID not signed by the caller.');
  }
  // A creation is about no canister yet: any effective id of the subnet will do.
  const about = entry?.effectiveCanisterId ?? MANAGEMENT_CANISTER_ID;
  if (about !== MANAGEMENT_CANISTER_ID && about !== route.id) {
    return denied(
      'The user tries to access Request ID not belonging to the effective canister id.',
    );
  }
  return ok([path]);
}
