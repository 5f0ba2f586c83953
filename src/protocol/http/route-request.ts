import { encodeUtf8 } from '../../base/utf8.ts';
import { canisterIdToU64, MANAGEMENT_CANISTER_ID, principalFromText } from '../crypto/principal.ts';
import { subnetEntry, subnetOfCanister } from '../registry/network-topology.ts';
import type { PrincipalId, SubnetId } from '../types/ids.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import { decodeEnvelope } from './envelope.ts';
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
const CREATION = 'provisional_create_canister_with_cycles';

/**
 * By canister id, by subnet id. A network of one subnet gets everything: its nodes say what is wrong.
 *
 * Where boundary nodes of the IC know no route, a creation may still name any id, as the interface
 * specification has it: it goes to the first application subnet. All else about `aaaaa-aa` goes to the
 * root subnet, since agents accept an answer about that id without a delegation only.
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
    : routeToCanister(topology, id.value, request);
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

function routeToCanister(
  topology: NetworkTopology,
  id: PrincipalId,
  request: ReplicaRequest,
): RequestRoute {
  const number = canisterIdToU64(id);
  const host = number === undefined ? undefined : subnetOfCanister(topology, number);
  if (host !== undefined) {
    return to(host);
  }
  if (isCreation(request)) {
    return to(creationSubnet(topology));
  }
  return id === MANAGEMENT_CANISTER_ID
    ? to(topology.rootSubnetId)
    : refused('canister_not_found', 'The specified canister does not exist.');
}

function refused(error: string, details: string): RequestRoute {
  return { kind: 'refused', reply: boundaryFailure(400, error, details) };
}

function isCreation(request: ReplicaRequest): boolean {
  const envelope = request.path.endsWith('/call') ? decodeEnvelope(request.body) : undefined;
  if (envelope?.ok !== true || envelope.value.content.kind !== 'call') {
    return false;
  }
  const { canisterId, methodName } = envelope.value.content;
  return canisterId === MANAGEMENT_CANISTER_ID && methodName === CREATION;
}

/** Where a canister is made that nobody asked to have on a subnet in particular. */
function creationSubnet(topology: NetworkTopology): SubnetId {
  const hosts = topology.routingTable.map(({ subnetId }) => subnetId);
  const isFor = (type: string) => (id: SubnetId) => subnetEntry(topology, id)?.subnetType === type;
  return (
    hosts.find(isFor('application')) ??
    hosts.find(isFor('verified_application')) ??
    topology.rootSubnetId
  );
}
