import { SMALL_STACK_BYTES, STACK_BYTES } from '../protocol/execution/wasm/limits.ts';

/** JavaScript promise integration (JSPI), which the type declarations do not know. */
interface SuspendingEngine {
  readonly Suspending?: new (hook: () => void | Promise<void>) => WebAssembly.ImportValue;
  readonly promising?: (entry: unknown) => (...args: readonly unknown[]) => Promise<void>;
}

export const suspendingEngine = WebAssembly as unknown as SuspendingEngine;

/** Whether this engine can pause a run without blocking its thread, and run it on several stacks. */
export function engineSuspends(): boolean {
  return suspendingEngine.Suspending !== undefined && suspendingEngine.promising !== undefined;
}

/** Bytes of stack that canisters can have in a worker of this browser: its own stack is small everywhere. */
export function browserStackBytes(): number {
  return engineSuspends() ? STACK_BYTES : SMALL_STACK_BYTES;
}
