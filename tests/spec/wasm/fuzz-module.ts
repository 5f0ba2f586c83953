import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createPrng, type Prng } from '../../../src/base/prng.ts';
import { VALUE_TYPE } from '../../../src/protocol/execution/wasm/opcodes.ts';
import { typeOfFunction } from '../../../src/protocol/execution/wasm/validate.ts';
import type { Command, Script, ScriptValue } from './commands.ts';
import { ownImports } from './own-imports.ts';
import { parse } from './subjects.ts';

/** Modules that binaryen makes of random bytes (`wasm-opt -ttf`), with calls of their exports. */

const WASM_OPT = join('node_modules', '.bin', 'wasm-opt');

/** What a canister may use; each module gets some of it, so that none hides behind another. */
const ALWAYS: readonly string[] = [
  '--mvp-features',
  '--enable-mutable-globals',
  '--enable-bulk-memory',
  '--enable-sign-ext',
  '--enable-nontrapping-float-to-int',
];
const SOMETIMES: readonly string[] = [
  '--enable-multivalue',
  '--enable-simd',
  '--enable-reference-types',
  '--enable-memory64',
];
const SHAPES: readonly (readonly string[])[] = [[], ['-O1'], ['-O3'], ['--fuzz-passes']];
const MIN_BYTES = 400;
const CALLS_PER_EXPORT = 2;

const EDGES: Readonly<Record<string, readonly string[]>> = {
  i32: ['0', '1', '4294967295', '2147483648', '65535', '4096'],
  i64: ['0', '1', '18446744073709551615', '9223372036854775808', '4294967296'],
  f32: ['0', '2147483648', '1065353216', '2139095040', '1325400064', '1'],
  f64: ['0', '9223372036854775808', '4607182418800017408', '9218868437227405312', '1'],
};
const TYPES: Readonly<Record<number, 'i32' | 'i64' | 'f32' | 'f64'>> = {
  0x7f: 'i32',
  0x7e: 'i64',
  0x7d: 'f32',
  0x7c: 'f64',
};

function argument(prng: Prng, valueType: number): ScriptValue {
  const type = TYPES[valueType];
  if (valueType === VALUE_TYPE.funcref || valueType === VALUE_TYPE.externref) {
    return { type: valueType === VALUE_TYPE.funcref ? 'funcref' : 'externref', value: 'null' };
  }
  if (type === undefined) {
    return {
      type: 'v128',
      lane_type: 'i32',
      value: [0, 1, 2, 3].map(() => String(prng.below(100_000))),
    };
  }
  const edges = EDGES[type] ?? ['0'];
  return { type, value: edges[prng.below(edges.length)] ?? '0' };
}

async function generate(prng: Prng, denan: boolean, maxBytes: number): Promise<Uint8Array> {
  const directory = mkdtempSync(join(tmpdir(), 'subnetarium-fuzz-'));
  try {
    const input = join(directory, 'random');
    writeFileSync(input, prng.bytes(MIN_BYTES + prng.below(maxBytes - MIN_BYTES)));
    const features = SOMETIMES.filter(() => prng.chance(1, 2));
    const shape = [
      ...(SHAPES[prng.below(SHAPES.length)] ?? []),
      ...(prng.chance(2, 3) ? ['--no-fuzz-oob'] : []),
    ];
    const output = join(directory, 'module.wasm');
    await promisify(execFile)(WASM_OPT, [
      ...[input, '-ttf', ...ALWAYS, ...features, ...shape],
      ...(denan ? ['--denan'] : []),
      ...['-o', output],
    ]);
    return ownImports(new Uint8Array(readFileSync(output)));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/**
 * A module and calls of all its exported functions, each on a fresh instance; the same for the same
 * seed. Every fourth lets NaNs live: there the original is no measure, only the hash counts.
 * @param maxBytes of randomness: how large a module may become
 */
export async function fuzzScript(seed: string, maxBytes = 8000): Promise<Script> {
  const prng = createPrng(seed);
  const denan = !prng.chance(1, 4);
  const wasm = await generate(prng, denan, maxBytes);
  const name = `${seed.replaceAll(/\W/g, '-')}.wasm`;
  const parsed = parse(wasm);
  const commands: Command[] = [{ type: 'module', line: 0, filename: name }];
  if (parsed.ok) {
    parsed.module.exports.forEach((entry, line) => {
      if (entry.kind !== 0) {
        return;
      }
      const { params } = typeOfFunction(parsed.module, entry.index);
      commands.push({ type: 'module', line, filename: name });
      for (let call = 0; call < CALLS_PER_EXPORT; call += 1) {
        const args = params.map((type) => argument(prng, type));
        commands.push({
          type: 'action',
          line,
          action: { type: 'invoke', field: entry.name, args },
        });
      }
    });
  }
  return { name: seed, commands, files: { [name]: wasm }, originalMayDiffer: !denan };
}
