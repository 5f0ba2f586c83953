import type { InstrumentedModule } from '../../src/protocol/execution/wasm/instrument.ts';
import { HOST_FUNCTION } from '../../src/protocol/execution/wasm/helpers.ts';
import { COUNTER_EXPORT, HOST_TABLE_EXPORT } from '../../src/protocol/execution/wasm/validate.ts';
import { hostFunctionForTable } from '../../src/sandbox/host-hook.ts';

export const OUT_OF_INSTRUCTIONS = 'out of instructions';

export interface RunningModule {
  readonly exports: Record<string, (...args: unknown[]) => unknown>;
  readonly memory: WebAssembly.Memory | null;
  readonly counter: WebAssembly.Global;
}

/** An instrumented module on the bare engine, without a sandbox; `onOutOfInstructions` throws unless given. */
export function instantiate(
  { wasm, memory }: InstrumentedModule,
  onOutOfInstructions: () => void = () => {
    throw new RangeError(OUT_OF_INSTRUCTIONS);
  },
): RunningModule {
  const imported =
    memory === null
      ? null
      : new WebAssembly.Memory({ initial: memory.minWasmPages, maximum: 65_536 });
  const { exports } = new WebAssembly.Instance(
    new WebAssembly.Module(wasm as BufferSource),
    imported === null ? {} : { env: { memory: imported } },
  );
  (exports[HOST_TABLE_EXPORT] as WebAssembly.Table).set(
    HOST_FUNCTION.outOfInstructions,
    hostFunctionForTable(onOutOfInstructions),
  );
  return {
    exports: exports as RunningModule['exports'],
    memory: imported,
    counter: exports[COUNTER_EXPORT] as WebAssembly.Global,
  };
}
