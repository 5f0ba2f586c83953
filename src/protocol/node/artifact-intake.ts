import { bytesToHex } from '../../base/hex.ts';
import type { Consensus } from '../consensus/consensus-interface.ts';
import { sha256 } from '../crypto/sha256.ts';
import type { Gossip } from '../p2p/gossip.ts';
import { INGRESS_KIND, nameKey } from '../p2p/packet.ts';
import type { ArtifactName } from '../p2p/packet.ts';
import type { AcceptOutcome, BouncerValue, CollectedParts } from '../p2p/slot-receiver.ts';
import {
  BLOCK_INGRESS_KIND,
  decodeStripped,
  isStripped,
  nameOfCall,
  stripProposal,
} from '../p2p/stripped-proposal.ts';
import type { Artifact, ArtifactId } from '../types/artifacts.ts';
import { ARTIFACT_KINDS, artifactIdOf } from '../types/artifacts.ts';
import type { HashHex, NodeId, TimeNs } from '../types/ids.ts';
import type { IngressManager } from './ingress-manager.ts';
import type { WireDecoder } from './wire-decoder.ts';

/** Why something of a peer was refused. */
export interface IntakeRefusal {
  readonly name: ArtifactName;
  readonly from: NodeId;
  readonly code: string;
  readonly message: string;
}

export interface ArtifactIntakeDeps {
  readonly consensus: () => Pick<Consensus, 'bouncer' | 'onArtifact'>;
  readonly ingress: () => Pick<IngressManager, 'bounce' | 'accept' | 'read' | 'envelopeOf'>;
  readonly gossip: () => Pick<Gossip, 'deliver' | 'withdraw'>;
  readonly decoder: Pick<WireDecoder, 'artifact' | 'encodingOf'>;
  readonly nowNs: () => TimeNs;
  /** An artifact that is new to this node. */
  readonly onInserted: (artifact: Artifact) => void;
  readonly onRefused: (refusal: IntakeRefusal) => void;
}

const KINDS: ReadonlySet<string> = new Set(ARTIFACT_KINDS);

function isArtifactId(name: ArtifactName): name is ArtifactId {
  return KINDS.has(name.kind);
}

/**
 * Between P2P and the pools: the bytes of artifacts on the wire, in both directions.
 *
 * Security: bytes enter a pool only if they are the one canonical encoding of the artifact that was
 * named. Liveness: blocks travel without their calls, so each node keeps the calls of the blocks it
 * offers, for peers that miss some.
 */
export class ArtifactIntake {
  private readonly deps: ArtifactIntakeDeps;
  /** Calls of the blocks on offer, by block. */
  private readonly callsOf = new Map<string, ReadonlyMap<HashHex, Uint8Array>>();
  /** Blocks on offer that have calls, by height. */
  private readonly blocksAt = new Map<number, readonly string[]>();

  constructor(deps: ArtifactIntakeDeps) {
    this.deps = deps;
  }

  bounce(name: ArtifactName): BouncerValue {
    if (name.kind === INGRESS_KIND) {
      return this.deps.ingress().bounce(name);
    }
    return isArtifactId(name) ? this.deps.consensus().bouncer(name) : 'unwanted';
  }

  /** An artifact's bytes from a peer; false when they are not what the name says. */
  accept(
    name: ArtifactName,
    bytes: Uint8Array,
    from: NodeId,
    parts: CollectedParts,
  ): AcceptOutcome {
    if (name.kind === INGRESS_KIND) {
      const refusal = this.deps.ingress().accept(name, bytes, this.deps.nowNs());
      return refusal === null || this.refuse(name, from, refusal.code, refusal.message);
    }
    if (name.kind === BLOCK_INGRESS_KIND) {
      return (
        bytesToHex(sha256(bytes)) === name.hash ||
        this.refuse(name, from, 'ARTIFACT_MISNAMED', 'a call of a block has other bytes')
      );
    }
    return isStripped(bytes)
      ? this.acceptStripped(name, bytes, from, parts)
      : this.acceptWhole(name, bytes, from);
  }

  /** As it came from a peer, to be stored and relayed; or made now. */
  encodingOf(artifact: Artifact): Uint8Array {
    return this.deps.decoder.encodingOf(artifact);
  }

  /**
   * Offers an artifact to the peers; a block without its calls.
   * @param bytes its encoding, where that is at hand
   */
  deliver(
    artifact: Artifact,
    latencySensitive: boolean,
    bytes: Uint8Array = this.encodingOf(artifact),
  ): void {
    const name = artifactIdOf(artifact);
    const hasCalls =
      artifact.kind === 'blockProposal' &&
      artifact.block.payload.kind === 'data' &&
      artifact.block.payload.batch.ingress.length > 0;
    const stripped = hasCalls
      ? stripProposal(bytes, (envelope) => this.deps.ingress().read(envelope)?.messageId)
      : null;
    if (stripped !== null) {
      const key = nameKey(name);
      this.callsOf.set(key, stripped.calls);
      this.blocksAt.set(name.height, [...(this.blocksAt.get(name.height) ?? []), key]);
    }
    this.deps.gossip().deliver(name, stripped?.bytes ?? bytes, latencySensitive);
  }

  withdraw(id: ArtifactId): void {
    this.deps.gossip().withdraw(id);
    const key = id.kind === 'blockProposal' ? nameKey(id) : '';
    if (this.callsOf.delete(key)) {
      const rest = (this.blocksAt.get(id.height) ?? []).filter((other) => other !== key);
      if (rest.length > 0) {
        this.blocksAt.set(id.height, rest);
      } else {
        this.blocksAt.delete(id.height);
      }
    }
  }

  /** A call of a block on offer, for a peer that misses it. @upstream /block/ingress/rpc */
  callOfBlock(name: ArtifactName): Uint8Array | undefined {
    if (name.kind !== BLOCK_INGRESS_KIND) {
      return undefined;
    }
    for (const key of this.blocksAt.get(name.height) ?? []) {
      const call = this.callsOf.get(key)?.get(name.hash as HashHex);
      if (call !== undefined) {
        return call;
      }
    }
    return undefined;
  }

  private acceptStripped(
    name: ArtifactName,
    bytes: Uint8Array,
    from: NodeId,
    parts: CollectedParts,
  ): AcceptOutcome {
    const stripped = decodeStripped(bytes);
    if (!stripped.ok) {
      return this.refuse(name, from, stripped.error.code, stripped.error.message);
    }
    const envelopes: Uint8Array[] = [];
    const needs: { readonly name: ArtifactName; readonly bytes: number }[] = [];
    for (const call of stripped.value.calls) {
      const envelope = parts.get(call.hash) ?? this.deps.ingress().envelopeOf(call.messageId);
      const fits = envelope?.length === call.bytes && bytesToHex(sha256(envelope)) === call.hash;
      if (envelope !== undefined && fits) {
        envelopes.push(envelope);
      } else {
        needs.push({ name: nameOfCall(name.height, call.hash), bytes: call.bytes });
      }
    }
    return needs.length > 0
      ? { needs }
      : this.acceptWhole(name, stripped.value.restore(envelopes), from);
  }

  private acceptWhole(name: ArtifactName, bytes: Uint8Array, from: NodeId): boolean {
    const decoded = this.deps.decoder.artifact(bytes);
    if (!decoded.ok) {
      return this.refuse(name, from, decoded.error.code, decoded.error.message);
    }
    const { kind, height, hash } = decoded.value;
    if (kind !== name.kind || height !== name.height || hash !== name.hash) {
      return this.refuse(name, from, 'ARTIFACT_MISNAMED', 'its bytes have another name');
    }
    const outcome = this.deps.consensus().onArtifact(decoded.value, from, this.deps.nowNs());
    if (outcome === 'inserted') {
      this.deps.onInserted(decoded.value);
    }
    return (
      outcome !== 'rejected' ||
      this.refuse(name, from, 'SHARE_OF_ANOTHER', 'a share comes from its signer only')
    );
  }

  private refuse(name: ArtifactName, from: NodeId, code: string, message: string): false {
    this.deps.onRefused({ name, from, code, message });
    return false;
  }
}
