import type { Prng } from '../../base/prng.ts';
import type { ExecutionEnvironment } from '../execution/execution-environment.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import type { Adversary } from '../malicious/adversary.ts';
import type { StateManager } from '../state-manager/state-manager.ts';
import type { TimeNs } from '../types/ids.ts';
import { earliestOf } from './earliest.ts';
import { HttpFrontend } from './http-frontend.ts';
import type { IngressManager } from './ingress-manager.ts';
import type { NodeCoreConfig, NodeEffect, NodeInput, OperationId } from './node-io.ts';
import type { NodeRegistry } from './node-registry.ts';
import { XNetManager } from './xnet-manager.ts';

export interface RequestRouterPorts {
  readonly env: ExecutionEnvironment;
  readonly stateManager: StateManager;
  readonly registry: NodeRegistry;
  readonly ingress: IngressManager;
  readonly adversary: Adversary;
  readonly isReplaying: () => boolean;
  readonly unitDelayMs: () => number;
  readonly prng: Prng;
  readonly nextOperation: () => OperationId;
  readonly onTrace: (event: TraceEvent) => void;
}

/** All that the outside asks of a node, or it asks of other nodes: finds the part that it is for. */
export class RequestRouter {
  readonly http: HttpFrontend;
  readonly xnet: XNetManager;
  private readonly registry: NodeRegistry;
  private readonly stateManager: StateManager;
  private replies: NodeEffect[] = [];

  constructor(config: NodeCoreConfig, ports: RequestRouterPorts) {
    const { registry, stateManager, ingress, prng } = ports;
    this.registry = registry;
    this.stateManager = stateManager;
    this.http = new HttpFrontend({
      ...config,
      ...ports,
      topology: () => registry.newestTopology(),
      chance: prng.fork('delegation'),
    });
    this.xnet = new XNetManager({
      ...config,
      ...ports,
      ingress: ingress.payloadBuilder,
      chooseIndex: prng.fork('xnet').below,
    });
  }

  request(input: NodeInput & { readonly kind: 'httpRequest' }, nowNs: TimeNs): void {
    const { http, xnet, registry, stateManager } = this;
    const { requestId, request, from } = input;
    const certified = stateManager.latestCertified();
    const reply = from === undefined ? undefined : registry.serve(request, certified);
    if (reply !== undefined) {
      this.replies.push({ kind: 'httpReply', requestId, reply });
    } else if (!xnet.request(input, nowNs)) {
      http.request(requestId, request, nowNs);
    }
  }

  cancel(requestId: OperationId): void {
    this.http.cancel(requestId);
    this.xnet.cancel(requestId);
  }

  /** True when a version of the registry came with it. */
  fetched(
    { operationId, reply }: NodeInput & { readonly kind: 'fetched' },
    nowNs: TimeNs,
  ): boolean {
    const { http, xnet, registry } = this;
    const learnt = registry.fetched(operationId, reply, nowNs);
    if (learnt === undefined && !xnet.fetched(operationId, reply, nowNs)) {
      http.fetched(operationId, reply, nowNs);
    }
    return learnt?.isNew === true;
  }

  /** A state is certified. True when it holds a new version of the registry. */
  onCertified(nowNs: TimeNs): boolean {
    const { http, xnet, registry, stateManager } = this;
    const isNew = registry.onCertified(stateManager.latestCertified(), nowNs);
    http.onCertified();
    xnet.onCertified(nowNs);
    return isNew;
  }

  takeEffects(nowNs: TimeNs): readonly NodeEffect[] {
    const { http, xnet, registry } = this;
    const { replies } = this;
    const own = http.takeEffects(nowNs);
    const pulls = xnet.takeEffects(nowNs);
    const ofRegistry = registry.takeEffects(nowNs);
    if (own.length + pulls.length + ofRegistry.length + replies.length === 0) {
      return replies;
    }
    this.replies = [];
    return [...own, ...pulls, ...ofRegistry, ...replies];
  }

  nextWakeNs(): TimeNs | null {
    const { http, xnet, registry } = this;
    return earliestOf([http.nextTimeoutNs(), xnet.nextWakeNs(), registry.nextWakeNs()]);
  }
}
