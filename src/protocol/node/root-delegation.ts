import type { Prng } from '../../base/prng.ts';
import {
  acceptDelegation,
  delegationRequest,
  type DelegationTrust,
  type SubnetDelegation,
} from '../http/subnet-delegation.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import {
  DELEGATION_MAX_BACKOFF_MS,
  DELEGATION_MIN_BACKOFF_MS,
  DELEGATION_RENEWAL_MS,
} from '../limits/fetch.ts';
import { NS_PER_MS } from '../limits/consensus.ts';
import type { NodeId, TimeNs } from '../types/ids.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import { subnetEntry } from '../registry/network-topology.ts';
import type { HttpReply, NodeEffect, OperationId } from './node-io.ts';

export interface RootDelegationDeps extends DelegationTrust {
  /** The newest that is known. */
  readonly topology: () => NetworkTopology;
  readonly nextOperation: () => OperationId;
  readonly chance: Prng;
  readonly onTrace: (event: TraceEvent) => void;
}

interface OpenRequest {
  readonly operationId: OperationId;
  readonly to: NodeId;
}

/**
 * Keeps this subnet's delegation fresh: asks one node of the root subnet after another, chosen by
 * chance, until one answers with what the root key signed; the next time after five minutes.
 *
 * Liveness: with one honest root node that can be reached, there is a delegation some tries later,
 * and an old one serves until then. Security: what a root node answers counts under the root
 * subnet's key alone; an older certificate never replaces a newer one.
 * @upstream rs/http_endpoints/nns_delegation_manager
 */
export class RootDelegation {
  private readonly deps: RootDelegationDeps;
  private readonly isRoot: boolean;
  private delegation: SubnetDelegation | undefined;
  private open: OpenRequest | null = null;
  private dueNs: TimeNs = 0n;
  private failures = 0;

  constructor(deps: RootDelegationDeps) {
    this.deps = deps;
    this.isRoot = deps.topology().rootSubnetId === deps.subnetId;
  }

  /** Null on the root subnet, which needs none; undefined while there is none yet. */
  current(): SubnetDelegation | null | undefined {
    return this.isRoot ? null : this.delegation;
  }

  /** The next request, when it is time. */
  takeEffects(nowNs: TimeNs): readonly NodeEffect[] {
    const { subnetId, nextOperation, chance } = this.deps;
    if (this.isRoot || this.open !== null || nowNs < this.dueNs) {
      return [];
    }
    const topology = this.deps.topology();
    const { rootSubnetId } = topology;
    const nodes = subnetEntry(topology, rootSubnetId)?.nodes ?? [];
    const to = nodes[chance.below(Math.max(1, nodes.length))];
    if (to === undefined) {
      return [];
    }
    const operationId = nextOperation();
    this.open = { operationId, to };
    const request = delegationRequest(rootSubnetId, subnetId, nowNs);
    return [{ kind: 'fetch', operationId, to, subnetId: rootSubnetId, request }];
  }

  /** False when the answer is not for this. */
  fetched(operationId: OperationId, reply: HttpReply | null, nowNs: TimeNs): boolean {
    const { open } = this;
    if (open?.operationId !== operationId) {
      return false;
    }
    this.open = null;
    if (this.take(open, reply)) {
      this.failures = 0;
      this.dueNs = nowNs + BigInt(DELEGATION_RENEWAL_MS) * NS_PER_MS;
    } else {
      this.dueNs = nowNs + BigInt(this.backoffMs()) * NS_PER_MS;
      this.failures += 1;
    }
    return true;
  }

  nextWakeNs(): TimeNs | null {
    return this.isRoot || this.open !== null ? null : this.dueNs;
  }

  private take(open: OpenRequest, reply: HttpReply | null): boolean {
    // A node that is starting itself answers 503.
    if (reply === null || reply.status !== 200) {
      return false;
    }
    const accepted = acceptDelegation(reply, this.deps);
    if (!accepted.ok) {
      const { code, message } = accepted.error;
      this.deps.onTrace({ kind: 'packetRejected', from: open.to, code, message });
      return false;
    }
    if (this.delegation === undefined || accepted.value.timeNs > this.delegation.timeNs) {
      this.delegation = accepted.value;
    }
    return true;
  }

  /** Longer with every failure, and never the same for all nodes. */
  private backoffMs(): number {
    const longest = Math.min(
      DELEGATION_MAX_BACKOFF_MS,
      DELEGATION_MIN_BACKOFF_MS * 2 ** this.failures,
    );
    return longest / 2 + this.deps.chance.below(Math.ceil(longest / 2));
  }
}
