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
  readonly key: string;
  /** Peers that advertise it and, side by side, in how many of its slots each does. */
  readonly advertisers: NodeId[];
  readonly slotCounts: number[];
  state: AssemblyState;
  pullDeadlineNs: bigint;
  timeoutMs: number;
  asked: NodeId | null;
}

type AssemblyState = 'waiting' | 'wanted' | 'pulling' | 'received' | 'unwanted';

interface TableEntry {
  readonly commitId: number;
  readonly assembly: Assembly;
}

type PeerTable = Map<number, TableEntry>;

/** The mutable tables of one receiver. */
interface Tables {
  readonly slots: Map<NodeId, PeerTable>;
  readonly assemblies: Map<string, Assembly>;
  /** Assemblies by state, so that a pass costs what it changes and not what is known. */
  readonly waiting: Set<Assembly>;
  readonly wanted: Set<Assembly>;
  readonly pulling: Set<Assembly>;
  vanished: ArtifactName[];
}

function setState(tables: Tables, assembly: Assembly, state: AssemblyState): void {
  const before = assembly.state;
  if (before === state) {
    return;
  }
  if (before === 'waiting' || before === 'wanted' || before === 'pulling') {
    tables[before].delete(assembly);
  }
  assembly.state = state;
  if (state === 'waiting' || state === 'wanted' || state === 'pulling') {
    tables[state].add(assembly);
  }
}

function addAdvertiser(assembly: Assembly, peer: NodeId): void {
  const at = assembly.advertisers.indexOf(peer);
  if (at >= 0) {
    assembly.slotCounts[at] = (assembly.slotCounts[at] as number) + 1;
  } else {
    assembly.advertisers.push(peer);
    assembly.slotCounts.push(1);
  }
}

/** The peer's word about the artifact counts no more, in however many slots it stands. */
function removeAdvertiser(tables: Tables, assembly: Assembly, peer: NodeId): void {
  const at = assembly.advertisers.indexOf(peer);
  if (at < 0) {
    return;
  }
  assembly.advertisers.splice(at, 1);
  assembly.slotCounts.splice(at, 1);
  if (assembly.advertisers.length === 0) {
    if (assembly.state === 'received') {
      tables.vanished.push(assembly.name);
    }
    setState(tables, assembly, 'unwanted');
    tables.assemblies.delete(assembly.key);
  } else if (assembly.asked === peer && assembly.state === 'pulling') {
    setState(tables, assembly, 'wanted');
  }
}

/** An artifact may sit in two slots of a peer, and only the last one ends its advert. */
function releaseSlot(tables: Tables, peer: NodeId, assembly: Assembly): void {
  const at = assembly.advertisers.indexOf(peer);
  const count = assembly.slotCounts[at] ?? 0;
  if (count > 1) {
    assembly.slotCounts[at] = count - 1;
  } else {
    removeAdvertiser(tables, assembly, peer);
  }
}

function takeBytes(
  tables: Tables,
  ports: SlotReceiverPorts,
  assembly: Assembly,
  bytes: Uint8Array,
  from: NodeId,
): void {
  if (ports.accept(assembly.name, bytes, from)) {
    setState(tables, assembly, 'received');
    return;
  }
  // The liar's word about this artifact counts no more; others may have the real one.
  setState(tables, assembly, 'wanted');
  removeAdvertiser(tables, assembly, from);
}

function classify(ports: SlotReceiverPorts, assembly: Assembly): AssemblyState {
  const verdict = ports.bouncer(assembly.name);
  return verdict === 'wants' ? 'wanted' : verdict === 'maybeLater' ? 'waiting' : 'unwanted';
}

/** Not in any set until its state is set. */
function openAssembly(tables: Tables, name: ArtifactName, key: string): Assembly {
  const assembly: Assembly = {
    name,
    key,
    advertisers: [],
    slotCounts: [],
    state: 'unwanted',
    pullDeadlineNs: 0n,
    timeoutMs: PULL_FIRST_TIMEOUT_MS,
    asked: null,
  };
  tables.assemblies.set(key, assembly);
  return assembly;
}

function tableOf(tables: Tables, peer: NodeId): PeerTable {
  const known = tables.slots.get(peer);
  if (known !== undefined) {
    return known;
  }
  const table: PeerTable = new Map();
  tables.slots.set(peer, table);
  return table;
}

function applyUpdate(
  tables: Tables,
  ports: SlotReceiverPorts,
  peer: NodeId,
  update: SlotUpdate,
): boolean {
  const table = tableOf(tables, peer);
  const previous = table.get(update.slotId);
  if (previous !== undefined && previous.commitId >= update.commitId) {
    return true;
  }
  if (previous === undefined && table.size >= MAX_SLOTS_PER_PEER) {
    return false;
  }
  const key = nameKey(update.name);
  const known = tables.assemblies.get(key);
  const assembly = known ?? openAssembly(tables, update.name, key);
  addAdvertiser(assembly, peer);
  table.set(update.slotId, { commitId: update.commitId, assembly });
  if (previous !== undefined) {
    releaseSlot(tables, peer, previous.assembly);
  }
  if (known !== undefined && (known.state === 'received' || known.state === 'unwanted')) {
    return true;
  }
  const state = assembly.state === 'pulling' ? 'pulling' : classify(ports, assembly);
  if (update.bytes !== null && (state === 'wanted' || state === 'pulling')) {
    takeBytes(tables, ports, assembly, update.bytes, peer);
  } else {
    setState(tables, assembly, state);
  }
  return true;
}

function takePulls(
  tables: Tables,
  ports: SlotReceiverPorts,
  nowNs: bigint,
): ReadonlyMap<NodeId, readonly ArtifactName[]> {
  if (tables.wanted.size === 0) {
    return NO_PULLS;
  }
  const pulls = new Map<NodeId, ArtifactName[]>();
  for (const assembly of [...tables.wanted]) {
    if (tables.pulling.size >= MAX_OPEN_PULLS) {
      break;
    }
    const candidates = assembly.advertisers.toSorted(compareText);
    const asked = candidates[ports.chooseIndex(candidates.length)] as NodeId;
    assembly.asked = asked;
    assembly.pullDeadlineNs = nowNs + BigInt(assembly.timeoutMs) * NS_PER_MS;
    assembly.timeoutMs = Math.min(assembly.timeoutMs * 2, PULL_LIMIT_TIMEOUT_MS);
    setState(tables, assembly, 'pulling');
    const names = pulls.get(asked);
    if (names === undefined) {
      pulls.set(asked, [assembly.name]);
    } else {
      names.push(assembly.name);
    }
  }
  return pulls;
}

const NO_PULLS: ReadonlyMap<NodeId, readonly ArtifactName[]> = new Map();
const NOTHING_VANISHED: readonly ArtifactName[] = [];

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
        setState(tables, assembly, 'wanted');
        removeAdvertiser(tables, assembly, peer);
      } else {
        takeBytes(tables, ports, assembly, bytes, peer);
      }
    },
    forget(peer) {
      const table = tables.slots.get(peer);
      tables.slots.delete(peer);
      for (const { assembly } of table?.values() ?? []) {
        removeAdvertiser(tables, assembly, peer);
      }
    },
    reconsider(nowNs) {
      for (const assembly of [...tables.waiting, ...tables.wanted]) {
        setState(tables, assembly, classify(ports, assembly));
      }
      for (const assembly of [...tables.pulling]) {
        if (assembly.pullDeadlineNs <= nowNs) {
          setState(tables, assembly, classify(ports, assembly));
        }
      }
    },
    takePulls: (nowNs) => takePulls(tables, ports, nowNs),
    takeVanished() {
      const { vanished } = tables;
      if (vanished.length === 0) {
        return NOTHING_VANISHED;
      }
      tables.vanished = [];
      return vanished;
    },
    nextTimeoutNs() {
      let earliest: bigint | null = null;
      for (const { pullDeadlineNs } of tables.pulling) {
        if (earliest === null || pullDeadlineNs < earliest) {
          earliest = pullDeadlineNs;
        }
      }
      return earliest;
    },
    slotsOf: (peer) => tables.slots.get(peer)?.size ?? 0,
  };
}
