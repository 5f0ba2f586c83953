import type { RewrittenModule } from '../../src/protocol/execution/wasm/instrument.ts';
import { SMALL_STACK_BYTES } from '../../src/protocol/execution/wasm/limits.ts';
import { COUNTER_EXPORT } from '../../src/protocol/execution/wasm/validate.ts';
import { connectHost } from '../../src/sandbox/host-hook.ts';
import type { StackSize } from '../../src/sandbox/stack-segments.ts';
import { StackSegments } from '../../src/sandbox/stack-segments.ts';

export const OUT_OF_INSTRUCTIONS = 'out of instructions';
export const STACK_OVERFLOW = 'Canister trapped: stack overflow';

export interface RunningModule {
  readonly exports: Record<string, (...args: unknown[]) => unknown>;
  readonly memory: WebAssembly.Memory | null;
  readonly counter: WebAssembly.Global;
  /** Empties the stack, before each call. */
  newStack(): void;
  /** Where the heap begins in `memory`. */
  readonly heapBase: number;
}

/**
 * An instrumented module on the bare engine, without a sandbox; `onOutOfInstructions` throws unless
 * given. Segments of its stack all stand on the thread's own.
 */
export function instantiate(
  { wasm, memory }: RewrittenModule,
  onOutOfInstructions: () => void = () => {
    throw new RangeError(OUT_OF_INSTRUCTIONS);
  },
  stackSize: StackSize = { bytes: SMALL_STACK_BYTES, segmentBytes: SMALL_STACK_BYTES },
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
  const segments = new StackSegments(exports);
  segments.begin(stackSize);
  connectHost(exports, {
    outOfInstructions: onOutOfInstructions,
    goDeeper: () => segments.goDeeper((deeper) => deeper()),
    memoryGrew: () => undefined,
  });
  return {
    exports: exports as RunningModule['exports'],
    memory: imported,
    counter: exports[COUNTER_EXPORT] as WebAssembly.Global,
    newStack: () => segments.begin(stackSize),
    heapBase: (memory?.baseWasmPages ?? 0) * 65_536,
  };
}
