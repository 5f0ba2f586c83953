import { present } from '../../base/assert.ts';
import { createNodeCrypto } from '../../protocol/crypto/node-crypto.ts';
import { decodeIngress } from '../../protocol/ingress/signed-ingress.ts';
import { committeeThreshold } from '../../protocol/registry/committee.ts';
import type {
  ArtifactDetails,
  ArtifactReference,
  IngressFacts,
  Verification,
} from '../../wire/network.ts';
import {
  describeArtifact,
  findArtifact,
  type HeldArtifacts,
  type Thresholds,
} from './artifact-details.ts';
import { type Verifier, verifyArtifact } from './verify-artifact.ts';
import { wrapBls } from '../../protocol/crypto/der.ts';
import { createRealSuite } from '../../protocol/crypto/real-suite.ts';
import { subnetParametersFor } from '../../protocol/node/subnet-parameters.ts';
import { dealSubnet } from '../../protocol/registry/genesis.ts';
import type { DealtSubnet } from '../../protocol/types/genesis.ts';
import { type NetworkSpec, PACE_SETTINGS } from '../../wire/network-spec.ts';
import { exposeControl } from '../control/remote.ts';
import { sweepStaleStorage } from '../storage/stale-storage.ts';

/**
 * Crypto for the page, which runs none itself: deals the keys of a new network and checks what
 * nodes claim with the very code that nodes run.
 */
const suite = createRealSuite();
let verifier: Verifier | undefined;

export interface Dealt extends DealtSubnet {
  readonly publicKeyDer: Uint8Array;
}

const control = {
  /** Deals the subnet of a spec; `genesisTimeNs` is the time of its first block. */
  deal: (spec: NetworkSpec, genesisTimeNs: bigint): readonly Dealt[] =>
    spec.subnets.map((_, index) => deal(spec, index, genesisTimeNs)),
  /** Describes the artifact if any of the nodes holds it. */
  describe: (
    reference: ArtifactReference,
    held: readonly HeldArtifacts[],
  ): ArtifactDetails | null => {
    const found = findArtifact(reference, held);
    return found === undefined ? null : describeArtifact(reference.kind, found, thresholds());
  },
  /** Checks the artifact's signature; null when no node holds it. */
  verify: (reference: ArtifactReference, held: readonly HeldArtifacts[]): Verification | null => {
    const found = findArtifact(reference, held);
    const keys = present(verifier, 'keys are dealt before anything is verified');
    return found === undefined ? null : (verifyArtifact(keys, found.artifact) ?? null);
  },
  /** The calls inside a block; empty for a summary block or one that nobody holds. */
  ingressOf: (reference: ArtifactReference, held: readonly HeldArtifacts[]) => {
    const artifact = findArtifact(reference, held)?.artifact;
    return artifact?.kind === 'blockProposal' && artifact.block.payload.kind === 'data'
      ? artifact.block.payload.batch.ingress.flatMap(ingressFacts)
      : [];
  },
  /** Removes what networks of closed tabs left on the disk. */
  sweep: (): Promise<void> => sweepStaleStorage(),
};

function deal(spec: NetworkSpec, index: number, genesisTimeNs: bigint): Dealt {
  const pace = PACE_SETTINGS[spec.pace];
  const subnet = present(spec.subnets[index], 'the subnet is in the spec');
  const parameters = subnetParametersFor(subnet.type, {
    ...pace,
    dkgIntervalLength: spec.dkgIntervalLength ?? pace.dkgIntervalLength,
  });
  const dealt = dealSubnet(
    { seed: spec.seed, index, nodes: subnet.nodes, parameters, genesisTimeNs },
    suite,
  );
  const { genesis } = dealt;
  const secrets = present(dealt.secrets[0], 'a subnet has a node');
  const notarizationThreshold = committeeThreshold(genesis.nodes.length);
  const crypto = createNodeCrypto(genesis, secrets, suite);
  verifier = { genesis, crypto, suite, notarizationThreshold };
  return { ...dealt, publicKeyDer: wrapBls(genesis.highTranscript.publicKey) };
}

function thresholds(): Thresholds {
  const { genesis, notarizationThreshold } = present(verifier, 'keys are dealt first');
  return {
    notarization: notarizationThreshold,
    low: genesis.lowTranscript.threshold,
    high: genesis.highTranscript.threshold,
  };
}

function ingressFacts(envelope: Uint8Array): readonly IngressFacts[] {
  const decoded = decodeIngress(envelope);
  if (!decoded.ok) {
    return [];
  }
  const { messageId, sender, canisterId, methodName, arg } = decoded.value.message;
  return [{ messageId, sender, canisterId, methodName, argBytes: arg.length }];
}

export type InspectorControl = typeof control;

exposeControl(control);
