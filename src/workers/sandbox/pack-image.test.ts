import { describe, expect, it } from 'vitest';
import { apiInput, CANISTER } from '../../../tests/support/test-canister.ts';
import { present } from '../../base/assert.ts';
import type {
  DirtyPage,
  MemoryImage,
  RunRequest,
  SandboxRequest,
} from '../../protocol/interfaces/wasm-host.ts';
import { PAGE_BYTES } from '../../protocol/interfaces/wasm-host.ts';
import type { HashHex } from '../../protocol/types/ids.ts';
import type { SandboxMessage } from './messages.ts';
import { postCall, unpackRequest } from './pack-image.ts';

const page = (index: number): DirtyPage => ({
  index,
  bytes: new Uint8Array(PAGE_BYTES).fill(index + 1),
});

const IMAGE: MemoryImage = {
  heapWasmPages: 2,
  heap: [page(0), page(3), page(255), page(256), page(600), page(601)],
  stableWasmPages: 1,
  stable: [page(7)],
  globals: [{ type: 'i64', bits: 5n }],
};

const request = (image?: MemoryImage): RunRequest => ({
  kind: 'run',
  canisterId: CANISTER,
  moduleHash: '01' as HashHex,
  base: { from: 'version', version: 1 },
  steps: [{ entry: 'canister_update go', optional: false, input: apiInput('update') }],
  instructionLimit: 1n,
  commitAs: 2,
  oldestVersionInUse: 1,
  ...(image === undefined ? {} : { image }),
});

/** What arrives, and how many bytes each buffer had that moved. */
function cross(posted: SandboxRequest): {
  readonly arrived: SandboxRequest;
  readonly moved: readonly number[];
} {
  let arrived: SandboxRequest | undefined;
  let moved: readonly number[] = [];
  const postMessage = (message: SandboxMessage, transfer: ArrayBuffer[]): void => {
    moved = transfer.map(({ byteLength }) => byteLength);
    const clone = structuredClone(message, { transfer });
    expect(transfer.every(({ byteLength }) => byteLength === 0)).toBe(true);
    arrived = clone.kind === 'call' ? unpackRequest(clone.request) : undefined;
  };
  postCall({ postMessage }, { id: 1, request: posted });
  return { arrived: present(arrived, 'a call was posted'), moved };
}

describe('a packed memory image', () => {
  it('arrives as it was, in a buffer for each leaf of its page maps', () => {
    const { arrived, moved } = cross(request(IMAGE));
    expect(arrived).toEqual(request(IMAGE));
    expect(moved).toEqual([3 * PAGE_BYTES, PAGE_BYTES, 2 * PAGE_BYTES, PAGE_BYTES]);
  });

  it('leaves the pages with their owner, who may have to send them again', () => {
    cross(request(IMAGE));
    for (const { bytes } of [...IMAGE.heap, ...IMAGE.stable]) {
      expect(bytes.length).toBe(PAGE_BYTES);
    }
    expect(cross(request(IMAGE)).arrived).toEqual(request(IMAGE));
  });

  it('is nothing where there is no image, and empty where there are no pages', () => {
    expect(cross(request())).toEqual({ arrived: request(), moved: [] });
    const empty = { ...IMAGE, heap: [], stable: [] };
    expect(cross(request(empty))).toEqual({ arrived: request(empty), moved: [] });
  });
});
