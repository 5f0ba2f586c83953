import type { IngressPayloads } from '../ingress/payload-builder.ts';
import type { NodeCrypto } from '../interfaces/crypto.ts';
import type { BatchPayload, InductedSlice, PayloadBuilder } from '../interfaces/replica.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import type { Adversary } from '../malicious/adversary.ts';
import type { StateManager } from '../state-manager/state-manager.ts';
import type { Streams } from '../replicated-state/streams.ts';
import type { SubnetGenesis } from '../types/genesis.ts';
import type { TimeNs } from '../types/ids.ts';
import { createBatchPayloadBuilder } from '../xnet/batch-payload-builder.ts';
import { SlicePool } from '../xnet/slice-pool.ts';
import { SlicePuller } from '../xnet/slice-puller.ts';
import { ownIndexes } from '../xnet/slice-rules.ts';
import { isStreamPath } from '../xnet/stream-request.ts';
import { StreamServer } from '../xnet/stream-server.ts';
import { SliceVerifier } from '../xnet/verify-slice.ts';
import { XNetPayloads } from '../xnet/xnet-payload.ts';
import { earliestOf } from './earliest.ts';
import type { HttpReply, NodeEffect, NodeInput, OperationId } from './node-io.ts';
import type { NodeRegistry } from './node-registry.ts';

type HttpRequestInput = Extract<NodeInput, { readonly kind: 'httpRequest' }>;

export interface XNetManagerDeps {
  readonly genesis: SubnetGenesis;
  readonly crypto: NodeCrypto;
  readonly stateManager: StateManager;
  readonly ingress: IngressPayloads;
  readonly registry: Pick<NodeRegistry, 'topologyAt' | 'newestTopology'>;
  readonly unitDelayMs: () => number;
  readonly chooseIndex: (n: number) => number;
  readonly nextOperation: () => OperationId;
  readonly adversary: Pick<Adversary, 'serve'>;
  readonly onTrace: (event: TraceEvent) => void;
}

const NO_EFFECTS: readonly NodeEffect[] = [];

/** A node's exchange of messages with other subnets: serves its own streams, fetches theirs, puts them into blocks. */
export class XNetManager {
  readonly payloadBuilder: PayloadBuilder;
  readonly #deps: XNetManagerDeps;
  readonly #pool = new SlicePool();
  readonly #payloads: XNetPayloads;
  readonly #server: StreamServer;
  readonly #puller: SlicePuller;
  /** Those that the pool was last cut to. */
  #seen: Streams | null = null;

  constructor(deps: XNetManagerDeps) {
    const { genesis, crypto, stateManager, registry } = deps;
    const { subnetId } = genesis;
    this.#deps = deps;
    const verifier = new SliceVerifier(subnetId, crypto);
    this.#payloads = new XNetPayloads({
      subnetId,
      pool: this.#pool,
      verifier,
      topologyAt: (version) => registry.topologyAt(version),
      streamsAt: (height) => stateManager.stateAt(Math.max(height, stateManager.oldestHeight())),
    });
    this.payloadBuilder = createBatchPayloadBuilder({
      ingress: deps.ingress,
      xnet: this.#payloads,
      maxBlockBytes: genesis.parameters.maxBlockPayloadBytes,
    });
    this.#server = new StreamServer({
      certified: () => stateManager.latestCertified(),
      isNode: (id) => registry.newestTopology().subnets.some(({ nodes }) => nodes.includes(id)),
      serve: deps.adversary.serve,
    });
    this.#puller = new SlicePuller({
      subnetId,
      pool: this.#pool,
      verifier,
      topology: () => registry.newestTopology(),
      ownIndexes: (to) => ownIndexes(stateManager.latestState().streams.get(to)),
      unitDelayMs: deps.unitDelayMs,
      chooseIndex: deps.chooseIndex,
      nextOperation: deps.nextOperation,
      onRefused: (from, height, { code, message }) => {
        const artifact = 'streamSlice';
        deps.onTrace({ kind: 'artifactRejected', artifact, height, from, code, message });
      },
    });
  }

  /** Takes a request of another subnet's node for a stream; false when it is another one. */
  request({ requestId, request, from }: HttpRequestInput, nowNs: TimeNs): boolean {
    if (from === undefined || !isStreamPath(request.path)) {
      return false;
    }
    this.#server.request(requestId, request.path, from, nowNs);
    return true;
  }

  cancel(requestId: OperationId): void {
    this.#server.cancel(requestId);
  }

  /** An answer of another subnet's node; false when the question was none of ours. */
  fetched(operationId: OperationId, reply: HttpReply | null, nowNs: TimeNs): boolean {
    return this.#puller.fetched(operationId, reply, nowNs);
  }

  onCertified(nowNs: TimeNs): void {
    this.#server.onCertified(nowNs);
  }

  /** Slices of a finalized block for message routing. */
  slicesOf({ xnet }: BatchPayload): readonly InductedSlice[] {
    return (xnet ?? []).flatMap((entry) => this.#payloads.inducted(entry) ?? []);
  }

  takeEffects(nowNs: TimeNs): readonly NodeEffect[] {
    this.#followState();
    const pulls = this.#puller.work(nowNs);
    const replies = this.#server.takeReplies(nowNs);
    if (pulls.length + replies.length === 0) {
      return NO_EFFECTS;
    }
    return [
      ...pulls.map((pull): NodeEffect => ({ kind: 'fetch', ...pull })),
      ...replies.map((reply): NodeEffect => ({ kind: 'httpReply', ...reply })),
    ];
  }

  nextWakeNs(): TimeNs | null {
    return earliestOf([this.#puller.nextWakeNs(), this.#server.nextTimeoutNs()]);
  }

  /** What the executed state has taken need not wait any more. */
  #followState(): void {
    const { streams } = this.#deps.stateManager.latestState();
    if (streams !== this.#seen) {
      this.#seen = streams;
      for (const [from, { signalsEnd }] of streams) {
        this.#pool.dropBefore(from, signalsEnd);
      }
    }
  }
}
