import type { NodeId } from '../types/ids.ts';
import type { ArtifactName } from './packet.ts';
import { newFetch } from './pull-scheduler.ts';
import type { Fetch, Fetchable } from './pull-scheduler.ts';

/**
 * - waiting: the bouncer put it off
 * - wanted: to be fetched, or being fetched
 * - assembling: here, but parts of it are missing
 * - received: its pool has it
 * - unwanted: of no use
 */
export type AssemblyState = 'waiting' | 'wanted' | 'assembling' | 'received' | 'unwanted';

const NOBODY: readonly NodeId[] = [];

/** One artifact that peers advertise. */
export class Assembly implements Fetchable {
  readonly name: ArtifactName;
  owner: NodeId;
  /** Peers that advertise it, in the order of their first word. Most stand here for long: lists are as long as they must be. */
  advertisers: readonly NodeId[];
  /** Made when it is first wanted without its bytes: most come with them. */
  fetch: Fetch | null = null;
  state: AssemblyState = 'unwanted';
  incomplete: Incomplete | null = null;
  /** Further slots of a peer that name it; an honest peer has none. */
  private extraSlots: Map<NodeId, number> | null = null;

  constructor(name: ArtifactName, first: NodeId) {
    this.name = name;
    this.owner = first;
    this.advertisers = [first];
  }

  candidates(): readonly NodeId[] {
    return this.advertisers;
  }

  /** One more slot of the peer names it. */
  addSlot(peer: NodeId): void {
    if (this.advertisers.includes(peer)) {
      this.extraSlots ??= new Map();
      this.extraSlots.set(peer, (this.extraSlots.get(peer) ?? 0) + 1);
    } else {
      this.advertisers = this.advertisers.concat(peer);
    }
  }

  /** One slot of the peer names it no more. @returns true when that was the last one */
  dropSlot(peer: NodeId): boolean {
    const extra = this.extraSlots?.get(peer) ?? 0;
    if (extra > 0) {
      this.extraSlots?.set(peer, extra - 1);
      return false;
    }
    return this.advertisers.includes(peer);
  }

  /** False when the peer did not advertise it. */
  dropAdvertiser(peer: NodeId): boolean {
    if (!this.advertisers.includes(peer)) {
      return false;
    }
    this.advertisers =
      this.advertisers.length === 1 ? NOBODY : this.advertisers.filter((other) => other !== peer);
    this.extraSlots?.delete(peer);
    return true;
  }
}

/** Bytes whose parts are missing, and who sent them. */
export interface Incomplete {
  readonly bytes: Uint8Array;
  readonly from: NodeId;
  /** Sizes of the parts that are not here yet. */
  readonly missing: Map<Part, number>;
  /** Parts that are, by the hash in their name. */
  readonly collected: Map<string, Uint8Array>;
}

/** Bytes that an artifact refers to by their name, without being advertised themselves. */
export class Part implements Fetchable {
  readonly name: ArtifactName;
  owner: NodeId;
  readonly parents = new Set<Assembly>();
  /** Peers that answered with nothing or with other bytes; asked again after a while. */
  readonly refusedBy = new Set<NodeId>();
  readonly fetch: Fetch;

  constructor(name: ArtifactName, owner: NodeId) {
    this.name = name;
    this.owner = owner;
    this.fetch = newFetch(this);
  }

  candidates(): readonly NodeId[] {
    const peers = new Set<NodeId>();
    for (const { advertisers } of this.parents) {
      for (const peer of advertisers) {
        if (!this.refusedBy.has(peer)) {
          peers.add(peer);
        }
      }
    }
    return [...peers];
  }
}
