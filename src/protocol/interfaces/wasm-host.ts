import type {
  CanisterId,
  Cycles,
  HashHex,
  Instructions,
  PrincipalId,
  TimeNs,
} from '../types/ids.ts';

/**
 * The port between deterministic execution and the one place that knows WebAssembly
 * (`src/sandbox`). Execution is a generator that yields `SandboxRequest`s and is resumed with
 * `SandboxReply`s: the simulator answers inline, the worker host from a sandbox worker. Everything
 * that crosses is structured-cloneable data.
 */

/** Names one immutable content of a canister's memories. Host-local, never part of replicated state. */
export type MemoryVersion = number;

export const PAGE_BYTES = 4096;
export const WASM_PAGE_BYTES = 65_536;

/** A changed 4 KiB page. */
export interface DirtyPage {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/**
 * Value of a global. f32/f64 travel as their bit pattern so that NaNs survive. Vectors are constants
 * only, which a host never reads or writes: they stand in the lists of snapshots.
 */
export interface GlobalValue {
  readonly type: 'i32' | 'i64' | 'f32' | 'f64' | 'v128';
  readonly bits: bigint;
}

/** Everything needed to rebuild a canister's memory from nothing: all non-zero pages. */
export interface MemoryImage {
  readonly heapWasmPages: number;
  readonly heap: readonly DirtyPage[];
  readonly stableWasmPages: number;
  readonly stable: readonly DirtyPage[];
  readonly globals: readonly GlobalValue[];
}

/** What a run changed, relative to its base. */
export interface MemoryDelta {
  readonly heapWasmPages: number;
  /** True when the heap starts from zero (install, reinstall, upgrade with replaced heap). */
  readonly heapReset: boolean;
  readonly heap: readonly DirtyPage[];
  readonly stableWasmPages: number;
  readonly stableReset: boolean;
  readonly stable: readonly DirtyPage[];
  /** Mutable globals in index order, complete. */
  readonly globals: readonly GlobalValue[];
}

/** Which memory a run starts from. */
export type MemoryBase =
  /** Nothing: heap from the module's own definition, stable memory empty. */
  | { readonly from: 'fresh' }
  /** Heap, stable memory and globals of a version (any normal message). */
  | { readonly from: 'version'; readonly version: MemoryVersion }
  /** Upgrade: stable memory of the version; heap kept (enhanced orthogonal persistence) or from the new module. */
  | { readonly from: 'upgrade'; readonly version: MemoryVersion; readonly keepHeap: boolean };

/** The entry point's context of interface spec 0.66 "System API by context". */
export type EntryContext =
  | 'start'
  | 'init'
  | 'preUpgrade'
  | 'postUpgrade'
  | 'update'
  | 'replicatedQuery'
  | 'nonReplicatedQuery'
  /** Transforms the response of an HTTP outcall. */
  | 'httpTransform'
  | 'compositeQuery'
  | 'inspectMessage'
  | 'onLowWasmMemory'
  | 'heartbeat'
  | 'globalTimer'
  | 'replyCallback'
  | 'rejectCallback'
  | 'cleanup'
  /** Callbacks of calls that a composite query made. */
  | 'compositeReplyCallback'
  | 'compositeRejectCallback'
  | 'compositeCleanup';

/** A function of the module's first table, called with one argument: how canisters name callbacks. */
export interface WasmClosure {
  readonly functionIndex: number;
  /** Passed on; 32 or 64 bits by the module's memory, unsigned. */
  readonly env: bigint;
}

/** What a canister pays for a call when it makes it. */
export interface CallPrices {
  /** Nodes of the subnet; 0 where calls are free (system subnets). */
  readonly nodeCount: number;
  /** To execute the callback with all its instructions; what is not used comes back. */
  readonly executionPrepayment: Cycles;
}

/** Memory of the subnet as one message sees it. */
export interface SubnetMemory {
  readonly capacityBytes: bigint;
  /** Use above which who takes memory sets cycles aside for it. */
  readonly thresholdBytes: bigint;
  readonly usedBytes: bigint;
  /** What may still be taken; below zero where too much was taken already. */
  readonly freeBytes: bigint;
}

/** What a canister's memory costs and how far it may grow. */
export interface MemoryRules {
  /** Nodes of the subnet; 0 where nothing is charged (system subnets). */
  readonly nodeCount: number;
  /** Heap, stable memory, module and all that counts as the canister's memory. */
  readonly usedBytes: bigint;
  /** Messages that wait, and room kept for responses. */
  readonly messageBytes: bigint;
  /** `memory_allocation`; 0 = none. */
  readonly allocationBytes: bigint;
  /** `wasm_memory_limit`; 0 = none. */
  readonly wasmMemoryLimitBytes: bigint;
  readonly computeAllocation: bigint;
  readonly freezingThresholdSeconds: bigint;
  readonly reservedCycles: Cycles;
  readonly reservedCyclesLimit: Cycles;
  readonly subnet: SubnetMemory;
}

/** What bounds the calls of one message. */
export interface OutgoingCallRules {
  readonly prices: CallPrices;
  /** Calls that may be open to one receiver. */
  readonly maxOpenCallsPerReceiver: number;
  /** Calls already open, by receiver. */
  readonly openCalls: readonly (readonly [receiver: PrincipalId, count: number])[];
  /** Callbacks and bytes of arguments that the subnet can still hold. */
  readonly freeCallbacks: number;
  readonly freeMessageBytes: number;
  /** Room for guaranteed responses. */
  readonly freeGuaranteedBytes: number;
}

/** The call context that the entry point runs in, as far as the system API shows it. */
export interface CallInput {
  /** 0 = the caller waits without limit. */
  readonly deadlineNs: TimeNs;
  /** An earlier message of this call responded. */
  readonly responded: boolean;
  /** Used by earlier messages of this call. */
  readonly instructionsBefore: Instructions;
  /** Callbacks: came back with the response. */
  readonly cyclesRefunded: Cycles;
  /** Callbacks: 0 for a reply, else 1 SysFatal … 6 SysUnknown. */
  readonly rejectCode: number;
  readonly rejectMessage: string;
  /** Null where no calls can be made. */
  readonly outgoing: OutgoingCallRules | null;
}

/** A call that a message made; its callbacks run when the response comes. */
export interface OutgoingCall {
  readonly receiver: PrincipalId;
  readonly methodName: string;
  readonly arg: Uint8Array;
  readonly cycles: Cycles;
  readonly onReply: WasmClosure;
  readonly onReject: WasmClosure;
  readonly onCleanup: WasmClosure | null;
  /** Best-effort response within this many seconds; null = guaranteed response. */
  readonly timeoutSeconds: number | null;
}

/** `sender_info` of an ingress message or query: data about the caller, and the canister that signed it. */
export interface CallerInfo {
  readonly data: Uint8Array;
  readonly signer: PrincipalId;
}

/** Plain-data inputs of the system API for one entry point. */
export interface SystemApiInput {
  readonly context: EntryContext;
  readonly canisterId: CanisterId;
  readonly subnetId: PrincipalId;
  readonly caller: PrincipalId;
  readonly controllers: readonly PrincipalId[];
  /** Whether the caller may see the canister's log, and so the backtrace of a trap. */
  readonly seesBacktrace: boolean;
  readonly methodName: string;
  readonly arg: Uint8Array;
  readonly timeNs: TimeNs;
  readonly cycleBalance: Cycles;
  readonly cyclesAvailable: Cycles;
  /** The balance that calls and burning must leave. */
  readonly freezingThreshold: Cycles;
  /** Null where memory that is taken does not count: in queries. */
  readonly memory: MemoryRules | null;
  /** 1 running, 2 stopping, 3 stopped. */
  readonly canisterStatus: 1 | 2 | 3;
  readonly canisterVersion: bigint;
  /** Nanoseconds; 0 = not set. */
  readonly globalTimer: bigint;
  /** Present in non-replicated queries when the state is certified. */
  readonly dataCertificate: Uint8Array | null;
  readonly rootKey: Uint8Array;
  readonly replicated: boolean;
  /** What services of the subnet cost this canister. */
  readonly prices: CallPrices;
  /** Environment variables of the settings, sorted by the UTF-8 bytes of their names. */
  readonly environment: readonly (readonly [name: string, value: string])[];
  /** What a canister that vouches for the caller's identity says of them; null = nothing. */
  readonly callerInfo: CallerInfo | null;
  readonly call: CallInput;
}

export interface CompileRequest {
  readonly kind: 'compile';
  /** SHA-256 of `wasm`. */
  readonly moduleHash: HashHex;
  /** The original module as the user uploaded it (gzip already undone by the core). */
  readonly wasm: Uint8Array;
}

/** One entry point of a run: runs in order on the same memory; the first failure undoes all. */
export interface RunStep {
  /** Export name as in the original module ("canister_update inc", "canister_init"); "canister_start" is the deferred start function. */
  readonly entry: string;
  /** Call this instead of an export; `entry` then only names it. */
  readonly closure?: WasmClosure;
  readonly input: SystemApiInput;
  /** An absent export is no error (init, post_upgrade, start hooks). */
  readonly optional: boolean;
}

export interface RunRequest {
  readonly kind: 'run';
  readonly canisterId: CanisterId;
  readonly moduleHash: HashHex;
  readonly base: MemoryBase;
  readonly steps: readonly RunStep[];
  /** Shared by all steps. */
  readonly instructionLimit: Instructions;
  /** Keep the outcome under this version when every step succeeded; null = always roll back (queries). */
  readonly commitAs: MemoryVersion | null;
  /** Sent after the sandbox said it lacks them. */
  readonly module?: Uint8Array;
  readonly image?: MemoryImage;
  /** Versions of this canister below this one may be forgotten. */
  readonly oldestVersionInUse: MemoryVersion;
  /** Absent = runs to its end at once. */
  readonly slice?: Slice;
}

/**
 * Deterministic time slicing: the run stops at the first check of the instruction counter after each
 * `instructions` used, and goes on when it is resumed. Where the slices end is the same on every host.
 */
export interface Slice {
  readonly instructions: Instructions;
  /** So many slices were run before and told of: a sandbox that lost them runs through without stopping. */
  readonly done: number;
}

/** Goes on with the paused run of a canister. */
export interface ResumeRequest {
  readonly kind: 'resume';
  readonly canisterId: CanisterId;
  /** The version that the paused run commits, which names it; null = a run that commits nothing. */
  readonly commitAs: MemoryVersion | null;
}

/** Drops the paused run of a canister, if there is one. */
export interface AbortRequest {
  readonly kind: 'abort';
  readonly canisterId: CanisterId;
}

/** The canister is gone: drop its instance and pages. */
export interface ForgetRequest {
  readonly kind: 'forget';
  readonly canisterId: CanisterId;
}

export type SandboxRequest =
  | CompileRequest
  | RunRequest
  | ResumeRequest
  | AbortRequest
  | ForgetRequest;

/** Metadata found in a valid module. */
export interface ModuleInfo {
  /** Original export names of canister methods, e.g. "canister_update inc". */
  readonly exports: readonly string[];
  readonly customSections: readonly {
    readonly name: string;
    readonly visibility: 'public' | 'private';
    readonly content: Uint8Array;
  }[];
  readonly memory64: boolean;
  readonly wasmInstructionCount: number;
  readonly hasStart: boolean;
}

/** An IC error as the user sees it: "IC0503: …". Code without the prefix, e.g. 503. */
export interface CanisterError {
  readonly code: number;
  readonly message: string;
  /** What the user's text ends with; absent = what all errors of the code end with. */
  readonly help?: string;
}

/** What a run did to the system through the system API. Valid only when the run succeeded, logs always. */
export interface SystemEffects {
  readonly response:
    | { readonly kind: 'reply'; readonly data: Uint8Array }
    | { readonly kind: 'reject'; readonly message: string }
    | { readonly kind: 'none' };
  readonly cyclesAccepted: Cycles;
  readonly cyclesBurned: Cycles;
  /** Set aside for memory that was taken: moved from the balance to the reserved balance. */
  readonly cyclesReserved: Cycles;
  readonly certifiedData: Uint8Array | null;
  readonly globalTimer: bigint | null;
  readonly acceptedMessage: boolean;
  /** In order. */
  readonly calls: readonly OutgoingCall[];
  /** debug_print lines and, on a trap, the trap text; in order, the newest that fit the log. */
  readonly logs: readonly Uint8Array[];
  /** Lines before those of `logs` that did not fit: their numbers are used up. */
  readonly logsDropped: number;
  /** By the cycles minting canister. */
  readonly cyclesMinted: Cycles;
  /** What the run looked at that may be different the next time. */
  readonly reads: readonly SystemRead[];
}

export type SystemRead = 'time' | 'balance' | 'certificate';

export interface RunReply {
  readonly kind: 'ran';
  readonly outcome:
    | { readonly ok: true }
    | { readonly ok: false; readonly error: CanisterError; readonly step: number };
  /** Exact, also after a trap. */
  readonly instructionsUsed: Instructions;
  /** Present when the run succeeded and `commitAs` was given. */
  readonly delta: MemoryDelta | null;
  readonly effects: SystemEffects;
}

/** The run used up its slice and waits to be resumed. */
export interface PausedReply {
  readonly kind: 'paused';
  /** Of this slice. */
  readonly instructions: Instructions;
}

export type SandboxReply =
  | { readonly kind: 'compiled'; readonly info: ModuleInfo }
  | { readonly kind: 'invalidModule'; readonly error: CanisterError }
  | RunReply
  | PausedReply
  /** Nothing of that name is paused here: ask with the whole run. */
  | { readonly kind: 'notPaused' }
  | { readonly kind: 'aborted' }
  /** Ask again with what is missing. */
  | { readonly kind: 'missing'; readonly module: boolean; readonly image: boolean }
  | { readonly kind: 'forgotten' };

/** A synchronous sandbox, as the simulator uses it inline. Never throws on anything a module does. */
export interface WasmHost {
  handle(request: SandboxRequest): SandboxReply;
  /** Frees every instance and memory. */
  close(): void;
}
