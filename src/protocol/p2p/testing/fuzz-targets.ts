import { bytesToHex } from '../../../base/hex.ts';
import { createPrng } from '../../../base/prng.ts';
import { encodeCbor } from '../../crypto/cbor.ts';
import { sha256 } from '../../crypto/sha256.ts';
import { decodeIngress } from '../../ingress/signed-ingress.ts';
import { decodeArtifact, encodeArtifact } from '../../types/artifact-codec.ts';
import type { ArtifactKind } from '../../types/artifacts.ts';
import { ARTIFACT_KINDS } from '../../types/artifacts.ts';
import { MAX_SLICE_BYTES } from '../../limits/xnet.ts';
import { cutSlice } from '../../xnet/cut-slice.ts';
import { decodeSlice, encodeSlice } from '../../xnet/slice-codec.ts';
import { sliceRoot } from '../../xnet/slice-witness.ts';
import { requests, testNetwork } from '../../xnet/testing/certified-streams.ts';
import { readSlice } from '../../xnet/verify-slice.ts';
import { present } from '../../../base/assert.ts';
import type { MessageId } from '../../types/ids.ts';
import { decodePacket, encodePacket } from '../packet-codec.ts';
import { decodeStripped, stripProposal } from '../stripped-proposal.ts';
import { contentTargets } from './content-targets.ts';
import { samplePacket, sampleOf } from './samples.ts';

/** A decoder of peers' bytes with valid encodings to start from. */
export interface FuzzTarget {
  readonly kind: string;
  readonly seeds: readonly Uint8Array[];
  /**
   * What becomes of the bytes.
   * @returns `second` when they were accepted although another encoding means the same
   */
  run(bytes: Uint8Array): 'accepted' | 'rejected' | 'second';
}

const SEEDS_PER_KIND = 24;

function seedsOf(kind: string, make: (prng: ReturnType<typeof createPrng>) => Uint8Array) {
  return Array.from({ length: SEEDS_PER_KIND }, (_, i) => make(createPrng(`fuzz ${kind} ${i}`)));
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function artifactTarget(kind: ArtifactKind): FuzzTarget {
  return {
    kind,
    seeds: seedsOf(kind, (prng) => encodeArtifact(sampleOf(kind, prng))),
    run(bytes) {
      const decoded = decodeArtifact(bytes);
      if (!decoded.ok) {
        return 'rejected';
      }
      return isSame(encodeArtifact(decoded.value), bytes) ? 'accepted' : 'second';
    },
  };
}

function packetTarget(): FuzzTarget {
  return {
    kind: 'packet',
    seeds: seedsOf('packet', (prng) => encodePacket(samplePacket(prng))),
    run(bytes) {
      const decoded = decodePacket(bytes);
      if (!decoded.ok) {
        return 'rejected';
      }
      return isSame(encodePacket(decoded.value), bytes) ? 'accepted' : 'second';
    },
  };
}

/** Decodes and restores with calls that are not the right ones: the name would refuse the result. */
function strippedTarget(): FuzzTarget {
  const idOf = (envelope: Uint8Array) => bytesToHex(sha256(envelope)) as MessageId;
  const seeds = seedsOf('stripped', (prng) => {
    for (;;) {
      const whole = encodeArtifact(sampleOf('blockProposal', prng));
      const stripped = stripProposal(whole, idOf);
      if (stripped !== null) {
        return stripped.bytes;
      }
    }
  });
  return {
    kind: 'strippedProposal',
    seeds,
    run(bytes) {
      const decoded = decodeStripped(bytes);
      if (!decoded.ok) {
        return 'rejected';
      }
      const call = Uint8Array.of(1);
      return decodeArtifact(decoded.value.restore(decoded.value.calls.map(() => call))).ok
        ? 'accepted'
        : 'rejected';
    },
  };
}

/** Calls of clients, as they come from peers: not canonical CBOR, so nothing is encoded again. */
function ingressTarget(): FuzzTarget {
  return {
    kind: 'ingress',
    seeds: seedsOf('ingress', (prng) =>
      encodeCbor(
        {
          content: {
            request_type: 'call',
            canister_id: prng.bytes(10),
            method_name: 'increment',
            arg: prng.bytes(prng.below(200)),
            sender: Uint8Array.of(4),
            ingress_expiry: 1_700_000_000_000_000_000n,
            nonce: prng.bytes(16),
          },
          sender_pubkey: prng.bytes(44),
          sender_sig: prng.bytes(64),
          sender_delegation: Array.from({ length: prng.below(3) }, () => ({
            delegation: { pubkey: prng.bytes(44), expiration: 1_700_000_000_000_000_000n },
            signature: prng.bytes(64),
          })),
        },
        { selfDescribed: prng.chance(1, 2) },
      ),
    ),
    run: (bytes) => (decodeIngress(bytes).ok ? 'accepted' : 'rejected'),
  };
}

/** Slices of streams, as nodes of other subnets hand them out. */
function sliceTarget(): FuzzTarget {
  const { a, b } = testNetwork();
  const seeds = seedsOf('streamSlice', (prng) => {
    const begin = prng.below(300);
    const messages = requests(begin, begin + prng.below(9));
    const tree = a.certify(
      begin,
      new Map([[b.id, { begin, messages, signalsEnd: prng.below(9) }]]),
    );
    const wish = { witnessBegin: begin, msgBegin: begin, msgLimit: 9, byteLimit: MAX_SLICE_BYTES };
    return encodeSlice(present(cutSlice(tree, b.id, wish), 'the stream is there'));
  });
  return {
    kind: 'streamSlice',
    seeds,
    run(bytes) {
      const decoded = decodeSlice(bytes);
      if (!decoded.ok) {
        return 'rejected';
      }
      sliceRoot(decoded.value, b.id);
      readSlice(decoded.value);
      return isSame(encodeSlice(decoded.value), bytes) ? 'accepted' : 'second';
    },
  };
}

/** Every decoder of what peers send: one for each kind of artifact, and those of their contents. */
export function fuzzTargets(): readonly FuzzTarget[] {
  return [
    ...ARTIFACT_KINDS.map(artifactTarget),
    packetTarget(),
    strippedTarget(),
    ingressTarget(),
    sliceTarget(),
    ...contentTargets(),
  ];
}
