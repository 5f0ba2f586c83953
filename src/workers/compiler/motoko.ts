import type { Diagnostic } from '../../wire/compiler.ts';

/** The part of the Motoko compiler's JavaScript interface that we use. */
export interface MotokoCompiler {
  saveFile(path: string, content: string): void;
  addPackage(name: string, path: string): void;
  setPublicMetadata(sections: readonly string[]): void;
  compileWasm(
    mode: 'ic',
    path: string,
  ): { readonly diagnostics: readonly MotokoDiagnostic[]; readonly code: MotokoCode | null };
}

interface MotokoCode {
  readonly wasm: Uint8Array;
  readonly candid: string;
}

interface MotokoPosition {
  /** Counts from 0. */
  readonly line: number;
  readonly character: number;
}

/** Shaped like a diagnostic of the language server protocol; severity 1 is an error, 2 a warning. */
export interface MotokoDiagnostic {
  readonly range: { readonly start: MotokoPosition; readonly end: MotokoPosition };
  readonly severity: number;
  readonly code: string;
  readonly message: string;
}

/** The library file that comes with the compiler: `core`, in one JSON file. */
export interface MotokoLibrary {
  readonly files: Readonly<Record<string, { readonly content: string }>>;
}

/** Fixed, because the paths of the library go into the module's bytes. */
const LIBRARY_PATH = 'core/';
const PROGRAM_PATH = 'main.mo';

export type MotokoOutcome =
  | {
      readonly kind: 'compiled';
      readonly wasm: Uint8Array<ArrayBuffer>;
      readonly candid: string;
      readonly diagnostics: readonly Diagnostic[];
    }
  | { readonly kind: 'rejected'; readonly diagnostics: readonly Diagnostic[] };

export function addLibrary(compiler: MotokoCompiler, library: MotokoLibrary): void {
  for (const [path, { content }] of Object.entries(library.files)) {
    compiler.saveFile(LIBRARY_PATH + path, content);
  }
  compiler.addPackage('core', LIBRARY_PATH);
}

/** Compiles for the IC with enhanced orthogonal persistence. May throw when the compiler crashes. */
export function compileProgram(compiler: MotokoCompiler, source: string): MotokoOutcome {
  compiler.setPublicMetadata(['candid:service', 'candid:args', 'motoko:stable-types']);
  compiler.saveFile(PROGRAM_PATH, source);
  const { code, diagnostics } = compiler.compileWasm('ic', PROGRAM_PATH);
  const findings = diagnostics.map(toDiagnostic);
  if (code === null || code === undefined) {
    return { kind: 'rejected', diagnostics: findings };
  }
  // A copy of its own buffer, so that it can be transferred.
  const wasm = new Uint8Array(code.wasm);
  return { kind: 'compiled', wasm, candid: code.candid, diagnostics: findings };
}

function toDiagnostic(finding: MotokoDiagnostic): Diagnostic {
  const { start, end } = finding.range;
  return {
    severity: finding.severity === 1 ? 'error' : finding.severity === 2 ? 'warning' : 'info',
    code: finding.code,
    message: finding.message,
    startLine: start.line + 1,
    startColumn: start.character + 1,
    endLine: end.line + 1,
    endColumn: end.character + 1,
  };
}
