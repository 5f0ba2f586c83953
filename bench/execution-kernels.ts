import { readdirSync, readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import asc from 'assemblyscript/asc';
import { compileActor } from '../tests/support/browser-agent.ts';
import { compileWat } from '../tests/support/wat.ts';
import type { KernelModule } from './execution-measure.ts';

const DIRECTORY = join('bench', 'kernels');

async function compileAssemblyScript(name: string, source: string): Promise<Uint8Array> {
  const file = `${name}.ts`;
  let wasm: Uint8Array | undefined;
  const { error } = await asc.main(
    [
      file,
      '-O3',
      '--noAssert',
      '--runtime',
      'incremental',
      '--use',
      'abort=',
      '--outFile',
      'o.wasm',
    ],
    {
      readFile: (path: string) => (path === file ? source : null),
      writeFile: (_path: string, contents: Uint8Array | string) => {
        wasm = contents as Uint8Array;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || wasm === undefined) {
    throw new TypeError(`${name}: ${error?.message ?? 'no module'}`);
  }
  return new Uint8Array(wasm);
}

/** Compiles every program in bench/kernels. @param wanted part of `language/name`, empty for all */
export async function compileKernels(wanted: string): Promise<KernelModule[]> {
  const kernels: KernelModule[] = [];
  for (const file of readdirSync(DIRECTORY).sort((a, b) => (a < b ? -1 : 1))) {
    const extension = extname(file);
    const name = basename(file, extension);
    const language =
      extension === '.wat' ? 'wat' : extension === '.as' ? 'assemblyscript' : 'motoko';
    if (!`${language}/${name}`.includes(wanted)) {
      continue;
    }
    const source = readFileSync(join(DIRECTORY, file), 'utf8');
    const wasm =
      language === 'wat'
        ? await compileWat(source)
        : language === 'motoko'
          ? compileActor(source)
          : await compileAssemblyScript(name, source);
    kernels.push({ name, language, wasm });
  }
  return kernels;
}
