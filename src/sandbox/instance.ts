import { assert, present } from '../base/assert.ts';
import { MEMORY_IMPORT } from '../protocol/execution/wasm/assemble.ts';
import { HOST_FUNCTION, STOP_REASON } from '../protocol/execution/wasm/helpers.ts';
import type { MutableGlobal } from '../protocol/execution/wasm/instrument.ts';
import {
  CALLBACK_EXPORT,
  CHARGE_EXPORT,
  COUNTER_EXPORT,
  GLOBAL_EXPORT_PREFIX,
  HOST_TABLE_EXPORT,
  STOP_EXPORT,
} from '../protocol/execution/wasm/validate.ts';
import type { ApiSession, HeapPort, MeterPort } from '../protocol/execution/system-api/session.ts';
import {
  CanisterTrap,
  instructionLimitExceeded,
} from '../protocol/execution/system-api/canister-trap.ts';
import { createSystemApi } from '../protocol/execution/system-api/system-api.ts';
import type {
  DirtyPage,
  GlobalValue,
  RunStep,
  WasmClosure,
} from '../protocol/interfaces/wasm-host.ts';
import { PageMap } from '../protocol/replicated-state/page-map.ts';
import type { HashHex } from '../protocol/types/ids.ts';
import { backtraceOf, keepStacks } from './backtrace.ts';
import { HeapPages } from './heap-pages.ts';
import { connectHost, hostFunctionForTable } from './host-hook.ts';
import type { MemoryContent } from './memory-content.ts';
import type { MemoryPool, PooledMemory } from './memory-pool.ts';
import type { CompiledModule } from './module-cache.ts';
import { StackSegments, type StackSize } from './stack-segments.ts';
import { suspendingEngine } from './suspending-engine.ts';

const NO_BYTES = new Uint8Array(0);
const NO_HEAP: HeapPort = {
  base: 0,
  size: () => 0,
  view: () => NO_BYTES,
  writableView: () => NO_BYTES,
  memory: () => NO_BYTES,
  markWritten: () => undefined,
};

function heapPort(pages: HeapPages): HeapPort {
  return {
    base: pages.base,
    size: () => pages.size(),
    view: (address, length) => pages.view(address, length),
    writableView: (address, length) => {
      pages.markWritten(address, length);
      return pages.view(address, length);
    },
    memory: () => pages.memory(),
    markWritten: (address, length) => pages.markWritten(address, length),
  };
}

/**
 * Called by running code when its counter has fallen below zero, at a function start, a loop head or
 * a bulk operation: raises the counter (`MeterPort.setRemaining`) and returns, or throws what ends
 * the run. Under `callSuspendable` it may return a promise.
 */
export type OutOfInstructions = () => void | Promise<void>;

/** Host functions as the instance's table holds them, for one way of calling. */
interface Hooks {
  readonly outOfInstructions: WebAssembly.ExportValue;
  readonly goDeeper: WebAssembly.ExportValue;
}

type EntryPoint = Pick<RunStep, 'entry' | 'closure'>;

/** One live instance of a canister's module with its memory, and what that memory holds. */
export class CanisterInstance {
  readonly moduleHash: HashHex;
  readonly compiled: CompiledModule;
  readonly memory: PooledMemory | null;
  readonly heap: HeapPort;
  /**
   * What heap and globals equal while no run is going on, and the heap during one too but for its
   * marked pages; null in a new instance, whose heap is zero but for marked pages.
   */
  content: Pick<MemoryContent, 'heapWasmPages' | 'heap' | 'globals'> | null = null;
  /** Set anew by `meter` to what ends a run at its limit. */
  onOutOfInstructions: OutOfInstructions = () => undefined;
  readonly #pages: HeapPages | null;
  readonly #exports: WebAssembly.Exports;
  readonly #counter: WebAssembly.Global;
  readonly #charge: (instructions: number) => number;
  readonly #stop: WebAssembly.Global;
  readonly #stack: StackSegments;
  readonly #stackSize: StackSize;
  #session: ApiSession | null = null;
  /** Code ran, or the module was loaded, since marks were last taken. */
  #mayBeMarked = true;

  constructor(
    moduleHash: HashHex,
    compiled: CompiledModule,
    memory: PooledMemory | null,
    stackSize: StackSize,
  ) {
    this.#stackSize = stackSize;
    this.moduleHash = moduleHash;
    this.compiled = compiled;
    this.memory = memory;
    const { info, initialised, memory: memoryInfo } = compiled.instrumented;
    const pages =
      memory === null || memoryInfo === null
        ? null
        : new HeapPages(memory, memoryInfo.baseWasmPages);
    this.#pages = pages;
    this.heap = pages === null ? NO_HEAP : heapPort(pages);
    const { memory64 } = info;
    const session = (): ApiSession => {
      assert(this.#session !== null, 'a canister runs only within a session');
      return this.#session;
    };
    const imports: WebAssembly.Imports = {
      ic0: createSystemApi(memory64, session) as unknown as WebAssembly.ModuleImports,
    };
    if (memory !== null) {
      imports[MEMORY_IMPORT.module] = { [MEMORY_IMPORT.name]: memory.memory };
    }
    this.#exports = new WebAssembly.Instance(compiled.module, imports).exports;
    this.#counter = this.#exports[COUNTER_EXPORT] as WebAssembly.Global;
    this.#charge = this.#exports[CHARGE_EXPORT] as (instructions: number) => number;
    this.#stop = this.#exports[STOP_EXPORT] as WebAssembly.Global;
    this.#stack = new StackSegments(this.#exports);
    connectHost(this.#exports, {
      outOfInstructions: this.#hook,
      goDeeper: () => this.#stack.goDeeper((deeper) => deeper()),
      memoryGrew: () => session().countHeap(),
    });
    this.#plainHooks = {
      outOfInstructions: this.#hostTable.get(HOST_FUNCTION.outOfInstructions),
      goDeeper: this.#hostTable.get(HOST_FUNCTION.goDeeper),
    };
    this.#installedHooks = this.#plainHooks;
    for (const { address, length } of initialised) {
      pages?.markWritten(address, length);
    }
  }

  readonly #hook: OutOfInstructions = () => this.onOutOfInstructions();
  readonly #plainHooks: Hooks;
  #suspendingHooks: Hooks | null = null;
  #installedHooks: Hooks;

  get #hostTable(): WebAssembly.Table {
    return this.#exports[HOST_TABLE_EXPORT] as WebAssembly.Table;
  }

  /** Suspending functions can be called only where a run can be paused, plain ones only elsewhere. */
  #setHooks(hooks: Hooks): void {
    if (hooks !== this.#installedHooks) {
      this.#hostTable.set(HOST_FUNCTION.outOfInstructions, hooks.outOfInstructions);
      this.#hostTable.set(HOST_FUNCTION.goDeeper, hooks.goDeeper);
      this.#installedHooks = hooks;
    }
  }

  #makeSuspendingHooks(): Hooks {
    const { Suspending, promising } = suspendingEngine;
    assert(promising !== undefined && Suspending !== undefined, 'only engines with JSPI suspend');
    let onOtherStack: (() => Promise<void>) | undefined;
    // In a task of its own: else each of these calls would stand on the thread's own small stack.
    const goDeeper = (): void | Promise<void> =>
      this.#stack.goDeeper((deeper) =>
        Promise.resolve().then((onOtherStack ??= promising(deeper))),
      );
    return {
      outOfInstructions: hostFunctionForTable(new Suspending(this.#hook)),
      goDeeper: hostFunctionForTable(new Suspending(goDeeper)),
    };
  }

  wasmPages(): number {
    return this.#pages?.wasmPages() ?? 0;
  }

  has(entry: string): boolean {
    return typeof this.#exports[entry] === 'function';
  }

  /** The instruction counter, set to `limit`. */
  meter(limit: bigint): MeterPort {
    this.#counter.value = limit;
    this.#stop.value = STOP_REASON.none;
    this.onOutOfInstructions = () => {
      throw instructionLimitExceeded(limit);
    };
    return {
      limit,
      remaining: () => this.#counter.value as bigint,
      setRemaining: (instructions) => {
        this.#counter.value = instructions;
      },
      take: (instructions) => this.#charge(instructions) === 0,
    };
  }

  /** Why the module stopped itself: a value of `STOP_REASON`. */
  stopReason(): number {
    return this.#stop.value as number;
  }

  /** Of a run that just ended in a trap. @param thrown what `call` threw */
  backtrace(thrown: unknown): string | null {
    const { module, instrumented } = this.compiled;
    return backtraceOf({
      module,
      functionCount: instrumented.functionCount,
      stacks: thrown instanceof Error ? [thrown, ...this.#stack.outerStacks()] : [],
      within: thrown instanceof CanisterTrap ? thrown.within : undefined,
    });
  }

  /** Runs an export, or a function of the table. Throws what the engine or a system call throws. */
  call({ entry, closure }: EntryPoint, session: ApiSession): void {
    this.#setHooks(this.#plainHooks);
    this.#session = session;
    this.#mayBeMarked = true;
    keepStacks();
    this.#stack.begin(this.#stackSize);
    try {
      (this.#exports[this.#exportOf(entry, closure)] as (...args: unknown[]) => void)(
        ...this.#argumentsOf(closure),
      );
    } finally {
      this.#session = null;
    }
  }

  /**
   * As `call`, for engines with JSPI: while a promise of `onOutOfInstructions` is open the run is
   * paused and its thread free. Other instances may run; this one must not. The run uses as many
   * native stacks as it needs.
   */
  async callSuspendable({ entry, closure }: EntryPoint, session: ApiSession): Promise<void> {
    this.#suspendingHooks ??= this.#makeSuspendingHooks();
    this.#setHooks(this.#suspendingHooks);
    this.#session = session;
    this.#mayBeMarked = true;
    keepStacks();
    this.#stack.begin(this.#stackSize);
    const promising = present(suspendingEngine.promising, 'only engines with JSPI suspend');
    try {
      await promising(this.#exports[this.#exportOf(entry, closure)])(...this.#argumentsOf(closure));
    } finally {
      this.#session = null;
    }
  }

  #exportOf(entry: string, closure: WasmClosure | undefined): string {
    return closure === undefined ? entry : CALLBACK_EXPORT;
  }

  #argumentsOf(closure: WasmClosure | undefined): readonly (number | bigint)[] {
    if (closure === undefined) {
      return [];
    }
    const { functionIndex, env } = closure;
    const wide = this.compiled.instrumented.info.memory64;
    return [functionIndex, wide ? BigInt.asIntN(64, env) : Number(BigInt.asIntN(32, env))];
  }

  /** Whether a closure can name a function at all. */
  hasTable(): boolean {
    return this.has(CALLBACK_EXPORT);
  }

  readGlobals(): GlobalValue[] {
    return this.compiled.instrumented.mutableGlobals.map((global) => ({
      type: global.type,
      bits: this.#readGlobal(global),
    }));
  }

  #readGlobal({ index, type }: MutableGlobal): bigint {
    const name = `${GLOBAL_EXPORT_PREFIX}${index}`;
    if (type === 'v128') {
      return (this.#wideBits(`${name} high bits`) << 64n) | this.#wideBits(`${name} bits`);
    }
    const width = type === 'i64' || type === 'f64' ? 64 : 32;
    const value =
      type === 'i32' || type === 'i64'
        ? ((this.#exports[name] as WebAssembly.Global).value as number | bigint)
        : (this.#exports[`${name} bits`] as () => number | bigint)();
    return BigInt.asUintN(width, BigInt(value));
  }

  #wideBits(accessor: string): bigint {
    return BigInt.asUintN(64, (this.#exports[accessor] as () => bigint)());
  }

  writeGlobals(values: readonly GlobalValue[]): void {
    const { mutableGlobals } = this.compiled.instrumented;
    assert(values.length === mutableGlobals.length, 'a version has the globals of its module');
    mutableGlobals.forEach(({ index, type }, position) => {
      const value = values[position];
      assert(value?.type === type, 'a global keeps its type');
      const name = `${GLOBAL_EXPORT_PREFIX}${index}`;
      if (type === 'v128') {
        const low = BigInt.asIntN(64, value.bits);
        const high = BigInt.asIntN(64, value.bits >> 64n);
        (this.#exports[`${name} set`] as (low: bigint, high: bigint) => void)(low, high);
        return;
      }
      const wide = type === 'i64' || type === 'f64';
      const raw = wide ? BigInt.asIntN(64, value.bits) : Number(BigInt.asIntN(32, value.bits));
      if (type === 'i32' || type === 'i64') {
        (this.#exports[name] as WebAssembly.Global).value = raw;
      } else {
        (this.#exports[`${name} set`] as (bits: number | bigint) => void)(raw);
      }
    });
  }

  /** Whether the memory can be made to hold `wasmPages`; it cannot shrink. */
  fits(wasmPages: number): boolean {
    return this.wasmPages() <= wasmPages;
  }

  /** Makes heap and globals equal to the content, which must fit. */
  restore(target: Pick<MemoryContent, 'heapWasmPages' | 'heap' | 'globals'>): void {
    if (this.#pages !== null) {
      const grown = target.heapWasmPages - this.#pages.wasmPages();
      assert(grown >= 0, 'a heap never shrinks in place');
      this.#pages.grow(grown);
      if (this.#mayBeMarked || this.content?.heap !== target.heap) {
        this.#pages.restore(this.content?.heap ?? PageMap.empty, target.heap);
        this.#mayBeMarked = false;
      }
    }
    this.writeGlobals(target.globals);
    this.content = target;
  }

  /** Heap pages that differ from the committed ones, which the run started from; unmarks them. */
  takeDirtyPages(committed: MemoryContent['heap']): DirtyPage[] {
    this.#mayBeMarked = false;
    return this.#pages?.takeDirty(committed) ?? [];
  }

  giveBackMemory(pool: MemoryPool): void {
    if (this.memory !== null) {
      pool.giveBack(this.memory);
    }
  }
}
