import type { GlobalValue, MemoryImage, MemoryVersion } from '../protocol/interfaces/wasm-host.ts';
import { PageMap } from '../protocol/replicated-state/page-map.ts';

/** Heap, stable memory and globals of a canister at one version. Immutable. */
export interface MemoryContent {
  readonly heapWasmPages: number;
  readonly heap: PageMap;
  readonly stableWasmPages: number;
  readonly stable: PageMap;
  readonly globals: readonly GlobalValue[];
}

export function contentOfImage(image: MemoryImage): MemoryContent {
  return {
    heapWasmPages: image.heapWasmPages,
    heap: PageMap.from(image.heap),
    stableWasmPages: image.stableWasmPages,
    stable: PageMap.from(image.stable),
    globals: image.globals,
  };
}

/** The versions of one canister's memory that somebody may still run on. */
export class VersionStore {
  readonly #versions = new Map<MemoryVersion, MemoryContent>();

  get(version: MemoryVersion): MemoryContent | undefined {
    return this.#versions.get(version);
  }

  set(version: MemoryVersion, content: MemoryContent): void {
    this.#versions.set(version, content);
  }

  forgetBelow(oldest: MemoryVersion): void {
    for (const version of this.#versions.keys()) {
      if (version < oldest) {
        this.#versions.delete(version);
      }
    }
  }
}
