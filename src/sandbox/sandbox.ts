import { assert, unreachable } from '../base/assert.ts';
import type {
  CanisterError,
  MemoryBase,
  MemoryDelta,
  RunReply,
  RunRequest,
  SandboxReply,
  SandboxRequest,
  Slice,
  SystemEffects,
  WasmHost,
} from '../protocol/interfaces/wasm-host.ts';
import { emptyPageMap } from '../protocol/replicated-state/page-map.ts';
import { DIRTY_HEAP_PAGE_COST } from '../protocol/execution/system-api/costs.ts';
import { STACK_BYTES } from '../protocol/execution/wasm/limits.ts';
import type { CanisterId } from '../protocol/types/ids.ts';
import { trapOfEngineError } from './engine-trap.ts';
import type { CanisterInstance } from './instance.ts';
import { InstanceCache } from './instance-cache.ts';
import { MemoryBudget } from './memory-budget.ts';
import type { MemoryContent } from './memory-content.ts';
import { contentOfImage, VersionStore } from './memory-content.ts';
import type { CompiledModule } from './module-cache.ts';
import { ModuleCache } from './module-cache.ts';
import { CanisterRun, type RunResult } from './run.ts';
import { PausableRun, PausedRuns } from './paused-runs.ts';
import { RunAheadSlices } from './run-ahead-slices.ts';
import { nativeStackSize } from './native-stack.ts';
import { SEGMENT_BYTES, type StackSize } from './stack-segments.ts';
import { BREATH_INSTRUCTIONS, type SliceHooks } from './slice-meter.ts';
import { StableMemory } from './stable-memory.ts';

export interface SandboxOptions {
  /** Wasm memories this sandbox may hold; share one object to share the tab's budget. */
  readonly memoryBudget?: MemoryBudget;
  /** Compiled modules; share one object between the sandboxes of a thread. */
  readonly moduleCache?: ModuleCache;
  /** Called every so often while a run goes on: it is not stuck. */
  readonly onProgress?: () => void;
  /** What calls of a run may use; absent = what this host can give. */
  readonly stack?: StackSize;
}

const NO_EFFECTS: SystemEffects = {
  response: { kind: 'none' },
  cyclesAccepted: 0n,
  cyclesBurned: 0n,
  cyclesMinted: 0n,
  cyclesReserved: 0n,
  certifiedData: null,
  globalTimer: null,
  acceptedMessage: false,
  reads: [],
  calls: [],
  logs: [],
  logsDropped: 0,
};

function failed(error: CanisterError): RunReply {
  return {
    kind: 'ran',
    outcome: { ok: false, error, step: 0 },
    instructionsUsed: 0n,
    delta: null,
    effects: NO_EFFECTS,
  };
}

/** Instructions with what the changed pages of the heap cost; a fresh heap's own data are not its message's. */
function withDirtyPages(
  { base, instructionLimit }: RunRequest,
  used: bigint,
  { heap }: MemoryDelta,
): bigint {
  const pages = isFreshHeap(base) ? 0 : heap.length;
  const charged = used + BigInt(pages) * DIRTY_HEAP_PAGE_COST;
  return charged < instructionLimit ? charged : instructionLimit;
}

function isFreshHeap(base: MemoryBase): boolean {
  return base.from === 'fresh' || (base.from === 'upgrade' && !base.keepHeap);
}

interface Prepared {
  readonly compiled: CompiledModule;
  readonly content: MemoryContent | null;
  readonly store: VersionStore;
}

/** A run whose instance is taken out of the cache. */
interface StartedRun {
  readonly run: CanisterRun;
  readonly base: MemoryContent;
  readonly stable: StableMemory;
  readonly store: VersionStore;
}

/** A sandbox that can stop in the middle of a run. */
export interface PausableHost {
  handle(request: SandboxRequest): SandboxReply | Promise<SandboxReply>;
  close(): void;
}

class Sandbox implements WasmHost {
  readonly #modules: ModuleCache;
  readonly #instances: InstanceCache;
  readonly #stores = new Map<CanisterId, VersionStore>();
  readonly #slices = new RunAheadSlices();
  readonly #paused = new PausedRuns();
  /** A paused run keeps its memory, and one must be left for the others. */
  readonly #mostPaused: number;
  #lastWhole: Promise<unknown> = Promise.resolve();
  readonly #onProgress: () => void;

  constructor(options: SandboxOptions) {
    this.#modules = options.moduleCache ?? new ModuleCache();
    const memoryBudget = options.memoryBudget ?? new MemoryBudget();
    this.#instances = new InstanceCache(memoryBudget, options.stack ?? nativeStackSize());
    this.#mostPaused = memoryBudget.limit - 1;
    this.#onProgress = options.onProgress ?? (() => undefined);
  }

  handle(request: SandboxRequest): SandboxReply {
    switch (request.kind) {
      case 'compile': {
        const compiled = this.#modules.compile(request.moduleHash, request.wasm);
        return compiled.ok
          ? { kind: 'compiled', info: compiled.value.instrumented.info }
          : { kind: 'invalidModule', error: { code: 505, message: compiled.error.message } };
      }
      case 'run':
        return this.#run(request);
      case 'resume':
        return this.#slices.resume(request);
      case 'abort':
        this.#abort(request.canisterId);
        return { kind: 'aborted' };
      case 'forget':
        this.#instances.forget(request.canisterId);
        this.#stores.delete(request.canisterId);
        this.#abort(request.canisterId);
        return { kind: 'forgotten' };
      default:
        return unreachable(request);
    }
  }

  #abort(canisterId: CanisterId): void {
    this.#slices.abort(canisterId);
    this.#paused.abort(canisterId);
  }

  close(): void {
    this.#paused.close();
    this.#instances.close();
    this.#stores.clear();
  }

  #storeOf(canisterId: CanisterId): VersionStore {
    let store = this.#stores.get(canisterId);
    if (store === undefined) {
      store = new VersionStore();
      this.#stores.set(canisterId, store);
    }
    return store;
  }

  #run(request: RunRequest): SandboxReply {
    const prepared = this.#lookUp(request);
    if ('kind' in prepared) {
      return prepared;
    }
    const ends: bigint[] = [];
    const started = this.#begin(request, prepared, this.#hooksOfWhole(ends));
    const reply = 'kind' in started ? started : this.#runAhead(started);
    return request.slice === undefined ? reply : this.#slices.begin(request, ends, reply);
  }

  /** As `handle`, but a run that has slices stops after each and leaves the thread to others. */
  handlePausable(request: SandboxRequest): SandboxReply | Promise<SandboxReply> {
    switch (request.kind) {
      case 'run':
        return request.slice === undefined
          ? this.#runWhole(request)
          : this.#runPausable(request, request.slice);
      case 'resume':
        return this.#paused.resume(request) ?? this.handle(request);
      default:
        return this.handle(request);
    }
  }

  #runPausable(request: RunRequest, slice: Slice): SandboxReply | Promise<SandboxReply> {
    this.#abort(request.canisterId);
    if (this.#paused.size >= this.#mostPaused) {
      return this.#runWhole(request);
    }
    const prepared = this.#lookUp(request);
    if ('kind' in prepared) {
      return prepared;
    }
    const run = new PausableRun(request.commitAs, slice.done);
    return this.#paused.begin(request.canisterId, run, async (hooks) => {
      const started = this.#begin(request, prepared, this.#withProgress(hooks));
      return 'kind' in started ? started : this.#runSuspendable(started);
    });
  }

  /**
   * As `#run`, on as many stacks as it takes. One after the other: while calls return to an earlier
   * stack the thread could begin with another run, which would need a memory of its own.
   */
  #runWhole(request: RunRequest): Promise<SandboxReply> {
    const reply = this.#lastWhole.then(async () => {
      const prepared = this.#lookUp(request);
      if ('kind' in prepared) {
        return prepared;
      }
      const ends: bigint[] = [];
      const started = this.#begin(request, prepared, this.#hooksOfWhole(ends));
      const ran = 'kind' in started ? started : await this.#runSuspendable(started);
      return request.slice === undefined ? ran : this.#slices.begin(request, ends, ran);
    });
    this.#lastWhole = reply.catch(() => undefined);
    return reply;
  }

  #hooksOfWhole(ends: bigint[]): SliceHooks {
    return {
      onSliceEnd: (end) => void ends.push(end),
      breather: { everyInstructions: BREATH_INSTRUCTIONS, onBreath: this.#onProgress },
    };
  }

  async #runSuspendable(started: StartedRun): Promise<RunReply> {
    let settled = false;
    try {
      const reply = this.#settle(started, await started.run.toEndSuspendable());
      settled = true;
      return reply;
    } finally {
      if (!settled) {
        this.#instances.discard(started.run.instance);
      }
    }
  }

  #withProgress({ onSliceEnd, breather }: SliceHooks): SliceHooks {
    const onBreath = (): void | Promise<void> => {
      this.#onProgress();
      return breather?.onBreath();
    };
    return { onSliceEnd, breather: { everyInstructions: BREATH_INSTRUCTIONS, onBreath } };
  }

  /** The module and the memory that a run needs, or what is missing of them. */
  #lookUp(request: RunRequest): Prepared | SandboxReply {
    const { base } = request;
    const store = this.#storeOf(request.canisterId);
    if (base.from !== 'fresh' && request.image !== undefined && !store.get(base.version)) {
      store.set(base.version, contentOfImage(request.image));
    }
    store.forgetBelow(request.oldestVersionInUse);
    const content = base.from === 'fresh' ? null : (store.get(base.version) ?? null);
    const compiled =
      request.module === undefined
        ? this.#modules.get(request.moduleHash)
        : this.#modules.compile(request.moduleHash, request.module);
    if (compiled?.ok === false) {
      return { kind: 'invalidModule', error: { code: 505, message: compiled.error.message } };
    }
    const lacksImage = base.from !== 'fresh' && content === null;
    if (compiled === undefined || lacksImage) {
      return { kind: 'missing', module: compiled === undefined, image: lacksImage };
    }
    return { compiled: compiled.value, content, store };
  }

  #begin(
    request: RunRequest,
    { compiled, content, store }: Prepared,
    hooks: SliceHooks,
  ): StartedRun | RunReply {
    let instance: CanisterInstance;
    try {
      instance = this.#prepare(request, compiled, content);
    } catch (thrown) {
      // Segments of a new module that lie outside of its tables or memory trap here.
      const trap = trapOfEngineError(thrown);
      if (trap === undefined || !isFreshHeap(request.base)) {
        throw thrown;
      }
      return failed(trap.toError());
    }
    const base = this.#baseOf(instance, content, request.base);
    const stable = new StableMemory(base.stable, base.stableWasmPages);
    return { run: new CanisterRun(request, instance, stable, hooks), base, stable, store };
  }

  /** Runs at once to the end, and tells afterwards where the slices ended. */
  #runAhead(started: StartedRun): RunReply {
    const { instance } = started.run;
    let settled = false;
    try {
      const reply = this.#settle(started, started.run.toEnd());
      settled = true;
      return reply;
    } finally {
      if (!settled) {
        this.#instances.discard(instance);
      }
    }
  }

  #settle({ run, base, stable, store }: StartedRun, result: RunResult): RunReply {
    const { request, instance } = run;
    if (!result.outcome.ok || request.commitAs === null) {
      this.#rollBack(request, instance, base);
      return { kind: 'ran', ...result, delta: null };
    }
    const { delta, content } = commit(instance, base, stable, request.base);
    store.set(request.commitAs, content);
    instance.content = content;
    this.#instances.keep(request.canisterId, instance);
    const instructionsUsed = withDirtyPages(request, result.instructionsUsed, delta);
    return { kind: 'ran', ...result, instructionsUsed, delta };
  }

  #prepare(
    { canisterId, moduleHash, base }: RunRequest,
    compiled: CompiledModule,
    content: MemoryContent | null,
  ): CanisterInstance {
    if (content === null || isFreshHeap(base)) {
      this.#instances.forget(canisterId);
      return this.#instances.createFresh(moduleHash, compiled);
    }
    if (base.from === 'version') {
      return this.#instances.checkOut(canisterId, moduleHash, compiled, content);
    }
    // An upgrade that keeps the heap: the new module's globals over the old heap.
    const instance = this.#instances.createFresh(moduleHash, compiled);
    const { minWasmPages } = compiled.instrumented.memory ?? { minWasmPages: 0 };
    const kept = {
      heapWasmPages: Math.max(content.heapWasmPages, minWasmPages),
      heap: content.heap,
      globals: instance.readGlobals(),
    };
    instance.restore(kept);
    this.#instances.forget(canisterId);
    return instance;
  }

  /** What the run starts from; dirty pages are told relative to it. */
  #baseOf(
    instance: CanisterInstance,
    content: MemoryContent | null,
    base: MemoryBase,
  ): MemoryContent {
    const stable = {
      stable: content?.stable ?? emptyPageMap(),
      stableWasmPages: content?.stableWasmPages ?? 0,
    };
    if (content === null || isFreshHeap(base)) {
      const heapWasmPages = instance.wasmPages();
      return { heapWasmPages, heap: emptyPageMap(), globals: instance.readGlobals(), ...stable };
    }
    assert(instance.content !== null, 'a restored instance has known content');
    return { ...instance.content, ...stable };
  }

  #rollBack(
    { canisterId, base: from }: RunRequest,
    instance: CanisterInstance,
    base: MemoryContent,
  ): void {
    if (isFreshHeap(from) || from.from === 'upgrade' || !instance.fits(base.heapWasmPages)) {
      this.#instances.discard(instance);
      return;
    }
    instance.restore(base);
    this.#instances.keep(canisterId, instance);
  }
}

function commit(
  instance: CanisterInstance,
  base: MemoryContent,
  stable: StableMemory,
  from: MemoryBase,
): { readonly delta: MemoryDelta; readonly content: MemoryContent } {
  const heap = instance.takeDirtyPages(base.heap);
  const dirtyStable = stable.takeDirty();
  const delta: MemoryDelta = {
    heapWasmPages: instance.wasmPages(),
    heapReset: isFreshHeap(from),
    heap,
    stableWasmPages: stable.wasmPages(),
    stableReset: from.from === 'fresh',
    stable: dirtyStable,
    globals: instance.readGlobals(),
  };
  const content: MemoryContent = {
    heapWasmPages: delta.heapWasmPages,
    heap: base.heap.with(heap),
    stableWasmPages: delta.stableWasmPages,
    stable: base.stable.with(dirtyStable),
    globals: delta.globals,
  };
  return { delta, content };
}

/**
 * The sandbox: compiles canister modules, runs their entry points on the right version of their
 * memory and tells what changed. Synchronous; the same code runs inline in the simulator and in a
 * sandbox worker. Throws `HostFault` when the machine, not the canister, is at fault.
 */
export function createSandbox(options: SandboxOptions = {}): WasmHost {
  return new Sandbox(options);
}

/**
 * A sandbox whose long runs stop between slices, so that its thread serves other canisters and
 * queries meanwhile. Only for engines that can suspend (`engineSuspends`); what it answers is the
 * same as everywhere.
 */
export function createPausableSandbox(options: SandboxOptions = {}): PausableHost {
  const sandbox = new Sandbox({
    stack: { bytes: STACK_BYTES, segmentBytes: SEGMENT_BYTES },
    ...options,
  });
  return {
    handle: (request) => sandbox.handlePausable(request),
    close: () => sandbox.close(),
  };
}
