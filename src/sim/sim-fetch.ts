import type { HttpReply, HttpRequest } from '../protocol/node/node-io.ts';
import type { FetchFunction } from '../wire/network.ts';

/** Carries a request to some node and its answer back; null = no node could answer. */
export type HttpPort = (request: HttpRequest, signal: AbortSignal) => Promise<HttpReply | null>;

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
