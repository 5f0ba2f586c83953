import { bytesToHex } from '../../base/hex.ts';
import { unwrapEd25519 } from '../crypto/der.ts';
import type { CryptoSuite } from '../crypto/suite.ts';
import type { Artifact } from '../types/artifacts.ts';
import type { SubnetGenesis } from '../types/genesis.ts';
import type { NodeId } from '../types/ids.ts';
import {
  blockSignedBytes,
  catchUpSignedBytes,
  certificationSignedBytes,
  finalizationSignedBytes,
  notarizationSignedBytes,
  randomBeaconSignedBytes,
  randomTapeSignedBytes,
} from '../types/signed-bytes.ts';

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
 * Verifies an artifact from nothing but the public genesis: it trusts no node, and no cache.
 * Undefined for kinds that carry no aggregate signature of their own.
 */
export function verifyArtifact(
  artifact: Artifact,
  genesis: SubnetGenesis,
  suite: CryptoSuite,
): ArtifactVerification | undefined {
  const check = checkOf(artifact, genesis, suite);
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

function checkOf(
  artifact: Artifact,
  genesis: SubnetGenesis,
  suite: CryptoSuite,
): Check | undefined {
  const { height } = artifact;
  switch (artifact.kind) {
    case 'blockProposal': {
      const message = blockSignedBytes(artifact.block.blockHash, height, genesis.subnetId);
      return nodeCheck(artifact.signer, message, genesis, suite);
    }
    case 'notarization': {
      const message = notarizationSignedBytes(height, artifact.blockHash);
      return committeeCheck(artifact.signers, message, genesis, suite);
    }
    case 'finalization': {
      const message = finalizationSignedBytes(height, artifact.blockHash);
      return committeeCheck(artifact.signers, message, genesis, suite);
    }
    case 'randomBeacon':
      return thresholdCheck(
        'low',
        randomBeaconSignedBytes(height, artifact.parent),
        genesis,
        suite,
      );
    case 'randomTape':
      return thresholdCheck('low', randomTapeSignedBytes(height), genesis, suite);
    case 'certification':
      return thresholdCheck('high', certificationSignedBytes(artifact.root), genesis, suite);
    case 'catchUpPackage': {
      const { block, beacon, stateHash, oldestRegistryVersion } = artifact;
      const message = catchUpSignedBytes({
        height,
        blockHash: block.blockHash,
        beaconHash: beacon.hash,
        stateHash,
        oldestRegistryVersion,
      });
      return thresholdCheck('high', message, genesis, suite);
    }
    default:
      return undefined;
  }
}

function nodeCheck(
  signer: NodeId,
  message: Uint8Array,
  genesis: SubnetGenesis,
  suite: CryptoSuite,
): Check {
  const record = genesis.nodes.find((node) => node.nodeId === signer);
  const key = record === undefined ? undefined : unwrapEd25519(record.nodePublicKeyDer);
  return {
    scheme: 'Ed25519, the maker’s node key',
    message,
    publicKey: key?.ok === true ? key.value : undefined,
    steps: [{ claim: 'The maker is a node of the subnet.', holds: record !== undefined }],
    holds: (publicKey, text, signature) => suite.basic.verify(publicKey, text, signature),
  };
}

function committeeCheck(
  signers: readonly NodeId[],
  message: Uint8Array,
  genesis: SubnetGenesis,
  suite: CryptoSuite,
): Check {
  const needed = 2 * Math.floor((genesis.nodes.length - 1) / 3) + 1;
  const keys = new Map(genesis.nodes.map((node) => [node.nodeId, node.committeePublicKey]));
  const known = signers.flatMap((signer) => keys.get(signer) ?? []);
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
  message: Uint8Array,
  genesis: SubnetGenesis,
  suite: CryptoSuite,
): Check {
  const { publicKey, threshold } = tag === 'low' ? genesis.lowTranscript : genesis.highTranscript;
  const key = tag === 'low' ? 'the subnet’s beacon key' : 'the subnet’s public key';
  return {
    scheme: `${genesis.cryptoName} threshold signature (${threshold} of ${genesis.nodes.length}), ${key}`,
    message,
    publicKey,
    steps: [],
    holds: (keyBytes, text, signature) => suite.bls.verify(keyBytes, text, signature),
  };
}
