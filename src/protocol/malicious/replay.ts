import type { GossipPacket } from '../p2p/gossip.ts';
import { emptyPacket } from '../p2p/packet.ts';
import type { SlotUpdate } from '../p2p/packet.ts';
import type { Attack } from './attack.ts';
import { packetTo } from './attack.ts';
import { createSideChannel } from './side-channel.ts';

const EVERY_MS = 300;
/** What is remembered: the oldest is said again. */
const REMEMBERED = 64;

/**
 * Says again what it said long ago: old artifacts in new slots, and whole old packets bit by bit.
 * Defence: the bouncer wants no artifact below the own progress, and an update counts only with a
 * larger commit id than its slot has.
 */
export function replay(): Attack {
  const channel = createSideChannel(EVERY_MS, REMEMBERED);
  const updates: SlotUpdate[] = [];
  const sent: GossipPacket[] = [];
  return {
    send(packets, { nowNs, incarnation }) {
      for (const packet of packets) {
        if (packet.packet.updates.length > 0) {
          updates.push(...packet.packet.updates);
          sent.push(packet);
        }
      }
      const oldUpdate = updates.splice(0, Math.max(0, updates.length - REMEMBERED))[0];
      const oldPacket = sent.splice(0, Math.max(0, sent.length - REMEMBERED))[0];
      if (oldUpdate === undefined || oldPacket === undefined || !channel.isDue(nowNs)) {
        return packets;
      }
      const again = channel.update(oldUpdate.name, oldUpdate.bytes);
      return [
        ...packets,
        oldPacket,
        packetTo('all', { ...emptyPacket(incarnation), updates: [again] }),
      ];
    },
  };
}
