import type { HashHex } from '../../protocol/types/ids.ts';
import type { CompileResult } from '../../sandbox/module-cache.ts';

/** From a sandbox to the tab's compiler of canister modules. */
export interface ModuleAsk {
  readonly id: number;
  readonly hash: HashHex;
  /** The original module; null = the sandbox does not have it. */
  readonly wasm: Uint8Array | null;
}

/** Back. Null: not known without its bytes, or these bytes do not have this hash. */
export interface ModuleAnswer {
  readonly id: number;
  readonly result: CompileResult | null;
}
