import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { addLibrary, compileProgram, type MotokoCompiler, type MotokoLibrary } from './motoko.ts';

const require = createRequire(import.meta.url);

/** The compiler needs seconds alone and many on a busy machine. */
const COMPILE_DEADLINE_MS = 120_000;

/** One instance for the file: its first compile is what users get, later ones differ in bytes only. */
function realCompiler(): MotokoCompiler {
  const { Motoko } = require('motoko/versions/latest/moc.min.js') as { Motoko: MotokoCompiler };
  addLibrary(Motoko, require('motoko/packages/latest/core.json') as MotokoLibrary);
  return Motoko;
}

describe('compileProgram', () => {
  const compiler = realCompiler();

  it(
    'compiles the counter to a module with the interface that is checked in',
    () => {
      const outcome = compileProgram(compiler, readFileSync('canisters/counter/main.mo', 'utf8'));
      const did = readFileSync('canisters/counter/counter.did', 'utf8');
      expect(outcome.kind).toBe('compiled');
      expect(outcome.kind === 'compiled' && outcome.candid.trim()).toBe(did.trim());
      expect(outcome.kind === 'compiled' && [...outcome.wasm.subarray(0, 4)]).toEqual([
        0, 97, 115, 109,
      ]);
    },
    COMPILE_DEADLINE_MS,
  );

  it('rejects a wrong program and counts lines and columns from 1', () => {
    const outcome = compileProgram(compiler, 'persistent actor {\n  let x : Nat = "text";\n};\n');
    expect(outcome.kind).toBe('rejected');
    expect(outcome.diagnostics[0]).toMatchObject({
      severity: 'error',
      startLine: 2,
      startColumn: 17,
    });
  });
});
