import type {
  MemoryImage,
  RunRequest,
  SandboxReply,
  SandboxRequest,
} from '../../protocol/interfaces/wasm-host.ts';
import type { StackSize } from '../../sandbox/stack-segments.ts';

/** What a node asks of its sandbox worker. */
export interface SandboxCall {
  readonly id: number;
  readonly request: SandboxRequest;
}

/** Pages as they cross: one buffer for the pages of each leaf of a page map, one behind the other. */
export interface PackedPages {
  /** Ascending. */
  readonly indices: Uint32Array;
  readonly buffers: readonly ArrayBuffer[];
}

interface PackedImage extends Omit<MemoryImage, 'heap' | 'stable'> {
  readonly heap: PackedPages;
  readonly stable: PackedPages;
}

/** A request as it is posted: its memory image, if it has one, is packed. */
export type PostedRequest =
  | Exclude<SandboxRequest, RunRequest>
  | (Omit<RunRequest, 'image'> & { readonly packedImage?: PackedImage });

/** From a node to its sandbox worker. */
interface PostedCall {
  readonly kind: 'call';
  readonly id: number;
  readonly request: PostedRequest;
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

export type SandboxMessage = SandboxConfiguration | PostedCall;

/** Back: the reply, why the host could not run the request at all, or a sign of life. */
export type SandboxAnswer =
  | { readonly id: number; readonly reply: SandboxReply }
  | { readonly id: number; readonly fault: string }
  /** A run goes on. */
  | { readonly alive: true };
