import type { ChannelLike, OpenChannel } from './channel-like.ts';

export interface MemoryChannelHub {
  readonly open: OpenChannel;
  /** Both ends of a port between two peers; what is posted moves, as a transfer does. */
  openPort(): readonly [ChannelLike, ChannelLike];
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
  const waiting: { readonly to: () => readonly Endpoint[]; readonly data: Uint8Array }[] = [];

  const open = (name: string): ChannelLike => {
    const endpoint: Endpoint = { handler: undefined };
    const members = channels.get(name) ?? new Set<Endpoint>();
    members.add(endpoint);
    channels.set(name, members);
    return {
      post: (bytes) => {
        const to = (): Endpoint[] => [...members].filter((member) => member !== endpoint);
        waiting.push({ to, data: bytes.slice() });
      },
      listen: (handler) => {
        endpoint.handler = handler;
      },
      close: () => {
        members.delete(endpoint);
      },
    };
  };

  const openPort = (): readonly [ChannelLike, ChannelLike] => {
    const ends = [{ handler: undefined }, { handler: undefined }] as const;
    const endOf = (own: Endpoint, other: Endpoint): ChannelLike => ({
      post: (bytes) => {
        waiting.push({
          to: () => [other],
          data: structuredClone(bytes, { transfer: [bytes.buffer] }),
        });
      },
      listen: (handler) => {
        own.handler = handler;
      },
      close: () => {
        own.handler = undefined;
      },
    });
    return [endOf(ends[0], ends[1]), endOf(ends[1], ends[0])];
  };
  const flush = (): void => {
    for (let message = waiting.shift(); message !== undefined; message = waiting.shift()) {
      const { to, data } = message;
      for (const endpoint of to()) {
        endpoint.handler?.(data.slice());
      }
    }
  };
  return { open, openPort, flush };
}
