import { decodePacket, encodePacket } from '../src/protocol/p2p/packet-codec.ts';
import { emptyPacket, type SlotUpdate } from '../src/protocol/p2p/packet.ts';
import { decodeArtifact, encodeArtifact } from '../src/protocol/types/artifact-codec.ts';
import type { Artifact } from '../src/protocol/types/artifacts.ts';
import type { NodeId } from '../src/protocol/types/ids.ts';
import { decodeFrame, encodeFrame, MAX_FRAME_BYTES } from '../src/workers/transport/frame.ts';

/** What the test posts on a subnet's channel, with the code that every node must answer it with. */
export interface HostileFrame {
  readonly what: string;
  readonly bytes: Uint8Array;
  readonly code: string;
}

const HEADER_END = 2 + 29 + 8 + 6;
const STRANGER = 'ab'.repeat(29);

/** Bytes that no honest node posts, made from a frame that one did. */
export function hostileFrames(genuine: Uint8Array): readonly HostileFrame[] {
  const decoded = decodeFrame(genuine);
  if (!decoded.ok) {
    throw new TypeError(`the recorded frame does not decode: ${decoded.error.message}`);
  }
  const frame = decoded.value;
  const cuts = [0, 1, 2, 20, HEADER_END, genuine.length - 1];
  return [
    ...cuts.map((length) => ({
      what: `cut off after ${length} bytes`,
      bytes: genuine.slice(0, length),
      code: 'TRUNCATED_FRAME',
    })),
    { what: 'a byte too many', bytes: append(genuine, [0]), code: 'TRAILING_BYTES' },
    { what: 'version 255', bytes: changed(genuine, 0, 255), code: 'UNKNOWN_FRAME_VERSION' },
    { what: 'a sender of 255 bytes', bytes: changed(genuine, 1, 255), code: 'BAD_SENDER' },
    {
      what: 'more packets than a frame may have',
      bytes: changed(genuine, HEADER_END, 0xff),
      code: 'TOO_MANY_PACKETS',
    },
    {
      what: 'a packet that claims 4 GiB',
      bytes: changed(changed(genuine, HEADER_END + 2, 0xff), HEADER_END + 3, 0xff),
      code: 'PACKET_TOO_LARGE',
    },
    {
      what: 'larger than any frame',
      bytes: new Uint8Array(MAX_FRAME_BYTES + 1),
      code: 'FRAME_TOO_LARGE',
    },
    {
      what: 'a stranger',
      bytes: encodeFrame({ ...frame, sender: STRANGER }),
      code: 'UNKNOWN_SENDER',
    },
    ...hostilePackets().map(({ what, bytes, code }) => ({
      what: `a member's name over ${what}`,
      bytes: encodeFrame({ ...frame, connectionId: 'ee'.repeat(8), packets: [bytes] }),
      code,
    })),
  ];
}

/** Packets for the layer above frames. */
function hostilePackets(): readonly HostileFrame[] {
  const filled = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);
  return [
    { what: 'an empty packet', bytes: filled(0, 0), code: 'PACKET_MALFORMED' },
    { what: 'lists 100,000 deep', bytes: filled(100_000, 0x81), code: 'PACKET_MALFORMED' },
    { what: 'maps 100,000 deep', bytes: filled(100_000, 0xa1), code: 'PACKET_MALFORMED' },
    {
      what: 'a list of 2^63 items',
      bytes: Uint8Array.of(0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
      code: 'PACKET_MALFORMED',
    },
    {
      what: 'text for a list',
      bytes: Uint8Array.of(0x63, 0x61, 0x62, 0x63),
      code: 'PACKET_MALFORMED',
    },
  ];
}

/** A slot of a peer's table that honest nodes do not reach within a test. */
const FREE_SLOT = 2_000;

/** A victim whose name is put on what another node signed. */
export interface Forgery {
  readonly victim: string;
  readonly signer: string;
}

/**
 * Frames in the victim's name that carry the signer's recorded shares with the victim as signer:
 * well-formed, in the victim's own life, and with a signature that is not the victim's.
 */
export function forgeShares(
  recorded: readonly Uint8Array[],
  { victim, signer }: Forgery,
): readonly Uint8Array[] {
  const packets = recorded.flatMap((bytes) => {
    const frame = decodeFrame(bytes);
    return frame.ok
      ? frame.value.packets.map((packet) => [frame.value.sender, packet] as const)
      : [];
  });
  let incarnation = 0;
  const shares: Artifact[] = [];
  for (const [sender, bytes] of packets) {
    const packet = decodePacket(bytes);
    if (packet.ok && sender === victim) {
      incarnation = Math.max(incarnation, packet.value.incarnation);
    } else if (packet.ok && sender === signer) {
      shares.push(...packet.value.updates.flatMap(({ bytes: body }) => forgeShare(body, victim)));
    }
  }
  const updates = shares.map(({ kind, height, hash }, index): SlotUpdate => {
    const name = { kind, height, hash };
    const bytes = encodeArtifact(shares[index] as Artifact);
    return { slotId: FREE_SLOT + index, commitId: 1_000_000 + index, name, bytes };
  });
  return updates.map((update, index) =>
    encodeFrame({
      sender: victim,
      connectionId: 'ee'.repeat(8),
      sequenceNumber: index + 1,
      packets: [encodePacket({ ...emptyPacket(incarnation), updates: [update] })],
    }),
  );
}

function forgeShare(bytes: Uint8Array | null, victim: string): readonly Artifact[] {
  const decoded = bytes === null ? undefined : decodeArtifact(bytes);
  if (decoded?.ok !== true || !('signer' in decoded.value)) {
    return [];
  }
  const forged = decodeArtifact(encodeArtifact({ ...decoded.value, signer: victim as NodeId }));
  return forged.ok ? [forged.value] : [];
}

function changed(bytes: Uint8Array, at: number, to: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = to;
  return copy;
}

function append(bytes: Uint8Array, more: readonly number[]): Uint8Array {
  return Uint8Array.from([...bytes, ...more]);
}
