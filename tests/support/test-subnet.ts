import { createHash } from 'node:crypto';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { present } from '../../src/base/assert.ts';
import { INSECURE_TEST_SUITE } from '../../src/protocol/crypto/insecure-test-crypto.ts';
import { MANAGEMENT_CANISTER_ID, principalToBytes } from '../../src/protocol/crypto/principal.ts';
import {
  createExecutionEnvironment,
  type ExecutionEnvironment,
} from '../../src/protocol/execution/execution-environment.ts';
import { QueryHandler } from '../../src/protocol/execution/query/execute-query.ts';
import type { MessageOutcome } from '../../src/protocol/execution/message-outcome.ts';
import { inspectIngress } from '../../src/protocol/execution/query/inspect-ingress.ts';
import type { RoundTask, SandboxTask } from '../../src/protocol/execution/run-on-sandbox.ts';
import type { InductedSlice, SignedIngress } from '../../src/protocol/interfaces/replica.ts';
import type { TraceEvent } from '../../src/protocol/interfaces/trace.ts';
import {
  CLASSROOM_EXECUTION_LIMITS,
  type ExecutionLimits,
} from '../../src/protocol/limits/execution.ts';
import { executeBatch } from '../../src/protocol/messaging/message-routing.ts';
import { dealSubnet } from '../../src/protocol/registry/genesis.ts';
import type { CanisterState } from '../../src/protocol/replicated-state/canister-state.ts';
import type { IngressStatus } from '../../src/protocol/replicated-state/ingress-history.ts';
import {
  encodeCanister,
  encodeSystemState,
} from '../../src/protocol/replicated-state/encode-state.ts';
import { openMessages } from '../../src/protocol/replicated-state/input-queues.ts';
import { outgoingMessages } from '../../src/protocol/replicated-state/output-queues.ts';
import { cyclesOf } from '../../src/protocol/replicated-state/streams.ts';
import {
  genesisState,
  type ReplicatedState,
} from '../../src/protocol/replicated-state/replicated-state.ts';
import type {
  CanisterId,
  HashHex,
  MessageId,
  NodeId,
  PrincipalId,
} from '../../src/protocol/types/ids.ts';
import type { QueryStatsReport } from '../../src/protocol/types/query-stats.ts';
import type {
  SubnetGenesis,
  SubnetSpecialization,
  SubnetType,
} from '../../src/protocol/types/genesis.ts';
import type { NetworkTopology } from '../../src/protocol/types/network-topology.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { runTask, type Pick } from './run-task.ts';

const SECOND_NS = 1_000_000_000n;
const USER = '04' as PrincipalId;
const MAX_ROUNDS = 20;

const CanisterIdRecord = IDL.Record({ canister_id: IDL.Principal });

export interface RoundOptions {
  readonly afterNs?: bigint;
  readonly randomness?: Uint8Array;
  readonly isCheckpoint?: boolean;
  readonly blockMaker?: NodeId;
  readonly queryStats?: QueryStatsReport;
  readonly xnet?: readonly InductedSlice[];
}

/** Where a subnet is in its network. */
export interface Placement {
  readonly index: number;
  readonly subnetType: SubnetType;
  readonly specialization?: SubnetSpecialization;
}

/** Message routing and execution of one replica, round by round, without consensus and signatures. */
export class TestSubnet {
  readonly env: ExecutionEnvironment;
  readonly genesis: SubnetGenesis;
  sandbox = createSandbox();
  /** Which thread of execution goes on next. */
  pick: Pick | undefined;
  readonly trace: TraceEvent[] = [];
  /** Runs tasks instead of the inline sandbox. */
  runner: (<T>(task: RoundTask<T> | SandboxTask<T>) => T) | undefined;
  /** What a node would report of each round. */
  readonly executed: TraceEvent[] = [];
  readonly start: ReplicatedState;
  state: ReplicatedState;
  /** Cycles that the subnet's own books found too many (or missing) after the last round. */
  imbalance = 0n;
  #nextMessage = 1;

  /** Of the network, if the subnet is not alone. */
  topology: NetworkTopology | undefined;

  constructor(
    limits: ExecutionLimits = CLASSROOM_EXECUTION_LIMITS,
    nodes = 4,
    { index, subnetType, specialization }: Placement = { index: 0, subnetType: 'application' },
  ) {
    const { genesis } = dealSubnet(
      {
        seed: 'test subnet',
        index,
        nodes,
        parameters: {
          subnetType,
          ...(specialization && { specialization }),
          dkgIntervalLength: 9,
          unitDelayMs: 1000,
          initialNotaryDelayMs: 300,
          maxBlockPayloadBytes: 4 * 1024 * 1024,
          maxIngressMessagesPerBlock: 1000,
          maxIngressBytesPerMessage: 2 * 1024 * 1024,
        },
        genesisTimeNs: 1_700_000_000_000_000_000n,
      },
      INSECURE_TEST_SUITE,
    );
    this.genesis = genesis;
    this.env = createExecutionEnvironment(genesis, new Uint8Array(133), limits);
    this.start = genesisState(genesis);
    this.state = this.start;
  }

  #run<T>(task: RoundTask<T> | SandboxTask<T>): T {
    return this.runner === undefined
      ? runTask(task, (request) => this.sandbox.handle(request), this.pick)
      : this.runner(task);
  }

  /** As after a crash of the sandbox's worker. */
  loseSandbox(): void {
    this.sandbox.close();
    this.sandbox = createSandbox();
  }

  /** All that nodes must agree on, and how far their long executions are. */
  fingerprint(): string {
    const { metadata, history, queues } = encodeSystemState(this.state);
    const hash = createHash('sha256').update(metadata).update(history).update(queues);
    for (const canister of this.state.canisters.values()) {
      const { execution, longExecution } = canister;
      hash.update(encodeCanister(canister));
      hash.update(`${longExecution?.paused?.slices} ${longExecution?.paused?.instructions}`);
      for (const { index, bytes } of execution?.heap.pages() ?? []) {
        hash.update(`${index}`).update(bytes);
      }
    }
    return hash.digest('hex');
  }

  ingress(canisterId: CanisterId, methodName: string, arg: Uint8Array): SignedIngress {
    this.#nextMessage += 1;
    return {
      messageId: this.#nextMessage.toString(16).padStart(64, '0') as MessageId,
      envelope: new Uint8Array(0),
      sender: USER,
      canisterId,
      effectiveCanisterId: canisterId,
      methodName,
      arg,
      nonce: null,
      ingressExpiryNs: this.state.timeNs + 240n * SECOND_NS,
    };
  }

  /** Names the next messages as `other` would. */
  adoptMessageCounter(other: TestSubnet): void {
    this.#nextMessage = other.#nextMessage;
  }

  round(messages: readonly SignedIngress[] = [], options: RoundOptions = {}): void {
    const executed = this.#run(
      executeBatch(
        this.state,
        {
          height: this.state.height + 1,
          timeNs: this.state.timeNs + (options.afterNs ?? SECOND_NS),
          randomness: options.randomness ?? new Uint8Array(32).fill(this.state.height + 1),
          ingress: messages,
          registryVersion: 1,
          requiresFullStateHash: options.isCheckpoint === true,
          blockMaker: options.blockMaker ?? (USER as never),
          ...(options.queryStats && { queryStats: options.queryStats }),
          ...(options.xnet && { xnet: options.xnet }),
          ...(this.topology && { topology: this.topology }),
        },
        this.env,
      ),
    );
    this.trace.push(...executed.trace);
    const { created, held, inFlight, consumed, sent, received } = executed.cycles;
    this.imbalance = held + inFlight + consumed + sent - created - received;
    const { instructions, cycles, state } = executed;
    const { height, timeNs } = state;
    const root = height.toString(16).padStart(64, '0') as HashHex;
    const done = { instructions, messages: executed.messages, timeNs, cycles };
    this.executed.push({ kind: 'executed', height, root, ...done });
    this.state = executed.state;
  }

  statusOf(message: SignedIngress): IngressStatus | undefined {
    return this.state.ingressHistory.entries.get(message.messageId)?.status;
  }

  /** The answer to a call as text: reply bytes in hex, or "IC0…: …"; "processing" while open. */
  answerOf(message: SignedIngress): string {
    const status = this.statusOf(message);
    switch (status?.kind) {
      case 'replied':
        return Buffer.from(status.reply).toString('hex');
      case 'rejected':
        return `IC0${status.errorCode}: ${status.message}`;
      default:
        return status?.kind ?? 'unknown';
    }
  }

  /** Calls and runs rounds until the answer is there. */
  call(
    canisterId: CanisterId,
    methodName: string,
    arg: Uint8Array = new Uint8Array(0),
  ): { readonly answer: string; readonly rounds: number } {
    const message = this.ingress(canisterId, methodName, arg);
    for (let rounds = 1; rounds <= MAX_ROUNDS; rounds += 1) {
      this.round(rounds === 1 ? [message] : []);
      const answer = this.answerOf(message);
      if (answer !== 'processing' && answer !== 'received') {
        return { answer, rounds };
      }
    }
    return { answer: this.answerOf(message), rounds: MAX_ROUNDS };
  }

  query(canisterId: CanisterId, methodName: string): Buffer {
    const outcome = this.ask(canisterId, methodName);
    if (outcome.kind === 'rejected') {
      throw new Error(outcome.error.message);
    }
    return Buffer.from(outcome.reply);
  }

  /** A query's outcome, whatever it is. */
  ask(
    canisterId: CanisterId,
    methodName: string,
    arg: Uint8Array = new Uint8Array(0),
    handler: QueryHandler = new QueryHandler(this.env),
  ): MessageOutcome {
    const query = { sender: USER, canisterId, methodName, arg };
    return this.#run(handler.execute(this.state, query, null));
  }

  /** The outcome as text: reply as UTF-8, or "IC0…: …". */
  answerTo(canisterId: CanisterId, methodName: string, arg?: Uint8Array): string {
    const outcome = this.ask(canisterId, methodName, arg);
    return outcome.kind === 'replied'
      ? Buffer.from(outcome.reply).toString()
      : `IC0${outcome.error.code}: ${outcome.error.message}`;
  }

  /** Whether the canister takes a call, as the node that gets it decides: "accepted" or "IC0…: …". */
  inspect(canisterId: CanisterId, methodName: string, arg = new Uint8Array(0)): string {
    const call = { sender: USER, canisterId, methodName, arg };
    const verdict = this.#run(inspectIngress(this.state, call, arg.length, this.env));
    return verdict.ok ? 'accepted' : `IC0${verdict.error.code}: ${verdict.error.message}`;
  }

  /** Sets fields of the canister's settings, given as `update_settings` takes them. */
  setSettings(canisterId: CanisterId, settings: Readonly<Record<string, bigint>>): void {
    const fields = Object.keys(settings).map((name) => [name, IDL.Opt(IDL.Nat)] as const);
    const values = Object.entries(settings).map(([name, value]) => [name, [value]] as const);
    const id = Principal.fromUint8Array(principalToBytes(canisterId));
    const arg = IDL.encode(
      [
        IDL.Record({
          canister_id: IDL.Principal,
          settings: IDL.Record(Object.fromEntries(fields)),
        }),
      ],
      [{ canister_id: id, settings: Object.fromEntries(values) }],
    );
    const message = this.ingress(MANAGEMENT_CANISTER_ID, 'update_settings', Uint8Array.from(arg));
    this.round([{ ...message, effectiveCanisterId: canisterId }]);
    if (this.statusOf(message)?.kind !== 'replied') {
      throw new Error(this.answerOf(message));
    }
  }

  canister(canisterId: CanisterId): CanisterState {
    return present(this.state.canisters.get(canisterId), 'the canister exists');
  }

  /** Calls `aaaaa-aa` about a canister. */
  manage(canisterId: CanisterId, methodName: string): SignedIngress {
    const arg = IDL.encode(
      [CanisterIdRecord],
      [{ canister_id: Principal.fromUint8Array(principalToBytes(canisterId)) }],
    );
    const message = this.ingress(MANAGEMENT_CANISTER_ID, methodName, Uint8Array.from(arg));
    return { ...message, effectiveCanisterId: canisterId };
  }

  topUp(canisterId: CanisterId, amount: bigint): SignedIngress {
    const arg = IDL.encode(
      [IDL.Record({ canister_id: IDL.Principal, amount: IDL.Nat })],
      [{ canister_id: Principal.fromUint8Array(principalToBytes(canisterId)), amount }],
    );
    const message = this.ingress(
      MANAGEMENT_CANISTER_ID,
      'provisional_top_up_canister',
      Uint8Array.from(arg),
    );
    return { ...message, effectiveCanisterId: canisterId };
  }

  create(cycles = 100_000_000_000_000n): CanisterId {
    const arg = IDL.encode([IDL.Record({ amount: IDL.Opt(IDL.Nat) })], [{ amount: [cycles] }]);
    const { answer } = this.call(
      MANAGEMENT_CANISTER_ID,
      'provisional_create_canister_with_cycles',
      Uint8Array.from(arg),
    );
    const [record] = IDL.decode([CanisterIdRecord], Uint8Array.from(Buffer.from(answer, 'hex')));
    const id = (record as unknown as { canister_id: Principal }).canister_id;
    return Buffer.from(id.toUint8Array()).toString('hex') as CanisterId;
  }

  installMessage(
    canisterId: CanisterId,
    wasm: Uint8Array,
    arg: Uint8Array = new Uint8Array(0),
    mode: 'install' | 'reinstall' | 'upgrade' = 'install',
  ): SignedIngress {
    const encoded = IDL.encode(
      [
        IDL.Record({
          mode: IDL.Variant({ [mode]: IDL.Null }),
          canister_id: IDL.Principal,
          wasm_module: IDL.Vec(IDL.Nat8),
          arg: IDL.Vec(IDL.Nat8),
        }),
      ],
      [
        {
          mode: { [mode]: null },
          canister_id: Principal.fromUint8Array(principalToBytes(canisterId)),
          wasm_module: wasm,
          arg,
        },
      ],
    );
    const message = this.ingress(MANAGEMENT_CANISTER_ID, 'install_code', Uint8Array.from(encoded));
    return { ...message, effectiveCanisterId: canisterId };
  }

  install(...request: Parameters<TestSubnet['installMessage']>): void {
    const message = this.installMessage(...request);
    this.round([message]);
    if (this.statusOf(message)?.kind !== 'replied') {
      throw new Error(this.answerOf(message));
    }
  }

  createWith(wasm: Uint8Array, cycles?: bigint): CanisterId {
    const canisterId = this.create(cycles);
    this.install(canisterId, wasm);
    return canisterId;
  }

  /** Every cycle of the subnet, streams to others left out: balances, cycles in calls and their prepayments, and what was consumed. */
  totalCycles(): bigint {
    let total = this.state.metrics.consumedCycles;
    for (const canister of this.state.canisters.values()) {
      const { calls, stopRequests, longExecution } = canister;
      total += canister.cycles + canister.reservedCycles + (longExecution?.prepaid ?? 0n);
      for (const context of calls.contexts) {
        total += context.availableCycles;
      }
      for (const callback of calls.callbacks) {
        total += callback.executionPrepayment + callback.transmissionPrepayment;
      }
      for (const message of openMessages(canister)) {
        total += message.kind === 'request' ? message.cycles : message.refund;
      }
      for (const { message } of outgoingMessages(canister.outputQueues)) {
        total += cyclesOf(message);
      }
      for (const { message } of stopRequests) {
        total += 'cycles' in message ? message.cycles : 0n;
      }
    }
    for (const { message } of outgoingMessages(this.state.subnetOutputs)) {
      total += cyclesOf(message);
    }
    for (const message of this.state.streams.get(this.env.subnetId)?.messages ?? []) {
      total += cyclesOf(message);
    }
    for (const [, cycles] of this.state.refunds) {
      total += cycles;
    }
    for (const message of [...this.state.subnetQueue, ...this.state.randomRequests]) {
      total += 'cycles' in message ? message.cycles : 0n;
    }
    return total;
  }
}
