import type { NodeId } from '../types/ids.ts';
import { Assembly, Part } from './assembly.ts';
import type { AssemblyState } from './assembly.ts';
import {
  MAX_ASSEMBLING_PER_PEER,
  MAX_INGRESS_SLOTS_PER_PEER,
  MAX_SLOTS_PER_PEER,
  RECONSIDER_PER_PEER,
} from './limits.ts';
import { NameMap } from './name-map.ts';
import { INGRESS_KIND } from './packet.ts';
import type { ArtifactName, SlotUpdate } from './packet.ts';
import { createPullScheduler, newFetch } from './pull-scheduler.ts';
import type { PullScheduler, PullSchedulerPorts } from './pull-scheduler.ts';
import { SlotMap } from './slot-map.ts';

/**
 * The receiving half of abortable broadcast: who advertises what, and which of it we have, want,
 * or are fetching.
 *
 * Security: a peer occupies at most `MAX_SLOTS_PER_PEER` entries (and its own number of calls), and
 * what it makes us put off or fetch waits in queues of its own; bytes are handed over only if the
 * owner of the pool finds that they are what their name says. Liveness: an artifact that some honest
 * peer holds is fetched once it is wanted, whoever else advertises it falsely.
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
  slotsOf(peer: NodeId): number;
}

export type BouncerValue = 'wants' | 'maybeLater' | 'unwanted';

/** Taken; refused (not what the name says); or taken once these parts of it are here. */
export type AcceptOutcome = boolean | { readonly needs: readonly NeededPart[] };

export interface NeededPart {
  readonly name: ArtifactName;
  /** Its size; other bytes of the same hash don't exist, but a liar may announce another size. */
  readonly bytes: number;
}

/** Parts that were fetched for an artifact, by the hash in their names. */
export type CollectedParts = ReadonlyMap<string, Uint8Array>;

export interface SlotReceiverPorts extends PullSchedulerPorts {
  readonly bouncer: (name: ArtifactName) => BouncerValue;
  /**
   * Takes the artifact into its pool. Called again with the same bytes once the parts it needs are
   * there; of a part it says whether the bytes are what the name says.
   */
  readonly accept: (
    name: ArtifactName,
    bytes: Uint8Array,
    from: NodeId,
    parts: CollectedParts,
  ) => AcceptOutcome;
}

interface PeerTable {
  readonly slots: SlotMap<Assembly>;
  ingressSlots: number;
  /** What this peer made us put off; a pass continues where the last one ended. */
  readonly waiting: Set<Assembly>;
  /** Proposals of this peer that wait for parts. */
  assembling: number;
}

const NO_PARTS: CollectedParts = new Map();
const NOTHING_VANISHED: readonly ArtifactName[] = [];

export function createSlotReceiver(ports: SlotReceiverPorts): SlotReceiver {
  return new SlotTables(ports);
}

class SlotTables implements SlotReceiver {
  private readonly ports: SlotReceiverPorts;
  private readonly scheduler: PullScheduler;
  private readonly tables = new Map<NodeId, PeerTable>();
  private readonly assemblies = new NameMap<Assembly>();
  private readonly parts = new NameMap<Part>();
  private readonly assembling = new Set<Assembly>();
  private vanished: ArtifactName[] = [];

  constructor(ports: SlotReceiverPorts) {
    this.ports = ports;
    this.scheduler = createPullScheduler(ports);
  }

  update(peer: NodeId, update: SlotUpdate): boolean {
    const table = this.tableOf(peer);
    const { slotId, commitId, name } = update;
    if (table.slots.commitOf(slotId) >= commitId) {
      return true;
    }
    const previous = table.slots.get(slotId);
    if (!hasRoom(table, name, previous)) {
      return false;
    }
    const known = this.assemblies.get(name);
    known?.addSlot(peer);
    const assembly = known ?? this.open(name, peer);
    table.slots.set(slotId, commitId, assembly);
    table.ingressSlots += name.kind === INGRESS_KIND ? 1 : 0;
    if (previous !== undefined) {
      this.release(table, peer, previous);
    }
    if (known === undefined) {
      this.takeNew(assembly, update.bytes, peer);
    } else if (known.state === 'waiting' || known.state === 'wanted') {
      this.share(assembly, peer);
      if (update.bytes !== null) {
        this.takeNew(assembly, update.bytes, peer);
      }
    }
    return true;
  }

  pulled(peer: NodeId, name: ArtifactName, bytes: Uint8Array | null): void {
    const part = this.parts.get(name);
    if (part !== undefined && part.fetch.asked === peer) {
      this.takePart(part, bytes, peer);
      return;
    }
    const assembly = this.assemblies.get(name);
    if (assembly === undefined || assembly.fetch?.asked !== peer) {
      return;
    }
    if (bytes === null) {
      this.want(assembly);
      this.unadvertise(assembly, peer);
    } else {
      this.take(assembly, bytes, peer);
    }
  }

  forget(peer: NodeId): void {
    const table = this.tables.get(peer);
    this.tables.delete(peer);
    for (const assembly of table?.slots.values() ?? []) {
      this.unadvertise(assembly, peer);
    }
  }

  reconsider(nowNs: bigint): void {
    this.scheduler.expire(nowNs);
    for (const table of this.tables.values()) {
      let looked = 0;
      for (const assembly of table.waiting) {
        looked += 1;
        if (looked > RECONSIDER_PER_PEER) {
          break;
        }
        // To the end of the queue, if it has to wait on.
        table.waiting.delete(assembly);
        table.waiting.add(assembly);
        this.classify(assembly);
      }
    }
    for (const part of this.parts.values()) {
      part.refusedBy.clear();
    }
    for (const fetch of this.scheduler.sample(RECONSIDER_PER_PEER)) {
      const assembly = this.assemblies.get(fetch.what.name);
      if (assembly !== undefined && assembly.state === 'wanted') {
        this.classify(assembly);
      }
    }
    for (const assembly of this.assembling) {
      if (!this.isWanted(assembly)) {
        this.setState(assembly, 'unwanted');
      }
    }
  }

  takePulls(nowNs: bigint): ReadonlyMap<NodeId, readonly ArtifactName[]> {
    return this.scheduler.take(nowNs);
  }

  takeVanished(): readonly ArtifactName[] {
    const { vanished } = this;
    if (vanished.length === 0) {
      return NOTHING_VANISHED;
    }
    this.vanished = [];
    // Who starts again withdraws and advertises the same in one step: it never was away.
    return vanished.filter((name) => !this.assemblies.has(name));
  }

  nextTimeoutNs(): bigint | null {
    return this.scheduler.nextTimeoutNs();
  }

  slotsOf(peer: NodeId): number {
    return this.tables.get(peer)?.slots.size ?? 0;
  }

  private tableOf(peer: NodeId): PeerTable {
    const known = this.tables.get(peer);
    if (known !== undefined) {
      return known;
    }
    const table = {
      slots: new SlotMap<Assembly>(),
      ingressSlots: 0,
      waiting: new Set<Assembly>(),
      assembling: 0,
    };
    this.tables.set(peer, table);
    return table;
  }

  private open(name: ArtifactName, owner: NodeId): Assembly {
    const assembly = new Assembly(name, owner);
    this.assemblies.set(assembly);
    return assembly;
  }

  private setState(assembly: Assembly, state: AssemblyState): void {
    const { fetch, owner } = assembly;
    if (assembly.state === 'waiting') {
      this.tables.get(owner)?.waiting.delete(assembly);
    } else if (assembly.state === 'assembling') {
      this.dropParts(assembly);
    }
    assembly.state = state;
    if (state === 'waiting') {
      this.tableOf(owner).waiting.add(assembly);
    }
    if (state !== 'wanted' && fetch !== null) {
      this.scheduler.stop(fetch);
    }
  }

  /** To be fetched from whoever advertises it. */
  private want(assembly: Assembly): void {
    this.setState(assembly, 'wanted');
    assembly.fetch ??= newFetch(assembly);
    this.scheduler.want(assembly.fetch);
  }

  private classify(assembly: Assembly): AssemblyState {
    const verdict = this.ports.bouncer(assembly.name);
    if (verdict === 'wants') {
      if (assembly.state !== 'wanted') {
        this.want(assembly);
      }
      return 'wanted';
    }
    this.setState(assembly, verdict === 'maybeLater' ? 'waiting' : 'unwanted');
    return assembly.state;
  }

  /** An update about something not received yet; pushed bytes of what is wanted are taken at once. */
  private takeNew(assembly: Assembly, bytes: Uint8Array | null, peer: NodeId): void {
    if (bytes !== null && (assembly.state === 'wanted' || this.isWanted(assembly))) {
      this.take(assembly, bytes, peer);
    } else if (assembly.state !== 'wanted') {
      this.classify(assembly);
    }
  }

  private isWanted(assembly: Assembly): boolean {
    return this.ports.bouncer(assembly.name) === 'wants';
  }

  private take(assembly: Assembly, bytes: Uint8Array, from: NodeId): void {
    const outcome = this.ports.accept(
      assembly.name,
      bytes,
      from,
      assembly.incomplete?.collected ?? NO_PARTS,
    );
    if (outcome === true) {
      this.setState(assembly, 'received');
    } else if (outcome === false) {
      this.refuse(assembly, from);
    } else {
      this.assemble(assembly, bytes, from, outcome.needs);
    }
  }

  /** The liar's word about this artifact counts no more; others may have the real one. */
  private refuse(assembly: Assembly, from: NodeId): void {
    this.want(assembly);
    this.unadvertise(assembly, from);
  }

  private assemble(
    assembly: Assembly,
    bytes: Uint8Array,
    from: NodeId,
    needs: readonly NeededPart[],
  ): void {
    if (assembly.state !== 'assembling') {
      const table = this.tableOf(from);
      if (table.assembling >= MAX_ASSEMBLING_PER_PEER) {
        this.setState(assembly, 'waiting');
        return;
      }
      this.setState(assembly, 'assembling');
      this.assembling.add(assembly);
      table.assembling += 1;
      assembly.incomplete = { bytes, from, missing: new Map(), collected: new Map() };
    }
    const { incomplete } = assembly;
    if (incomplete === null) {
      return;
    }
    for (const { name, bytes: size } of needs) {
      const part = this.parts.get(name) ?? new Part(name, from);
      this.parts.set(part);
      part.parents.add(assembly);
      incomplete.missing.set(part, size);
      if (part.fetch.state === 'idle') {
        this.scheduler.want(part.fetch);
      }
    }
  }

  private takePart(part: Part, bytes: Uint8Array | null, from: NodeId): void {
    if (bytes === null || this.ports.accept(part.name, bytes, from, NO_PARTS) !== true) {
      part.refusedBy.add(from);
      this.scheduler.want(part.fetch);
      return;
    }
    this.closePart(part);
    for (const parent of part.parents) {
      const { incomplete } = parent;
      if (incomplete === null) {
        continue;
      }
      const size = incomplete.missing.get(part);
      incomplete.missing.delete(part);
      if (size !== bytes.length) {
        this.refuse(parent, incomplete.from);
        continue;
      }
      incomplete.collected.set(part.name.hash, bytes);
      if (incomplete.missing.size === 0) {
        this.take(parent, incomplete.bytes, incomplete.from);
      }
    }
  }

  private closePart(part: Part): void {
    this.scheduler.stop(part.fetch);
    this.parts.delete(part.name);
  }

  private dropParts(assembly: Assembly): void {
    const { incomplete } = assembly;
    if (incomplete === null) {
      return;
    }
    const table = this.tables.get(incomplete.from);
    if (table !== undefined) {
      table.assembling = Math.max(0, table.assembling - 1);
    }
    assembly.incomplete = null;
    this.assembling.delete(assembly);
    for (const part of incomplete.missing.keys()) {
      part.parents.delete(assembly);
      if (part.parents.size === 0) {
        this.closePart(part);
      }
    }
  }

  /** The peer with the shorter queue stands for what several advertise. */
  private share(assembly: Assembly, peer: NodeId): void {
    const { owner } = assembly;
    if (owner !== peer && this.loadOf(peer) < this.loadOf(owner)) {
      this.move(assembly, peer);
    }
  }

  private loadOf(peer: NodeId): number {
    return (this.tables.get(peer)?.waiting.size ?? 0) + this.scheduler.waitingOf(peer);
  }

  private move(assembly: Assembly, owner: NodeId): void {
    if (assembly.state === 'waiting') {
      this.tables.get(assembly.owner)?.waiting.delete(assembly);
      this.tableOf(owner).waiting.add(assembly);
    }
    if (assembly.fetch === null) {
      assembly.owner = owner;
    } else {
      this.scheduler.move(assembly.fetch, owner);
    }
  }

  private release(table: PeerTable, peer: NodeId, assembly: Assembly): void {
    table.ingressSlots -= assembly.name.kind === INGRESS_KIND ? 1 : 0;
    if (assembly.dropSlot(peer)) {
      this.unadvertise(assembly, peer);
    }
  }

  /** The peer's word about the artifact counts no more, in however many slots it stands. */
  private unadvertise(assembly: Assembly, peer: NodeId): void {
    if (!assembly.dropAdvertiser(peer)) {
      return;
    }
    const [next] = assembly.advertisers;
    if (next === undefined) {
      if (assembly.state === 'received') {
        this.vanished.push(assembly.name);
      }
      this.setState(assembly, 'unwanted');
      this.assemblies.delete(assembly.name);
      return;
    }
    const { fetch } = assembly;
    if (assembly.owner === peer) {
      this.move(assembly, next);
    }
    if (fetch !== null && fetch.asked === peer) {
      this.scheduler.want(fetch);
    }
  }
}

function hasRoom(table: PeerTable, name: ArtifactName, previous: Assembly | undefined): boolean {
  const isIngress = name.kind === INGRESS_KIND;
  const wasIngress = previous?.name.kind === INGRESS_KIND;
  if (previous !== undefined && isIngress === wasIngress) {
    return true;
  }
  return isIngress
    ? table.ingressSlots < MAX_INGRESS_SLOTS_PER_PEER
    : table.slots.size - table.ingressSlots < MAX_SLOTS_PER_PEER;
}
