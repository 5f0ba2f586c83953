import { bytesToHex } from '../../src/base/hex.ts';
import { sha256 } from '../../src/protocol/crypto/sha256.ts';
import type {
  MemoryBase,
  MemoryImage,
  RunReply,
  RunStep,
  SandboxReply,
  SystemApiInput,
  WasmHost,
} from '../../src/protocol/interfaces/wasm-host.ts';
import type { CanisterId, HashHex, PrincipalId } from '../../src/protocol/types/ids.ts';

export const CANISTER = '00000000000000010101' as CanisterId;
export const CALLER = '04' as PrincipalId;

export function apiInput(
  context: SystemApiInput['context'],
  overrides: Partial<SystemApiInput> = {},
): SystemApiInput {
  return {
    context,
    canisterId: CANISTER,
    subnetId: 'aabbccdd02' as PrincipalId,
    caller: CALLER,
    controllers: [CALLER],
    seesBacktrace: true,
    methodName: '',
    arg: new Uint8Array(0),
    timeNs: 1_700_000_000_000_000_000n,
    cycleBalance: 1_000_000_000_000n,
    cyclesAvailable: 0n,
    freezingThreshold: 0n,
    memory: null,
    canisterStatus: 1,
    canisterVersion: 7n,
    globalTimer: 0n,
    dataCertificate: null,
    rootKey: Uint8Array.of(1, 2, 3),
    replicated:
      !context.startsWith('composite') &&
      !['nonReplicatedQuery', 'httpTransform', 'inspectMessage'].includes(context),
    prices: { nodeCount: 13, executionPrepayment: 1000n },
    environment: [],
    callerInfo: null,
    call: {
      deadlineNs: 0n,
      responded: false,
      instructionsBefore: 0n,
      cyclesRefunded: 0n,
      rejectCode: 0,
      rejectMessage: '',
      outgoing: null,
    },
    ...overrides,
  };
}

export function hashOf(wasm: Uint8Array): HashHex {
  return bytesToHex(sha256(wasm)) as HashHex;
}

/** Drives one canister on a sandbox the way execution does. */
export class TestCanister {
  readonly host: WasmHost;
  readonly id: CanisterId;
  wasm: Uint8Array;
  version = 0;
  limit = 5_000_000_000n;
  oldestVersionInUse = 0;

  constructor(host: WasmHost, wasm: Uint8Array, id: CanisterId = CANISTER) {
    this.host = host;
    this.wasm = wasm;
    this.id = id;
  }

  compile(): SandboxReply {
    const { wasm } = this;
    return this.host.handle({ kind: 'compile', moduleHash: hashOf(wasm), wasm });
  }

  raw(
    base: MemoryBase,
    steps: readonly RunStep[],
    commitAs: number | null,
    image?: MemoryImage,
  ): SandboxReply {
    return this.host.handle({
      kind: 'run',
      canisterId: this.id,
      moduleHash: hashOf(this.wasm),
      base,
      steps,
      instructionLimit: this.limit,
      commitAs,
      module: this.wasm,
      oldestVersionInUse: this.oldestVersionInUse,
      ...(image === undefined ? {} : { image }),
    });
  }

  run(base: MemoryBase, steps: readonly RunStep[], commits: boolean): RunReply {
    const next = this.version + 1;
    const reply = this.raw(base, steps, commits ? next : null);
    if (reply.kind !== 'ran') {
      throw new TypeError(`the run was answered with ${JSON.stringify(reply)}`);
    }
    if (commits && reply.outcome.ok) {
      this.version = next;
    }
    return reply;
  }

  install(arg: Uint8Array = new Uint8Array(0)): RunReply {
    return this.run(
      { from: 'fresh' },
      [
        { entry: 'canister_start', input: apiInput('start'), optional: true },
        { entry: 'canister_init', input: apiInput('init', { arg }), optional: true },
      ],
      true,
    );
  }

  update(name: string, overrides: Partial<SystemApiInput> = {}): RunReply {
    return this.run(
      { from: 'version', version: this.version },
      [
        {
          entry: `canister_update ${name}`,
          input: apiInput('update', overrides),
          optional: false,
        },
      ],
      true,
    );
  }

  query(
    name: string,
    overrides: Partial<SystemApiInput> = {},
    version: number = this.version,
  ): RunReply {
    return this.run(
      { from: 'version', version },
      [
        {
          entry: `canister_query ${name}`,
          input: apiInput('nonReplicatedQuery', overrides),
          optional: false,
        },
      ],
      false,
    );
  }
}

/** The reply's bytes, or the error's text. */
export function replyOf(reply: RunReply): Uint8Array | string {
  if (!reply.outcome.ok) {
    return `IC0${reply.outcome.error.code}: ${reply.outcome.error.message}`;
  }
  const { response } = reply.effects;
  return response.kind === 'reply' ? response.data : response.kind;
}

/** What a run logged, as text. */
export function logLines({ effects }: RunReply): string[] {
  return effects.logs.map((line) => Buffer.from(line).toString());
}

/** What a sandbox said, as a text that two of them can be compared by. */
export function textOf(replies: readonly SandboxReply[]): string {
  return JSON.stringify(replies, (_key, value: unknown) =>
    typeof value === 'bigint'
      ? `${value}n`
      : value instanceof Uint8Array
        ? Array.from(value).join()
        : value,
  );
}
