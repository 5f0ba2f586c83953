import type { CodedError, Result } from '../../../base/result.ts';
import { codedError, err, ok } from '../../../base/result.ts';
import type { GlobalValue, ModuleInfo } from '../../interfaces/wasm-host.ts';
import { assembleModule } from './assemble.ts';
import type { CodeFacts, CounterWrites, UnmarkedWrites } from './rewrite-context.ts';
import { heapLayout } from './heap-layout.ts';
import { MAX_MODULE_BYTES } from './limits.ts';
import type { ParsedModule } from './module.ts';
import { VALUE_TYPE } from './opcodes.ts';
import { parseModule } from './parse.ts';
import { ModuleFault, refusalText } from './reader.ts';
import { readCustomSections } from './custom-sections.ts';
import { checkDataSegments, validateModule } from './validate.ts';

export interface InstrumentOptions {
  /** Rewrite a 64-bit memory and 64-bit tables to 32 bits, for engines that lack them. */
  readonly lowerMemory64: boolean;
  /** For tests only: writes that are not marked. */
  readonly unmarked?: UnmarkedWrites;
  /** For tests only. */
  readonly counterWrites?: CounterWrites;
}

/** A mutable global of the original module, exported by the rewritten one. */
export interface MutableGlobal {
  readonly index: number;
  readonly type: GlobalValue['type'];
}

export interface RewrittenModule {
  readonly wasm: Uint8Array;
  /**
   * What the instance must be given as `env.memory`: one of `baseWasmPages + minWasmPages` pages, the
   * first ones for the marks of written pages. Null for a module without memory.
   */
  readonly memory: {
    /** Of the heap. */
    readonly minWasmPages: number;
    readonly baseWasmPages: number;
    /** Of the rewritten module: false after lowering. */
    readonly is64: boolean;
  } | null;
  /** Heap ranges that instantiation writes: the active data segments. */
  readonly initialised: readonly { readonly address: number; readonly length: number }[];
  /** In index order. */
  readonly mutableGlobals: readonly MutableGlobal[];
  /** False when code can change tables or drop segments: then every message needs a new instance. */
  readonly instanceReusable: boolean;
  readonly wasmInstructionCount: number;
  /** Functions of the original module, imported ones first; what the rewriter adds follows. */
  readonly functionCount: number;
}

export interface InstrumentedModule extends RewrittenModule {
  readonly info: ModuleInfo;
}

const GLOBAL_TYPES: Readonly<Record<number, GlobalValue['type']>> = {
  [VALUE_TYPE.i32]: 'i32',
  [VALUE_TYPE.i64]: 'i64',
  [VALUE_TYPE.f32]: 'f32',
  [VALUE_TYPE.f64]: 'f64',
  [VALUE_TYPE.v128]: 'v128',
};

function invalid(fault: ModuleFault): CodedError<'IC0505'> {
  return codedError('reject', 'IC0505', refusalText(fault.message, fault.by));
}

function mutableGlobalsOf(module: ParsedModule): MutableGlobal[] {
  const found: MutableGlobal[] = [];
  module.globals.forEach(({ mutable, valueType }, index) => {
    const type = GLOBAL_TYPES[valueType];
    if (mutable && type !== undefined) {
      found.push({ index, type });
    }
  });
  return found;
}

/** Only the rewriting, without the rules for canisters. Throws `ModuleFault`. */
export function rewriteModule(
  module: ParsedModule,
  options: InstrumentOptions,
  canisterRules = false,
): RewrittenModule {
  const lowered =
    options.lowerMemory64 &&
    (module.memory?.is64 === true || module.tables.some((table) => table.is64));
  const layout = heapLayout(module, lowered);
  const facts: CodeFacts = { instructionCount: 0, changesTablesOrSegments: false };
  const wasm = assembleModule(
    module,
    {
      lowered,
      layout,
      canisterRules,
      unmarked: options.unmarked,
      counterWrites: options.counterWrites,
    },
    facts,
  );
  return {
    wasm,
    memory:
      layout === null
        ? null
        : {
            minWasmPages: Number(module.memory?.min ?? 0n),
            baseWasmPages: layout.baseWasmPages,
            is64: layout.wide,
          },
    initialised: module.data.flatMap(({ active, length }) =>
      active === null || length === 0 ? [] : [{ address: Number(active.offset), length }],
    ),
    mutableGlobals: mutableGlobalsOf(module),
    instanceReusable: !facts.changesTablesOrSegments,
    // A global's initial value is an instruction and an `end`.
    wasmInstructionCount: facts.instructionCount + 2 * module.globals.length,
    functionCount: module.imports.length + module.functions.length,
  };
}

/** In the replica's order: of several broken rules it names the first. */
function checkAndRewrite(wasm: Uint8Array, options: InstrumentOptions): InstrumentedModule {
  if (wasm.length > MAX_MODULE_BYTES) {
    throw new ModuleFault(
      `Wasm module size of ${wasm.length} exceeds the maximum allowed size of ${MAX_MODULE_BYTES}.`,
      'rule',
    );
  }
  const module = parseModule(wasm);
  const info = validateModule(module);
  const rewritten = rewriteModule(module, options, true);
  const customSections = readCustomSections(module);
  checkDataSegments(module);
  const { wasmInstructionCount } = rewritten;
  return { ...rewritten, info: { ...info, customSections, wasmInstructionCount } };
}

/**
 * Checks a canister module against the IC's rules and rewrites it: instructions are metered, memory
 * is imported as `env.memory`, mutable globals are exported, the start function is exported as
 * `canister_start` instead of run. Nothing is renumbered; everything new is appended. Deterministic.
 * Typing of code is the engine's to check (`WebAssembly.validate`). Never throws on any bytes.
 */
export function instrument(
  wasm: Uint8Array,
  options: InstrumentOptions,
): Result<InstrumentedModule, CodedError<'IC0505'>> {
  try {
    return ok(checkAndRewrite(wasm, options));
  } catch (fault) {
    if (fault instanceof ModuleFault) {
      return err(invalid(fault));
    }
    throw fault;
  }
}
