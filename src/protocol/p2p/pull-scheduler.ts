import { compareText } from '../../base/bytes.ts';
import type { NodeId } from '../types/ids.ts';
import {
  MAX_OPEN_PULLS_PER_PEER,
  NS_PER_MS,
  PULL_FIRST_TIMEOUT_MS,
  PULL_LIMIT_TIMEOUT_MS,
  PULL_REPEAT_FIRST_MS,
  PULL_REPEAT_LIMIT_MS,
  PULL_SCAN_PER_PEER,
} from './limits.ts';
import type { ArtifactName } from './packet.ts';

/** Bytes that may come to be wanted. */
export interface Fetchable {
  readonly name: ArtifactName;
  /** The peer in whose queue they wait: the one that made us want them. */
  owner: NodeId;
  /** Who may be asked for them now. */
  candidates(): readonly NodeId[];
}

/** Bytes that are wanted from whoever has them. */
export interface Fetch {
  readonly what: Fetchable;
  state: 'idle' | 'wanted' | 'pulling';
  asked: NodeId | null;
  deadlineNs: bigint;
  timeoutMs: number;
  repeatAtNs: bigint;
  repeatMs: number;
}

/**
 * Asks for wanted bytes: each from one random peer that advertises it, with growing patience, and
 * from another one after that. The question itself is repeated meanwhile: packets get lost.
 *
 * Security: what a peer makes us want waits in a queue of its own, and only a bounded number of
 * questions to one peer is open, so that a peer that advertises what it never delivers delays only
 * what it advertises alone. Upstream: rs/p2p/artifact_downloader.
 */
export interface PullScheduler {
  want(fetch: Fetch): void;
  /** No longer wanted, or here. */
  stop(fetch: Fetch): void;
  move(fetch: Fetch, owner: NodeId): void;
  /** Length of a peer's queue. */
  waitingOf(owner: NodeId): number;
  /** Gives up on peers that took too long; these are wanted again, from anybody. */
  expire(nowNs: bigint): void;
  /** The oldest entries of each queue, at most `perQueue` of each. */
  sample(perQueue: number): readonly Fetch[];
  /** Questions to send now, by peer. */
  take(nowNs: bigint): ReadonlyMap<NodeId, readonly ArtifactName[]>;
  nextTimeoutNs(): bigint | null;
}

export interface PullSchedulerPorts {
  /** Uniform in 0 … n − 1. */
  readonly chooseIndex: (n: number) => number;
  /** Patience with the first peer asked, ms; doubles with each further one. Default: the mainnet's. */
  readonly firstTimeoutMs?: () => number;
}

export function newFetch(what: Fetchable): Fetch {
  return {
    what,
    state: 'idle',
    asked: null,
    deadlineNs: 0n,
    timeoutMs: 0,
    repeatAtNs: 0n,
    repeatMs: 0,
  };
}

export function createPullScheduler(ports: PullSchedulerPorts): PullScheduler {
  return new Scheduler(ports);
}

type Pulls = Map<NodeId, ArtifactName[]>;

const NO_PULLS: ReadonlyMap<NodeId, readonly ArtifactName[]> = new Map();

class Scheduler implements PullScheduler {
  private readonly ports: PullSchedulerPorts;
  private readonly queues = new Map<NodeId, Set<Fetch>>();
  private readonly pulling = new Set<Fetch>();
  private readonly open = new Map<NodeId, number>();
  private wanted = 0;

  constructor(ports: PullSchedulerPorts) {
    this.ports = ports;
  }

  want(fetch: Fetch): void {
    if (fetch.state === 'wanted') {
      return;
    }
    this.stop(fetch);
    fetch.state = 'wanted';
    this.queueOf(fetch.what.owner).add(fetch);
    this.wanted += 1;
  }

  stop(fetch: Fetch): void {
    if (fetch.state === 'wanted') {
      this.queueOf(fetch.what.owner).delete(fetch);
      this.wanted -= 1;
    } else if (fetch.state === 'pulling' && fetch.asked !== null) {
      this.pulling.delete(fetch);
      this.open.set(fetch.asked, this.openOf(fetch.asked) - 1);
      fetch.asked = null;
    }
    fetch.state = 'idle';
  }

  move(fetch: Fetch, owner: NodeId): void {
    if (fetch.state === 'wanted') {
      this.queueOf(fetch.what.owner).delete(fetch);
      this.queueOf(owner).add(fetch);
    }
    fetch.what.owner = owner;
  }

  waitingOf(owner: NodeId): number {
    return this.queues.get(owner)?.size ?? 0;
  }

  expire(nowNs: bigint): void {
    for (const fetch of this.pulling) {
      if (fetch.deadlineNs <= nowNs) {
        this.want(fetch);
      }
    }
  }

  sample(perQueue: number): readonly Fetch[] {
    const fetches: Fetch[] = [];
    for (const queue of this.queues.values()) {
      let looked = 0;
      for (const fetch of queue) {
        looked += 1;
        if (looked > perQueue) {
          break;
        }
        fetches.push(fetch);
      }
    }
    return fetches;
  }

  take(nowNs: bigint): ReadonlyMap<NodeId, readonly ArtifactName[]> {
    if (this.wanted === 0 && this.pulling.size === 0) {
      return NO_PULLS;
    }
    const pulls: Pulls = new Map();
    for (const fetch of this.pulling) {
      if (fetch.repeatAtNs <= nowNs && fetch.asked !== null) {
        fetch.repeatAtNs = nowNs + BigInt(fetch.repeatMs) * NS_PER_MS;
        fetch.repeatMs = Math.min(2 * fetch.repeatMs, PULL_REPEAT_LIMIT_MS);
        ask(pulls, fetch.asked, fetch.what.name);
      }
    }
    for (const queue of this.queues.values()) {
      this.takeFrom(queue, nowNs, pulls);
    }
    return pulls;
  }

  nextTimeoutNs(): bigint | null {
    let earliest: bigint | null = null;
    for (const { deadlineNs, repeatAtNs } of this.pulling) {
      const next = deadlineNs < repeatAtNs ? deadlineNs : repeatAtNs;
      if (earliest === null || next < earliest) {
        earliest = next;
      }
    }
    return earliest;
  }

  private takeFrom(queue: Set<Fetch>, nowNs: bigint, pulls: Pulls): void {
    let looked = 0;
    for (const fetch of queue) {
      looked += 1;
      if (looked > PULL_SCAN_PER_PEER) {
        return;
      }
      const free = fetch.what
        .candidates()
        .filter((peer) => this.openOf(peer) < MAX_OPEN_PULLS_PER_PEER)
        .toSorted(compareText);
      if (free.length > 0) {
        this.begin(fetch, free[this.ports.chooseIndex(free.length)] as NodeId, nowNs);
        ask(pulls, fetch.asked as NodeId, fetch.what.name);
      }
    }
  }

  private begin(fetch: Fetch, asked: NodeId, nowNs: bigint): void {
    this.stop(fetch);
    fetch.state = 'pulling';
    fetch.asked = asked;
    fetch.timeoutMs =
      fetch.timeoutMs === 0
        ? (this.ports.firstTimeoutMs?.() ?? PULL_FIRST_TIMEOUT_MS)
        : Math.min(2 * fetch.timeoutMs, PULL_LIMIT_TIMEOUT_MS);
    fetch.deadlineNs = nowNs + BigInt(fetch.timeoutMs) * NS_PER_MS;
    fetch.repeatMs = 2 * PULL_REPEAT_FIRST_MS;
    fetch.repeatAtNs = nowNs + BigInt(PULL_REPEAT_FIRST_MS) * NS_PER_MS;
    this.pulling.add(fetch);
    this.open.set(asked, this.openOf(asked) + 1);
  }

  private openOf(peer: NodeId): number {
    return this.open.get(peer) ?? 0;
  }

  private queueOf(owner: NodeId): Set<Fetch> {
    const known = this.queues.get(owner);
    if (known !== undefined) {
      return known;
    }
    const queue = new Set<Fetch>();
    this.queues.set(owner, queue);
    return queue;
  }
}

function ask(pulls: Pulls, peer: NodeId, name: ArtifactName): void {
  const names = pulls.get(peer);
  if (names === undefined) {
    pulls.set(peer, [name]);
  } else {
    names.push(name);
  }
}
