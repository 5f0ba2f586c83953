import type { RewrittenModule } from '../../src/protocol/execution/wasm/instrument.ts';
import { COUNTER_EXPORT, STACK_EXPORT } from '../../src/protocol/execution/wasm/validate.ts';
import { connectHost } from '../../src/sandbox/host-hook.ts';

export const OUT_OF_INSTRUCTIONS = 'out of instructions';
export const STACK_OVERFLOW = 'call stack exhausted';

export interface RunningModule {
  readonly exports: Record<string, (...args: unknown[]) => unknown>;
  readonly memory: WebAssembly.Memory | null;
  readonly counter: WebAssembly.Global;
  /** Bytes left; set it to the whole budget before each call. */
  readonly stack: WebAssembly.Global;
  /** Where the heap begins in `memory`. */
  readonly heapBase: number;
}

/** An instrumented module on the bare engine, without a sandbox; `onOutOfInstructions` throws unless given. */
export function instantiate(
  { wasm, memory }: RewrittenModule,
  onOutOfInstructions: () => void = () => {
    throw new RangeError(OUT_OF_INSTRUCTIONS);
  },
): RunningModule {
  const imported =
    memory === null
      ? null
      : new WebAssembly.Memory({
          initial: memory.baseWasmPages + memory.minWasmPages,
          maximum: 65_536,
        });
  const { exports } = new WebAssembly.Instance(
    new WebAssembly.Module(wasm as BufferSource),
    imported === null ? {} : { env: { memory: imported } },
  );
  connectHost(exports, {
    outOfInstructions: onOutOfInstructions,
    stackOverflow: () => {
      throw new RangeError(STACK_OVERFLOW);
    },
    memoryGrew: () => undefined,
  });
  return {
    exports: exports as RunningModule['exports'],
    memory: imported,
    counter: exports[COUNTER_EXPORT] as WebAssembly.Global,
    stack: exports[STACK_EXPORT] as WebAssembly.Global,
    heapBase: (memory?.baseWasmPages ?? 0) * 65_536,
  };
}
