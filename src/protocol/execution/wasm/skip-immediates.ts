import { MAX_FUNCTION_INSTRUCTIONS } from './limits.ts';
import { fcIndexCounts, IMMEDIATE, immediates, OP } from './opcodes.ts';
import type { ByteReader } from './reader.ts';
import { ModuleFault } from './reader.ts';
import { refusal } from './refusal.ts';
import { SIMD_FORM, simdForms } from './simd-opcodes.ts';

/**
 * Passes over what follows an opcode, without a look at types and indices; returns the second opcode
 * behind a prefix, 0 otherwise. Throws `ModuleFault` on an opcode that is not allowed.
 */
export function skipImmediates(reader: ByteReader, opcode: number, memory64: boolean): number {
  switch (immediates[opcode]) {
    case IMMEDIATE.none:
      break;
    case IMMEDIATE.index:
    case IMMEDIATE.leb:
    case IMMEDIATE.blockType:
      reader.skipLeb();
      break;
    case IMMEDIATE.memarg:
      skipMemarg(reader, memory64);
      break;
    case IMMEDIATE.brTable:
      for (
        let left = reader.count(MAX_FUNCTION_INSTRUCTIONS, 'branch targets');
        left >= 0;
        left -= 1
      ) {
        reader.u32();
      }
      break;
    case IMMEDIATE.callIndirect:
      reader.u32();
      reader.u32();
      break;
    case IMMEDIATE.byte:
      reader.byte();
      break;
    case IMMEDIATE.bytes4:
      reader.skip(4);
      break;
    case IMMEDIATE.bytes8:
      reader.skip(8);
      break;
    case IMMEDIATE.selectTypes:
      reader.skip(reader.u32());
      break;
    default:
      return skipPrefixed(reader, opcode, memory64);
  }
  return 0;
}

function skipMemarg(reader: ByteReader, memory64: boolean): void {
  reader.u32();
  if (memory64) {
    reader.skipLeb();
  } else {
    reader.u32();
  }
}

function skipPrefixed(reader: ByteReader, opcode: number, memory64: boolean): number {
  if (opcode !== OP.prefixFc && opcode !== OP.prefixFd) {
    throw new ModuleFault(refusal(opcode));
  }
  const second = reader.u32();
  if (opcode === OP.prefixFc) {
    for (let left = fcIndexCounts[second] ?? 0; left > 0; left -= 1) {
      reader.u32();
    }
    return second;
  }
  switch (simdForms[second] ?? SIMD_FORM.refused) {
    case SIMD_FORM.lane:
      reader.skip(1);
      break;
    case SIMD_FORM.bytes16:
      reader.skip(16);
      break;
    case SIMD_FORM.load:
    case SIMD_FORM.store:
      skipMemarg(reader, memory64);
      break;
    case SIMD_FORM.loadLane:
    case SIMD_FORM.storeLane:
      skipMemarg(reader, memory64);
      reader.skip(1);
      break;
    default:
  }
  return second;
}
