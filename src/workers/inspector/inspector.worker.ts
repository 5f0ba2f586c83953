import { present } from '../../base/assert.ts';
import type { Result } from '../../base/result.ts';
import { wrapBls } from '../../protocol/crypto/der.ts';
import type { CryptoSuite } from '../../protocol/crypto/suite.ts';
import { verifyArtifact } from '../../protocol/node/artifact-verifier.ts';
import { describeArtifact, describeBlock } from '../../protocol/node/inspection.ts';
import { createPublicSubnet, type PublicSubnet } from '../../protocol/node/public-subnet.ts';
import { dealNetwork, type DealtNetwork } from '../../protocol/registry/deal-network.ts';
import { decodeArtifact } from '../../protocol/types/artifact-codec.ts';
import type { DealtSubnet } from '../../protocol/types/genesis.ts';
import type { SubnetId } from '../../protocol/types/ids.ts';
import type { SubnetRecord } from '../../protocol/types/registry.ts';
import type {
  ArtifactDetails,
  BlockDetails,
  SignatureBackendChoice,
  Verification,
} from '../../wire/network.ts';
import { dealSpecOf } from '../../wire/deal-spec.ts';
import type { NetworkSpec, SignatureBackend } from '../../wire/network-spec.ts';
import { exposeControl } from '../control/remote.ts';
import { chooseBackend } from '../crypto/choose-backend.ts';
import { sweepStorage } from '../saved/sweep.ts';
import { wipeNodeStorage } from '../storage/stale-storage.ts';
import type { StorageError } from '../storage/storage-port.ts';

/**
 * Crypto for the page, which runs none itself: deals the keys of a new network and checks what
 * nodes claim with the very code that nodes run.
 */
let suite: CryptoSuite | undefined;
const known = new Map<SubnetId, PublicSubnet>();

/** A subnet's keys, with its public one in DER. */
export interface Dealt extends DealtSubnet {
  readonly publicKeyDer: Uint8Array;
}

export interface Deal extends Omit<DealtNetwork, 'subnets' | 'operator'> {
  /** The root subnet first. */
  readonly subnets: readonly Dealt[];
}

const control = {
  /** Which library the network computes its signatures with; before everything else. */
  choose: async (wanted: SignatureBackend): Promise<SignatureBackendChoice> => {
    const chosen = await chooseBackend(wanted, { stopwatchMs: () => performance.now() });
    suite = chosen.suite;
    return chosen.choice;
  },
  /** Deals the subnets of a spec, the root first; `genesisTimeNs` is the time of its first block. */
  deal: (spec: NetworkSpec, genesisTimeNs: bigint): Deal => {
    const chosen = present(suite, 'the library is chosen before keys are dealt');
    return deal(spec, genesisTimeNs, chosen);
  },
  /** The fields of an encoded artifact; null when it does not decode. */
  describe: (encoded: Uint8Array, subnetId: SubnetId): Omit<ArtifactDetails, 'heldBy'> | null => {
    const decoded = decodeArtifact(encoded);
    return decoded.ok ? describeArtifact(decoded.value, dealtSubnet(subnetId)) : null;
  },
  describeBlock: (encoded: Uint8Array): Pick<BlockDetails, 'facts' | 'ingress'> | null => {
    const decoded = decodeArtifact(encoded);
    return decoded.ok && decoded.value.kind === 'blockProposal'
      ? describeBlock(decoded.value)
      : null;
  },
  /** Learns registry versions, and the keys in catch-up packages that the subnet signed. */
  learn: (
    subnetId: SubnetId,
    records: readonly SubnetRecord[],
    packages: readonly Uint8Array[],
  ): void => {
    const subnet = dealtSubnet(subnetId);
    subnet.noteRecords(records);
    for (const encoded of packages) {
      const decoded = decodeArtifact(encoded);
      if (decoded.ok && decoded.value.kind === 'catchUpPackage') {
        subnet.notePackage(decoded.value);
      }
    }
  },
  /** Checks the signature with public keys alone: of the genesis, and of what was learnt. */
  verify: (encoded: Uint8Array, subnetId: SubnetId): Verification | null => {
    const decoded = decodeArtifact(encoded);
    return decoded.ok ? (verifyArtifact(decoded.value, dealtSubnet(subnetId)) ?? null) : null;
  },
  /** Removes from the disk what belongs to no saved network and to no open one. */
  sweep: (): Promise<void> => sweepStorage(),
  /** Erases the disk of a node that does not run. */
  wipe: (networkId: string, nodeId: string): Promise<Result<void, StorageError>> =>
    wipeNodeStorage(networkId, nodeId),
};

function deal(spec: NetworkSpec, genesisTimeNs: bigint, suite: CryptoSuite): Deal {
  const dealt = dealNetwork(dealSpecOf(spec, genesisTimeNs), suite);
  for (const { genesis } of dealt.subnets) {
    known.set(genesis.subnetId, createPublicSubnet(genesis, suite));
  }
  const subnets = dealt.subnets.map((subnet) => ({
    ...subnet,
    publicKeyDer: wrapBls(subnet.genesis.highTranscript.publicKey),
  }));
  const { topology, registryDeltas, rootKeyDer } = dealt;
  return { topology, registryDeltas, rootKeyDer, subnets };
}

function dealtSubnet(subnetId: SubnetId): PublicSubnet {
  return present(known.get(subnetId), 'keys are dealt before anything is inspected');
}

export type InspectorControl = typeof control;

exposeControl(control);
