import type { CodedError, Result } from '../../../base/result.ts';
import { codedError, err, ok } from '../../../base/result.ts';
import type { GlobalValue, ModuleInfo } from '../../interfaces/wasm-host.ts';
import { assembleModule } from './assemble.ts';
import { MAX_HEAP32_WASM_PAGES, MAX_MODULE_BYTES } from './limits.ts';
import type { ParsedModule } from './module.ts';
import { VALUE_TYPE } from './opcodes.ts';
import { parseModule } from './parse.ts';
import { ModuleFault } from './reader.ts';
import type { CodeFacts } from './rewrite-function.ts';
import { validateModule } from './validate.ts';

export interface InstrumentOptions {
  /** Rewrite a 64-bit memory and 64-bit tables to 32 bits, for engines that lack them. */
  readonly lowerMemory64: boolean;
}

/** A mutable global of the original module, exported by the rewritten one. */
export interface MutableGlobal {
  readonly index: number;
  readonly type: GlobalValue['type'];
}

export interface InstrumentedModule {
  readonly wasm: Uint8Array;
  readonly info: ModuleInfo;
  /** What the instance must be given as `env.memory`; null for a module without memory. */
  readonly memory: {
    readonly minWasmPages: number;
    /** Of the rewritten module: false after lowering. */
    readonly is64: boolean;
  } | null;
  /** In index order. */
  readonly mutableGlobals: readonly MutableGlobal[];
  /** False when code can change tables or drop segments: then every message needs a new instance. */
  readonly instanceReusable: boolean;
}

const GLOBAL_TYPES: Readonly<Record<number, GlobalValue['type']>> = {
  [VALUE_TYPE.i32]: 'i32',
  [VALUE_TYPE.i64]: 'i64',
  [VALUE_TYPE.f32]: 'f32',
  [VALUE_TYPE.f64]: 'f64',
};

function invalid(reason: string): CodedError<'IC0505'> {
  return codedError('reject', 'IC0505', `Canister's Wasm module is not valid: ${reason}`);
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

function rewrite(wasm: Uint8Array, options: InstrumentOptions): InstrumentedModule {
  const module = parseModule(wasm);
  const info = validateModule(module);
  const lowered =
    options.lowerMemory64 &&
    (module.memory?.is64 === true || module.tables.some((table) => table.is64));
  const minWasmPages = Number(module.memory?.min ?? 0n);
  if (lowered && minWasmPages > MAX_HEAP32_WASM_PAGES) {
    throw new ModuleFault('a memory of more than 4 GiB cannot be lowered to 32 bits');
  }
  const facts: CodeFacts = { instructionCount: 0, changesTablesOrSegments: false };
  const bytes = assembleModule(module, lowered, facts);
  return {
    wasm: bytes,
    info: { ...info, wasmInstructionCount: facts.instructionCount },
    memory: module.memory === null ? null : { minWasmPages, is64: module.memory.is64 && !lowered },
    mutableGlobals: mutableGlobalsOf(module),
    instanceReusable: !facts.changesTablesOrSegments,
  };
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
  if (wasm.length > MAX_MODULE_BYTES) {
    return err(
      invalid(`module of ${wasm.length} bytes exceeds the maximum of ${MAX_MODULE_BYTES}.`),
    );
  }
  try {
    return ok(rewrite(wasm, options));
  } catch (fault) {
    if (fault instanceof ModuleFault) {
      return err(invalid(fault.message));
    }
    throw fault;
  }
}
