import type { Prng } from '../../base/prng.ts';
import type { BlsBackend } from '../interfaces/crypto.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import {
  REGISTRY_MAX_BACKOFF_MS,
  REGISTRY_POLL_MS,
  REGISTRY_MIN_BACKOFF_MS,
} from '../limits/registry.ts';
import { NS_PER_MS } from '../limits/consensus.ts';
import { registryCanisterId } from '../registry/bootstrap-registry.ts';
import { verifyCertifiedDeltas } from '../registry/certified-deltas.ts';
import type { LocalRegistry } from '../registry/local-registry.ts';
import type { NodeId, TimeNs } from '../types/ids.ts';
import type { HttpReply, HttpRequest, NodeEffect, OperationId } from './node-io.ts';

/** Where root nodes serve certified changes to other nodes. */
export const REGISTRY_PATH = '/api/v1/registry';

export interface RegistrySyncDeps {
  readonly local: LocalRegistry;
  readonly nodeId: NodeId;
  readonly rootKeyDer: Uint8Array;
  readonly bls: Pick<BlsBackend, 'verify'>;
  readonly nextOperation: () => OperationId;
  readonly prng: Prng;
  readonly onTrace: (event: TraceEvent) => void;
  /** A version that was just learnt, as it is to be stored. */
  readonly onVersion: (encoded: Uint8Array) => void;
}

interface OpenRequest {
  readonly operationId: OperationId;
  readonly to: NodeId;
}

/**
 * Keeps a node's copy of the registry up to date: asks one root node after another, chosen by
 * chance, for the changes since its own version.
 *
 * Liveness: with one honest root node that can be reached, every version arrives some tries later.
 * Security: changes count under the root subnet's certificate alone, and only in order.
 * @upstream rs/registry/replicator, rs/registry/nns_data_provider
 */
export class RegistrySync {
  private readonly deps: RegistrySyncDeps;
  private open: OpenRequest | null = null;
  private dueNs: TimeNs = 0n;
  private failures = 0;

  constructor(deps: RegistrySyncDeps) {
    this.deps = deps;
  }

  /** The next request, when it is time. */
  takeEffects(nowNs: TimeNs): readonly NodeEffect[] {
    const { local, nodeId, nextOperation, prng } = this.deps;
    if (this.open !== null || nowNs < this.dueNs) {
      return [];
    }
    const others = local.rootNodes().filter((id) => id !== nodeId);
    const to = others[prng.below(Math.max(1, others.length))];
    if (to === undefined) {
      return [];
    }
    const operationId = nextOperation();
    this.open = { operationId, to };
    const { rootSubnetId } = local.newestTopology();
    return [{ kind: 'fetch', operationId, to, subnetId: rootSubnetId, request: this.request() }];
  }

  /** False when the answer is not for this. True also when there was nothing new. */
  fetched(operationId: OperationId, reply: HttpReply | null, nowNs: TimeNs): boolean {
    const { open } = this;
    if (open?.operationId !== operationId) {
      return false;
    }
    this.open = null;
    const outcome = this.take(open, reply);
    this.failures = outcome === 'failed' ? this.failures + 1 : 0;
    const waitMs = outcome === 'more' ? 0 : outcome === 'failed' ? this.backoffMs() : this.pollMs();
    this.dueNs = nowNs + BigInt(waitMs) * NS_PER_MS;
    return true;
  }

  nextWakeNs(): TimeNs | null {
    return this.open === null ? this.dueNs : null;
  }

  private request(): HttpRequest {
    const path = `${REGISTRY_PATH}?since=${this.deps.local.version()}`;
    return { method: 'GET', path, body: new Uint8Array(0) };
  }

  private take(open: OpenRequest, reply: HttpReply | null): 'done' | 'more' | 'failed' {
    const { local, rootKeyDer, bls, onTrace, onVersion } = this.deps;
    const registry = registryCanisterId(local.newestTopology());
    if (reply?.status === 304) {
      return 'done';
    }
    // A node that is starting itself answers 503.
    if (reply === null || reply.status !== 200 || registry === undefined) {
      return 'failed';
    }
    const since = local.version();
    const verified = verifyCertifiedDeltas(reply.body, since, registry, { rootKeyDer, bls });
    if (!verified.ok) {
      const { code, message } = verified.error;
      onTrace({ kind: 'packetRejected', from: open.to, code, message });
      return 'failed';
    }
    for (const encoded of verified.value.deltas) {
      const applied = local.apply(encoded);
      if (!applied.ok) {
        const { code, message } = applied.error;
        onTrace({ kind: 'packetRejected', from: open.to, code, message });
        return 'failed';
      }
      onVersion(encoded);
    }
    return local.version() < verified.value.currentVersion ? 'more' : 'done';
  }

  private pollMs(): number {
    return REGISTRY_POLL_MS / 2 + this.deps.prng.below(REGISTRY_POLL_MS);
  }

  /** Longer with every failure, and never the same for all nodes. */
  private backoffMs(): number {
    const longest = Math.min(REGISTRY_MAX_BACKOFF_MS, REGISTRY_MIN_BACKOFF_MS * 2 ** this.failures);
    return longest / 2 + this.deps.prng.below(Math.ceil(longest / 2));
  }
}

/** The version after which a request wants changes; undefined = it is no such request. */
export function changesSince({ method, path }: HttpRequest): number | undefined {
  const since = /^\/api\/v1\/registry\?since=(\d{1,15})$/.exec(path)?.[1];
  return method === 'GET' && since !== undefined ? Number(since) : undefined;
}
