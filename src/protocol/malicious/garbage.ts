import { createPrng } from '../../base/prng.ts';
import { emptyPacket } from '../p2p/packet.ts';
import type { SlotUpdate } from '../p2p/packet.ts';
import { decodeArtifact, encodeArtifact, sealArtifact } from '../types/artifact-codec.ts';
import { isShare } from '../types/artifacts.ts';
import type { Attack } from './attack.ts';
import { packetTo } from './attack.ts';
import { createSideChannel, inventedName } from './side-channel.ts';

const EVERY_MS = 200;
const SLOTS = 16;
const GARBAGE_BYTES = 200;

/** Random bytes where a packet is due. Defence: decoding is total and bounded; the packet is refused. */
function garbagePackets(seed: string): Attack {
  const prng = createPrng(`garbage packets ${seed}`);
  const channel = createSideChannel(EVERY_MS, SLOTS);
  return {
    send: (packets, { nowNs, incarnation }) =>
      channel.isDue(nowNs)
        ? [
            ...packets,
            { to: 'all', packet: emptyPacket(incarnation), bytes: prng.bytes(GARBAGE_BYTES) },
          ]
        : packets,
  };
}

/** Random bytes under a name that peers want. Defence: bytes must decode to what their name says. */
function garbageArtifacts(seed: string): Attack {
  const prng = createPrng(`garbage artifacts ${seed}`);
  const channel = createSideChannel(EVERY_MS, SLOTS);
  return {
    send(packets, { nowNs, incarnation, notarized }) {
      if (!channel.isDue(nowNs)) {
        return packets;
      }
      const update = channel.update(
        inventedName(prng, notarized + 1 + prng.below(5)),
        prng.bytes(GARBAGE_BYTES),
      );
      return [...packets, packetTo('all', { ...emptyPacket(incarnation), updates: [update] })];
    },
  };
}

/** The share with a signature that is none, under its new name; anything else as it is. */
function spoilShare(update: SlotUpdate): SlotUpdate {
  const decoded = update.bytes === null ? undefined : decodeArtifact(update.bytes);
  if (decoded?.ok !== true || !isShare(decoded.value)) {
    return update;
  }
  const signature = decoded.value.signature.slice();
  signature[7] = (signature[7] ?? 0) ^ 1;
  const spoilt = sealArtifact({ ...decoded.value, signature });
  const { kind, height, hash } = spoilt;
  return { ...update, name: { kind, height, hash }, bytes: encodeArtifact(spoilt) };
}

/** Well-formed shares with wrong signatures. Defence: combinations are verified, and the liar is searched. */
function garbageSignatures(): Attack {
  return {
    send: (packets) =>
      packets.map((whole) =>
        whole.packet.updates.length === 0
          ? whole
          : packetTo(whole.to, {
              ...whole.packet,
              updates: whole.packet.updates.map(spoilShare),
            }),
      ),
  };
}

export function garbage(what: 'packets' | 'artifacts' | 'signatures', seed: string): Attack {
  switch (what) {
    case 'packets':
      return garbagePackets(seed);
    case 'artifacts':
      return garbageArtifacts(seed);
    case 'signatures':
      return garbageSignatures();
  }
}
