import { bytesToHex } from '../../base/hex.ts';
import { catchUpContentOf } from '../consensus/validator/catch-up-package.ts';
import { unwrapEd25519 } from '../crypto/der.ts';
import type { Artifact } from '../types/artifacts.ts';
import { committeeThreshold } from '../registry/committee.ts';
import type { Height, NodeId } from '../types/ids.ts';
import {
  blockSignedBytes,
  catchUpSignedBytes,
  certificationSignedBytes,
  finalizationSignedBytes,
  notarizationSignedBytes,
  randomBeaconSignedBytes,
  randomTapeSignedBytes,
} from '../types/signed-bytes.ts';
import type { PublicSubnet } from './public-subnet.ts';

/** A check of one artifact that anybody can repeat: what was signed, by which key, and whether it holds. */
export interface ArtifactVerification {
  readonly valid: boolean;
  readonly steps: readonly { readonly claim: string; readonly holds: boolean }[];
  readonly scheme: string;
  readonly messageHex: string;
  readonly publicKeyHex: string;
  readonly signatureHex: string;
}

interface Check {
  readonly scheme: string;
  readonly message: Uint8Array;
  readonly publicKey: Uint8Array | undefined;
  readonly steps: readonly { readonly claim: string; readonly holds: boolean }[];
  readonly holds: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;
}

/**
 * Verifies an artifact from public facts alone: it trusts no node, and no cache. Undefined for kinds
 * that carry no aggregate signature of their own, and for heights whose keys no known catch-up
 * package names any more.
 */
export function verifyArtifact(
  artifact: Artifact,
  subnet: PublicSubnet,
): ArtifactVerification | undefined {
  const check = checkOf(artifact, subnet);
  if (check === undefined || !('signature' in artifact)) {
    return undefined;
  }
  const { publicKey, message, scheme } = check;
  const { signature } = artifact;
  const holds = publicKey !== undefined && check.holds(publicKey, message, signature);
  const steps = [...check.steps, { claim: 'The signature verifies under that key.', holds }];
  return {
    valid: steps.every((step) => step.holds),
    steps,
    scheme,
    messageHex: bytesToHex(message),
    publicKeyHex: publicKey === undefined ? '' : bytesToHex(publicKey),
    signatureHex: bytesToHex(signature),
  };
}

function checkOf(artifact: Artifact, subnet: PublicSubnet): Check | undefined {
  const { height } = artifact;
  switch (artifact.kind) {
    case 'blockProposal': {
      const { subnetId } = subnet.genesis;
      const message = blockSignedBytes(artifact.block.blockHash, height, subnetId);
      return nodeCheck(artifact.signer, height, message, subnet);
    }
    case 'notarization': {
      const message = notarizationSignedBytes(height, artifact.blockHash);
      return committeeCheck(artifact.signers, height, message, subnet);
    }
    case 'finalization': {
      const message = finalizationSignedBytes(height, artifact.blockHash);
      return committeeCheck(artifact.signers, height, message, subnet);
    }
    case 'randomBeacon': {
      const message = randomBeaconSignedBytes(height, artifact.parent);
      return thresholdCheck('low', height, message, subnet);
    }
    case 'randomTape':
      return thresholdCheck('low', height, randomTapeSignedBytes(height), subnet);
    case 'certification':
      return thresholdCheck('high', height, certificationSignedBytes(artifact.root), subnet);
    case 'catchUpPackage':
      return thresholdCheck('high', height, catchUpSignedBytes(catchUpContentOf(artifact)), subnet);
    default:
      return undefined;
  }
}

function nodeCheck(
  signer: NodeId,
  height: Height,
  message: Uint8Array,
  subnet: PublicSubnet,
): Check | undefined {
  const members = subnet.membersAt(height);
  const record = subnet.nodes.get(signer);
  const key = record === undefined ? undefined : unwrapEd25519(record.nodePublicKeyDer);
  return (
    members && {
      scheme: 'Ed25519, the maker’s node key',
      message,
      publicKey: key?.ok === true ? key.value : undefined,
      steps: [{ claim: 'The maker is a node of the subnet.', holds: members.includes(signer) }],
      holds: (publicKey, text, signature) => subnet.suite.basic.verify(publicKey, text, signature),
    }
  );
}

function committeeCheck(
  signers: readonly NodeId[],
  height: Height,
  message: Uint8Array,
  subnet: PublicSubnet,
): Check | undefined {
  const { genesis, suite } = subnet;
  const members = subnet.membersAt(height);
  if (members === undefined) {
    return undefined;
  }
  const needed = committeeThreshold(members.length);
  const known = signers.flatMap((signer) =>
    members.includes(signer) ? (subnet.nodes.get(signer)?.committeePublicKey ?? []) : [],
  );
  const sum = suite.bls.aggregatePublicKeys(known);
  const distinct = new Set(signers).size === signers.length;
  return {
    scheme: `${genesis.cryptoName} multi-signature, sum of ${known.length} committee keys`,
    message,
    publicKey: sum.ok ? sum.value : undefined,
    steps: [
      {
        claim: 'Every signer is a different node of the subnet.',
        holds: distinct && known.length === signers.length,
      },
      { claim: `At least ${needed} nodes signed.`, holds: signers.length >= needed },
    ],
    holds: (publicKey, text, signature) => suite.bls.verify(publicKey, text, signature),
  };
}

function thresholdCheck(
  tag: 'low' | 'high',
  height: Height,
  message: Uint8Array,
  subnet: PublicSubnet,
): Check | undefined {
  const { genesis, suite } = subnet;
  const key = subnet.intervalAt(height)?.transcripts[tag].key;
  // The subnet's key never changes; who holds shares of it is only told by the interval.
  const publicKey = tag === 'high' ? genesis.highTranscript.publicKey : key?.publicKey;
  if (publicKey === undefined) {
    return undefined;
  }
  const shares = key === undefined ? '' : ` (${key.threshold} of ${key.receivers.length} shares)`;
  const whose = tag === 'low' ? 'the beacon key of that interval' : 'the subnet’s public key';
  return {
    scheme: `${genesis.cryptoName} threshold signature${shares}, ${whose}`,
    message,
    publicKey,
    steps:
      tag === 'high'
        ? []
        : [{ claim: 'A summary that the subnet signed names the key.', holds: key !== undefined }],
    holds: (keyBytes, text, signature) => suite.bls.verify(keyBytes, text, signature),
  };
}
