import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { HostileScene, UNHARMED } from '../../support/hostile-scene.ts';
import { universalWasm } from '../../support/universal-module.ts';
import {
  branchTable,
  functionOf,
  joined,
  moduleOf,
  repeated,
  WASM_HEADER,
} from '../../support/wasm-bytes.ts';
import { compileWat } from '../../support/wat.ts';

/** Modules made to harm: the error says why, and nothing else happens. */

const INVALID = "Canister's Wasm module is not valid: ";
const NOPS = functionOf(repeated(950_000, 0x01));
/** A gzip file that says it holds so many bytes. */
function sized(file: Uint8Array, bytes: number): Uint8Array {
  const changed = Uint8Array.from(file);
  new DataView(changed.buffer).setUint32(changed.length - 4, bytes, true);
  return changed;
}
const wat = (text: string) => (): Promise<Uint8Array> => compileWat(`(module ${text})`);
type Build = () => Uint8Array | Promise<Uint8Array>;

let universal: Uint8Array;
let scene: HostileScene;
beforeAll(async () => {
  universal = await universalWasm();
  scene = new HostileScene(universal);
});

const REFUSED: readonly (readonly [name: string, code: number, text: string, build: Build])[] = [
  ['nothing', 505, 'unsupported canister module format.\n', () => new Uint8Array(0)],
  ['any bytes', 505, 'unsupported canister module format.\n', () => Uint8Array.of(1, 2, 3)],
  ['half a module', 505, 'unexpected end', () => universal.slice(0, 3000)],
  ['a section longer than the file', 505, '', () => joined(WASM_HEADER, [1, 0xff, 0xff, 3])],
  [
    'half of a compressed module',
    505,
    'Failed to decode wasm module: failed to decode compressed Wasm module: ',
    () => sized(gzipSync(universal).slice(0, 500), 1000),
  ],
  [
    '100 KB that unpack to 101 MB',
    505,
    'Wasm module size of 105906176 exceeds the maximum allowed size of 104857600.',
    () => gzipSync(new Uint8Array(101 * 1024 * 1024)),
  ],
  [
    '1 MB behind a size of 1000 bytes',
    505,
    'specified uncompressed size 1000 does not match extracted size 1001',
    () => sized(gzipSync(new Uint8Array(1_000_000)), 1000),
  ],
  [
    'a compressed module of 12 bytes',
    505,
    'invalid Wasm module: gzip stream is too short',
    () => gzipSync(universal).slice(0, 12),
  ],
  [
    '12 KB of code that unpack to 12 MB',
    505,
    'Wasm module code section size of 12350066 exceeds the maximum allowed size of 11534336.',
    () => gzipSync(moduleOf(...Array.from({ length: 13 }, () => NOPS))),
  ],
  [
    'a function of a million and one instructions',
    505,
    'Wasm module contains a function at index 0 with complexity',
    () => moduleOf(functionOf(repeated(1_000_001, 0x01))),
  ],
  [
    '50,001 functions',
    505,
    'Wasm module defined 50001 functions which exceeds the maximum number allowed 50000.',
    () => moduleOf(...Array.from({ length: 50_001 }, () => functionOf([]))),
  ],
  ['50,001 locals', 505, 'too many locals', () => moduleOf(functionOf([], [50_001]))],
  [
    'locals that add up beyond 32 bits',
    505,
    'too many locals',
    () => moduleOf(functionOf([], [0xffff_ffff, 2])),
  ],
  [
    'a jump table of a million targets',
    505,
    '',
    () => moduleOf(functionOf(branchTable(1_000_000))),
  ],
  [
    'a jump table that says it has four billion targets',
    505,
    'too many branch targets',
    () => moduleOf(functionOf(branchTable(0xffff_ffff, 10))),
  ],
  ['blocks that never end', 505, '', () => moduleOf(functionOf(repeated(100_000, 0x02, 0x40)))],
  ['more memory than there is', 505, 'a memory of 65536 pages', wat('(memory 65536)')],
  [
    'more 64-bit memory than there may be',
    505,
    'Wasm module defines a memory of 98305 pages, which exceeds the maximum number allowed 98304.',
    wat('(memory i64 98305)'),
  ],
  [
    'a table of four billion functions',
    505,
    'minimum table size is out of bounds',
    wat('(table 4000000000 funcref)'),
  ],
  [
    'many tables that are large together',
    505,
    'minimum table size is out of bounds',
    wat('(table 9000000 funcref) '.repeat(20)),
  ],
  ['101 tables', 505, 'tables count exceeds limit of 100', wat('(table 1 funcref) '.repeat(101))],
  [
    'data outside of the memory',
    505,
    'Could not instrument wasm module of canister: Wasm module has invalid data segment of 2 bytes at 65535.\n',
    wat('(memory 1) (data (i32.const 65535) "ab")'),
  ],
  [
    'an import of another host',
    505,
    "Module imports function 'x' from 'env'",
    wat('(import "env" "x" (func))'),
  ],
  [
    'an import with another signature',
    505,
    "Expected input params [] for 'msg_reply', got [I32].",
    wat('(import "ic0" "msg_reply" (func (param i32)))'),
  ],
  [
    'a reserved export',
    505,
    "Exporting reserved function 'canister_foo'",
    wat('(func (export "canister_foo"))'),
  ],
  ['shared memory', 505, 'threads feature', wat('(memory 1 1 shared)')],
  ['tail calls', 505, 'tail calls support is not enabled', wat('(func $f return_call $f)')],
  [
    'a hook that traps',
    502,
    'unreachable',
    wat('(func (export "canister_post_upgrade") unreachable)'),
  ],
  [
    'a hook that calls itself',
    502,
    'stack overflow',
    wat('(func $f (export "canister_post_upgrade") call $f)'),
  ],
  [
    'a start function without end',
    522,
    'Canister exceeded the limit of ',
    wat('(func $f (loop br 0)) (start $f)'),
  ],
  [
    'a hook without end',
    522,
    'Canister exceeded the limit of ',
    wat('(func (export "canister_post_upgrade") (loop br 0))'),
  ],
  [
    'a hook that takes all memory and traps',
    502,
    'unreachable',
    wat(
      '(memory 1) (func (export "canister_post_upgrade") (drop (memory.grow (i32.const 9000))) (i32.store (i32.const 500000000) (i32.const 1)) unreachable)',
    ),
  ],
];

describe('a module with', () => {
  it.each(REFUSED)('%s is IC0%i %s, and nothing changes', async (_name, code, text, build) => {
    const before = scene.memories();
    const said = scene.upgrade(await build(), 90);
    expect(said).toContain(`IC0${code}: Error from Canister `);
    expect(said).toContain(code === 505 && !text.startsWith('Could not') ? INVALID : '');
    expect(said).toContain(text);
    expect(scene.memories()).toEqual(before);
    expect(scene.unharmed()).toEqual(UNHARMED);
  });
});

describe('a module that is only odd', () => {
  it.each<readonly [string, Build]>([
    ['nothing but the header', () => WASM_HEADER],
    ['50,000 locals', () => moduleOf(functionOf([], [50_000]))],
    ['a jump table of 60,000 targets', () => moduleOf(functionOf(branchTable(60_000)))],
    [
      '10,000 blocks in each other',
      () => moduleOf(functionOf(joined(repeated(10_000, 0x02, 0x40), repeated(10_000, 0x0b)))),
    ],
    ['almost 4 GiB of empty memory', wat('(memory 65520)')],
    ['a table of ten million', wat('(table 10000000 funcref)')],
  ])('is installed: %s', async (_name, build) => {
    const own = new HostileScene(universal);
    expect(own.upgrade(await build(), 90)).toBe('DIDL\0\0');
    expect(own.unharmed()).toEqual(UNHARMED);
  });
});
