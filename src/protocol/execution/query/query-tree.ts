import type {
  EntryContext,
  MemoryVersion,
  OutgoingCallRules,
  RunReply,
  SystemRead,
} from '../../interfaces/wasm-host.ts';
import { QUEUE_CAPACITY } from '../../limits/messaging.ts';
import {
  MAX_QUERY_CALL_BYTES,
  MAX_QUERY_CALL_DEPTH,
  QUERY_TIME_LIMIT_NS,
} from '../../limits/query.ts';
import type { CanisterState, ExecutionState } from '../../replicated-state/canister-state.ts';
import type { ReplicatedState } from '../../replicated-state/replicated-state.ts';
import type { CanisterId, Instructions, PrincipalId, TimeNs } from '../../types/ids.ts';
import { addCounts, NO_QUERIES, type QueryCounts } from '../../types/query-stats.ts';
import type { ExecutionEnvironment } from '../execution-environment.ts';
import {
  applyDelta,
  runOnSandbox,
  systemApiInput,
  type EntryPoint,
  type SandboxTask,
} from '../run-on-sandbox.ts';
import { ErrorCode, type UserError } from '../user-error.ts';
import { readOnlyRun, type Target } from './read-only-run.ts';

/** What a query needs beside the state it reads. */
export interface QueryHost {
  readonly env: ExecutionEnvironment;
  /** This node's clock. */
  readonly nowNs: () => TimeNs;
  /** Names a memory that only one query uses; grows with each call. */
  readonly nextScratchVersion: () => MemoryVersion;
}

/** One entry point of the tree: an export by name, or a closure. */
export interface TreeRun {
  readonly name: string;
  readonly closure?: { readonly functionIndex: number; readonly env: bigint };
  readonly entry: EntryPoint;
  readonly instructionLimit: Instructions;
}

/**
 * One user's query with all the calls it makes: the state they read, and what they may still use.
 * A canister's memory as one call of the tree left it is kept for that call's callbacks only.
 * @upstream rs/execution_environment/src/query_handler/query_context.rs
 */
export class QueryTree {
  readonly state: ReplicatedState;
  readonly env: ExecutionEnvironment;
  /** Every canister that was looked at, answered or not. */
  readonly evaluated = new Map<CanisterId, QueryCounts>();
  /** What any run of the tree looked at. */
  readonly reads = new Set<SystemRead>();
  /** Rejects that may be gone the next time, anywhere in the tree. */
  transientErrors = 0;
  managementCalls = 0;
  readonly #host: QueryHost;
  readonly #startNs: TimeNs;
  readonly #certificate: { readonly of: PrincipalId; readonly bytes: Uint8Array } | null;
  /** Scratch memories are below all others; those of earlier queries may be forgotten. */
  readonly #oldestScratch: MemoryVersion;
  #instructionsLeft: Instructions;

  constructor(
    state: ReplicatedState,
    host: QueryHost,
    root: CanisterId,
    dataCertificate: Uint8Array | null,
  ) {
    this.state = state;
    this.env = host.env;
    this.#host = host;
    this.#startNs = host.nowNs();
    this.#oldestScratch = host.nextScratchVersion();
    this.#certificate = dataCertificate === null ? null : { of: root, bytes: dataCertificate };
    this.#instructionsLeft = host.env.limits.queryInstructions;
    this.look(root);
  }

  /** Notes that the outcome depends on this canister. */
  look(canisterId: CanisterId): void {
    if (!this.evaluated.has(canisterId)) {
      this.evaluated.set(canisterId, NO_QUERIES);
    }
  }

  count(canisterId: CanisterId, run: RunReply, requestBytes: number): void {
    const before = this.evaluated.get(canisterId) ?? NO_QUERIES;
    const { response } = run.effects;
    const replied = run.outcome.ok && response.kind === 'reply' ? response.data.length : 0;
    const counts = {
      calls: 1n,
      instructions: run.instructionsUsed,
      requestBytes: BigInt(requestBytes),
      responseBytes: BigInt(replied),
    };
    this.evaluated.set(canisterId, addCounts(before, counts));
  }

  /** Only the canister that the user asked may show its certificate. */
  certificateOf(canisterId: CanisterId): Uint8Array | null {
    return this.#certificate?.of === canisterId ? this.#certificate.bytes : null;
  }

  /** The most that the next run may use. */
  get instructionLimit(): Instructions {
    return this.#instructionsLeft > 0n ? this.#instructionsLeft : 0n;
  }

  spend(instructions: Instructions): void {
    this.#instructionsLeft -= instructions;
  }

  #account({ instructionsUsed, effects }: RunReply): void {
    this.spend(instructionsUsed);
    for (const read of effects.reads) {
      this.reads.add(read);
    }
  }

  /** Why the whole tree must end at a call that is `depth` calls below the user's. */
  limitReached(depth: number): UserError | undefined {
    if (depth >= MAX_QUERY_CALL_DEPTH) {
      return {
        code: ErrorCode.queryCallGraphTooDeep,
        message: 'Composite query calls exceeded the maximum call depth.',
      };
    }
    if (this.#instructionsLeft <= 0n) {
      return {
        code: ErrorCode.queryCallGraphTotalInstructionLimitExceeded,
        message: 'Composite query calls exceeded the instruction limit.',
      };
    }
    return this.#host.nowNs() - this.#startNs >= QUERY_TIME_LIMIT_NS
      ? {
          code: ErrorCode.queryTimeLimitExceeded,
          message: 'Composite query call exceeded the time limit.',
        }
      : undefined;
  }

  /** Runs an entry point whose changes nobody will see. */
  *runPure(target: Target, run: TreeRun): SandboxTask<RunReply> {
    const { canister, execution } = target;
    const input = systemApiInput(this.env, canister, this.state.timeNs, run.entry);
    const request = readOnlyRun(target, run.name, input, run.instructionLimit);
    const reply = yield* runOnSandbox(
      { ...request, oldestVersionInUse: this.#oldestScratch },
      execution,
      execution.wasm,
    );
    this.#account(reply);
    return reply;
  }

  /** Runs an entry point whose changes the later callbacks of the same call see. */
  *runKept(
    target: Target,
    { name, closure, entry, instructionLimit }: TreeRun,
  ): SandboxTask<{ readonly reply: RunReply; readonly execution: ExecutionState }> {
    const { canister, execution } = target;
    const version = this.#host.nextScratchVersion();
    const input = systemApiInput(this.env, canister, this.state.timeNs, entry);
    const reply = yield* runOnSandbox(
      {
        ...readOnlyRun(target, name, input, instructionLimit),
        steps: [
          { entry: name, ...(closure === undefined ? {} : { closure }), input, optional: false },
        ],
        commitAs: version,
        oldestVersionInUse: this.#oldestScratch,
      },
      execution,
      execution.wasm,
    );
    this.#account(reply);
    return {
      reply,
      execution: reply.delta === null ? execution : applyDelta(execution, reply.delta, version),
    };
  }

  /** What bounds the calls of a composite query's message; calls of queries cost no cycles. */
  outgoingRules(
    canister: CanisterState,
    waiting: readonly { readonly receiver: PrincipalId }[],
  ): OutgoingCallRules {
    const { callbacks } = canister.calls;
    const open = new Map<PrincipalId, number>();
    const receivers = [
      ...callbacks.map(({ respondent }) => respondent),
      ...waiting.map(({ receiver }) => receiver),
    ];
    for (const receiver of receivers) {
      open.set(receiver, (open.get(receiver) ?? 0) + 1);
    }
    return {
      prices: { nodeCount: 0, executionPrepayment: 0n },
      maxOpenCallsPerReceiver: QUEUE_CAPACITY,
      openCalls: [...open],
      freeCallbacks: QUEUE_CAPACITY,
      freeMessageBytes: MAX_QUERY_CALL_BYTES,
      freeGuaranteedBytes: Number.MAX_SAFE_INTEGER,
    };
  }
}

/** The context of a method's first run. */
export function contextOfMethod(kind: 'query' | 'composite_query'): EntryContext {
  return kind === 'query' ? 'nonReplicatedQuery' : 'compositeQuery';
}
