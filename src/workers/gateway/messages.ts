import type { HttpReply, HttpRequest } from '../../protocol/node/node-io.ts';

/** A client's request on a port: from the page to the gateway and from there to a node. */
export type GatewayRequest =
  | { readonly kind: 'request'; readonly id: number; readonly request: HttpRequest }
  /** The client no longer waits; no reply follows. */
  | { readonly kind: 'cancel'; readonly id: number };

/** What comes back on the same port. */
export interface GatewayReply {
  readonly kind: 'reply';
  readonly id: number;
  readonly reply: HttpReply;
}

/** Pushed by a node to the gateway, at most once per telemetry interval. */
export interface NodeHealth {
  readonly kind: 'health';
  readonly certifiedHeight: number;
}

export type NodeToGateway = GatewayReply | NodeHealth;

/** A MessagePort or a double. */
export interface PortLike<In, Out> {
  post(message: Out): void;
  listen(handler: (message: In) => void): void;
  close(): void;
}

export function portLike<In, Out>(port: MessagePort): PortLike<In, Out> {
  return {
    post: (message) => port.postMessage(message),
    listen: (handler) => {
      port.onmessage = (event: MessageEvent<In>) => handler(event.data);
    },
    close: () => port.close(),
  };
}
