import { present } from '../../base/assert.ts';
import type { Result } from '../../base/result.ts';
import type { CryptoSuite } from '../../protocol/crypto/suite.ts';
import { verifyArtifact } from '../../protocol/node/artifact-verifier.ts';
import { describeArtifact, describeBlock } from '../../protocol/node/inspection.ts';
import { createPublicSubnet, type PublicSubnet } from '../../protocol/node/public-subnet.ts';
import { dealNetwork, type DealtNetwork } from '../../protocol/registry/deal-network.ts';
import { decodeArtifact } from '../../protocol/types/artifact-codec.ts';
import type { SubnetId } from '../../protocol/types/ids.ts';
import type { RegistryChange, SubnetRecord } from '../../protocol/types/registry.ts';
import type {
  ArtifactDetails,
  BlockDetails,
  SignatureBackendChoice,
  Verification,
} from '../../wire/network.ts';
import { dealSpecOf } from '../../wire/deal-spec.ts';
import type { NetworkSpec, SignatureBackend, SubnetSpec } from '../../wire/network-spec.ts';
import { exposeControl } from '../control/remote.ts';
import { chooseBackend } from '../crypto/choose-backend.ts';
import { sweepStorage } from '../saved/sweep.ts';
import { wipeNodeStorage } from '../storage/stale-storage.ts';
import type { StorageError } from '../storage/storage-port.ts';
import {
  type Dealt,
  keyed,
  openRegistryOffice,
  type RegistryOffice,
  type RegistryView,
} from './registry-office.ts';

/**
 * Crypto for the page, which runs none itself: deals the keys of a new network and checks what
 * nodes claim with the very code that nodes run.
 */
let suite: CryptoSuite | undefined;
const known = new Map<SubnetId, PublicSubnet>();
let office: RegistryOffice | undefined;

export interface Deal extends Omit<DealtNetwork, 'subnets' | 'operator' | 'registryDeltas'> {
  /** The root subnet first, those that were added last. */
  readonly subnets: readonly Dealt[];
  /** Null where the root subnet keeps no registry. */
  readonly registry: RegistryView | null;
}

const control = {
  /** Which library the network computes its signatures with; before everything else. */
  choose: async (wanted: SignatureBackend): Promise<SignatureBackendChoice> => {
    const chosen = await chooseBackend(wanted, { stopwatchMs: () => performance.now() });
    suite = chosen.suite;
    return chosen.choice;
  },
  /**
   * Deals the subnets of a spec, the root first; `genesisTimeNs` is the time of its first block.
   * @param later encoded registry versions after the genesis, and with them the subnets that were added
   */
  deal: (spec: NetworkSpec, genesisTimeNs: bigint, later: readonly Uint8Array[]): Deal => {
    const chosen = present(suite, 'the library is chosen before keys are dealt');
    return deal(spec, { genesisTimeNs, later }, chosen);
  },
  registryChange: (subnetId: SubnetId, change: RegistryChange) =>
    registry().prepareChange(subnetId, change),
  registrySubnet: (spec: SubnetSpec, nowNs: bigint) => {
    const prepared = registry().prepareSubnet(spec, nowNs);
    if (prepared.ok) {
      note(prepared.value.dealt);
    }
    return prepared;
  },
  registryCall: (delta: Uint8Array, nowNs: bigint) => registry().call(delta, nowNs),
  registryOutcome: (...args: Parameters<RegistryOffice['outcome']>) => registry().outcome(...args),
  registryLearn: (
    deltas: readonly Uint8Array[],
  ): { readonly view: RegistryView; readonly late: readonly Dealt[] } => {
    const view = registry().learn(deltas);
    const late = registry().late();
    late.forEach(note);
    return { view, late };
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

function deal(
  spec: NetworkSpec,
  {
    genesisTimeNs,
    later,
  }: { readonly genesisTimeNs: bigint; readonly later: readonly Uint8Array[] },
  chosen: CryptoSuite,
): Deal {
  const dealSpec = dealSpecOf(spec, genesisTimeNs);
  const dealt = dealNetwork(dealSpec, chosen);
  office = openRegistryOffice(dealSpec, dealt, chosen, later);
  const subnets = [...dealt.subnets.map(keyed), ...(office?.late() ?? [])];
  subnets.forEach(note);
  const { topology, rootKeyDer } = dealt;
  return { topology, rootKeyDer, subnets, registry: office?.view() ?? null };
}

function note({ genesis }: Pick<Dealt, 'genesis'>): void {
  const chosen = present(suite, 'the library is chosen before keys are dealt');
  known.set(genesis.subnetId, createPublicSubnet(genesis, chosen));
}

function registry(): RegistryOffice {
  return present(office, 'only a network with a registry is asked to change it');
}

function dealtSubnet(subnetId: SubnetId): PublicSubnet {
  return present(known.get(subnetId), 'keys are dealt before anything is inspected');
}

export type InspectorControl = typeof control;

exposeControl(control);
