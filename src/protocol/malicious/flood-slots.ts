import { createPrng } from '../../base/prng.ts';
import { MAX_UPDATES_PER_PACKET } from '../p2p/limits.ts';
import { emptyPacket } from '../p2p/packet.ts';
import type { Attack } from './attack.ts';
import { packetTo } from './attack.ts';
import { createSideChannel, inventedName } from './side-channel.ts';

const EVERY_MS = 100;
/** More slots than a peer gives anybody; then the same ones get new content. */
const SLOTS = 25_000;

/**
 * Advertises invented artifacts without end. Defence: a peer has a bounded number of slots in every
 * table, and a bounded number of pulls is open at a time.
 */
export function floodSlots(seed: string): Attack {
  const prng = createPrng(`flood ${seed}`);
  const channel = createSideChannel(EVERY_MS, SLOTS);
  return {
    send(packets, { nowNs, incarnation, notarized }) {
      if (!channel.isDue(nowNs)) {
        return packets;
      }
      const updates = Array.from({ length: MAX_UPDATES_PER_PACKET }, () =>
        channel.update(inventedName(prng, notarized + 1 + prng.below(10)), null),
      );
      return [...packets, packetTo('all', { ...emptyPacket(incarnation), updates })];
    },
  };
}
