import { bytesToHex } from '../../base/hex.ts';
import { asArray, asBytes, decodeCbor } from '../../protocol/crypto/cbor.ts';
import type { ArtifactName, Packet } from '../../protocol/p2p/packet.ts';
import { decodeArtifact } from '../../protocol/types/artifact-codec.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import type { Checker } from './checker.ts';

/** Shares of which a node signs one per height; signatures are deterministic, so a name names a content. */
const ONE_PER_HEIGHT: readonly string[] = [
  'randomBeaconShare',
  'randomTapeShare',
  'certificationShare',
  'catchUpPackageShare',
  'finalizationShare',
];
const READ: readonly string[] = ['blockProposal', 'notarizationShare', 'finalizationShare'];

/** Position of the signer in a proposal, counted from the end: whole and stripped ones alike. */
const SIGNER_FROM_END = -2;

/** Undefined for bytes that are no proposal. */
function makerOf(bytes: Uint8Array): string | undefined {
  const decoded = decodeCbor(bytes);
  const signer = decoded.ok ? asBytes(asArray(decoded.value)?.at(SIGNER_FROM_END)) : undefined;
  return signer && bytesToHex(signer);
}

interface Votes {
  finalized: string | undefined;
  readonly notarized: Set<string>;
}

/**
 * What honest nodes put on the wire never contradicts itself, also across restarts: one block, one
 * finalization and one share of each kind per height, and no notarization beside the finalized block.
 */
export function noContradiction(): Checker {
  const said = new Map<NodeId, Map<string, string>>();
  const votes = new Map<NodeId, Map<number, Votes>>();
  const seen = new Set<string>();

  const saysOnce = (from: NodeId, what: string, value: string): string | undefined => {
    const ofNode = said.get(from) ?? new Map<string, string>();
    said.set(from, ofNode);
    const first = ofNode.get(what);
    if (first === undefined) {
      ofNode.set(what, value);
    }
    return first === undefined || first === value
      ? undefined
      : `node ${from} signed two of ${what}: ${first} and ${value}`;
  };

  const vote = (from: NodeId, kind: string, height: number, block: string): string | undefined => {
    const ofNode = votes.get(from) ?? new Map<number, Votes>();
    votes.set(from, ofNode);
    const cast = ofNode.get(height) ?? { finalized: undefined, notarized: new Set<string>() };
    ofNode.set(height, cast);
    if (kind === 'finalizationShare') {
      cast.finalized ??= block;
    } else {
      cast.notarized.add(block);
    }
    const { finalized, notarized } = cast;
    const other = [...notarized].find((hash) => hash !== finalized);
    return finalized === undefined || other === undefined
      ? undefined
      : `node ${from} finalized ${finalized} and notarized ${other} at height ${height}`;
  };

  const artifact = (
    from: NodeId,
    { kind, height, hash }: ArtifactName,
    bytes: Uint8Array | null,
  ): string | undefined => {
    if (ONE_PER_HEIGHT.includes(kind)) {
      const contradiction = saysOnce(from, `${kind}/${height}`, hash);
      if (contradiction !== undefined) {
        return contradiction;
      }
    }
    const key = `${from}/${hash}`;
    if (bytes === null || !READ.includes(kind) || seen.has(key)) {
      return undefined;
    }
    seen.add(key);
    if (kind === 'blockProposal') {
      return makerOf(bytes) === from ? saysOnce(from, `blockProposal/${height}`, hash) : undefined;
    }
    const decoded = decodeArtifact(bytes);
    if (!decoded.ok) {
      return undefined;
    }
    const { value } = decoded;
    return value.kind === 'notarizationShare' || value.kind === 'finalizationShare'
      ? vote(from, value.kind, height, value.blockHash)
      : undefined;
  };

  return {
    rule: 'noContradiction',
    packet(from: NodeId, packet: Packet) {
      for (const { name, bytes } of [...packet.updates, ...packet.pulled]) {
        const contradiction = artifact(from, name, bytes);
        if (contradiction !== undefined) {
          return contradiction;
        }
      }
      return undefined;
    },
    wiped(nodeId) {
      said.delete(nodeId);
      votes.delete(nodeId);
    },
  };
}
