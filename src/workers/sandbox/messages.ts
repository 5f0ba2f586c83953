import type { SandboxReply, SandboxRequest } from '../../protocol/interfaces/wasm-host.ts';
import type { StackSize } from '../../sandbox/stack-segments.ts';

/** From a node to its sandbox worker. */
export interface SandboxCall {
  readonly kind: 'call';
  readonly id: number;
  readonly request: SandboxRequest;
}

/** First, once. */
export interface SandboxConfiguration {
  readonly kind: 'configure';
  /** Wasm memories this sandbox may hold at a time. */
  readonly maxMemories: number;
  /** Absent = what this worker can give. */
  readonly stack?: StackSize;
  /** To the tab's compiler of modules; absent = it compiles for itself. */
  readonly modules?: MessagePort;
}

export type SandboxMessage = SandboxConfiguration | SandboxCall;

/** Back: the reply, why the host could not run the request at all, or a sign of life. */
export type SandboxAnswer =
  | { readonly id: number; readonly reply: SandboxReply }
  | { readonly id: number; readonly fault: string }
  /** A run goes on. */
  | { readonly alive: true };
