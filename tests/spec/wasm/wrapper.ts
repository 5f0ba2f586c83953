import type { FunctionType } from '../../../src/protocol/execution/wasm/module.ts';
import { SECTION } from '../../../src/protocol/execution/wasm/module.ts';
import { OP, VALUE_TYPE } from '../../../src/protocol/execution/wasm/opcodes.ts';
import { ByteWriter } from '../../../src/protocol/execution/wasm/writer.ts';
import type { ScriptValue } from './commands.ts';
import { bytesOf } from './values.ts';

/**
 * One small module per assertion: it holds the arguments as constants, calls the function and stores
 * the results in a scratch memory, so that NaN bits and vectors never pass through JavaScript.
 */

/** What a wrapper imports: module `s`. */
export const WRAPPER = {
  module: 's',
  target: 'target',
  memory: 'memory',
  /** Prefix of immutable globals with the host references among the arguments. */
  reference: 'reference ',
  /** Exported function that does it. */
  run: 'run',
  /** Prefix of exported mutable globals with references among the results. */
  result: 'result ',
} as const;

/** Bytes of the scratch memory that one result takes. */
export const RESULT_BYTES = 16;

const { i32, i64, f32, f64, v128, funcref, externref } = VALUE_TYPE;
const STORES: Readonly<Record<number, readonly number[]>> = {
  [i32]: [0x36, 2],
  [i64]: [0x37, 3],
  [f32]: [0x38, 2],
  [f64]: [0x39, 3],
  [v128]: [0xfd, 0x0b, 4],
};
const FLOAT_CONST = { f32: OP.f32Const, f64: OP.f64Const } as const;

function isReference(type: number): boolean {
  return type === funcref || type === externref;
}

function writeConstant(w: ByteWriter, value: ScriptValue, reference: () => number): void {
  switch (value.type) {
    case 'i32':
      w.byte(OP.i32Const);
      w.signed(Number(BigInt.asIntN(32, BigInt(value.value ?? '0'))));
      break;
    case 'i64': {
      // As two halves: the writer's signed numbers are safe integers only.
      const bits = BigInt.asUintN(64, BigInt(value.value ?? '0'));
      w.byte(OP.i64Const);
      w.signed(Number(bits >> 32n));
      w.raw([OP.i64Const, 32, 0x86, OP.i64Const]);
      w.signed(Number(bits & 0xffff_ffffn));
      w.byte(0x84);
      break;
    }
    case 'f32':
    case 'f64':
      w.byte(FLOAT_CONST[value.type]);
      w.raw(bytesOf(value));
      break;
    case 'v128':
      w.raw([0xfd, 0x0c]);
      w.raw(bytesOf(value));
      break;
    default:
      if (value.value === undefined || value.value === 'null') {
        w.raw([OP.refNull, value.type === 'externref' ? externref : funcref]);
      } else {
        w.byte(OP.globalGet);
        w.u32(reference());
      }
  }
}

function section(w: ByteWriter, id: number, write: (payload: ByteWriter) => void): void {
  const payload = new ByteWriter();
  write(payload);
  w.byte(id);
  w.sized(payload.view());
}

function writeImport(w: ByteWriter, name: string, kind: readonly number[]): void {
  w.name(WRAPPER.module);
  w.name(name);
  w.raw(kind);
}

function writeTypes(w: ByteWriter, type: FunctionType): void {
  section(w, SECTION.type, (p) => {
    p.u32(2);
    for (const { params, results } of [type, { params: [], results: [] }]) {
      p.byte(0x60);
      p.u32(params.length);
      p.raw(params);
      p.u32(results.length);
      p.raw(results);
    }
  });
}

/** The host references among arguments, in order: what the imported globals hold. */
export function hostReferences(args: readonly ScriptValue[]): string[] {
  return args.flatMap((arg) =>
    arg.type === 'externref' && arg.value !== undefined && arg.value !== 'null' ? [arg.value] : [],
  );
}

/** References as results go to globals that are exported, everything else to memory. */
function writeResults(body: ByteWriter, results: readonly number[], imported: number): void {
  for (let i = results.length - 1; i >= 0; i -= 1) {
    body.byte(OP.localSet);
    body.u32(i);
  }
  let global = imported;
  results.forEach((type, i) => {
    if (isReference(type)) {
      body.byte(OP.localGet);
      body.u32(i);
      body.byte(OP.globalSet);
      body.u32(global);
      global += 1;
      return;
    }
    body.byte(OP.i32Const);
    body.signed(i * RESULT_BYTES);
    body.byte(OP.localGet);
    body.u32(i);
    body.raw(STORES[type] ?? []);
    body.byte(0);
  });
}

/** A module that calls an imported function of this type with these arguments. */
export function invocation(type: FunctionType, args: readonly ScriptValue[]): Uint8Array {
  const references = hostReferences(args);
  const kept = type.results.filter(isReference);
  const w = new ByteWriter();
  w.raw([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  writeTypes(w, type);
  section(w, SECTION.import, (p) => {
    p.u32(2 + references.length);
    writeImport(p, WRAPPER.target, [0, 0]);
    writeImport(p, WRAPPER.memory, [2, 0, 1]);
    references.forEach((_, i) => {
      writeImport(p, `${WRAPPER.reference}${i}`, [3, externref, 0]);
    });
  });
  section(w, SECTION.function, (p) => p.raw([1, 1]));
  section(w, SECTION.global, (p) => {
    p.u32(kept.length);
    for (const ref of kept) {
      p.raw([ref, 1, OP.refNull, ref, OP.end]);
    }
  });
  section(w, SECTION.export, (p) => {
    p.u32(1 + kept.length);
    p.name(WRAPPER.run);
    p.raw([0, 1]);
    kept.forEach((_, i) => {
      p.name(`${WRAPPER.result}${i}`);
      p.byte(3);
      p.u32(references.length + i);
    });
  });
  const body = new ByteWriter();
  body.u32(type.results.length);
  for (const result of type.results) {
    body.raw([1, result]);
  }
  let next = 0;
  for (const arg of args) {
    writeConstant(body, arg, () => next++);
  }
  body.raw([OP.call, 0]);
  writeResults(body, type.results, references.length);
  body.byte(OP.end);
  section(w, SECTION.code, (p) => {
    p.u32(1);
    p.sized(body.view());
  });
  return w.toBytes();
}

/** A module that stores the value of an imported global of this type. */
export function reading(valueType: number, mutable: boolean): Uint8Array {
  const w = new ByteWriter();
  w.raw([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  writeTypes(w, { params: [], results: [] });
  section(w, SECTION.import, (p) => {
    p.u32(2);
    writeImport(p, WRAPPER.target, [3, valueType, mutable ? 1 : 0]);
    writeImport(p, WRAPPER.memory, [2, 0, 1]);
  });
  section(w, SECTION.function, (p) => p.raw([1, 1]));
  section(w, SECTION.export, (p) => {
    p.u32(1);
    p.name(WRAPPER.run);
    p.raw([0, 0]);
  });
  section(w, SECTION.code, (p) => {
    const body = new ByteWriter();
    body.raw([0, OP.i32Const, 0, OP.globalGet, 0]);
    body.raw(STORES[valueType] ?? []);
    body.raw([0, OP.end]);
    p.u32(1);
    p.sized(body.view());
  });
  return w.toBytes();
}
