import type { CodedError, Result } from '../base/result.ts';

/** What the compiler is doing now, in the order in which it does it. */
export const COMPILE_STAGES = ['loadCompiler', 'loadLibrary', 'compile'] as const;
export type CompileStage = (typeof COMPILE_STAGES)[number];

/** A finding of the compiler. Lines and columns count from 1. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning' | 'info';
  readonly code: string;
  readonly message: string;
  readonly startLine: number;
  readonly startColumn: number;
  readonly endLine: number;
  readonly endColumn: number;
}

export interface CompiledProgram {
  readonly wasm: Uint8Array;
  /** The actor's Candid interface. */
  readonly candid: string;
  /** Warnings; a program with errors is not compiled. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface CompileFailure
  extends CodedError<'PROGRAM_REJECTED' | 'COMPILER_CRASHED' | 'CANCELLED' | 'PROGRAM_TOO_LARGE'> {
  readonly diagnostics: readonly Diagnostic[];
}

export interface Compilation {
  /** Never rejects. */
  readonly result: Promise<Result<CompiledProgram, CompileFailure>>;
  /** Ends the compiler at once; `result` settles with `CANCELLED`. */
  cancel(): void;
}

/** Compiles one Motoko program in a compiler of its own, so that equal sources give equal bytes. */
export type Compile = (source: string, onStage: (stage: CompileStage) => void) => Compilation;
