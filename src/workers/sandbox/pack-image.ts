import type { DirtyPage, SandboxRequest } from '../../protocol/interfaces/wasm-host.ts';
import { PAGE_BYTES } from '../../protocol/interfaces/wasm-host.ts';
import { LEAF_PAGES } from '../../protocol/replicated-state/page-map.ts';
import type { PackedPages, PostedRequest, SandboxCall, SandboxMessage } from './messages.ts';

/** The number of pages from position `first` on that belong to the same leaf. */
function countOfLeaf(indexAt: (position: number) => number, first: number, end: number): number {
  const leaf = Math.floor(indexAt(first) / LEAF_PAGES);
  let last = first;
  while (last + 1 < end && Math.floor(indexAt(last + 1) / LEAF_PAGES) === leaf) {
    last += 1;
  }
  return last + 1 - first;
}

function pack(pages: readonly DirtyPage[]): PackedPages {
  const indices = Uint32Array.from(pages, ({ index }) => index);
  const buffers: ArrayBuffer[] = [];
  for (let first = 0; first < pages.length; ) {
    const count = countOfLeaf((position) => indices[position] as number, first, pages.length);
    const bytes = new Uint8Array(count * PAGE_BYTES);
    for (let i = 0; i < count; i += 1) {
      bytes.set((pages[first + i] as DirtyPage).bytes, i * PAGE_BYTES);
    }
    buffers.push(bytes.buffer);
    first += count;
  }
  return { indices, buffers };
}

function unpack({ indices, buffers }: PackedPages): DirtyPage[] {
  const pages: DirtyPage[] = [];
  for (const buffer of buffers) {
    for (let at = 0; at < buffer.byteLength; at += PAGE_BYTES) {
      const index = indices[pages.length] as number;
      pages.push({ index, bytes: new Uint8Array(buffer, at, PAGE_BYTES) });
    }
  }
  return pages;
}

/** The caller's pages stay. */
function packed(request: SandboxRequest): {
  readonly posted: PostedRequest;
  readonly transfer: ArrayBuffer[];
} {
  if (request.kind !== 'run' || request.image === undefined) {
    return { posted: request, transfer: [] };
  }
  const { image, ...rest } = request;
  const [heap, stable] = [pack(image.heap), pack(image.stable)];
  return {
    posted: { ...rest, packedImage: { ...image, heap, stable } },
    transfer: [...heap.buffers, ...stable.buffers],
  };
}

interface PostTarget {
  postMessage(message: SandboxMessage, transfer: ArrayBuffer[]): void;
}

/**
 * Posts a call. Its memory image moves in a few buffers: to clone thousands of small arrays takes ten
 * times as long as to copy what they hold.
 */
export function postCall(worker: PostTarget, { id, request }: SandboxCall): void {
  const { posted, transfer } = packed(request);
  worker.postMessage({ kind: 'call', id, request: posted }, transfer);
}

/** The request as it was, with the pages as views of the buffers that came. */
export function unpackRequest(posted: PostedRequest): SandboxRequest {
  if (posted.kind !== 'run' || posted.packedImage === undefined) {
    return posted;
  }
  const { packedImage, ...rest } = posted;
  const [heap, stable] = [unpack(packedImage.heap), unpack(packedImage.stable)];
  return { ...rest, image: { ...packedImage, heap, stable } };
}
