import type { NodeId } from '../types/ids.ts';
import type { ArtifactName } from './packet.ts';
import { newFetch } from './pull-scheduler.ts';
import type { Fetch } from './pull-scheduler.ts';

/**
 * - waiting: the bouncer put it off
 * - wanted: to be fetched, or being fetched
 * - assembling: here, but parts of it are missing
 * - received: its pool has it
 * - unwanted: of no use
 */
export type AssemblyState = 'waiting' | 'wanted' | 'assembling' | 'received' | 'unwanted';

/** One artifact that peers advertise. */
export interface Assembly {
  readonly name: ArtifactName;
  /** Peers that advertise it and, side by side, in how many of its slots each does. */
  readonly advertisers: NodeId[];
  readonly slotCounts: number[];
  readonly fetch: Fetch;
  state: AssemblyState;
  incomplete: Incomplete | null;
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
export interface Part {
  readonly name: ArtifactName;
  readonly parents: Set<Assembly>;
  readonly fetch: Fetch;
  /** Peers that answered with nothing or with other bytes; asked again after a while. */
  readonly refusedBy: Set<NodeId>;
}

export function newAssembly(name: ArtifactName, owner: NodeId): Assembly {
  const advertisers: NodeId[] = [];
  return {
    name,
    advertisers,
    slotCounts: [],
    fetch: newFetch(name, owner, () => advertisers),
    state: 'unwanted',
    incomplete: null,
  };
}

export function newPart(name: ArtifactName, owner: NodeId): Part {
  const parents = new Set<Assembly>();
  const refusedBy = new Set<NodeId>();
  const candidates = (): readonly NodeId[] => {
    const peers = new Set<NodeId>();
    for (const { advertisers } of parents) {
      for (const peer of advertisers) {
        if (!refusedBy.has(peer)) {
          peers.add(peer);
        }
      }
    }
    return [...peers];
  };
  return { name, parents, refusedBy, fetch: newFetch(name, owner, candidates) };
}

export function addAdvertiser(assembly: Assembly, peer: NodeId): void {
  const at = assembly.advertisers.indexOf(peer);
  if (at >= 0) {
    assembly.slotCounts[at] = (assembly.slotCounts[at] as number) + 1;
  } else {
    assembly.advertisers.push(peer);
    assembly.slotCounts.push(1);
  }
}

/** False when the peer did not advertise it. */
export function dropAdvertiser(assembly: Assembly, peer: NodeId): boolean {
  const at = assembly.advertisers.indexOf(peer);
  if (at < 0) {
    return false;
  }
  assembly.advertisers.splice(at, 1);
  assembly.slotCounts.splice(at, 1);
  return true;
}

/** One slot of the peer names it no more. @returns true when that was the last one */
export function dropSlot(assembly: Assembly, peer: NodeId): boolean {
  const at = assembly.advertisers.indexOf(peer);
  const count = assembly.slotCounts[at] ?? 0;
  if (count > 1) {
    assembly.slotCounts[at] = count - 1;
    return false;
  }
  return count === 1;
}
