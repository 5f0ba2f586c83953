import type { HttpReply, HttpRequest } from '../protocol/node/node-io.ts';
import { routeRequest } from '../protocol/http/route-request.ts';
import type { SubnetId } from '../protocol/types/ids.ts';
import type { NetworkTopology } from '../protocol/types/network-topology.ts';
import type { FetchFunction } from '../wire/network.ts';
import type { Drive } from './drive.ts';
import type { Simulation } from './simulation.ts';

/** Carries a request to some node and its answer back; null = no node could answer. */
export type HttpPort = (request: HttpRequest, signal: AbortSignal) => Promise<HttpReply | null>;

export interface HttpPortDeps {
  topology(): NetworkTopology;
  /** The place of a subnet in the simulation. */
  placeOf(subnetId: SubnetId): number;
  readonly simulation: Pick<Simulation, 'http'>;
  readonly drive: Pick<Drive, 'begin' | 'until'>;
}

/** The boundary node: gives a request to a node of the subnet that it is about. */
export function createHttpPort({ topology, placeOf, simulation, drive }: HttpPortDeps): HttpPort {
  return async (request, signal) => {
    const network = topology();
    const route = routeRequest(network, request);
    if (route.kind === 'refused') {
      return route.reply;
    }
    const target = route.kind === 'subnet' ? route.subnetId : network.rootSubnetId;
    drive.begin(request.path.endsWith('/read_state'));
    const { reply, cancel } = simulation.http(request, placeOf(target));
    signal.addEventListener('abort', cancel, { once: true });
    return drive.until(reply);
  };
}

/** A `fetch` whose requests never leave the process: any origin leads to this network. */
export function createFetch(port: HttpPort): FetchFunction {
  return async (input, init) => {
    const request = new Request(input, init);
    const { signal } = request;
    signal.throwIfAborted();
    const body = new Uint8Array(await request.arrayBuffer());
    const path = new URL(request.url).pathname;
    const reply = await port({ method: request.method, path, body }, signal);
    signal.throwIfAborted();
    return reply === null
      ? new Response('No node of the subnet is running.', { status: 503 })
      : new Response(reply.body.slice(), {
          status: reply.status,
          headers: { 'content-type': reply.contentType },
        });
  };
}
