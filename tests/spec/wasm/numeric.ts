import { compileWat } from '../../support/wat.ts';
import type { Command, Script } from './commands.ts';

/**
 * Every scalar numeric instruction on values at the edges of its types, results stored in memory.
 * Nothing is expected here: the engine's answer for the original is what the rewritten module must give.
 */

type Type = 'i32' | 'i64' | 'f32' | 'f64';

const INTEGERS = ['0', '1', '-1', '2', '31', '0x7f', '0x8000', '-129', 'MIN', 'MAX', '123456789'];
const FLOATS = [
  '0',
  '-0',
  '1',
  '-1.5',
  '0.5',
  '2.5',
  'inf',
  '-inf',
  'nan',
  '-nan:PAYLOAD',
  'nan:QUIET',
  '0x1p-149',
  '1e30',
  '-2147483649',
  '4294967295.5',
  '9223372036854775807',
];
const EDGES: Readonly<Record<Type, Readonly<Record<string, string>>>> = {
  i32: { MIN: '0x80000000', MAX: '0x7fffffff' },
  i64: { MIN: '0x8000000000000000', MAX: '0x7fffffffffffffff' },
  f32: { PAYLOAD: '0x12345', QUIET: '0x400007' },
  f64: { PAYLOAD: '0x123456789', QUIET: '0x8000000000007' },
};

function valuesOf(type: Type): string[] {
  const plain = type.startsWith('i') ? INTEGERS : FLOATS;
  return plain.map((value) => {
    const edge = Object.entries(EDGES[type]).find(([name]) => value.endsWith(name));
    return `(${type}.const ${edge === undefined ? value : value.replace(edge[0], edge[1])})`;
  });
}

interface Operation {
  readonly name: string;
  readonly params: readonly Type[];
  readonly result: Type;
  /** Each case needs a call of its own. */
  readonly traps: boolean;
}

function words(text: string): string[] {
  return text.split(' ');
}

function integerOperations(type: 'i32' | 'i64'): Operation[] {
  const of = (names: string, params: Type[], result: Type, traps = false): Operation[] =>
    words(names).map((name) => ({ name: `${type}.${name}`, params, result, traps }));
  return [
    ...of('add sub mul and or xor shl shr_s shr_u rotl rotr', [type, type], type),
    ...of('div_s div_u rem_s rem_u', [type, type], type, true),
    ...of('eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u', [type, type], 'i32'),
    ...of('clz ctz popcnt extend8_s extend16_s', [type], type),
    ...of('eqz', [type], 'i32'),
  ];
}

function floatOperations(type: 'f32' | 'f64'): Operation[] {
  const of = (names: string, params: Type[], result: Type): Operation[] =>
    words(names).map((name) => ({ name: `${type}.${name}`, params, result, traps: false }));
  return [
    ...of('add sub mul div min max copysign', [type, type], type),
    ...of('eq ne lt gt le ge', [type, type], 'i32'),
    ...of('abs neg ceil floor trunc nearest sqrt', [type], type),
  ];
}

function conversions(): Operation[] {
  const one = (name: string, from: Type, result: Type, traps = false): Operation => ({
    name: `${result}.${name}`,
    params: [from],
    result,
    traps,
  });
  const found = [
    one('wrap_i64', 'i64', 'i32'),
    one('extend_i32_s', 'i32', 'i64'),
    one('extend_i32_u', 'i32', 'i64'),
    one('extend32_s', 'i64', 'i64'),
    one('demote_f64', 'f64', 'f32'),
    one('promote_f32', 'f32', 'f64'),
    one('reinterpret_f32', 'f32', 'i32'),
    one('reinterpret_f64', 'f64', 'i64'),
    one('reinterpret_i32', 'i32', 'f32'),
    one('reinterpret_i64', 'i64', 'f64'),
  ];
  for (const integer of ['i32', 'i64'] as const) {
    for (const float of ['f32', 'f64'] as const) {
      for (const sign of ['s', 'u']) {
        found.push(one(`trunc_${float}_${sign}`, float, integer, true));
        found.push(one(`trunc_sat_${float}_${sign}`, float, integer));
        found.push(one(`convert_${integer}_${sign}`, integer, float));
      }
    }
  }
  return found;
}

function casesOf({ name, params, result }: Operation): string[] {
  const [first, second] = params.map(valuesOf);
  const operands = (first ?? []).flatMap((a) =>
    second === undefined ? [a] : second.map((b) => `${a} ${b}`),
  );
  return operands.map((text, i) => `(${result}.store (i32.const ${i * 8}) (${name} ${text}))`);
}

async function scriptOf(operation: Operation): Promise<Script> {
  const cases = casesOf(operation);
  const functions = operation.traps ? cases : [cases.join('\n')];
  const wasm = await compileWat(
    `(module (memory 1) ${functions.map((text, i) => `(func (export "${i}") ${text})`).join('\n')})`,
  );
  const file = `${operation.name}.wasm`;
  const commands: Command[] = [{ type: 'module', line: 0, filename: file }];
  functions.forEach((_, i) => {
    commands.push({ type: 'action', line: i, action: { type: 'invoke', field: String(i) } });
  });
  return { name: operation.name, commands, files: { [file]: wasm } };
}

/** One script per instruction. */
export async function numericScripts(): Promise<Script[]> {
  const operations = [
    ...integerOperations('i32'),
    ...integerOperations('i64'),
    ...floatOperations('f32'),
    ...floatOperations('f64'),
    ...conversions(),
  ];
  const scripts: Script[] = [];
  for (const operation of operations) {
    scripts.push(await scriptOf(operation));
  }
  return scripts;
}
