import type { ModuleInfo } from '../../interfaces/wasm-host.ts';
import { encodeUtf8 } from '../../../base/utf8.ts';
import { isSystemApiName, SYSTEM_API_SIGNATURES } from '../system-api/signatures.ts';
import {
  MAX_CODE_SECTION_BYTES,
  MAX_EXPORTED_METHODS,
  MAX_EXPORTED_NAME_BYTES,
  MAX_FUNCTIONS,
  MAX_GLOBALS,
  MAX_HEAP64_WASM_PAGES,
} from './limits.ts';
import type { FunctionType, ParsedModule } from './module.ts';
import { SECTION } from './module.ts';
import { OP, VALUE_TYPE } from './opcodes.ts';
import { ModuleFault } from './reader.ts';

/**
 * The IC's rules for canister modules beyond WebAssembly itself; texts as the replica words them.
 * @upstream rs/embedders/src/wasm_utils/validation.rs
 */

/** Exported under this name: instructions left, i64. */
export const COUNTER_EXPORT = 'canister counter_instructions';
/** Exported under this name: (n f64) → i32, takes n instructions from the counter; 1 when it fell below zero. */
export const CHARGE_EXPORT = 'canister charge';
/** Exported under this name: 0, or why the module stopped itself (see `STOP_REASON`). */
export const STOP_EXPORT = 'canister stop_reason';
/** Exported under this name: bytes of stack left, i32; the host sets it before it calls an export. */
export const STACK_EXPORT = 'canister stack_left';
/** Exported under this name: the table through which code calls the host. */
export const HOST_TABLE_EXPORT = 'canister host_functions';
/** Exported under this name: () → (), goes on with the function that found no room on its stack. */
export const DEEPER_EXPORT = 'canister deeper';
/** Exported under this name: the deferred start function. */
export const START_EXPORT = 'canister_start';
/** Exported under this name: (index i32, env) → (), calls a function of the first table. */
export const CALLBACK_EXPORT = 'canister callback';
/** Prefix of the exported mutable globals; the index in the original module follows. */
export const GLOBAL_EXPORT_PREFIX = '__persistent_mutable_global_';

const RESERVED_EXPORTS: readonly string[] = [
  COUNTER_EXPORT,
  CHARGE_EXPORT,
  STOP_EXPORT,
  STACK_EXPORT,
  HOST_TABLE_EXPORT,
  DEEPER_EXPORT,
  START_EXPORT,
  CALLBACK_EXPORT,
  'stable_memory',
  'stable_memory_bytemap',
  'canister counter_dirty_pages',
  'canister counter_accessed_pages',
];

const SYSTEM_EXPORTS: readonly string[] = [
  'canister_init',
  'canister_pre_upgrade',
  'canister_post_upgrade',
  'canister_inspect_message',
  'canister_heartbeat',
  'canister_global_timer',
  'canister_on_low_wasm_memory',
];

const METHOD_PREFIXES: readonly string[] = [
  'canister_update ',
  'canister_query ',
  'canister_composite_query ',
];

const TYPE_NAMES: Readonly<Record<number, string>> = {
  [VALUE_TYPE.i32]: 'I32',
  [VALUE_TYPE.i64]: 'I64',
  [VALUE_TYPE.f32]: 'F32',
  [VALUE_TYPE.f64]: 'F64',
  [VALUE_TYPE.v128]: 'V128',
  [VALUE_TYPE.funcref]: 'Ref(funcref)',
  [VALUE_TYPE.externref]: 'Ref(externref)',
};
const GLOBAL_TYPES: readonly number[] = [
  VALUE_TYPE.i32,
  VALUE_TYPE.i64,
  VALUE_TYPE.f32,
  VALUE_TYPE.f64,
  VALUE_TYPE.v128,
];

function typeName(valueType: number): string {
  return TYPE_NAMES[valueType] ?? 'Ref';
}

function describeTypes(types: readonly number[]): string {
  return `[${types.map(typeName).join(', ')}]`;
}

function requireSignature(expected: FunctionType, name: string, actual: FunctionType): void {
  if (describeTypes(expected.params) !== describeTypes(actual.params)) {
    throw new ModuleFault(
      `Wasm module has an invalid function signature. Expected input params ${describeTypes(expected.params)} for '${name}', got ${describeTypes(actual.params)}.`,
      'rule',
    );
  }
  if (describeTypes(expected.results) !== describeTypes(actual.results)) {
    throw new ModuleFault(
      `Wasm module has an invalid function signature. Expected return type ${describeTypes(expected.results)} for '${name}', got ${describeTypes(actual.results)}.`,
      'rule',
    );
  }
}

function typesOf(letters: string, pointer: number): number[] {
  const types = { I: pointer, E: pointer, i: VALUE_TYPE.i32, l: VALUE_TYPE.i64, n: VALUE_TYPE.i64 };
  return letters.split('').map((letter) => types[letter as keyof typeof types]);
}

/** Throws `ModuleFault` when there is none. */
export function typeAt(module: ParsedModule, typeIndex: number | undefined): FunctionType {
  const type = typeIndex === undefined ? undefined : module.types[typeIndex];
  if (type === undefined) {
    throw new ModuleFault('unknown function or type index');
  }
  return type;
}

/** The type of a function of the whole index space, imports first. */
export function typeOfFunction(module: ParsedModule, index: number): FunctionType {
  const imported = module.imports[index];
  return typeAt(
    module,
    imported === undefined ? module.functions[index - module.imports.length] : imported.typeIndex,
  );
}

function validateImports(module: ParsedModule): void {
  const pointer = module.memory?.is64 === true ? VALUE_TYPE.i64 : VALUE_TYPE.i32;
  for (const { module: from, name, typeIndex } of module.imports) {
    if (!isSystemApiName(name, module.memory?.is64 === true)) {
      throw new ModuleFault(
        `Wasm module has an invalid import section. Module imports function '${name}' from '${from}' that is not exported by the runtime.`,
        'rule',
      );
    }
    if (from !== 'ic0') {
      throw new ModuleFault(
        `Wasm module has an invalid import section. Module imports function "${name}" from "${from}", expected to be imported from one of ["ic0"] instead.`,
        'rule',
      );
    }
    const [params = '', results = ''] = SYSTEM_API_SIGNATURES[name].split('>');
    requireSignature(
      { params: typesOf(params, pointer), results: typesOf(results, pointer) },
      name,
      typeAt(module, typeIndex),
    );
  }
}

function validateExports(module: ParsedModule): void {
  const methods = new Set<string>();
  let nameBytes = 0;
  for (const { name, kind, index } of module.exports) {
    if (RESERVED_EXPORTS.includes(name) || name.startsWith(GLOBAL_EXPORT_PREFIX)) {
      throw new ModuleFault(
        `Wasm module has an invalid export section. Exporting reserved symbol ${name} not allowed.`,
        'rule',
      );
    }
    if (kind !== 0) {
      continue;
    }
    const prefix = METHOD_PREFIXES.find((candidate) => name.startsWith(candidate));
    if (prefix !== undefined) {
      const method = name.slice(prefix.length);
      if (methods.has(method)) {
        throw new ModuleFault(
          `Duplicate function '${method}' exported multiple times with different call types: update, query, or composite_query.`,
          'rule',
        );
      }
      methods.add(method);
      nameBytes += encodeUtf8(method).length;
    } else if (SYSTEM_EXPORTS.includes(name)) {
      // Falls through to the signature check below.
    } else if (name.startsWith('canister_')) {
      throw new ModuleFault(
        `Wasm module has an invalid export section. Exporting reserved function '${name}' with "canister_" prefix`,
        'rule',
      );
    } else {
      continue;
    }
    requireSignature({ params: [], results: [] }, name, typeOfFunction(module, index));
  }
  if (methods.size > MAX_EXPORTED_METHODS) {
    throw new ModuleFault(
      `The number of exported functions called \`canister_update <name>\`, \`canister_query <name>\`, or \`canister_composite_query <name>\` is ${methods.size} which exceeds ${MAX_EXPORTED_METHODS}.`,
      'rule',
    );
  }
  if (nameBytes > MAX_EXPORTED_NAME_BYTES) {
    throw new ModuleFault(
      `The sum of \`<name>\` lengths in exported functions called \`canister_update <name>\`, \`canister_query <name>\`, or \`canister_composite_query <name>\` is ${nameBytes} which exceeds the allowed limit of ${MAX_EXPORTED_NAME_BYTES}.`,
      'rule',
    );
  }
}

function validateCodeSize(module: ParsedModule): void {
  const code = module.sections.get(SECTION.code);
  const codeBytes = code === undefined ? 0 : code.end - code.start;
  if (codeBytes > MAX_CODE_SECTION_BYTES) {
    throw new ModuleFault(
      `Wasm module code section size of ${codeBytes} exceeds the maximum allowed size of ${MAX_CODE_SECTION_BYTES}.`,
      'rule',
    );
  }
}

function validateGlobals({ globals }: ParsedModule): void {
  if (globals.length > MAX_GLOBALS) {
    throw new ModuleFault(
      `Wasm module defined ${globals.length} globals which exceeds the maximum number allowed ${MAX_GLOBALS}.`,
      'rule',
    );
  }
  for (const { valueType } of globals) {
    if (!GLOBAL_TYPES.includes(valueType)) {
      throw new ModuleFault(
        `Wasm module has an invalid global section. Unsupported global type: ${typeName(valueType)}`,
        'rule',
      );
    }
  }
}

function validateMemory(module: ParsedModule): void {
  const { memory } = module;
  if (memory === null) {
    return;
  }
  const allowed = BigInt(MAX_HEAP64_WASM_PAGES);
  const defined = memory.max ?? memory.min;
  if (memory.is64 && (defined > allowed || memory.min > allowed)) {
    throw new ModuleFault(
      `Wasm module defines a memory of ${defined} pages, which exceeds the maximum number allowed ${allowed}.`,
      'rule',
    );
  }
}

/** The engine's rule, told here because a lowered module has other offsets. */
function validateOffsets({ memory, data }: ParsedModule): void {
  const [offsetOpcode, texts] =
    memory?.is64 === true
      ? [OP.i64Const, 'expected i64, found i32']
      : [OP.i32Const, 'expected i32, found i64'];
  if (data.some(({ active }) => active !== null && active.offsetOpcode !== offsetOpcode)) {
    throw new ModuleFault(`type mismatch: ${texts}`);
  }
}

/** Data must lie in the initial memory. Throws `ModuleFault`. */
export function checkDataSegments({ memory, data }: ParsedModule): void {
  const end = (memory?.min ?? 0n) * 65_536n;
  for (const { active, length } of data) {
    if (active !== null && active.offset + BigInt(length) > end) {
      throw new ModuleFault(
        `Wasm module has invalid data segment of ${length} bytes at ${active.offset}`,
        'rewriter',
      );
    }
  }
}

/** Checks the IC's rules. Throws `ModuleFault` with the replica's text. */
export function validateModule(
  module: ParsedModule,
): Omit<ModuleInfo, 'wasmInstructionCount' | 'customSections'> {
  validateCodeSize(module);
  validateOffsets(module);
  validateImports(module);
  validateExports(module);
  validateGlobals(module);
  if (module.functions.length > MAX_FUNCTIONS) {
    throw new ModuleFault(
      `Wasm module defined ${module.functions.length} functions which exceeds the maximum number allowed ${MAX_FUNCTIONS}.`,
      'rule',
    );
  }
  validateMemory(module);
  return {
    exports: module.exports
      .filter(({ kind, name }) => kind === 0 && name.startsWith('canister_'))
      .map(({ name }) => name),
    memory64: module.memory?.is64 === true,
    hasStart: module.start !== null,
  };
}
