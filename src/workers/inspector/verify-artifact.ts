import { bytesToHex } from '../../base/hex.ts';
import type { NodeCrypto } from '../../protocol/interfaces/crypto.ts';
import type { CryptoSuite } from '../../protocol/crypto/suite.ts';
import type { Artifact } from '../../protocol/types/artifacts.ts';
import type { SubnetGenesis } from '../../protocol/types/genesis.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import {
  blockSignedBytes,
  catchUpSignedBytes,
  certificationSignedBytes,
  finalizationSignedBytes,
  notarizationSignedBytes,
  randomBeaconSignedBytes,
  randomTapeSignedBytes,
} from '../../protocol/types/signed-bytes.ts';
import type { Verification, VerificationStep } from '../../wire/network.ts';

/** What checking needs: public keys, and the algorithms that every node runs. */
export interface Verifier {
  readonly genesis: SubnetGenesis;
  readonly crypto: NodeCrypto;
  readonly suite: CryptoSuite;
  readonly notarizationThreshold: number;
}

/**
 * Checks the signature of an artifact with the subnet's public keys. Undefined for kinds that
 * cannot be inspected. That the hash belongs to the content was established by decoding it.
 */
export function verifyArtifact(verifier: Verifier, artifact: Artifact): Verification | undefined {
  switch (artifact.kind) {
    case 'blockProposal':
      return verifyMaker(verifier, artifact.signer, artifact.signature, {
        message: blockSignedBytes(
          artifact.block.blockHash,
          artifact.height,
          verifier.genesis.subnetId,
        ),
        content: `The block hashes to ${artifact.block.blockHash.slice(0, 8)}…`,
      });
    case 'notarization':
      return verifyMulti(
        verifier,
        artifact,
        notarizationSignedBytes(artifact.height, artifact.blockHash),
      );
    case 'finalization':
      return verifyMulti(
        verifier,
        artifact,
        finalizationSignedBytes(artifact.height, artifact.blockHash),
      );
    case 'randomBeacon': {
      const message = randomBeaconSignedBytes(artifact.height, artifact.parent);
      return verifyThreshold(verifier, 'low', message, artifact.signature);
    }
    case 'randomTape':
      return verifyThreshold(
        verifier,
        'low',
        randomTapeSignedBytes(artifact.height),
        artifact.signature,
      );
    case 'catchUpPackage': {
      const { height, block, beacon, stateHash, oldestRegistryVersion } = artifact;
      const content = { height, stateHash, oldestRegistryVersion };
      const hashes = { blockHash: block.blockHash, beaconHash: beacon.hash };
      const message = catchUpSignedBytes({ ...content, ...hashes });
      return verifyThreshold(verifier, 'high', message, artifact.signature);
    }
    case 'certification':
      return verifyThreshold(
        verifier,
        'high',
        certificationSignedBytes(artifact.root),
        artifact.signature,
      );
    default:
      return undefined;
  }
}

function conclude(
  steps: readonly VerificationStep[],
  facts: Omit<Verification, 'valid' | 'steps'>,
): Verification {
  return { valid: steps.every((step) => step.holds), steps, ...facts };
}

function verifyMaker(
  { genesis, crypto }: Verifier,
  signer: NodeId,
  signature: Uint8Array,
  { message, content }: { readonly message: Uint8Array; readonly content: string },
): Verification {
  const record = genesis.nodes.find((node) => node.nodeId === signer);
  const steps = [
    { claim: content, holds: true },
    { claim: 'Its maker is a node of this subnet', holds: record !== undefined },
    {
      claim: "The signature on hash, height and subnet fits the maker's key",
      holds: crypto.verifyBasic(signer, message, signature),
    },
  ];
  return conclude(steps, {
    scheme: 'Ed25519',
    messageHex: bytesToHex(message),
    publicKeyHex: bytesToHex(record?.nodePublicKeyDer ?? new Uint8Array()),
    signatureHex: bytesToHex(signature),
  });
}

function verifyMulti(
  verifier: Verifier,
  artifact: { readonly signers: readonly NodeId[]; readonly signature: Uint8Array },
  message: Uint8Array,
): Verification {
  const { genesis, crypto, suite, notarizationThreshold } = verifier;
  const { signers, signature } = artifact;
  const keys = signers.flatMap(
    (signer) => genesis.nodes.find((node) => node.nodeId === signer)?.committeePublicKey ?? [],
  );
  const sum = suite.bls.aggregatePublicKeys(keys);
  const distinct = new Set(signers).size;
  const steps = [
    {
      claim: `${distinct} different nodes signed; ${notarizationThreshold} are needed`,
      holds: distinct === signers.length && distinct >= notarizationThreshold,
    },
    { claim: 'All signers are nodes of this subnet', holds: keys.length === signers.length },
    {
      claim: "The signature fits the sum of the signers' keys",
      holds: crypto.verifyMulti(message, signers, signature),
    },
  ];
  return conclude(steps, {
    scheme: 'BLS12-381 multi-signature (signature in G1, key in G2)',
    messageHex: bytesToHex(message),
    publicKeyHex: sum.ok ? bytesToHex(sum.value) : '',
    signatureHex: bytesToHex(signature),
  });
}

function verifyThreshold(
  { genesis, crypto }: Verifier,
  tag: 'low' | 'high',
  message: Uint8Array,
  signature: Uint8Array,
): Verification {
  const transcript = tag === 'low' ? genesis.lowTranscript : genesis.highTranscript;
  const needed = transcript.threshold;
  const steps = [
    {
      claim: `The signature fits the subnet's ${tag}-threshold key, which takes ${needed} shares`,
      holds: crypto.verifyThreshold(tag, message, signature),
    },
  ];
  return conclude(steps, {
    scheme: `BLS12-381 threshold signature, ${needed} of ${transcript.receivers.length}`,
    messageHex: bytesToHex(message),
    publicKeyHex: bytesToHex(transcript.publicKey),
    signatureHex: bytesToHex(signature),
  });
}
