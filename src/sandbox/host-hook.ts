import { present } from '../base/assert.ts';
import { hexToBytes } from '../base/hex.ts';
import { HOST_FUNCTION } from '../protocol/execution/wasm/helpers.ts';
import { HOST_TABLE_EXPORT } from '../protocol/execution/wasm/validate.ts';

/** (module (type (func)) (import "" "" (func (type 0))) (export "" (func 0))) */
const TRAMPOLINE = hexToBytes(
  '0061736d01000000' + '010401600000' + '02050100000000' + '070401000000',
);

let trampoline: WebAssembly.Module | undefined;

/** What code of an instance calls; see `HOST_FUNCTION`. */
export interface HostFunctions {
  /** May also be a `WebAssembly.Suspending`. */
  readonly outOfInstructions: WebAssembly.ImportValue;
  /** May also be a `WebAssembly.Suspending`. */
  readonly goDeeper: WebAssembly.ImportValue;
  readonly memoryGrew: () => void;
}

/** Fills the table through which an instrumented module calls its host. */
export function connectHost(exports: WebAssembly.Exports, functions: HostFunctions): void {
  const table = exports[HOST_TABLE_EXPORT] as WebAssembly.Table;
  table.set(HOST_FUNCTION.outOfInstructions, hostFunctionForTable(functions.outOfInstructions));
  table.set(HOST_FUNCTION.goDeeper, hostFunctionForTable(functions.goDeeper));
  table.set(HOST_FUNCTION.memoryGrew, hostFunctionForTable(functions.memoryGrew));
}

/**
 * A host function of type () → () as a table can hold it: only functions that some instance exports
 * may enter one. `hook` may also be a `WebAssembly.Suspending`, which suspends the calling
 * `WebAssembly.promising` export while its promise is open.
 */
export function hostFunctionForTable(hook: WebAssembly.ImportValue): WebAssembly.ExportValue {
  trampoline ??= new WebAssembly.Module(
    present(TRAMPOLINE, 'the trampoline is hex') as BufferSource,
  );
  const { exports } = new WebAssembly.Instance(trampoline, { '': { '': hook } });
  return exports[''] as WebAssembly.ExportValue;
}
