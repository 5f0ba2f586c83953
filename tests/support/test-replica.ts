import { HttpAgent, type Identity } from '@icp-sdk/core/agent';
import { Principal } from '@icp-sdk/core/principal';
import { present } from '../../src/base/assert.ts';
import { hexToBytes } from '../../src/base/hex.ts';
import { networkTrust } from '../../src/protocol/crypto/canister-signature.ts';
import { stateRootSigningBytes } from '../../src/protocol/crypto/certificate.ts';
import { createNodeCrypto } from '../../src/protocol/crypto/node-crypto.ts';
import { principalToBytes } from '../../src/protocol/crypto/principal.ts';
import { createRealSuite } from '../../src/protocol/crypto/real-suite.ts';
import {
  createExecutionEnvironment,
  type ExecutionEnvironment,
} from '../../src/protocol/execution/execution-environment.ts';
import { QueryHandler } from '../../src/protocol/execution/query/execute-query.ts';
import { inspectIngress } from '../../src/protocol/execution/query/inspect-ingress.ts';
import type { RoundTask, SandboxTask } from '../../src/protocol/execution/run-on-sandbox.ts';
import { certifiedReply, refusedReply } from '../../src/protocol/http/canister-call.ts';
import { handleRequest } from '../../src/protocol/http/handle-request.ts';
import type { HttpReply } from '../../src/protocol/http/http-error.ts';
import { createIngressPool } from '../../src/protocol/ingress/ingress-pool.ts';
import { createPayloadBuilder } from '../../src/protocol/ingress/payload-builder.ts';
import { decodeIngress } from '../../src/protocol/ingress/signed-ingress.ts';
import { createTopologyReader } from '../../src/protocol/canonical-state/canonical-state.ts';
import type { TraceEvent } from '../../src/protocol/interfaces/trace.ts';
import type { WasmHost } from '../../src/protocol/interfaces/wasm-host.ts';
import {
  CLASSROOM_EXECUTION_LIMITS,
  type ExecutionLimits,
} from '../../src/protocol/limits/execution.ts';
import { chargedBytes } from '../../src/protocol/messaging/valid-set-rule.ts';
import { executeBatch } from '../../src/protocol/messaging/message-routing.ts';
import {
  canisterRange,
  genesisState,
} from '../../src/protocol/replicated-state/replicated-state.ts';
import { dealSubnet } from '../../src/protocol/registry/genesis.ts';
import {
  createStateManager,
  type StateManager,
} from '../../src/protocol/state-manager/state-manager.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import type { SubnetParameters } from '../../src/protocol/types/genesis.ts';
import { runTask } from './run-task.ts';

/** Limits small enough for tests that run away on purpose. */
export const TEST_LIMITS: ExecutionLimits = {
  ...CLASSROOM_EXECUTION_LIMITS,
  messageInstructions: 200_000_000n,
  queryInstructions: 100_000_000n,
};

const PARAMETERS: SubnetParameters = {
  subnetType: 'application',
  dkgIntervalLength: 9,
  unitDelayMs: 1000,
  initialNotaryDelayMs: 300,
  maxBlockPayloadBytes: 4 * 1024 * 1024,
  maxIngressMessagesPerBlock: 1000,
  maxIngressBytesPerMessage: 2 * 1024 * 1024,
};

/**
 * One node's replica without consensus: each request that needs one makes a block at once, and the
 * node's own threshold share certifies it. Everything else is the real thing, signatures included.
 */
export class TestReplica {
  readonly dealt = dealSubnet(
    {
      seed: 'test replica',
      index: 0,
      nodes: 1,
      parameters: PARAMETERS,
      genesisTimeNs: BigInt(Date.now()) * 1_000_000n,
    },
    createRealSuite(),
  );
  readonly crypto = createNodeCrypto(
    this.dealt.genesis,
    present(this.dealt.secrets[0], 'one node was dealt'),
    createRealSuite(),
  );
  readonly rootKey = this.crypto.subnetPublicKeyDer;
  readonly trust = networkTrust(this.crypto, this.rootKey);
  readonly env: ExecutionEnvironment;
  readonly queries: QueryHandler;
  readonly states: StateManager;
  readonly pool = createIngressPool();
  readonly sandbox: WasmHost = createSandbox();
  readonly trace: TraceEvent[] = [];
  readonly requests: { readonly path: string; readonly status: number }[] = [];
  private readonly builder;

  constructor(limits: ExecutionLimits = TEST_LIMITS) {
    const { genesis } = this.dealt;
    this.env = createExecutionEnvironment(genesis, this.rootKey, limits);
    this.queries = new QueryHandler(this.env);
    this.states = createStateManager(
      createTopologyReader(genesis, this.rootKey),
      genesisState(genesis),
    );
    this.builder = createPayloadBuilder({
      pool: this.pool,
      env: this.env,
      trust: this.trust,
      limits: {
        maxMessages: PARAMETERS.maxIngressMessagesPerBlock,
        maxBlockBytes: PARAMETERS.maxBlockPayloadBytes,
        maxMessageBytes: PARAMETERS.maxIngressBytesPerMessage,
      },
      stateAt: (height) => this.states.stateAt(height),
      oldestState: () =>
        present(this.states.stateAt(this.states.oldestHeight()), 'the oldest state is kept'),
    });
    this.round();
  }

  get nowNs(): bigint {
    return BigInt(Date.now()) * 1_000_000n;
  }

  /** Answers a task's sandbox requests inline. */
  run<T>(task: RoundTask<T> | SandboxTask<T>): T {
    return runTask(task, (request) => this.sandbox.handle(request));
  }

  /** One block: build, validate, execute, certify. */
  round(withCheckpoint = false, timeNs: bigint = this.nowNs): void {
    const before = this.states.latestState();
    const context = { certifiedHeight: before.height, registryVersion: 1, timeNs };
    const payload = this.builder.build(context, []);
    const verdict = this.builder.validate(payload, context, []);
    if (verdict.kind !== 'valid') {
      throw new Error(`own payload is ${verdict.kind}: ${verdict.code}`);
    }
    const ingress = payload.ingress.map((envelope) => {
      const decoded = decodeIngress(envelope);
      if (!decoded.ok) {
        throw new Error(decoded.error.message);
      }
      return decoded.value.message;
    });
    const executed = this.run(
      executeBatch(
        before,
        {
          height: before.height + 1,
          timeNs: context.timeNs,
          randomness: new Uint8Array(32).fill(before.height),
          ingress,
          registryVersion: 1,
          requiresFullStateHash: withCheckpoint,
          blockMaker: this.crypto.nodeId,
        },
        this.env,
      ),
    );
    this.trace.push(...executed.trace);
    const root = this.states.commit(executed.state, withCheckpoint);
    const message = stateRootSigningBytes(present(hexToBytes(root), 'a root is hex'));
    const share = present(this.crypto.signThreshold('high', message), 'the node holds a share');
    const combined = this.crypto.combineThreshold('high', message, [
      { signer: this.crypto.nodeId, signature: share },
    ]);
    if (combined.kind !== 'combined') {
      throw new Error('the own share does not combine');
    }
    this.states.deliverCertification(executed.state.height, root, combined.signature);
    const latest = this.states.latestState();
    this.pool.purge(this.nowNs, (id) => latest.ingressHistory.entries.has(id));
  }

  private outcomeOf(method: string, path: string, body: Uint8Array) {
    return handleRequest(
      {
        nowNs: this.nowNs,
        subnetId: this.dealt.genesis.subnetId,
        subnetType: 'application',
        crypto: this.crypto,
        rootKeyDer: this.rootKey,
        delegation: null,
        trust: this.trust,
        certified: this.states.latestCertified(),
        executeQuery: (certified, query) =>
          this.queries.execute(certified.state, query, query.dataCertificate),
        inspectIngress: (_certified, message) => this.inspect(message),
      },
      { method, path, body },
    );
  }

  /** Checks a call's envelope and puts it into the pool; a later round executes it. */
  admit(canisterId: Principal, body: Uint8Array): void {
    const outcome = this.outcomeOf('POST', `/api/v2/canister/${canisterId.toText()}/call`, body);
    if (outcome.kind !== 'ingress' || this.run(outcome.admission) !== null) {
      throw new Error('the call was refused');
    }
    this.pool.add(outcome.message);
  }

  private handle(method: string, path: string, body: Uint8Array): HttpReply {
    const outcome = this.outcomeOf(method, path, body);
    switch (outcome.kind) {
      case 'reply':
        return outcome.reply;
      case 'query':
        return this.run(outcome.task);
      case 'ingress': {
        const refusal = this.run(outcome.admission);
        if (refusal !== null) {
          return refusedReply(outcome.mode, refusal);
        }
        this.pool.add(outcome.message);
        this.round();
        const certified = present(this.states.latestCertified(), 'a round certifies');
        const accepted = { status: 202, contentType: 'text/plain', body: new Uint8Array(0) };
        return outcome.mode === 'sync'
          ? (certifiedReply(certified, outcome.message, undefined) ?? accepted)
          : accepted;
      }
    }
  }

  private *inspect(
    message: Parameters<typeof chargedBytes>[0] & Parameters<typeof inspectIngress>[1],
  ) {
    const verdict = yield* inspectIngress(
      this.states.latestState(),
      message,
      chargedBytes(message),
      this.env,
    );
    return verdict.ok ? null : verdict.error;
  }

  readonly fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const body = new Uint8Array(await request.arrayBuffer());
    const path = new URL(request.url).pathname;
    const reply = this.handle(request.method, path, body);
    this.requests.push({ path, status: reply.status });
    const response = new Response(Uint8Array.from(reply.body), {
      status: reply.status,
      headers: { 'content-type': reply.contentType },
    });
    Object.defineProperty(response, 'url', { value: request.url });
    return response;
  };

  /** An unmodified agent whose certificate and query checks are on. */
  async agent(identity?: Identity): Promise<HttpAgent> {
    return await HttpAgent.create({
      host: 'http://replica.test',
      fetch: this.fetch,
      rootKey: this.rootKey,
      verifyQuerySignatures: true,
      ...(identity === undefined ? {} : { identity }),
    });
  }

  /** The first canister id of the subnet, as an effective id for creations. */
  firstCanisterId(): Principal {
    const first = canisterRange(0)[0];
    return Principal.fromHex(`${first.toString(16).padStart(16, '0')}0101`);
  }

  principalOf(id: Parameters<typeof principalToBytes>[0]): Principal {
    return Principal.fromUint8Array(principalToBytes(id));
  }
}
