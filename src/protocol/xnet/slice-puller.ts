import type { HttpReply, HttpRequest } from '../node/node-io.ts';
import { NS_PER_MS } from '../limits/consensus.ts';
import { MAX_STREAM_MESSAGES } from '../limits/messaging.ts';
import {
  LEAST_PULL_INTERVAL_MS,
  MAX_OPEN_PULLS,
  MAX_PULL_BACKOFF_MS,
  MAX_STREAM_WAIT_MS,
  MIN_SLICE_BYTES,
  PULL_TIMEOUT_MS,
} from '../limits/xnet.ts';
import type { StreamHeader } from '../replicated-state/streams.ts';
import type { NodeId, SubnetId, TimeNs } from '../types/ids.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import { joinSlices } from './cut-slice.ts';
import { decodeSlice, type CertifiedSlice } from './slice-codec.ts';
import { endOf, type SlicePool } from './slice-pool.ts';
import type { OwnIndexes } from './slice-rules.ts';
import { streamPath, type SliceRequest } from './stream-request.ts';
import { readSlice, type SliceVerifier } from './verify-slice.ts';
import { refusal, type XNetError } from './xnet-error.ts';

export interface SlicePullerDeps {
  readonly subnetId: SubnetId;
  readonly pool: SlicePool;
  readonly verifier: SliceVerifier;
  /** As this node knows it now. */
  readonly topology: () => NetworkTopology;
  /** Of the own stream to a subnet, in the newest executed state. */
  readonly ownIndexes: (to: SubnetId) => OwnIndexes;
  readonly unitDelayMs: () => number;
  /** A random number below `n`. */
  readonly chooseIndex: (n: number) => number;
  readonly nextOperation: () => number;
  readonly onRefused: (from: NodeId, height: number, why: RefusedAnswer) => void;
}

export interface RefusedAnswer {
  readonly code: XNetError['code'] | 'XNET_NO_ANSWER';
  readonly message: string;
}

/** A question to a node of another subnet. */
export interface Pull {
  readonly operationId: number;
  readonly to: NodeId;
  readonly subnetId: SubnetId;
  readonly request: HttpRequest;
}

interface OpenPull {
  readonly operationId: number;
  readonly to: NodeId;
  readonly request: SliceRequest;
  /** What was in the pool then: the answer goes on behind it. */
  readonly basis: CertifiedSlice | null;
  readonly askedAtNs: TimeNs;
  readonly deadlineNs: TimeNs;
}

interface Remote {
  open: OpenPull | null;
  dueNs: TimeNs;
  backoffMs: number;
  /** Nodes whose last answer was no use, and when. */
  readonly doubted: Map<NodeId, TimeNs>;
}

/** A node that gave no useful answer is asked again after this, or sooner if all are like that. */
const DOUBT_NS: TimeNs = 30n * 1_000_000_000n;

/**
 * Fetches what other subnets have on their streams for us: asks one random node of each, takes what
 * verifies into the pool and asks again from where that ends.
 *
 * Liveness: whoever does not answer or lies is not asked again soon, and each node of the own subnet
 * asks on its own account, so messages come through as long as one honest node of the other subnet
 * can be reached. Security: nothing enters the pool but what the other subnet certified.
 * @upstream rs/xnet/payload_builder/src/lib.rs#PoolRefillTask
 */
export class SlicePuller {
  readonly #deps: SlicePullerDeps;
  readonly #remotes = new Map<SubnetId, Remote>();

  constructor(deps: SlicePullerDeps) {
    this.#deps = deps;
  }

  /** Questions that are due. */
  work(nowNs: TimeNs): readonly Pull[] {
    this.#expire(nowNs);
    const { subnetId: own } = this.#deps;
    const pulls: Pull[] = [];
    for (const { subnetId, nodes } of this.#deps.topology().subnets) {
      const remote = subnetId === own ? undefined : this.#remote(subnetId);
      const isDue = remote?.open === null && remote.dueNs <= nowNs;
      const pull = isDue && this.#opened() < MAX_OPEN_PULLS && this.#ask(subnetId, nodes, nowNs);
      if (pull) {
        pulls.push(pull);
      }
    }
    return pulls;
  }

  /** An answer; false when the question was none of ours. */
  fetched(operationId: number, reply: HttpReply | null, nowNs: TimeNs): boolean {
    for (const [subnetId, remote] of this.#remotes) {
      const { open } = remote;
      if (open?.operationId === operationId) {
        remote.open = null;
        this.#take(subnetId, remote, open, reply, nowNs);
        return true;
      }
    }
    return false;
  }

  nextWakeNs(): TimeNs | null {
    let earliest: TimeNs | null = null;
    for (const { open, dueNs } of this.#remotes.values()) {
      const atNs = open === null ? dueNs : open.deadlineNs;
      earliest = earliest === null || atNs < earliest ? atNs : earliest;
    }
    return earliest;
  }

  #remote(subnetId: SubnetId): Remote {
    const known = this.#remotes.get(subnetId);
    if (known !== undefined) {
      return known;
    }
    const made: Remote = { open: null, dueNs: 0n, backoffMs: 0, doubted: new Map() };
    this.#remotes.set(subnetId, made);
    return made;
  }

  #opened(): number {
    return [...this.#remotes.values()].filter(({ open }) => open !== null).length;
  }

  #expire(nowNs: TimeNs): void {
    for (const remote of this.#remotes.values()) {
      const { open } = remote;
      if (open !== null && open.deadlineNs <= nowNs) {
        remote.open = null;
        const message = 'it was asked for a slice of a stream and said nothing';
        this.#refused(remote, open, 0, { code: 'XNET_NO_ANSWER', message }, nowNs);
      }
    }
  }

  #ask(subnetId: SubnetId, nodes: readonly NodeId[], nowNs: TimeNs): Pull | null {
    const { pool, nextOperation, unitDelayMs } = this.#deps;
    const remote = this.#remote(subnetId);
    const to = this.#choose(remote, nodes, nowNs);
    const byteLimit = pool.roomFor(subnetId);
    if (to === undefined || byteLimit < MIN_SLICE_BYTES) {
      remote.dueNs = nowNs + BigInt(unitDelayMs()) * NS_PER_MS;
      return null;
    }
    const own = this.#deps.ownIndexes(subnetId);
    const pooled = pool.get(subnetId);
    const msgBegin = pooled === undefined ? own.signalsEnd : endOf(pooled.certified);
    const waitMs = Math.min(
      MAX_STREAM_WAIT_MS,
      Math.max(LEAST_PULL_INTERVAL_MS, 2 * unitDelayMs()),
    );
    const request: SliceRequest = {
      kind: 'slice',
      receiver: this.#deps.subnetId,
      wish: {
        witnessBegin: pooled?.certified.messagesBegin ?? msgBegin,
        msgBegin,
        msgLimit: MAX_STREAM_MESSAGES - (pooled?.certified.messages.length ?? 0),
        byteLimit,
      },
      signalsEnd: Math.max(own.begin, pooled?.header.signalsEnd ?? 0),
      waitMs,
    };
    const patienceMs = Math.min(PULL_TIMEOUT_MS, Math.max(1000, 4 * unitDelayMs()));
    const deadlineNs = nowNs + BigInt(waitMs + patienceMs) * NS_PER_MS;
    const operationId = nextOperation();
    const basis = pooled?.certified ?? null;
    remote.open = { operationId, to, request, basis, askedAtNs: nowNs, deadlineNs };
    const path = streamPath(request);
    return {
      operationId,
      to,
      subnetId,
      request: { method: 'GET', path, body: new Uint8Array(0) },
    };
  }

  /** Any node that was not found useless lately; of useless ones the one that was so the longest ago. */
  #choose({ doubted }: Remote, nodes: readonly NodeId[], nowNs: TimeNs): NodeId | undefined {
    const trusted = nodes.filter((id) => {
      const sinceNs = doubted.get(id);
      return sinceNs === undefined || nowNs - sinceNs >= DOUBT_NS;
    });
    if (trusted.length > 0) {
      return trusted[this.#deps.chooseIndex(trusted.length)];
    }
    const sinceOf = (id: NodeId): TimeNs => doubted.get(id) ?? 0n;
    return nodes.toSorted((a, b) => Number(sinceOf(a) - sinceOf(b)))[0];
  }

  #take(
    subnetId: SubnetId,
    remote: Remote,
    open: OpenPull,
    reply: HttpReply | null,
    nowNs: TimeNs,
  ): void {
    if (reply?.status === 204) {
      const waitedNs = nowNs - open.askedAtNs;
      const isEarly = waitedNs * 2n < BigInt(open.request.waitMs) * NS_PER_MS;
      this.#again(remote, isEarly, nowNs);
      return;
    }
    if (reply?.status !== 200) {
      // It may be down, or behind: nobody is blamed.
      remote.doubted.set(open.to, nowNs);
      this.#again(remote, true, nowNs);
      return;
    }
    const decoded = decodeSlice(reply.body);
    if (!decoded.ok) {
      this.#refused(remote, open, 0, decoded.error, nowNs);
      return;
    }
    const failure = this.#pool(subnetId, open, decoded.value);
    if (failure !== null) {
      this.#refused(remote, open, decoded.value.certification.height, failure, nowNs);
      return;
    }
    this.#again(remote, false, nowNs);
  }

  /** Puts a slice into the pool, behind what is there; else why not. */
  #pool(subnetId: SubnetId, { request, basis }: OpenPull, slice: CertifiedSlice): XNetError | null {
    const { pool, verifier, topology, ownIndexes } = this.#deps;
    const { msgBegin } = request.wish;
    if (slice.messagesBegin !== msgBegin) {
      const found = `message ${msgBegin} was asked for, the slice begins with ${slice.messagesBegin}`;
      return refusal('XNET_MESSAGES_NOT_NEXT', found);
    }
    const whole = basis === null ? slice : joinSlices(basis, slice);
    const read = verifier.checkRoot(whole) ?? readSlice(whole);
    if (!('ok' in read)) {
      return read;
    }
    if (!read.ok) {
      return read.error;
    }
    const { header } = read.value;
    const failure =
      checkNews(header, slice, request) ?? verifier.checkCertification(whole, subnetId, topology());
    if (failure === null) {
      pool.put(subnetId, whole, header);
      pool.dropBefore(subnetId, ownIndexes(subnetId).signalsEnd);
    }
    return failure;
  }

  #refused(
    remote: Remote,
    { to }: OpenPull,
    height: number,
    why: RefusedAnswer,
    nowNs: TimeNs,
  ): void {
    remote.doubted.set(to, nowNs);
    this.#deps.onRefused(to, height, { code: why.code, message: why.message });
    this.#again(remote, false, nowNs);
  }

  #again(remote: Remote, isUseless: boolean, nowNs: TimeNs): void {
    remote.backoffMs = isUseless
      ? Math.min(MAX_PULL_BACKOFF_MS, Math.max(LEAST_PULL_INTERVAL_MS, 2 * remote.backoffMs))
      : 0;
    const delayMs = Math.max(LEAST_PULL_INTERVAL_MS, remote.backoffMs);
    remote.dueNs = nowNs + BigInt(delayMs) * NS_PER_MS;
  }
}

/** An honest node answers with the first message that it was asked for, or with new signals. */
function checkNews(
  header: StreamHeader,
  slice: CertifiedSlice,
  { wish, signalsEnd }: SliceRequest,
): XNetError | null {
  if (header.end < wish.msgBegin || header.signalsEnd < signalsEnd) {
    return refusal('XNET_STALE_SLICE', `of a state in which the stream ended at ${header.end}`);
  }
  if (slice.messages.length > 0) {
    return null;
  }
  if (wish.msgBegin < header.end) {
    return refusal('XNET_MESSAGES_NOT_NEXT', `message ${wish.msgBegin} is left out`);
  }
  return header.signalsEnd > signalsEnd
    ? null
    : refusal('XNET_EMPTY_SLICE', 'neither a message nor a signal is new');
}
