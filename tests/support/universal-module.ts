import { readFileSync } from 'node:fs';
import { compileWat } from './wat.ts';

/** Builds the universal canister from `canisters/universal/universal.wat`. */

export interface UniversalModule {
  readonly memory64?: boolean;
  /** Exported only on demand: both run for every round or message. */
  readonly heartbeat?: boolean;
  readonly inspectMessage?: boolean;
}

const SOURCE = new URL('../../canisters/universal/universal.wat', import.meta.url);
const CALLBACKS = ['on_reply', 'on_reject', 'on_cleanup'] as const;

const CONVERSIONS = {
  i32: `
  (func $ptr_of (param i64) (result i32)
    (if (i64.gt_u (local.get 0) (i64.const 0xffffffff)) (then (unreachable)))
    (i32.wrap_i64 (local.get 0)))
  (func $int_of (param i32) (result i64) (i64.extend_i32_u (local.get 0)))`,
  i64: `
  (func $ptr_of (param i64) (result i64) (local.get 0))
  (func $int_of (param i64) (result i64) (local.get 0))`,
} as const;

function source(): string {
  return readFileSync(SOURCE, 'utf8');
}

/** Names of the op codes; an op code is its place in this list. */
export function opNames(): readonly string[] {
  return [...source().matchAll(/\(func \$op_(\w+)/g)].map(([, name = '']) => name);
}

/** WebAssembly text of the module for one width of memory. */
function universalWat(options: UniversalModule): string {
  const width = options.memory64 === true ? 'i64' : 'i32';
  const names = opNames();
  const functions = [...names.map((name) => `op_${name}`), ...CALLBACKS];
  const table = `(table ${functions.length} funcref)
  (elem (i32.const 0) ${functions.map((name) => `$${name}`).join(' ')})`;
  let text = source()
    .replace(
      /^ {2}MEMORY$/m,
      `(memory ${width === 'i64' ? 'i64 ' : ''}16)\n  ${table}${CONVERSIONS[width]}`,
    )
    .replaceAll(/\bptr\b/g, width);
  for (const [place, name] of CALLBACKS.entries()) {
    text = text.replaceAll(name.toUpperCase(), String(names.length + place));
  }
  if (options.heartbeat === true) {
    text = text.replace(';; if heartbeat:', '');
  }
  return options.inspectMessage === true ? text.replace(';; if inspect_message:', '') : text;
}

const built = new Map<string, Promise<Uint8Array>>();

/** The module, built once for each set of options. */
export async function universalWasm(options: UniversalModule = {}): Promise<Uint8Array> {
  const text = universalWat(options);
  const known = built.get(text) ?? compileWat(text);
  built.set(text, known);
  return await known;
}
