import { bytesToHex, hexToBytes } from '../../base/hex.ts';
import { codedError, err, ok, type Result } from '../../base/result.ts';
import type { SubnetRecord } from '../../protocol/types/registry.ts';
import type { NetworkSpec } from '../../wire/network-spec.ts';
import type { SavedError } from '../../wire/saved-networks.ts';
import type { TelemetryBatch } from '../../wire/telemetry.ts';
import { type ClockSetting, liveClockSetting } from '../clock/network-clock.ts';
import { type Catalogue, type CatalogueEntry, SAVED_FORMAT } from './catalogue.ts';
import type { DiskReader } from './disk-reader.ts';
import { createProgressNotes } from './progress-notes.ts';

/**
 * What tells a network that is opened again from a new one, and where it writes down what its nodes'
 * disks do not hold. A network that nobody saves has the same life and leaves nothing.
 */
export interface Opening {
  readonly networkId: string;
  readonly genesisTimeNs: bigint;
  readonly clock: ClockSetting;
  readonly pace: NetworkSpec['pace'];
  /** Versions after the genesis that were in force or on their way. */
  records(subnet: number): readonly SubnetRecord[];
  /** Encoded versions of the network's registry after the genesis, with the subnets that were added. */
  readonly registryDeltas: readonly Uint8Array[];
  /** Before any node starts: the keys are those of the entry, or the entry learns of them. */
  dealt(subnetIds: readonly string[]): Promise<Result<void, SavedError>>;
  /** Before anybody acts on it. */
  saveRecord(subnet: number, record: SubnetRecord): Promise<Result<void, SavedError>>;
  /** All registry versions after the genesis, and what follows from them. */
  saveRegistry(deltas: readonly Uint8Array[]): Promise<Result<void, SavedError>>;
  /** The network has one more subnet: all of them, with their nodes. */
  saveSubnets(subnets: readonly SavedSubnet[]): Promise<Result<void, SavedError>>;
  observe(batch: TelemetryBatch): void;
  /** Once there are nodes: what reads the disk of one that runs. */
  attach(read: DiskReader): void;
  /** The network ends: the last notes are written and another tab may have it. */
  close(): void;
}

export interface SavedSubnet {
  readonly subnetId: string;
  readonly nodeIds: readonly string[];
}

export function newNetworkId(): string {
  return bytesToHex(crypto.getRandomValues(new Uint8Array(8)));
}

/** A network that leaves nothing: its storage is swept once its tab is gone. */
export function openUnsaved(spec: NetworkSpec, networkId: string, unlock: () => void): Opening {
  const clock = liveClockSetting(Date.now());
  return {
    networkId,
    genesisTimeNs: clock.networkAnchorNs,
    clock,
    pace: spec.pace,
    records: () => [],
    dealt: async () => ok(undefined),
    saveRecord: async () => ok(undefined),
    registryDeltas: [],
    saveRegistry: async () => ok(undefined),
    saveSubnets: async () => ok(undefined),
    observe: () => undefined,
    attach: () => undefined,
    close: unlock,
  };
}

/** An entry for a network that is about to be made. */
export function newEntry(
  spec: NetworkSpec,
  { id, name, link }: { readonly id: string; readonly name: string; readonly link: string },
): CatalogueEntry {
  const nowMs = Date.now();
  const { networkAnchorNs } = liveClockSetting(nowMs);
  return {
    format: SAVED_FORMAT,
    id,
    name,
    isNamed: false,
    link,
    spec,
    genesisTimeNs: networkAnchorNs,
    subnetIds: [],
    nodeIds: [],
    registry: spec.subnets.map(() => []),
    registryDeltas: [],
    pace: spec.pace,
    createdMs: nowMs,
    lastSeenMs: nowMs,
    networkTimeNs: networkAnchorNs,
    height: 0,
    canisters: 0,
    deletedMs: null,
  };
}

/** Goes on where the entry says; the caller holds the network's lock and gives it away. */
export function openEntry(
  entry: CatalogueEntry,
  catalogue: Catalogue,
  { unlock, attach }: { unlock(): void; attach(read: DiskReader): void },
): Opening {
  const notes = createProgressNotes(entry, catalogue);
  return {
    networkId: entry.id,
    genesisTimeNs: entry.genesisTimeNs,
    clock: clockGoingOn(entry.networkTimeNs, Date.now()),
    pace: entry.pace,
    records: (subnet) => entry.registry[subnet] ?? [],
    dealt: async (subnetIds) => {
      if (entry.subnetIds.length === 0) {
        return catalogue.put({ ...entry, subnetIds });
      }
      const isSame = entry.subnetIds.join() === subnetIds.join();
      const message =
        'The keys that follow from its seed are not those of the saved network: it was made by another version of this page.';
      return isSame ? ok(undefined) : err(codedError('trust', 'KEYS_DIFFER', message));
    },
    saveRecord: (subnet, record) => catalogue.addRecord(entry.id, subnet, record),
    registryDeltas: entry.registryDeltas.map((hex) => hexToBytes(hex) ?? new Uint8Array(0)),
    saveRegistry: (deltas) =>
      catalogue.change(entry.id, { registryDeltas: deltas.map(bytesToHex) }),
    saveSubnets: (subnets) =>
      catalogue.change(entry.id, {
        subnetIds: subnets.map(({ subnetId }) => subnetId),
        nodeIds: subnets.map(({ nodeIds }) => nodeIds),
      }),
    observe: notes.observe,
    attach,
    close: () => {
      void notes.close().finally(unlock);
    },
  };
}

/** Wall time, unless the wall clock was set back below what the network has seen. */
function clockGoingOn(seenNs: bigint, wallNowMs: number): ClockSetting {
  const live = liveClockSetting(wallNowMs);
  return seenNs > live.networkAnchorNs ? { ...live, networkAnchorNs: seenNs } : live;
}
