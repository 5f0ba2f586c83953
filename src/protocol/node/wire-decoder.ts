import type { Result } from '../../base/result.ts';
import type { Packet } from '../p2p/packet.ts';
import { decodePacket, type PacketError } from '../p2p/packet-codec.ts';
import { decodeArtifact, encodeArtifact, type ArtifactError } from '../types/artifact-codec.ts';
import type { Artifact } from '../types/artifacts.ts';
import { rememberedEncoding } from '../types/sealed-encodings.ts';

/** Reads what peers send. Both are pure functions of the bytes; what they return is never written to. */
export interface WireDecoder {
  packet(bytes: Uint8Array): Result<Packet, PacketError>;
  artifact(bytes: Uint8Array): Result<Artifact, ArtifactError>;
  /** The one encoding of an artifact: as it came, or made now. */
  encodingOf(artifact: Artifact): Uint8Array;
}

/** Encodings that came and are shorter are made again when they are asked for: most are not. */
const KEPT_FROM_BYTES = 1024;

/** For a node of its own process: decodes afresh each time. */
export function createWireDecoder(): WireDecoder {
  const encodings = new WeakMap<Artifact, Uint8Array>();
  return {
    packet: decodePacket,
    artifact(bytes) {
      const decoded = decodeArtifact(bytes);
      if (decoded.ok && bytes.length >= KEPT_FROM_BYTES) {
        // Decoding refuses all but the one canonical encoding, so these bytes are the artifact's.
        encodings.set(decoded.value, bytes);
      }
      return decoded;
    },
    encodingOf: (artifact) =>
      rememberedEncoding(artifact) ?? encodings.get(artifact) ?? encodeArtifact(artifact),
  };
}

const PACKET: unique symbol = Symbol('packet');
const ARTIFACT: unique symbol = Symbol('artifact');

/**
 * What was read stands on the bytes themselves: V8 copies every value of an old WeakMap in each minor
 * collection, also those whose key is gone, and nearly all packets are short-lived (measured: most of
 * what these collections copied).
 */
type ReadBytes = Uint8Array & {
  [PACKET]?: Result<Packet, PacketError>;
  [ARTIFACT]?: Result<Artifact, ArtifactError>;
};

/**
 * One for all the nodes of a process that hands the same byte array to every receiver of a
 * broadcast: bytes that were read once are not read again. Nodes then share decoded artifacts, which
 * are immutable.
 */
export function createSharedDecoder(): WireDecoder {
  const decoder = createWireDecoder();
  return {
    packet(bytes: ReadBytes) {
      const packet = bytes[PACKET] ?? decoder.packet(bytes);
      bytes[PACKET] = packet;
      return packet;
    },
    artifact(bytes: ReadBytes) {
      const artifact = bytes[ARTIFACT] ?? decoder.artifact(bytes);
      bytes[ARTIFACT] = artifact;
      return artifact;
    },
    encodingOf: decoder.encodingOf,
  };
}
