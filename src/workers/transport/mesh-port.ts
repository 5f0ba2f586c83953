import type { ChannelLike } from './channel-like.ts';

/**
 * One end of a port that leads to exactly one peer. What is posted moves there without a copy: its
 * buffer is empty here afterwards.
 */
export function openMeshPort(port: MessagePort): ChannelLike {
  return {
    post: (bytes) => port.postMessage(bytes, [bytes.buffer]),
    listen: (handler) => {
      port.onmessage = (event: MessageEvent<unknown>) => handler(event.data);
    },
    close: () => {
      port.onmessage = null;
      port.close();
    },
  };
}
