import { ok, err, type Result } from '../../base/result.ts';
import type { CanisterError, ModuleInfo } from '../interfaces/wasm-host.ts';
import { COMPILE_COST_PER_WASM_INSTRUCTION, MAX_WASM_MODULE_BYTES } from '../limits/execution.ts';
import type { CanisterId, HashHex, Instructions } from '../types/ids.ts';
import { gunzip, isGzip } from './gunzip.ts';
import { compileOnSandbox, type SandboxTask } from './run-on-sandbox.ts';
import { ErrorCode, executionError, type UserError } from './user-error.ts';

/** The module itself, unpacked when it came compressed. */
export function unpackModule(
  canisterId: CanisterId,
  wasm: Uint8Array,
): Result<Uint8Array, UserError> {
  if (!isGzip(wasm)) {
    return ok(wasm);
  }
  const unpacked = gunzip(wasm, MAX_WASM_MODULE_BYTES);
  if (unpacked.ok) {
    return unpacked;
  }
  const message = `Canister's Wasm module is not valid: Failed to decode wasm module: ${unpacked.error.message}`;
  return err(executionError(canisterId, { code: ErrorCode.canisterInvalidWasm, message }));
}

export interface Compilation {
  readonly info: ModuleInfo;
  /** What compiling is charged as. */
  readonly instructions: Instructions;
}

export function* compileModule(
  moduleHash: HashHex,
  module: Uint8Array,
): SandboxTask<Result<Compilation, CanisterError>> {
  const compiled = yield* compileOnSandbox({ kind: 'compile', moduleHash, wasm: module });
  if (!compiled.ok) {
    return compiled;
  }
  const info = compiled.value;
  const instructions = COMPILE_COST_PER_WASM_INSTRUCTION * BigInt(info.wasmInstructionCount);
  return ok({ info, instructions });
}
