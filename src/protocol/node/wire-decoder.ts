import type { Result } from '../../base/result.ts';
import type { Packet } from '../p2p/packet.ts';
import { decodePacket, type PacketError } from '../p2p/packet-codec.ts';
import { decodeArtifact, encodeArtifact, type ArtifactError } from '../types/artifact-codec.ts';
import type { Artifact } from '../types/artifacts.ts';

/** Reads what peers send. Both are pure functions of the bytes; what they return is never written to. */
export interface WireDecoder {
  packet(bytes: Uint8Array): Result<Packet, PacketError>;
  artifact(bytes: Uint8Array): Result<Artifact, ArtifactError>;
  /** The one encoding of an artifact: as it came, or made now and kept. */
  encodingOf(artifact: Artifact): Uint8Array;
}

/** For a node of its own process: decodes afresh each time. */
export function createWireDecoder(): WireDecoder {
  const encodings = new WeakMap<Artifact, Uint8Array>();
  return {
    packet: decodePacket,
    artifact(bytes) {
      const decoded = decodeArtifact(bytes);
      if (decoded.ok) {
        // Decoding refuses all but the one canonical encoding, so these bytes are the artifact's.
        encodings.set(decoded.value, bytes);
      }
      return decoded;
    },
    encodingOf(artifact) {
      const known = encodings.get(artifact);
      if (known !== undefined) {
        return known;
      }
      const made = encodeArtifact(artifact);
      encodings.set(artifact, made);
      return made;
    },
  };
}

/**
 * One for all the nodes of a process that hands the same byte array to every receiver of a
 * broadcast: bytes that were read once are not read again. Nodes then share decoded artifacts, which
 * are immutable.
 */
export function createSharedDecoder(): WireDecoder {
  const decoder = createWireDecoder();
  const packets = new WeakMap<Uint8Array, Result<Packet, PacketError>>();
  const artifacts = new WeakMap<Uint8Array, Result<Artifact, ArtifactError>>();
  return {
    packet: (bytes) => remembered(packets, bytes, decoder.packet),
    artifact: (bytes) => remembered(artifacts, bytes, decoder.artifact),
    encodingOf: decoder.encodingOf,
  };
}

function remembered<T>(
  known: WeakMap<Uint8Array, T>,
  bytes: Uint8Array,
  read: (bytes: Uint8Array) => T,
): T {
  const before = known.get(bytes);
  if (before !== undefined) {
    return before;
  }
  const value = read(bytes);
  known.set(bytes, value);
  return value;
}
