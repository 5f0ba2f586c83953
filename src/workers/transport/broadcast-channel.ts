import type { ChannelLike } from './channel-like.ts';

/** The real channel: BroadcastChannel of this origin. Only `Uint8Array`s are ever posted. */
export function openBroadcastChannel(name: string): ChannelLike {
  const channel = new BroadcastChannel(name);
  return {
    post: (bytes) => channel.postMessage(bytes),
    listen: (handler) => {
      channel.onmessage = (event: MessageEvent<unknown>) => handler(event.data);
    },
    close: () => {
      channel.onmessage = null;
      channel.close();
    },
  };
}
