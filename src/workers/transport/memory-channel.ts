import type { ChannelLike, OpenChannel } from './channel-like.ts';

export interface MemoryChannelHub {
  readonly open: OpenChannel;
  /** Delivers everything posted so far, and what handlers post meanwhile. */
  flush(): void;
}

interface Endpoint {
  handler: ((data: unknown) => void) | undefined;
}

/**
 * In-memory double of BroadcastChannel: same fan-out and order, delivery when the test says so.
 * Payloads are cloned, as the real one does.
 */
export function createMemoryChannelHub(): MemoryChannelHub {
  const channels = new Map<string, Set<Endpoint>>();
  const waiting: { readonly name: string; readonly from: Endpoint; readonly data: Uint8Array }[] =
    [];

  const open = (name: string): ChannelLike => {
    const endpoint: Endpoint = { handler: undefined };
    const members = channels.get(name) ?? new Set<Endpoint>();
    members.add(endpoint);
    channels.set(name, members);
    return {
      post: (bytes) => {
        waiting.push({ name, from: endpoint, data: bytes.slice() });
      },
      listen: (handler) => {
        endpoint.handler = handler;
      },
      close: () => {
        members.delete(endpoint);
      },
    };
  };

  const flush = (): void => {
    for (let message = waiting.shift(); message !== undefined; message = waiting.shift()) {
      for (const endpoint of channels.get(message.name) ?? []) {
        if (endpoint !== message.from) {
          endpoint.handler?.(message.data.slice());
        }
      }
    }
  };
  return { open, flush };
}
