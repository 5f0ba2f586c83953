import type { Attack } from './attack.ts';
import { packetTo } from './attack.ts';

function flipOneBit(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  const at = copy.length >> 1;
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

/**
 * Answers state sync with one wrong bit in everything. Defence: manifest and chunks are checked
 * against the hash in the signed catch-up package; the peer is asked for nothing more.
 */
export function corruptStateChunks(): Attack {
  return {
    send: (packets) =>
      packets.map((whole) =>
        whole.packet.stateResponses.length === 0
          ? whole
          : packetTo(whole.to, {
              ...whole.packet,
              stateResponses: whole.packet.stateResponses.map((response) => ({
                ...response,
                bytes: response.bytes === null ? null : flipOneBit(response.bytes),
              })),
            }),
      ),
  };
}
