import { describe, expect, it } from 'vitest';
import { functionOf, joined, moduleOf, repeated } from '../../../../tests/support/wasm-bytes.ts';
import { compileWat } from '../../../../tests/support/wat.ts';
import { instrument } from './instrument.ts';

/** Each rule of the IC at its limit and one beyond, with the replica's whole text. */

const INVALID = "Canister's Wasm module is not valid: ";
const ENGINE = `${INVALID}Wasmtime failed to validate wasm module wasmtime::Module::validate() failed with `;
const IN_IMPORTS = `${INVALID}Wasm module has an invalid import section. `;
const IN_EXPORTS = `${INVALID}Wasm module has an invalid export section. `;
const IN_CUSTOM = `${INVALID}Wasm module has an invalid custom section. `;
const SIGNATURE = `${INVALID}Wasm module has an invalid function signature. `;
const MIB = 1024 * 1024;

type Build = Uint8Array | string;

async function said(build: Build): Promise<string> {
  const wasm = typeof build === 'string' ? await compileWat(`(module ${build})`) : build;
  const result = instrument(wasm, { lowerMemory64: true });
  return result.ok ? 'accepted' : result.error.message;
}

function many(count: number, of: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => of(index)).join(' ');
}

/** `count` functions of nothing but `end`: as cheap as a function can be. */
function functions(count: number): Uint8Array {
  return moduleOf(...Array.from({ length: count }, () => functionOf([])));
}

/** `v128.const; drop`: many bytes for few instructions. */
const LONG = [0xfd, 0x0c, ...Array.from({ length: 16 }, () => 0), 0x1a];

/** Eleven functions with so many bytes in their code section. */
function codeSection(bytes: number): Uint8Array {
  // The count of bodies is one byte; so are the size (of three), the locals (none) and the end of each.
  const codeBytes = bytes - 1 - 11 * 5;
  const each = Math.floor(codeBytes / 11);
  return moduleOf(
    ...Array.from({ length: 11 }, (_, i) => {
      const size = i < 10 ? each : codeBytes - 10 * each;
      const long = repeated(Math.floor(size / LONG.length), ...LONG);
      return functionOf(joined(long, repeated(size - long.length, 0x01)));
    }),
  );
}

function withSections(
  ...sections: readonly (readonly [name: string, bytes: number])[]
): Uint8Array {
  const leb = (value: number): number[] =>
    value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
  return joined(
    Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0),
    ...sections.map(([name, bytes]) => {
      const title = [...leb(name.length), ...Buffer.from(name)];
      return joined([0], leb(title.length + bytes), title, new Uint8Array(bytes));
    }),
  );
}

const method = (index: number): string => `(func (export "canister_query m${index}"))`;
/** Twenty methods of 1000 bytes, the last a little longer. */
const longNames = (extra: number): string =>
  many(20, (index) => {
    const name = `${index}`.padEnd(index === 19 ? 1000 + extra : 1000, 'x');
    return `(func (export "canister_update ${name}"))`;
  });

const LIMITS: readonly (readonly [rule: string, at: Build, beyond: Build, text: string])[] = [
  [
    'bytes of the code section',
    codeSection(11 * MIB),
    codeSection(11 * MIB + 1),
    `${INVALID}Wasm module code section size of 11534337 exceeds the maximum allowed size of 11534336.`,
  ],
  [
    'functions',
    functions(50_000),
    functions(50_001),
    `${INVALID}Wasm module defined 50001 functions which exceeds the maximum number allowed 50000.`,
  ],
  [
    'globals',
    many(1000, () => '(global i32 (i32.const 0))'),
    many(1001, () => '(global i32 (i32.const 0))'),
    `${INVALID}Wasm module defined 1001 globals which exceeds the maximum number allowed 1000.`,
  ],
  [
    'exported methods',
    many(1000, method),
    many(1001, method),
    `${INVALID}The number of exported functions called \`canister_update <name>\`, \`canister_query <name>\`, or \`canister_composite_query <name>\` is 1001 which exceeds 1000.`,
  ],
  [
    'bytes of their names',
    longNames(0),
    longNames(1),
    `${INVALID}The sum of \`<name>\` lengths in exported functions called \`canister_update <name>\`, \`canister_query <name>\`, or \`canister_composite_query <name>\` is 20001 which exceeds the allowed limit of 20000.`,
  ],
  [
    'custom sections',
    withSections(...Array.from({ length: 16 }, (_, i) => [`icp:public ${i}`, 3] as const)),
    withSections(...Array.from({ length: 17 }, (_, i) => [`icp:public ${i}`, 3] as const)),
    `${INVALID}Wasm module defined 17 custom sections which exceeds the maximum number allowed 16.`,
  ],
  [
    'bytes of custom sections, names included',
    withSections(['icp:public ab', MIB - 4], ['icp:private cd', 0], ['other', 100]),
    withSections(['icp:public ab', MIB - 4], ['icp:private cd', 1], ['other', 100]),
    `${IN_CUSTOM}Invalid custom sections: total size of the custom sections exceeds the maximum allowed: size 1048577 bytes, allowed 1048576 bytes`,
  ],
  [
    // Size, one for each instruction, would be the same number: complexity is looked at first.
    'instructions and complexity of a function',
    moduleOf(functionOf(repeated(999_999, 0x01))),
    moduleOf(functionOf([]), functionOf(repeated(1_000_000, 0x01))),
    `${INVALID}Wasm module contains a function at index 1 with complexity 1000001 which exceeds the maximum complexity allowed 1000000.`,
  ],
  [
    'complexity of blocks',
    moduleOf(
      functionOf(joined(repeated(19_607, 0x02, 0x40), repeated(19_607, 0x0b), repeated(42, 0x01))),
    ),
    moduleOf(
      functionOf(joined(repeated(19_607, 0x02, 0x40), repeated(19_607, 0x0b), repeated(43, 0x01))),
    ),
    `${INVALID}Wasm module contains a function at index 0 with complexity 1000001 which exceeds the maximum complexity allowed 1000000.`,
  ],
  [
    'pages of a 64-bit memory',
    '(memory i64 1 98304)',
    '(memory i64 1 98305)',
    `${INVALID}Wasm module defines a memory of 98305 pages, which exceeds the maximum number allowed 98304.`,
  ],
  [
    'data in the initial memory',
    '(memory 1) (data (i32.const 65532) "1234")',
    '(memory 1) (data (i32.const 65533) "1234")',
    'Could not instrument wasm module of canister: Wasm module has invalid data segment of 4 bytes at 65533',
  ],
  [
    'data in the initial 64-bit memory',
    '(memory i64 1) (data (i64.const 65532) "1234")',
    '(memory i64 1) (data (i64.const 65533) "1234")',
    'Could not instrument wasm module of canister: Wasm module has invalid data segment of 4 bytes at 65533',
  ],
  [
    'tables',
    many(100, () => '(table 0 funcref)'),
    many(101, () => '(table 0 funcref)'),
    `${ENGINE}tables count exceeds limit of 100`,
  ],
  [
    'elements of all tables',
    '(table 9999999 funcref) (table 1 funcref)',
    '(table 9999999 funcref) (table 2 funcref)',
    `${ENGINE}minimum table size is out of bounds`,
  ],
  [
    'locals',
    moduleOf(functionOf([], [25_000, 25_000])),
    moduleOf(functionOf([], [25_000, 25_001])),
    `${ENGINE}too many locals`,
  ],
  [
    'parameters',
    `(type (func (param ${'i32 '.repeat(1000)})))`,
    `(type (func (param ${'i32 '.repeat(1001)})))`,
    `${ENGINE}too many parameters: 1001`,
  ],
  [
    'results',
    `(type (func (result ${'i32 '.repeat(1000)})))`,
    `(type (func (result ${'i32 '.repeat(1001)})))`,
    `${ENGINE}too many results: 1001`,
  ],
];

describe('at its limit a module is accepted and one beyond refused:', () => {
  it.each(LIMITS)('%s', async (_rule, at, beyond, text) => {
    expect(await said(at)).toBe('accepted');
    expect(await said(beyond)).toBe(text);
  });
});

const RULES: readonly (readonly [module: string, text: string])[] = [
  ['(import "env" "table" (table 1 funcref))', `${IN_IMPORTS}Importing tables is not allowed.`],
  [
    '(import "foo" "table" (table 1 funcref))',
    `${IN_IMPORTS}Only tables imported from env.table are allowed.`,
  ],
  ['(import "env" "memory" (memory 1))', `${IN_IMPORTS}Importing memories is not allowed.`],
  [
    '(import "foo" "memory" (memory 529))',
    `${IN_IMPORTS}Only memory imported from env.memory is allowed.`,
  ],
  ['(import "ic0" "g" (global i32))', `${IN_IMPORTS}Importing globals is not allowed.`],
  ['(import "ic0" "t" (tag))', `${IN_IMPORTS}Importing tags is not allowed.`],
  [
    '(import "ic0" "nope" (func))',
    `${IN_IMPORTS}Module imports function 'nope' from 'ic0' that is not exported by the runtime.`,
  ],
  [
    '(import "ic1" "time" (func (result i64)))',
    `${IN_IMPORTS}Module imports function "time" from "ic1", expected to be imported from one of ["ic0"] instead.`,
  ],
  [
    '(import "ic0" "msg_reply_data_append" (func (param i64 i64)))',
    `${SIGNATURE}Expected input params [I32, I32] for 'msg_reply_data_append', got [I64, I64].`,
  ],
  [
    '(import "ic0" "msg_reply_data_append" (func (param i32 i32))) (memory i64 1)',
    `${SIGNATURE}Expected input params [I64, I64] for 'msg_reply_data_append', got [I32, I32].`,
  ],
  [
    '(import "ic0" "msg_reply" (func (param v128 externref funcref f32 f64)))',
    `${SIGNATURE}Expected input params [] for 'msg_reply', got [V128, Ref(externref), Ref(funcref), F32, F64].`,
  ],
  [
    '(import "ic0" "time" (func (result i32)))',
    `${SIGNATURE}Expected return type [I64] for 'time', got [I32].`,
  ],
  [
    '(func (export "canister_init") (result i32) (i32.const 0))',
    `${SIGNATURE}Expected return type [] for 'canister_init', got [I32].`,
  ],
  [
    '(func (export "canister_update x") (param i64))',
    `${SIGNATURE}Expected input params [] for 'canister_update x', got [I64].`,
  ],
  [
    '(func (export "canister_nope"))',
    `${IN_EXPORTS}Exporting reserved function 'canister_nope' with "canister_" prefix`,
  ],
  [
    '(func (export "canister_query a")) (func (export "canister_composite_query a"))',
    `${INVALID}Duplicate function 'a' exported multiple times with different call types: update, query, or composite_query.`,
  ],
  [
    '(global externref (ref.null extern))',
    `${INVALID}Wasm module has an invalid global section. Unsupported global type: Ref(externref)`,
  ],
  [
    '(global (mut funcref) (ref.null func))',
    `${INVALID}Wasm module has an invalid global section. Unsupported global type: Ref(funcref)`,
  ],
  ['(memory 1) (data (i64.const 0) "x")', `${ENGINE}type mismatch: expected i32, found i64`],
  ['(memory i64 1) (data (i32.const 0) "x")', `${ENGINE}type mismatch: expected i64, found i32`],
  ['(memory 1) (memory 1)', `${ENGINE}multiple memories`],
  [
    '(memory 1 1 shared)',
    `${ENGINE}shared memory types need the threads feature, which is disabled`,
  ],
  ['(func $f (return_call $f))', `${ENGINE}tail calls support is not enabled`],
  [
    '(memory 1) (func (drop (i32.atomic.load (i32.const 0))))',
    `${ENGINE}threads support is not enabled`,
  ],
  ['(func (try (do)))', `${ENGINE}exceptions support is not enabled`],
];

describe('a module is refused:', () => {
  it.each(RULES)('%s', async (module, text) => {
    expect(await said(module)).toBe(text);
  });

  it.each([
    'canister counter_instructions',
    'canister_start',
    'stable_memory',
    'stable_memory_bytemap',
    'canister counter_dirty_pages',
    'canister counter_accessed_pages',
    '__persistent_mutable_global_0',
  ])('with the reserved export %s, whatever it is', async (name) => {
    const text = `${IN_EXPORTS}Exporting reserved symbol ${name} not allowed.`;
    expect(await said(`(func (export "${name}"))`)).toBe(text);
    expect(await said(`(global (export "${name}") i32 (i32.const 0))`)).toBe(text);
  });

  it.each([
    ['table.set', '(table.set 0 (i32.const 0) (ref.null func))'],
    ['table.grow', '(drop (table.grow 0 (ref.null func) (i32.const 1)))'],
    ['table.fill', '(table.fill 0 (i32.const 0) (ref.null func) (i32.const 1))'],
    ['table.copy', '(table.copy 0 0 (i32.const 0) (i32.const 0) (i32.const 1))'],
    ['table.init', '(table.init 0 0 (i32.const 0) (i32.const 0) (i32.const 1))'],
  ])('with the instruction %s', async (instruction, code) => {
    expect(await said(`(table 1 funcref) (elem func) (func) (func ${code})`)).toBe(
      `${INVALID}Wasm module contains a function at index 1 with unsupported instruction ${instruction}.`,
    );
  });

  it.each([
    ['icp:public', "'icp:' section names must have a space after the public/private scope"],
    ['icp:private', "'icp:' section names must have a space after the public/private scope"],
    [
      'icp:protected x',
      "Invalid custom section: Custom section 'icp:protected x' has no public/private scope defined.",
    ],
    ['icp:public twice', 'Invalid custom section: name twice already exists'],
  ])('with the custom section %s', async (name, reason) => {
    expect(await said(withSections(['icp:private twice', 1], [name, 1]))).toBe(IN_CUSTOM + reason);
  });

  it.each([
    [
      'nothing',
      new Uint8Array(0),
      `${INVALID}Failed to decode wasm module: unsupported canister module format`,
    ],
    [
      'another version',
      Uint8Array.of(0, 97, 115, 109, 2, 0, 0, 0),
      `${ENGINE}unknown binary version`,
    ],
    [
      'half a section',
      Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 9, 0),
      `${ENGINE}unexpected end`,
    ],
  ])('that is %s', async (_name, wasm, text) => {
    expect(await said(wasm)).toBe(text);
  });
});

describe('a module is accepted', () => {
  it.each([
    '(global v128 (v128.const i64x2 1 2)) (global (mut f64) (f64.const 0))',
    '(global (export "v") (mut v128) (v128.const i64x2 1 2))',
    '(table 1 funcref) (func (drop (table.get 0 (i32.const 0))) (drop (table.size 0)))',
    '(func (export "plain") (param i32)) (memory (export "memory") 1)',
    '(func (export "canister_query ")) (func (export "canister_update a b"))',
    '(func (export "canister_on_low_wasm_memory")) (func (export "canister_heartbeat"))',
    '(import "ic0" "msg_reply" (func $r)) (export "canister_update r" (func $r))',
  ])('%s', async (module) => {
    expect(await said(module)).toBe('accepted');
  });

  it('with custom sections of other names and with odd names of the IC', async () => {
    expect(
      await said(
        withSections(
          ['icp:public ', 1],
          ['icp:private  x', 1],
          [' icp:public', 1],
          ['eth:private', 1],
        ),
      ),
    ).toBe('accepted');
  });
});

describe('of several broken rules the first in the replica’s order is named:', () => {
  it.each([
    [
      'imports before exports',
      '(import "a" "b" (func)) (func (export "canister_x"))',
      'import section',
    ],
    [
      'exports before globals',
      `(func (export "canister_x")) ${many(1001, () => '(global i32 (i32.const 0))')}`,
      'export section',
    ],
    [
      'globals before memory',
      '(global externref (ref.null extern)) (memory i64 1 98305)',
      'global section',
    ],
    [
      'memory before code',
      '(memory i64 1 98305) (table 1 funcref) (func (drop (table.grow 0 (ref.null func) (i32.const 1))))',
      'defines a memory',
    ],
    [
      'code before data',
      '(memory 1) (data (i32.const 65536) "x") (table 1 funcref) (func (drop (table.grow 0 (ref.null func) (i32.const 1))))',
      'unsupported instruction',
    ],
  ])('%s', async (_order, module, words) => {
    expect(await said(module)).toContain(words);
  });
});
