import createWabt from 'wabt';

const FEATURES = {
  memory64: true,
  bulk_memory: true,
  multi_value: true,
  sign_extension: true,
  sat_float_to_int: true,
  reference_types: true,
  mutable_globals: true,
  simd: true,
  threads: true,
  tail_call: true,
  multi_memory: true,
  exceptions: true,
  extended_const: true,
} as const;

let toolkit: ReturnType<typeof createWabt> | undefined;

/**
 * Assembles WebAssembly text. Every proposal the assembler knows is on, and the module is not
 * validated, so that tests can also build modules a canister may not be.
 */
export async function compileWat(
  text: string,
  /** With a `name` section. */
  names = false,
): Promise<Uint8Array> {
  toolkit ??= createWabt();
  const module = (await toolkit).parseWat('module.wat', text, FEATURES);
  try {
    return Uint8Array.from(module.toBinary({ write_debug_names: names }).buffer);
  } finally {
    module.destroy();
  }
}
