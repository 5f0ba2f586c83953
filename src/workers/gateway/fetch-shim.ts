import type { FetchFunction } from '../../wire/network.ts';
import type { GatewayReply, GatewayRequest, PortLike } from './messages.ts';

export interface FetchShim {
  readonly fetch: FetchFunction;
  /** Fails every open and later request, as a network that went away does. */
  close(): void;
}

interface Waiting {
  resolve(response: Response): void;
  reject(error: unknown): void;
}

/** Statuses for which `Response` takes no body. */
const NULL_BODY_STATUSES: ReadonlySet<number> = new Set([204, 205, 304]);

/** `fetch` with the standard signature whose requests go to the gateway, whatever their origin. */
export function createFetchShim(gateway: PortLike<GatewayReply, GatewayRequest>): FetchShim {
  const waiting = new Map<number, Waiting>();
  let nextId = 0;
  let closed = false;

  gateway.listen(({ id, reply }) => {
    const body = NULL_BODY_STATUSES.has(reply.status) ? null : Uint8Array.from(reply.body);
    const headers = { 'content-type': reply.contentType };
    waiting.get(id)?.resolve(new Response(body, { status: reply.status, headers }));
    waiting.delete(id);
  });

  const send = (request: Request, path: string, body: Uint8Array): Promise<Response> =>
    new Promise((resolve, reject) => {
      nextId += 1;
      const id = nextId;
      const abort = (): void => {
        waiting.delete(id);
        gateway.post({ kind: 'cancel', id });
        reject(request.signal.reason);
      };
      waiting.set(id, {
        resolve: (response) => {
          request.signal.removeEventListener('abort', abort);
          resolve(response);
        },
        reject,
      });
      request.signal.addEventListener('abort', abort, { once: true });
      gateway.post({ kind: 'request', id, request: { method: request.method, path, body } });
    });

  return {
    fetch: async (input, init) => {
      const request = new Request(input, init);
      request.signal.throwIfAborted();
      const body = new Uint8Array(await request.arrayBuffer());
      request.signal.throwIfAborted();
      if (closed) {
        throw networkGone();
      }
      return send(request, new URL(request.url).pathname, body);
    },
    close: () => {
      closed = true;
      for (const { reject } of waiting.values()) {
        reject(networkGone());
      }
      waiting.clear();
      gateway.close();
    },
  };
}

/** What `fetch` rejects with when there is no network. */
function networkGone(): TypeError {
  return new TypeError('Failed to fetch: the network was closed');
}
