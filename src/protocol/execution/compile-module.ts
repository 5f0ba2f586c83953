import { ok, err, type Result } from '../../base/result.ts';
import type { CanisterError, ModuleInfo } from '../interfaces/wasm-host.ts';
import { COMPILE_COST_PER_WASM_INSTRUCTION, MAX_WASM_MODULE_BYTES } from '../limits/execution.ts';
import type { CanisterId, HashHex, Instructions } from '../types/ids.ts';
import { gunzip, isGzip } from './gunzip.ts';
import { refusalText } from './wasm/reader.ts';
import { invalidModule } from './invalid-module.ts';
import { compileOnSandbox, type SandboxTask } from './run-on-sandbox.ts';
import { executionError, type UserError } from './user-error.ts';

const GZIP_MIN_BYTES = 16;

/**
 * The module itself, unpacked when it came compressed. The size that the file says of itself counts.
 * @upstream rs/embedders/src/wasm_utils/decoding.rs#decode_wasm
 */
export function unpackModule(
  canisterId: CanisterId,
  wasm: Uint8Array,
): Result<Uint8Array, UserError> {
  if (!isGzip(wasm)) {
    return ok(wasm);
  }
  if (wasm.length < GZIP_MIN_BYTES) {
    return err(notDecoded(canisterId, 'invalid Wasm module: gzip stream is too short'));
  }
  const end = wasm.subarray(wasm.length - 4);
  const saidBytes = new DataView(end.buffer, end.byteOffset, end.length).getUint32(0, true);
  if (saidBytes > MAX_WASM_MODULE_BYTES) {
    const text = `Wasm module size of ${saidBytes} exceeds the maximum allowed size of ${MAX_WASM_MODULE_BYTES}.`;
    return err(executionError(canisterId, invalidModule(refusalText(text, 'rule'))));
  }
  const unpacked = gunzip(wasm, saidBytes);
  if (unpacked.ok) {
    return unpacked;
  }
  const { code, message } = unpacked.error;
  return err(
    notDecoded(
      canisterId,
      code === 'GZIP_TOO_LARGE'
        ? `specified uncompressed size ${saidBytes} does not match extracted size ${saidBytes + 1}`
        : `failed to decode compressed Wasm module: ${message}`,
    ),
  );
}

function notDecoded(canisterId: CanisterId, reason: string): UserError {
  const message = refusalText(`Failed to decode wasm module: ${reason}`, 'rule');
  return executionError(canisterId, invalidModule(message));
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
    return err(invalidModule(compiled.error.message));
  }
  const info = compiled.value;
  const instructions = COMPILE_COST_PER_WASM_INSTRUCTION * BigInt(info.wasmInstructionCount);
  return ok({ info, instructions });
}
