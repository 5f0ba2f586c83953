import type { Prng } from '../../base/prng.ts';
import { QueryHandler } from '../execution/query/execute-query.ts';
import { inspectIngress } from '../execution/query/inspect-ingress.ts';
import type { ExecutionEnvironment } from '../execution/execution-environment.ts';
import type { UserError } from '../execution/user-error.ts';
import {
  acceptedReply,
  certifiedReply,
  delegationShown,
  refusedReply,
} from '../http/canister-call.ts';
import { handleRequest, type RequestOutcome } from '../http/handle-request.ts';
import { errorReply, httpError } from '../http/http-error.ts';
import type {
  CertifiedState,
  QueryCall,
  QueryOutcome,
  RangesForm,
  ReplicaContext,
} from '../http/replica-context.ts';
import type { NodeCrypto } from '../interfaces/crypto.ts';
import type { SignedIngress } from '../interfaces/replica.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import type { SandboxReply } from '../interfaces/wasm-host.ts';
import { chargedBytes } from '../messaging/valid-set-rule.ts';
import type { StateManager } from '../state-manager/state-manager.ts';
import type { SubnetGenesis } from '../types/genesis.ts';
import type { TimeNs } from '../types/ids.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import { earliestOf } from './earliest.ts';
import type { IngressManager } from './ingress-manager.ts';
import type { HttpReply, HttpRequest, NodeEffect, OperationId } from './node-io.ts';
import { RootDelegation } from './root-delegation.ts';
import { SandboxLane } from './sandbox-lane.ts';
import { type KnownState, WakingReader } from './waking-reader.ts';
import type { SandboxTask } from '../execution/run-on-sandbox.ts';

/** Synchronous calls are answered with their certificate, or with 202 after this. @upstream rs/http_endpoints: 10 s */
export const SYNC_CALL_TIMEOUT_NS: TimeNs = 10_000_000_000n;
/** Queries and admissions that may wait for the sandbox. */
const MAX_WAITING_QUERIES = 256;
const MAX_HELD_CALLS = 1000;

export interface HttpFrontendDeps {
  readonly genesis: SubnetGenesis;
  readonly crypto: NodeCrypto;
  readonly rootKeyDer: Uint8Array;
  readonly env: ExecutionEnvironment;
  readonly stateManager: StateManager;
  /** Blocks that an earlier life of the node had finalized are still executed again. */
  readonly isReplaying: () => boolean;
  /** The newest that is known. */
  readonly topology: () => NetworkTopology;
  /** Chooses which root node to ask. */
  readonly chance: Prng;
  readonly onTrace: (event: TraceEvent) => void;
  readonly nextOperation: () => OperationId;
  /** Takes admitted calls; `admit` is false when there is no room. */
  readonly ingress: Pick<IngressManager, 'admit' | 'queryStats' | 'trust'>;
}

interface HeldCall {
  readonly requestId: OperationId;
  readonly message: SignedIngress;
  readonly ranges: RangesForm;
  readonly deadlineNs: TimeNs;
}

/** The node's HTTP interface: answers at once, after a query, or when a call's outcome is certified. */
export class HttpFrontend {
  private readonly deps: HttpFrontendDeps;
  private readonly lane: SandboxLane;
  private readonly queries: QueryHandler;
  private readonly delegation: RootDelegation;
  private readonly waking = new WakingReader();
  private readonly held = new Map<OperationId, HeldCall>();
  /** Requests that still want an answer. */
  private readonly open = new Set<OperationId>();
  private replies: NodeEffect[] = [];
  private nowNs: TimeNs = 0n;

  constructor(deps: HttpFrontendDeps) {
    this.deps = deps;
    this.delegation = new RootDelegation({ ...deps, subnetId: deps.genesis.subnetId });
    this.queries = new QueryHandler(deps.env, {
      nowNs: () => this.nowNs,
      stats: deps.ingress.queryStats,
    });
    this.lane = new SandboxLane('query', MAX_WAITING_QUERIES, deps.nextOperation);
  }

  request(requestId: OperationId, request: HttpRequest, nowNs: TimeNs): void {
    this.nowNs = nowNs;
    this.waking.observe(nowNs);
    this.open.add(requestId);
    if (!this.waking.holds(requestId, request, this.known())) {
      this.serve(requestId, request);
    }
  }

  private known(): KnownState {
    const certifiedNs = this.certified()?.state.timeNs;
    return { certifiedNs, isReplaying: this.deps.isReplaying() };
  }

  private serve(requestId: OperationId, request: HttpRequest): void {
    const outcome = handleRequest(this.context(), request);
    switch (outcome.kind) {
      case 'reply':
        this.answer(requestId, outcome.reply);
        return;
      case 'query':
        this.offer(requestId, outcome.task, (reply) => {
          this.answer(requestId, reply);
        });
        return;
      case 'ingress':
        this.offer(requestId, outcome.admission, (refusal) => {
          this.admitted(requestId, outcome, refusal);
        });
    }
  }

  cancel(requestId: OperationId): void {
    this.open.delete(requestId);
    this.held.delete(requestId);
    this.waking.cancel(requestId);
  }

  reply(operationId: OperationId, reply: SandboxReply): boolean {
    return this.lane.reply(operationId, reply);
  }

  /** False while clients could not verify what the node answers. */
  hasDelegation(): boolean {
    return this.delegation.current() !== undefined;
  }

  /** False when the answer of another node is not for this. */
  fetched(operationId: OperationId, reply: HttpReply | null, nowNs: TimeNs): boolean {
    return this.delegation.fetched(operationId, reply, nowNs);
  }

  /** A new state is certified: calls whose outcome it holds are answered. */
  onCertified(): void {
    const certified = this.certified();
    for (const call of certified === undefined ? [] : [...this.held.values()]) {
      const { message, ranges } = call;
      const known = this.delegation.current();
      const delegation = delegationShown(known, ranges, message.effectiveCanisterId);
      const reply = certified && certifiedReply(certified, message, delegation);
      if (reply !== undefined) {
        this.held.delete(call.requestId);
        this.answer(call.requestId, reply);
      }
    }
  }

  takeEffects(nowNs: TimeNs): readonly NodeEffect[] {
    this.nowNs = nowNs;
    this.waking.observe(nowNs);
    for (const { requestId, request } of this.waking.takeReady(this.known())) {
      this.serve(requestId, request);
    }
    for (const call of [...this.held.values()]) {
      if (call.deadlineNs <= nowNs) {
        this.held.delete(call.requestId);
        this.answer(call.requestId, acceptedReply());
      }
    }
    // The lane may answer requests while it advances: take its requests first, then the answers.
    const requests = this.lane.takeEffects();
    const effects = [...requests, ...this.replies, ...this.delegation.takeEffects(nowNs)];
    this.replies = [];
    return effects;
  }

  nextTimeoutNs(): TimeNs | null {
    const deadlines = [...this.held.values()].map(({ deadlineNs }) => deadlineNs);
    return earliestOf([this.delegation.nextWakeNs(), this.waking.nextTimeoutNs(), ...deadlines]);
  }

  private offer<T>(requestId: OperationId, task: SandboxTask<T>, done: (value: T) => void): void {
    if (!this.lane.offer(() => task, done)) {
      const message = 'The node has too many requests waiting. Try again.';
      this.answer(requestId, errorReply(httpError('TOO_MANY_REQUESTS', message)));
    }
  }

  private admitted(
    requestId: OperationId,
    { mode, ranges, message }: RequestOutcome & { readonly kind: 'ingress' },
    refusal: UserError | null,
  ): void {
    if (refusal !== null) {
      this.answer(requestId, refusedReply(mode, refusal));
    } else if (!this.deps.ingress.admit(message)) {
      const text = 'The ingress pool of the node is full. Try again.';
      this.answer(requestId, errorReply(httpError('TOO_MANY_REQUESTS', text)));
    } else if (mode === 'async' || this.held.size >= MAX_HELD_CALLS) {
      this.answer(requestId, acceptedReply());
    } else if (this.open.has(requestId)) {
      const deadlineNs = this.nowNs + SYNC_CALL_TIMEOUT_NS;
      this.held.set(requestId, { requestId, message, ranges, deadlineNs });
      // A repeated call may have its outcome already.
      this.onCertified();
    }
  }

  private answer(requestId: OperationId, reply: HttpReply): void {
    if (this.open.delete(requestId)) {
      this.replies.push({ kind: 'httpReply', requestId, reply });
    }
  }

  private certified(): CertifiedState | undefined {
    return this.deps.stateManager.latestCertified();
  }

  private context(): ReplicaContext {
    const { genesis, crypto, rootKeyDer, env, stateManager, ingress } = this.deps;
    const { queries } = this;
    return {
      nowNs: this.nowNs,
      subnetId: genesis.subnetId,
      subnetType: genesis.parameters.subnetType,
      crypto,
      rootKeyDer,
      trust: ingress.trust,
      certified: this.certified(),
      delegation: this.delegation.current(),
      *executeQuery(certified: CertifiedState, query: QueryCall): SandboxTask<QueryOutcome> {
        return yield* queries.execute(certified.state, query, query.dataCertificate);
      },
      *inspectIngress(_certified, message): SandboxTask<UserError | null> {
        const state = stateManager.latestState();
        const outcome = yield* inspectIngress(state, message, chargedBytes(message), env);
        return outcome.ok ? null : outcome.error;
      },
    };
  }
}
