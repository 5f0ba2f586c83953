import type { CompileStage, Diagnostic } from '../../wire/compiler.ts';

/** The page sends exactly one of these to a fresh compiler worker. */
export interface CompileRequest {
  readonly source: string;
}

export type CompilerMessage =
  | { readonly kind: 'stage'; readonly stage: CompileStage }
  | {
      readonly kind: 'compiled';
      readonly wasm: Uint8Array<ArrayBuffer>;
      readonly candid: string;
      readonly diagnostics: readonly Diagnostic[];
    }
  | { readonly kind: 'rejected'; readonly diagnostics: readonly Diagnostic[] }
  | { readonly kind: 'crashed'; readonly message: string };
