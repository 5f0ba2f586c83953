import { OP, SIMD } from './opcodes.ts';
import type { ByteReader } from './reader.ts';
import { ModuleFault } from './reader.ts';

/** Passes over a constant expression of one instruction and its `end`. */
export function skipConstantExpression(reader: ByteReader): void {
  const opcode = reader.byte();
  switch (opcode) {
    case OP.i32Const:
    case OP.i64Const:
      reader.skipLeb();
      break;
    case OP.f32Const:
      reader.skip(4);
      break;
    case OP.f64Const:
      reader.skip(8);
      break;
    case OP.prefixFd:
      if (reader.u32() !== SIMD.v128Const) {
        throw new ModuleFault('unsupported constant expression');
      }
      reader.skip(16);
      break;
    case OP.globalGet:
    case OP.refFunc:
      reader.u32();
      break;
    case OP.refNull:
      reader.byte();
      break;
    default:
      throw new ModuleFault('unsupported constant expression');
  }
  if (reader.byte() !== OP.end) {
    throw new ModuleFault('constant expressions of more than one instruction are not enabled');
  }
}

/** The offset of an active segment. Only a constant: the IC lays data out before any code runs. */
export function readOffset(reader: ByteReader): { offsetOpcode: number; offset: bigint } {
  const offsetOpcode = reader.byte();
  if (offsetOpcode !== OP.i32Const && offsetOpcode !== OP.i64Const) {
    throw new ModuleFault('Invalid offset expression in a segment: only constants are allowed.');
  }
  const value = reader.s64();
  if (reader.byte() !== OP.end) {
    throw new ModuleFault('Invalid offset expression in a segment: only constants are allowed.');
  }
  const offset =
    offsetOpcode === OP.i32Const ? BigInt.asUintN(32, value) : BigInt.asUintN(64, value);
  return { offsetOpcode, offset };
}
