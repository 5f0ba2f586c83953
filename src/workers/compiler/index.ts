import { err, ok, type Result } from '../../base/result.ts';
import type {
  Compilation,
  CompiledProgram,
  CompileFailure,
  CompileStage,
  Diagnostic,
} from '../../wire/compiler.ts';
import type { CompileRequest, CompilerMessage } from './messages.ts';

const MAX_SOURCE_CHARACTERS = 1_000_000;

function failure(
  code: CompileFailure['code'],
  message: string,
  diagnostics: readonly Diagnostic[] = [],
): Result<CompiledProgram, CompileFailure> {
  return err({ kind: 'input', code, message, diagnostics });
}

function describe(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter((finding) => finding.severity === 'error').length;
  return `The compiler found ${errors} ${errors === 1 ? 'error' : 'errors'}.`;
}

/**
 * Compiles a Motoko program in a fresh worker: a second compilation in one compiler instance gives
 * different bytes, and ending the worker gives its memory back.
 */
export function compileMotoko(source: string, onStage: (stage: CompileStage) => void): Compilation {
  if (source.length > MAX_SOURCE_CHARACTERS) {
    const tooLarge = failure(
      'PROGRAM_TOO_LARGE',
      'The program is longer than a million characters.',
    );
    return { result: Promise.resolve(tooLarge), cancel: () => undefined };
  }
  const worker = new Worker(new URL('./compiler.worker.ts', import.meta.url), { type: 'module' });
  let finish: (result: Result<CompiledProgram, CompileFailure>) => void = () => undefined;
  const result = new Promise<Result<CompiledProgram, CompileFailure>>((resolve) => {
    finish = (settled) => {
      worker.terminate();
      resolve(settled);
    };
  });
  worker.addEventListener('message', (event: MessageEvent<CompilerMessage>) => {
    const message = event.data;
    switch (message.kind) {
      case 'stage':
        onStage(message.stage);
        break;
      case 'compiled':
        finish(ok(message));
        break;
      case 'rejected':
        finish(failure('PROGRAM_REJECTED', describe(message.diagnostics), message.diagnostics));
        break;
      case 'crashed':
        finish(failure('COMPILER_CRASHED', `The compiler stopped: ${message.message}`));
        break;
    }
  });
  worker.addEventListener('error', (event) => {
    finish(failure('COMPILER_CRASHED', `The compiler stopped: ${event.message}`));
  });
  const request: CompileRequest = { source };
  worker.postMessage(request);
  return {
    result,
    cancel: () => finish(failure('CANCELLED', 'The compilation was cancelled.')),
  };
}
