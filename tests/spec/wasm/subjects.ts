import { MEMORY_IMPORT } from '../../../src/protocol/execution/wasm/assemble.ts';
import type { RewrittenModule } from '../../../src/protocol/execution/wasm/instrument.ts';
import { rewriteModule } from '../../../src/protocol/execution/wasm/instrument.ts';
import type { UnmarkedWrites } from '../../../src/protocol/execution/wasm/rewrite-context.ts';
import type { ParsedModule } from '../../../src/protocol/execution/wasm/module.ts';
import { parseModule } from '../../../src/protocol/execution/wasm/parse.ts';
import { ModuleFault } from '../../../src/protocol/execution/wasm/reader.ts';
import {
  COUNTER_EXPORT,
  GLOBAL_EXPORT_PREFIX,
  START_EXPORT,
} from '../../../src/protocol/execution/wasm/validate.ts';
import { connectHost } from '../../../src/sandbox/host-hook.ts';
import { StackSegments } from '../../../src/sandbox/stack-segments.ts';
import { exposeState, RAW_GLOBAL_PREFIX, RAW_MEMORY_EXPORT } from './expose-state.ts';

/**
 * A module as it came and as the rewriter made it, behind one face. This file alone knows how the
 * rewriter's output is instantiated; it goes below `instrument`, whose rules are for canisters only.
 */
export interface Subject {
  readonly exports: WebAssembly.Exports;
  /** The memory as the module sees it; null without one. */
  memory(): Uint8Array | null;
  /** Mutable globals in index order; numbers only, references are left out. */
  readonly globals: readonly WebAssembly.Global[];
  /** Instructions charged so far; 0 for the original. */
  used(): bigint;
  /** What the host does before each call. */
  prepare(): void;
  /** One byte for each 4 KiB page, set where the module said it wrote; null without memory or marks. */
  marks(): Uint8Array | null;
}

/** Enough for every test; a counter that wraps would be a bug of the rewriter. */
const BUDGET = 1n << 60n;

export type Parsed =
  | { readonly ok: true; readonly module: ParsedModule }
  | { readonly ok: false; readonly reason: string };

/** The rewriter's own reading of the module. Throws only when the rewriter is broken. */
export function parse(wasm: Uint8Array): Parsed {
  return guarded(() => ({ ok: true, module: parseModule(wasm) }));
}

export type Rewriting =
  | { readonly ok: true; readonly rewritten: RewrittenModule }
  | { readonly ok: false; readonly reason: string };

/**
 * All that is injected, without the rules for canisters.
 * @param lowerMemory64 for an engine without 64-bit memories or tables
 * @param unmarked makes a mutant that forgets these writes
 */
export function rewrite(
  module: ParsedModule,
  lowerMemory64 = false,
  unmarked?: UnmarkedWrites,
): Rewriting {
  const options = { lowerMemory64, ...(unmarked === undefined ? {} : { unmarked }) };
  return guarded(() => ({ ok: true, rewritten: rewriteModule(module, options) }));
}

export function isWide({ memory, tables }: ParsedModule): boolean {
  return memory?.is64 === true || tables.some((table) => table.is64);
}

function guarded<T>(work: () => T): T | { ok: false; reason: string } {
  try {
    return work();
  } catch (fault) {
    if (fault instanceof ModuleFault) {
      return { ok: false, reason: fault.message };
    }
    throw fault;
  }
}

const NUMERIC = new Set([0x7f, 0x7e, 0x7d, 0x7c]);

function globalsOf(
  module: ParsedModule,
  exports: WebAssembly.Exports,
  prefix: string,
): WebAssembly.Global[] {
  return module.globals.flatMap(({ mutable, valueType }, index) =>
    mutable && NUMERIC.has(valueType) ? [exports[`${prefix}${index}`] as WebAssembly.Global] : [],
  );
}

const originals = new WeakMap<ParsedModule, WebAssembly.Module>();
const rewritings = new WeakMap<Uint8Array, WebAssembly.Module>();

/** Test files load the same module many times. */
function compiledOnce<K extends object>(
  known: WeakMap<K, WebAssembly.Module>,
  key: K,
  bytes: () => Uint8Array,
): WebAssembly.Module {
  const module = known.get(key) ?? new WebAssembly.Module(bytes() as BufferSource);
  known.set(key, module);
  return module;
}

/** The original, its memory and mutable globals exported. Throws what the engine throws. */
export function instantiateOriginal(
  module: ParsedModule,
  imports: WebAssembly.Imports,
): { readonly subject: Subject; readonly start: () => void } {
  const { exports } = new WebAssembly.Instance(
    compiledOnce(originals, module, () => exposeState(module)),
    imports,
  );
  const memory = exports[RAW_MEMORY_EXPORT] as WebAssembly.Memory | undefined;
  const subject: Subject = {
    exports,
    memory: () => (memory === undefined ? null : new Uint8Array(memory.buffer)),
    globals: globalsOf(module, exports, RAW_GLOBAL_PREFIX),
    used: () => 0n,
    prepare: () => undefined,
    marks: () => null,
  };
  return { subject, start: () => undefined };
}

/** Fits on the smallest stack of the hosts, hops in tiny segments included. */
const STACK_BYTES = 200 * 1024;

const MAX_PAGES = { narrow: 65_536, wide: 262_144 } as const;

/** The type declarations do not know 64-bit memories, whose sizes are bigints; Node 20 has an early form of them. */
function newMemory(is64: boolean, pages: number): WebAssembly.Memory {
  if (!is64) {
    return new WebAssembly.Memory({ initial: pages, maximum: MAX_PAGES.narrow });
  }
  const made = (descriptor: object): WebAssembly.Memory =>
    new WebAssembly.Memory(descriptor as WebAssembly.MemoryDescriptor);
  try {
    return made({ address: 'i64', initial: BigInt(pages), maximum: BigInt(MAX_PAGES.wide) });
  } catch {
    return made({ index: 'i64', initial: pages, maximum: MAX_PAGES.narrow });
  }
}

/**
 * The rewritten module, ready to run; `start` runs what the original runs at instantiation.
 * @param segmentBytes of its stack, one segment behind the other on the thread's own
 */
export function instantiateRewritten(
  module: ParsedModule,
  { wasm, memory: layout }: RewrittenModule,
  imports: WebAssembly.Imports,
  segmentBytes = STACK_BYTES,
): { readonly subject: Subject; readonly start: () => void } {
  const base = (layout?.baseWasmPages ?? 0) * 65_536;
  const memory =
    layout === null ? null : newMemory(layout.is64, layout.baseWasmPages + layout.minWasmPages);
  const all: WebAssembly.Imports =
    memory === null
      ? imports
      : {
          ...imports,
          [MEMORY_IMPORT.module]: {
            ...imports[MEMORY_IMPORT.module],
            [MEMORY_IMPORT.name]: memory,
          },
        };
  const { exports } = new WebAssembly.Instance(
    compiledOnce(rewritings, wasm, () => wasm),
    all,
  );
  const counter = exports[COUNTER_EXPORT] as WebAssembly.Global;
  counter.value = BUDGET;
  const segments = new StackSegments(exports);
  segments.begin({ bytes: STACK_BYTES, segmentBytes });
  connectHost(exports, {
    outOfInstructions: () => {
      throw new RangeError('out of instructions');
    },
    goDeeper: () => segments.goDeeper((deeper) => deeper()),
    memoryGrew: () => undefined,
  });
  const subject: Subject = {
    exports,
    memory: () => (memory === null ? null : new Uint8Array(memory.buffer, base)),
    globals: globalsOf(module, exports, GLOBAL_EXPORT_PREFIX),
    used: () => BUDGET - (counter.value as bigint),
    marks: () => (memory === null ? null : new Uint8Array(memory.buffer, 0, base)),
    prepare: () => {
      segments.begin({ bytes: STACK_BYTES, segmentBytes });
    },
  };
  return {
    subject,
    start: () => (exports[START_EXPORT] as (() => void) | undefined)?.(),
  };
}
