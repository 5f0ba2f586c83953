import { encodeUtf8 } from '../../base/utf8.ts';
import { canisterIdToU64, MANAGEMENT_CANISTER_ID, principalFromText } from '../crypto/principal.ts';
import { subnetEntry, subnetOfCanister } from '../registry/network-topology.ts';
import type { PrincipalId, SubnetId } from '../types/ids.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import type { ReplicaRequest } from './handle-request.ts';
import type { HttpReply } from './http-error.ts';

/**
 * Which subnet a client's request goes to: the lookup of an API boundary node, one for both hosts.
 * @upstream rs/boundary_node/ic_boundary/src/{routes,errors}.rs, http/middleware/validate.rs
 */
export type RequestRoute =
  | { readonly kind: 'subnet'; readonly subnetId: SubnetId }
  /** About no subnet: the status, and paths that no node knows. */
  | { readonly kind: 'any' }
  | { readonly kind: 'refused'; readonly reply: HttpReply };

const ROUTE = /^\/api\/v[234]\/(canister|subnet)\/([^/]{1,80})\//;

/**
 * By canister id, by subnet id. A network of one subnet gets everything: its nodes say what is wrong.
 *
 * `aaaaa-aa` is on no subnet, and boundary nodes of the IC refuse it. Here it goes to the root subnet:
 * agents accept an answer about that id without a delegation only, so a canister that an unmodified
 * agent creates without naming an id is made there. Whoever wants it elsewhere names an id of the
 * subnet that is meant.
 */
export function routeRequest(topology: NetworkTopology, request: ReplicaRequest): RequestRoute {
  const [, kind, text] = ROUTE.exec(request.path) ?? [];
  const [only] = topology.subnets;
  if (only !== undefined && topology.subnets.length === 1) {
    return to(only.subnetId);
  }
  if (text === undefined) {
    return { kind: 'any' };
  }
  const id = principalFromText(text);
  if (!id.ok) {
    const what = `Unable to decode ${kind}_id from URL: ${id.error.message}`;
    return { kind: 'refused', reply: boundaryFailure(400, 'malformed_request', what) };
  }
  return kind === 'subnet'
    ? routeToSubnet(topology, id.value)
    : routeToCanister(topology, id.value);
}

/** An error as the IC's boundary nodes word it. */
export function boundaryFailure(status: number, error: string, details: string): HttpReply {
  return {
    status,
    contentType: 'text/plain; charset=utf-8',
    body: encodeUtf8(`error: ${error}\ndetails: ${details}`),
  };
}

function to(subnetId: SubnetId): RequestRoute {
  return { kind: 'subnet', subnetId };
}

function routeToSubnet(topology: NetworkTopology, id: PrincipalId): RequestRoute {
  const found = subnetEntry(topology, id as SubnetId);
  return found === undefined
    ? refused('subnet_not_found', 'The specified subnet cannot be found.')
    : to(found.subnetId);
}

function routeToCanister(topology: NetworkTopology, id: PrincipalId): RequestRoute {
  if (id === MANAGEMENT_CANISTER_ID) {
    return to(topology.rootSubnetId);
  }
  const number = canisterIdToU64(id);
  const host = number === undefined ? undefined : subnetOfCanister(topology, number);
  return host === undefined
    ? refused('canister_not_found', 'The specified canister does not exist.')
    : to(host);
}

function refused(error: string, details: string): RequestRoute {
  return { kind: 'refused', reply: boundaryFailure(400, error, details) };
}
