import { present } from '../../../src/base/assert.ts';
import { hexToBytes } from '../../../src/base/hex.ts';
import type { ParsedModule } from '../../../src/protocol/execution/wasm/module.ts';
import { VALUE_TYPE } from '../../../src/protocol/execution/wasm/opcodes.ts';
import { typeOfFunction } from '../../../src/protocol/execution/wasm/validate.ts';

/** (module (import "e" "l" (func (param i64 i64))) (func (export "f") (param v128) … the lanes to l)) */
const VECTOR_LOGGER =
  '0061736d01000000010a0260027e7e0060017b000207010165016c000003020101070501016600010a10010e002000fd1d00' +
  '2000fd1d0110000b';

/** JavaScript cannot take a vector: a module in between hands over its lanes. */
function vectorLogger(print: (low: bigint, high: bigint) => void): WebAssembly.ImportValue {
  const wasm = present(hexToBytes(VECTOR_LOGGER), 'the logger is hex');
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource), {
    e: { l: print },
  });
  return exports['f'] as WebAssembly.ExportValue;
}

/** Frames of JavaScript in between would make the native stack's end a matter of the engine. */
const MAX_REENTRY_DEPTH = 3;
/** Of a whole test file: calls that call multiply. */
const MAX_REENTRIES = 200;
const MAX_LOG_ENTRIES = 10_000;

type Callable = (...args: unknown[]) => unknown;

/** What imported functions may use of the module that imports them. */
interface Reached {
  functions: readonly (() => unknown)[];
  table: WebAssembly.Table | null;
}

export function nothingReached(): Reached {
  return { functions: [], table: null };
}

/** Lets imported functions call every exported function, with zeros, and use the exported table. */
export function reach(reached: Reached, module: ParsedModule, exports: WebAssembly.Exports): void {
  reached.functions = module.exports
    .filter(({ name, kind }) => kind === 0 && name in exports)
    .map(({ name, index }) => {
      const zeros = typeOfFunction(module, index).params.map((type) =>
        type === VALUE_TYPE.i64 ? 0n : 0,
      );
      return () => (exports[name] as Callable)(...zeros);
    });
  const table = module.exports.find(({ kind }) => kind === 1);
  reached.table = table === undefined ? null : ((exports[table.name] ?? null) as WebAssembly.Table);
}

/** A 64-bit table takes bigints where the engine has such; indices come as either. */
function entryOf(
  { table }: Reached,
  index: number | bigint,
): { get(): unknown; set(value: unknown): void } {
  if (table === null) {
    throw new RangeError('no table');
  }
  const at = (typeof table.length === 'bigint' ? BigInt(index) : Number(index)) as number;
  return { get: () => table.get(at), set: (value) => table.set(at, value) };
}

/** What the specification's tests and the fuzzer's modules (wasm-opt -ttf) call; all of it goes to the log. */
export function testImports(log: string[], reached: Reached): WebAssembly.Imports {
  let depth = 0;
  let calls = 0;
  const reenter = (call: () => unknown): void => {
    if (depth < MAX_REENTRY_DEPTH && calls < MAX_REENTRIES) {
      depth += 1;
      calls += 1;
      try {
        call();
      } finally {
        depth -= 1;
      }
    }
  };
  const callExport = (index: number): void => {
    const { functions } = reached;
    reenter(functions[(index >>> 0) % Math.max(1, functions.length)] ?? (() => undefined));
  };
  const callReference = (target: Callable): void =>
    reenter(() => target(...Array.from({ length: target.length }, () => 0)));
  const failed = (call: () => void): number => ('error' in attempt(call) ? 1 : 0);
  const print = (...values: readonly unknown[]): void => {
    if (log.length < MAX_LOG_ENTRIES) {
      log.push(values.map((value) => (Object.is(value, -0) ? '-0' : String(value))).join());
    }
  };
  return {
    'fuzzing-support': {
      'log-i32': print,
      'log-i64': print,
      'log-f32': print,
      'log-f64': print,
      'log-v128': vectorLogger(print),
      sleep: (_milliseconds: number, id: number) => id,
      'call-export': callExport,
      'call-export-catch': (index: number) => failed(() => callExport(index)),
      'call-ref': callReference,
      'call-ref-catch': (target: Callable) => failed(() => callReference(target)),
      'table-get': (index: number | bigint) => entryOf(reached, index).get(),
      'table-set': (index: number | bigint, value: unknown) => entryOf(reached, index).set(value),
    },
    env: { setTempRet0: print },
    spectest: {
      print,
      print_i32: print,
      print_i64: print,
      print_f32: print,
      print_f64: print,
      print_i32_f32: print,
      print_f64_f64: print,
    },
  };
}

export function attempt<T>(work: () => T): { readonly value?: T; readonly error?: unknown } {
  try {
    return { value: work() };
  } catch (error) {
    return { error };
  }
}
