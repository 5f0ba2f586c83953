import { compareText } from '../../base/bytes.ts';
import type { NodeId } from '../types/ids.ts';
import {
  MAX_OPEN_PULLS,
  MAX_SLOTS_PER_PEER,
  NS_PER_MS,
  PULL_FIRST_TIMEOUT_MS,
  PULL_LIMIT_TIMEOUT_MS,
} from './limits.ts';
import { nameKey } from './packet.ts';
import type { ArtifactName, SlotUpdate } from './packet.ts';

/**
 * The receiving half of abortable broadcast: who advertises what, and which of it we have, want,
 * or are fetching.
 *
 * Security: a peer occupies at most `MAX_SLOTS_PER_PEER` entries; bytes are handed over only if
 * the owner of the pool finds that they are what their name says. Liveness: an artifact that some
 * honest peer holds is fetched once it is wanted, whoever else advertises it falsely.
 * Upstream: rs/p2p/consensus_manager/src/receiver.rs, rs/p2p/artifact_downloader.
 */
export interface SlotReceiver {
  /** False when the update was refused for lack of room; everything else is to be acknowledged. */
  update(peer: NodeId, update: SlotUpdate): boolean;
  /** Bytes that we asked the peer for; null when it has them no longer. */
  pulled(peer: NodeId, name: ArtifactName, bytes: Uint8Array | null): void;
  /** The peer went away or started again: all its slots count as overwritten. */
  forget(peer: NodeId): void;
  /** Asks the bouncer again about ids it had put off, and gives up on fetches that took too long. */
  reconsider(nowNs: bigint): void;
  /** New requests, by peer. */
  takePulls(nowNs: bigint): ReadonlyMap<NodeId, readonly ArtifactName[]>;
  /** Names nobody advertises any more and that we never validated ourselves. */
  takeVanished(): readonly ArtifactName[];
  nextTimeoutNs(): bigint | null;
  readonly slotsOf: (peer: NodeId) => number;
}

export type BouncerValue = 'wants' | 'maybeLater' | 'unwanted';

export interface SlotReceiverPorts {
  readonly bouncer: (name: ArtifactName) => BouncerValue;
  /** Takes the artifact into its pool; false when the bytes are not what the name says. */
  readonly accept: (name: ArtifactName, bytes: Uint8Array, from: NodeId) => boolean;
  /** Uniform in 0 … n − 1. */
  readonly chooseIndex: (n: number) => number;
}

interface Assembly {
  readonly name: ArtifactName;
  readonly advertisers: Set<NodeId>;
  state: 'waiting' | 'wanted' | 'pulling' | 'received' | 'unwanted';
  pullDeadlineNs: bigint;
  timeoutMs: number;
  asked: NodeId | null;
}

interface TableEntry {
  readonly commitId: number;
  readonly key: string;
}

interface PeerTable {
  readonly entries: Map<number, TableEntry>;
  /** Slots by key: an artifact may sit in two slots, and only the last one ends its advert. */
  readonly slotsByKey: Map<string, number>;
}

/** The mutable tables of one receiver. */
interface Tables {
  readonly slots: Map<NodeId, PeerTable>;
  readonly assemblies: Map<string, Assembly>;
  /** Keys by state, so that a pass costs what it changes and not what is known. */
  readonly waiting: Set<string>;
  readonly wanted: Set<string>;
  readonly pulling: Set<string>;
  vanished: ArtifactName[];
}

function setState(tables: Tables, key: string, assembly: Assembly, state: Assembly['state']): void {
  tables.waiting.delete(key);
  tables.wanted.delete(key);
  tables.pulling.delete(key);
  assembly.state = state;
  if (state === 'waiting' || state === 'wanted' || state === 'pulling') {
    tables[state].add(key);
  }
}

function removeAdvertiser(tables: Tables, key: string, peer: NodeId): void {
  const assembly = tables.assemblies.get(key);
  if (assembly === undefined) {
    return;
  }
  assembly.advertisers.delete(peer);
  if (assembly.advertisers.size === 0) {
    if (assembly.state === 'received') {
      tables.vanished.push(assembly.name);
    }
    setState(tables, key, assembly, 'unwanted');
    tables.assemblies.delete(key);
  } else if (assembly.asked === peer && assembly.state === 'pulling') {
    setState(tables, key, assembly, 'wanted');
  }
}

function newPeerTable(): PeerTable {
  return { entries: new Map(), slotsByKey: new Map() };
}

function occupy(table: PeerTable, slotId: number, entry: TableEntry): void {
  table.entries.set(slotId, entry);
  table.slotsByKey.set(entry.key, (table.slotsByKey.get(entry.key) ?? 0) + 1);
}

function releaseSlot(tables: Tables, table: PeerTable, peer: NodeId, key: string): void {
  const left = (table.slotsByKey.get(key) ?? 0) - 1;
  if (left > 0) {
    table.slotsByKey.set(key, left);
    return;
  }
  table.slotsByKey.delete(key);
  removeAdvertiser(tables, key, peer);
}

function takeBytes(
  tables: Tables,
  ports: SlotReceiverPorts,
  assembly: Assembly,
  bytes: Uint8Array,
  from: NodeId,
): void {
  const key = nameKey(assembly.name);
  if (ports.accept(assembly.name, bytes, from)) {
    setState(tables, key, assembly, 'received');
    return;
  }
  // The liar's word about this artifact counts no more; others may have the real one.
  setState(tables, key, assembly, 'wanted');
  removeAdvertiser(tables, key, from);
}

function classify(tables: Tables, ports: SlotReceiverPorts, assembly: Assembly): Assembly['state'] {
  const verdict = ports.bouncer(assembly.name);
  const state = verdict === 'wants' ? 'wanted' : verdict === 'maybeLater' ? 'waiting' : 'unwanted';
  setState(tables, nameKey(assembly.name), assembly, state);
  return state;
}

function openAssembly(tables: Tables, name: ArtifactName): Assembly {
  const assembly: Assembly = {
    name,
    advertisers: new Set(),
    state: 'waiting',
    pullDeadlineNs: 0n,
    timeoutMs: PULL_FIRST_TIMEOUT_MS,
    asked: null,
  };
  tables.assemblies.set(nameKey(name), assembly);
  return assembly;
}

function applyUpdate(
  tables: Tables,
  ports: SlotReceiverPorts,
  peer: NodeId,
  update: SlotUpdate,
): boolean {
  const table = tables.slots.get(peer) ?? newPeerTable();
  tables.slots.set(peer, table);
  const previous = table.entries.get(update.slotId);
  if (previous !== undefined && previous.commitId >= update.commitId) {
    return true;
  }
  if (previous === undefined && table.entries.size >= MAX_SLOTS_PER_PEER) {
    return false;
  }
  const key = nameKey(update.name);
  const known = tables.assemblies.get(key);
  const assembly = known ?? openAssembly(tables, update.name);
  assembly.advertisers.add(peer);
  occupy(table, update.slotId, { commitId: update.commitId, key });
  if (previous !== undefined) {
    releaseSlot(tables, table, peer, previous.key);
  }
  if (assembly.state === 'received' || (known !== undefined && assembly.state === 'unwanted')) {
    return true;
  }
  const state = assembly.state === 'pulling' ? 'pulling' : classify(tables, ports, assembly);
  if (update.bytes !== null && (state === 'wanted' || state === 'pulling')) {
    takeBytes(tables, ports, assembly, update.bytes, peer);
  }
  return true;
}

function takePulls(
  tables: Tables,
  ports: SlotReceiverPorts,
  nowNs: bigint,
): Map<NodeId, ArtifactName[]> {
  const pulls = new Map<NodeId, ArtifactName[]>();
  for (const key of [...tables.wanted]) {
    const assembly = tables.assemblies.get(key);
    if (assembly === undefined || tables.pulling.size >= MAX_OPEN_PULLS) {
      break;
    }
    const candidates = [...assembly.advertisers].toSorted(compareText);
    const asked = candidates[ports.chooseIndex(candidates.length)];
    if (asked === undefined) {
      continue;
    }
    assembly.asked = asked;
    assembly.pullDeadlineNs = nowNs + BigInt(assembly.timeoutMs) * NS_PER_MS;
    assembly.timeoutMs = Math.min(assembly.timeoutMs * 2, PULL_LIMIT_TIMEOUT_MS);
    setState(tables, key, assembly, 'pulling');
    pulls.set(asked, [...(pulls.get(asked) ?? []), assembly.name]);
  }
  return pulls;
}

export function createSlotReceiver(ports: SlotReceiverPorts): SlotReceiver {
  const tables: Tables = {
    slots: new Map(),
    assemblies: new Map(),
    waiting: new Set(),
    wanted: new Set(),
    pulling: new Set(),
    vanished: [],
  };
  return {
    update: (peer, update) => applyUpdate(tables, ports, peer, update),
    pulled(peer, name, bytes) {
      const assembly = tables.assemblies.get(nameKey(name));
      if (assembly === undefined || assembly.state !== 'pulling' || assembly.asked !== peer) {
        return;
      }
      if (bytes === null) {
        setState(tables, nameKey(name), assembly, 'wanted');
        removeAdvertiser(tables, nameKey(name), peer);
      } else {
        takeBytes(tables, ports, assembly, bytes, peer);
      }
    },
    forget(peer) {
      const keys = tables.slots.get(peer)?.slotsByKey.keys() ?? new Set<string>();
      tables.slots.delete(peer);
      for (const key of keys) {
        removeAdvertiser(tables, key, peer);
      }
    },
    reconsider(nowNs) {
      for (const key of [...tables.waiting, ...tables.wanted]) {
        const assembly = tables.assemblies.get(key);
        if (assembly !== undefined) {
          classify(tables, ports, assembly);
        }
      }
      for (const key of [...tables.pulling]) {
        const assembly = tables.assemblies.get(key);
        if (assembly !== undefined && assembly.pullDeadlineNs <= nowNs) {
          classify(tables, ports, assembly);
        }
      }
    },
    takePulls: (nowNs) => takePulls(tables, ports, nowNs),
    takeVanished() {
      const { vanished } = tables;
      tables.vanished = [];
      return vanished;
    },
    nextTimeoutNs() {
      let earliest: bigint | null = null;
      for (const key of tables.pulling) {
        const deadline = tables.assemblies.get(key)?.pullDeadlineNs;
        if (deadline !== undefined && (earliest === null || deadline < earliest)) {
          earliest = deadline;
        }
      }
      return earliest;
    },
    slotsOf: (peer) => tables.slots.get(peer)?.entries.size ?? 0,
  };
}
