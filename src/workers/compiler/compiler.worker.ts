import compilerUrl from 'motoko/versions/latest/moc.min.js?url';
import libraryUrl from 'motoko/packages/latest/core.json?url';
import type { CompileRequest, CompilerMessage } from './messages.ts';
import { addLibrary, compileProgram, type MotokoCompiler, type MotokoLibrary } from './motoko.ts';

function post(message: CompilerMessage, transfer: Transferable[] = []): void {
  globalThis.postMessage(message, { transfer });
}

async function loadCompiler(): Promise<MotokoCompiler> {
  // The compiler is a script that sets a global; its own file keeps it out of every other chunk.
  await import(/* @vite-ignore */ new URL(compilerUrl, globalThis.location.href).href);
  const { Motoko } = globalThis as unknown as { readonly Motoko?: MotokoCompiler };
  if (Motoko === undefined) {
    throw new Error('the Motoko compiler did not load');
  }
  return Motoko;
}

async function loadLibrary(): Promise<MotokoLibrary> {
  const response = await fetch(new URL(libraryUrl, globalThis.location.href));
  if (!response.ok) {
    throw new Error(`the Motoko library did not load: HTTP ${response.status}`);
  }
  return (await response.json()) as MotokoLibrary;
}

async function compile({ source }: CompileRequest): Promise<void> {
  post({ kind: 'stage', stage: 'loadCompiler' });
  const compiler = await loadCompiler();
  post({ kind: 'stage', stage: 'loadLibrary' });
  addLibrary(compiler, await loadLibrary());
  post({ kind: 'stage', stage: 'compile' });
  const outcome = compileProgram(compiler, source);
  post(outcome, outcome.kind === 'compiled' ? [outcome.wasm.buffer] : []);
}

globalThis.addEventListener(
  'message',
  (event: MessageEvent<CompileRequest>) => {
    compile(event.data).catch((reason: unknown) => {
      post({ kind: 'crashed', message: reason instanceof Error ? reason.message : String(reason) });
    });
  },
  { once: true },
);
