import { describe, expect, it } from 'vitest';
import { apiInput, CANISTER } from '../../../tests/support/test-canister.ts';
import type { DirtyPage, MemoryImage, RunRequest } from '../../protocol/interfaces/wasm-host.ts';
import { PAGE_BYTES } from '../../protocol/interfaces/wasm-host.ts';
import type { HashHex } from '../../protocol/types/ids.ts';
import { packImage } from './pack-image.ts';

const page = (index: number): DirtyPage => ({
  index,
  bytes: new Uint8Array(PAGE_BYTES).fill(index + 1),
});

const IMAGE: MemoryImage = {
  heapWasmPages: 2,
  heap: [page(0), page(3), page(31)],
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

describe('a packed memory image', () => {
  it('arrives as it was, in two buffers that move', () => {
    const { call, transfer } = packImage({ kind: 'call', id: 1, request: request(IMAGE) });
    expect(transfer.map(({ byteLength }) => byteLength)).toEqual([3 * PAGE_BYTES, PAGE_BYTES]);
    const arrived = structuredClone(call, { transfer });
    expect(arrived.request).toEqual(request(IMAGE));
    expect(transfer.map(({ byteLength }) => byteLength)).toEqual([0, 0]);
  });

  it('leaves the pages with their owner, who may have to send them again', () => {
    const { call, transfer } = packImage({ kind: 'call', id: 1, request: request(IMAGE) });
    structuredClone(call, { transfer });
    expect(IMAGE.heap.map(({ bytes }) => bytes.length)).toEqual([
      PAGE_BYTES,
      PAGE_BYTES,
      PAGE_BYTES,
    ]);
    const again = packImage({ kind: 'call', id: 2, request: request(IMAGE) });
    expect(again.call.request).toEqual(request(IMAGE));
  });

  it('is nothing where there is no image', () => {
    const call = { kind: 'call', id: 1, request: request() } as const;
    expect(packImage(call)).toEqual({ call, transfer: [] });
  });
});
