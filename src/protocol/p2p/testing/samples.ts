import { bytesToHex } from '../../../base/hex.ts';
import type { Prng } from '../../../base/prng.ts';
import { sealArtifact } from '../../types/artifact-codec.ts';
import type { Artifact, ArtifactKind, Block, BlockPayload } from '../../types/artifacts.ts';
import { sealBlock } from '../../types/block-codec.ts';
import type { DkgConfig, DkgTag, DkgTranscript } from '../../types/dkg.ts';
import type { HashHex, NodeId, SubnetId } from '../../types/ids.ts';
import type { XNetSlice } from '../../interfaces/replica.ts';
import type { ArtifactName, Packet } from '../packet.ts';

/** Well-formed artifacts and packets with random fields, to start fuzzing from. */

function hash(prng: Prng): HashHex {
  return bytesToHex(prng.bytes(32)) as HashHex;
}

function node(prng: Prng): NodeId {
  return bytesToHex(prng.bytes(29)) as NodeId;
}

function nodes(prng: Prng, most: number): readonly NodeId[] {
  const ids = Array.from({ length: 1 + prng.below(most) }, () => node(prng));
  return ids.toSorted((a, b) => (a < b ? -1 : 1));
}

function times<T>(prng: Prng, most: number, make: () => T): readonly T[] {
  return Array.from({ length: prng.below(most + 1) }, make);
}

function tagOf(prng: Prng): DkgTag {
  return prng.chance(1, 2) ? 'low' : 'high';
}

function key(prng: Prng) {
  return {
    tag: tagOf(prng),
    threshold: 1 + prng.below(13),
    receivers: nodes(prng, 5),
    publicKey: prng.bytes(96),
    coefficients: times(prng, 4, () => prng.bytes(96)),
  };
}

function config(prng: Prng): DkgConfig {
  return {
    id: { startHeight: prng.below(1000), tag: tagOf(prng) },
    dealers: nodes(prng, 5),
    receivers: nodes(prng, 5),
    threshold: prng.below(10),
    collectionThreshold: prng.below(10),
    registryVersion: prng.below(10),
    resharing: prng.chance(1, 2) ? key(prng) : null,
  };
}

function transcript(prng: Prng): DkgTranscript {
  const made = key(prng);
  const by = prng.chance(1, 2) ? config(prng) : null;
  const id = by?.id ?? { startHeight: 0, tag: made.tag };
  const dealings = times(prng, 3, () => ({ id, dealer: node(prng), content: prng.bytes(200) }));
  return { key: made, config: by, dealings };
}

function summary(prng: Prng, height: number): BlockPayload {
  return {
    kind: 'summary',
    summary: {
      height,
      registryVersion: prng.below(100),
      intervalLength: 1 + prng.below(500),
      nextIntervalLength: 1 + prng.below(500),
      configs: times(prng, 2, () => config(prng)),
      currentTranscripts: { low: transcript(prng), high: transcript(prng) },
      nextTranscripts: { low: prng.chance(1, 2) ? transcript(prng) : null, high: null },
    },
  };
}

/** Of one or two subnets, ascending. */
function slices(prng: Prng): readonly XNetSlice[] {
  const of = (first: number): XNetSlice => ({
    from: bytesToHex(Uint8Array.of(first, ...prng.bytes(28))) as SubnetId,
    slice: prng.bytes(1 + prng.below(400)),
  });
  return prng.chance(1, 2) ? [of(3)] : [of(3), of(9)];
}

function data(prng: Prng): BlockPayload {
  const start = prng.below(1000);
  return {
    kind: 'data',
    dkgStartHeight: start,
    dkg: {
      dealings: times(prng, 2, () => sampleOf('dkgDealing', prng, start)) as never,
      complaints: times(prng, 2, () => sampleOf('dkgComplaint', prng, start)) as never,
    },
    batch: {
      ingress: times(prng, 5, () => prng.bytes(1 + prng.below(400))),
      ...(prng.chance(1, 3) && { xnet: slices(prng) }),
    },
  };
}

function block(prng: Prng, height: number, payload: BlockPayload): Block {
  return sealBlock({
    height,
    parent: hash(prng),
    rank: prng.below(4),
    context: {
      certifiedHeight: prng.below(height + 1),
      registryVersion: prng.below(10),
      timeNs: 1_700_000_000_000_000_000n + BigInt(prng.below(1000)),
    },
    payload,
  });
}

function fieldsOf(kind: ArtifactKind, prng: Prng, height: number): object {
  const signature = prng.bytes(48);
  const signed = { signer: node(prng), signature };
  switch (kind) {
    case 'randomBeacon':
      return { parent: hash(prng), signature };
    case 'randomBeaconShare':
      return { parent: hash(prng), ...signed };
    case 'randomTape':
      return { signature };
    case 'randomTapeShare':
      return signed;
    case 'blockProposal': {
      const payload = prng.chance(1, 4) ? summary(prng, height) : data(prng);
      return { block: block(prng, height, payload), ...signed };
    }
    case 'notarization':
    case 'finalization':
      return { blockHash: hash(prng), signers: nodes(prng, 13), signature };
    case 'notarizationShare':
    case 'finalizationShare':
      return { blockHash: hash(prng), ...signed };
    case 'catchUpPackage':
      return {
        block: block(prng, height, summary(prng, height)),
        beacon: sampleOf('randomBeacon', prng, height),
        stateHash: hash(prng),
        oldestRegistryVersion: prng.chance(1, 2) ? null : prng.below(10),
        signature,
      };
    case 'catchUpPackageShare':
      return {
        blockHash: hash(prng),
        beaconHash: hash(prng),
        stateHash: hash(prng),
        oldestRegistryVersion: null,
        ...signed,
      };
    case 'equivocationProof': {
      const [hash1, hash2] = [hash(prng), hash(prng)].toSorted((a, b) => (a < b ? -1 : 1));
      return { signer: node(prng), hash1, signature1: signature, hash2, signature2: signature };
    }
    case 'certification':
      return { root: hash(prng), signature };
    case 'certificationShare':
      return { root: hash(prng), ...signed };
    case 'dkgDealing':
      return { tag: tagOf(prng), content: prng.bytes(300), ...signed };
    case 'dkgComplaint':
      return { tag: tagOf(prng), dealer: node(prng), content: prng.bytes(160), ...signed };
  }
}

/** A well-formed artifact of the kind; nothing in it is signed or true. */
export function sampleOf(kind: ArtifactKind, prng: Prng, height = 1 + prng.below(1000)): Artifact {
  return sealArtifact({ kind, height, ...fieldsOf(kind, prng, height) } as never);
}

function name(prng: Prng): ArtifactName {
  return {
    kind: prng.chance(1, 2) ? 'randomTape' : 'ingress',
    height: prng.below(99),
    hash: hash(prng),
  };
}

/** A well-formed packet with some of everything. */
export function samplePacket(prng: Prng): Packet {
  const bytes = () => (prng.chance(1, 3) ? null : prng.bytes(prng.below(300)));
  const checkpoint = () => ({ height: prng.below(500), root: hash(prng) });
  const chunk = () => ({ ...checkpoint(), chunk: prng.below(50) });
  return {
    incarnation: 1 + prng.below(5),
    sessions: times(prng, 4, () => ({ peer: node(prng), session: prng.below(9) })),
    acks: times(prng, 4, () => ({
      to: node(prng),
      incarnation: 1,
      commitIds: times(prng, 20, () => prng.u32()),
    })),
    updates: times(prng, 6, () => ({
      slotId: prng.below(99),
      commitId: prng.u32(),
      name: name(prng),
      bytes: bytes(),
    })),
    pulls: times(prng, 4, () => name(prng)),
    pulled: times(prng, 3, () => ({ name: name(prng), bytes: bytes() })),
    stateAdverts: times(prng, 2, checkpoint),
    stateRequests: times(prng, 3, chunk),
    stateResponses: times(prng, 2, () => ({ ...chunk(), bytes: bytes(), busy: prng.chance(1, 2) })),
  };
}
