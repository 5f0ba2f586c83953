import type { SandboxReply, SandboxRequest } from '../../protocol/interfaces/wasm-host.ts';

/** From a node to its sandbox worker. */
export interface SandboxCall {
  readonly id: number;
  readonly request: SandboxRequest;
}

/** Back: the reply, or why the host could not run the request at all. */
export type SandboxAnswer =
  | { readonly id: number; readonly reply: SandboxReply }
  | { readonly id: number; readonly fault: string };
