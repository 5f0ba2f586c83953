import { describe, expect, it } from 'vitest';
import { decodeUtf8 } from '../../base/utf8.ts';
import { canisterIdFromU64, principalToText } from '../crypto/principal.ts';
import type { SubnetType } from '../types/genesis.ts';
import type { SubnetId } from '../types/ids.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import { routeRequest } from './route-request.ts';

const RANGE = 1n << 20n;

/** Subnet ids that sort the other way round than the subnets were made. */
function idOf(index: number): SubnetId {
  return (99 - index).toString(16).padStart(58, '0') as SubnetId;
}

function network(...types: readonly SubnetType[]): NetworkTopology {
  const subnets = types.map((subnetType, index) => ({
    subnetId: idOf(index),
    subnetType,
    publicKeyDer: new Uint8Array(),
    nodes: [],
  }));
  return {
    rootSubnetId: idOf(0),
    subnets: subnets.toReversed(),
    routingTable: types.map((_, index) => ({
      first: BigInt(index) * RANGE,
      last: BigInt(index + 1) * RANGE - 1n,
      subnetId: idOf(index),
    })),
  };
}

const THREE = network('system', 'application', 'application');

function where(
  topology: NetworkTopology,
  path: string,
  body: Uint8Array = new Uint8Array(),
): string | number {
  const route = routeRequest(topology, { method: 'POST', path, body });
  switch (route.kind) {
    case 'any':
      return 'any';
    case 'subnet':
      return topology.routingTable.findIndex(({ subnetId }) => subnetId === route.subnetId);
    case 'refused':
      return `${route.reply.status} ${decodeUtf8(route.reply.body)}`;
  }
}

const canister = (number: bigint): string => principalToText(canisterIdFromU64(number));

describe('the subnet that a request goes to', () => {
  it.each([
    [canister(0n), 0],
    [canister(RANGE - 1n), 0],
    [canister(RANGE), 1],
    [canister(3n * RANGE - 1n), 2],
  ])('is the one that hosts canister %s', (id, expected) => {
    for (const operation of [
      'v2/canister/ID/call',
      'v4/canister/ID/call',
      'v3/canister/ID/query',
    ]) {
      expect(where(THREE, `/api/${operation.replace('ID', id)}`)).toBe(expected);
    }
    expect(where(THREE, `/api/v3/canister/${id}/read_state`)).toBe(expected);
  });

  it('is the one that the path names', () => {
    for (const index of [0, 1, 2]) {
      const path = `/api/v2/subnet/${principalToText(idOf(index))}/read_state`;
      expect(where(THREE, path)).toBe(index);
    }
  });

  it('refuses ids that no subnet has, as boundary nodes do', () => {
    expect(where(THREE, `/api/v2/canister/${canister(3n * RANGE)}/query`)).toBe(
      '400 error: canister_not_found\ndetails: The specified canister does not exist.',
    );
    expect(where(THREE, `/api/v2/canister/${principalToText(idOf(0))}/query`)).toBe(
      '400 error: canister_not_found\ndetails: The specified canister does not exist.',
    );
    expect(where(THREE, `/api/v2/subnet/${canister(0n)}/read_state`)).toBe(
      '400 error: subnet_not_found\ndetails: The specified subnet cannot be found.',
    );
    expect(where(THREE, '/api/v2/canister/nonsense/query')).toMatch(
      /^400 error: malformed_request\ndetails: Unable to decode canister_id from URL: /u,
    );
  });

  it('is the root subnet for the management canister: its answers alone need no delegation', () => {
    expect(where(THREE, '/api/v4/canister/aaaaa-aa/call')).toBe(0);
    expect(where(THREE, '/api/v3/canister/aaaaa-aa/query')).toBe(0);
  });

  it('is any for the status and for unknown paths', () => {
    expect(where(THREE, '/api/v2/status')).toBe('any');
    expect(where(THREE, '/api/v9/canister/aaaaa-aa/query')).toBe('any');
  });

  it('is the only one there is', () => {
    const one = network('application');
    for (const path of ['/api/v2/status', `/api/v2/canister/${canister(9n * RANGE)}/query`, '/x']) {
      expect(where(one, path)).toBe(0);
    }
  });
});
