import type { Lowering, ScratchLocals } from './lowering.ts';
import type { Memarg, MemoryAccess } from './memory-access.ts';
import { storedType } from './memory-access.ts';
import type { Metering } from './metering.ts';
import { VALUE_TYPE } from './opcodes.ts';
import type { ByteReader } from './reader.ts';
import { ModuleFault } from './reader.ts';
import { SIMD_FORM } from './simd-opcodes.ts';

const MAX_ALIGNMENT = 4;

/** Reads the immediates of loads and stores and hands them to `MemoryAccess`. */
export class AccessScan {
  readonly #memory: MemoryAccess | null;
  readonly #metering: Metering;
  readonly #memory64: boolean;
  /** Reused: there are many accesses. */
  readonly #memarg: Memarg = { offset: 0, offsetStart: 0, offsetEnd: 0 };

  constructor(memory: MemoryAccess | null, metering: Metering, memory64: boolean) {
    this.#memory = memory;
    this.#metering = metering;
    this.#memory64 = memory64;
  }

  /** Reads alignment and offset; an access to a 64-bit memory costs one more. */
  #read(reader: ByteReader): MemoryAccess {
    if (reader.u32() > MAX_ALIGNMENT) {
      throw new ModuleFault('malformed alignment, or multiple memories, which are not enabled');
    }
    if (this.#memory === null) {
      throw new ModuleFault('unknown memory');
    }
    const memarg = this.#memarg;
    memarg.offsetStart = reader.at;
    memarg.offset = this.#memory64 ? reader.roundedU64() : reader.u32();
    memarg.offsetEnd = reader.at;
    if (this.#memory64) {
      this.#metering.charge(1);
    }
    return this.#memory;
  }

  /** @param base the local that holds what lies below the topmost operand, or `NO_LOCAL` */
  scalar(
    reader: ByteReader,
    opcode: number,
    at: number,
    locals: ScratchLocals,
    lowering: Lowering,
    base: number,
  ): void {
    const memory = this.#read(reader);
    const type = storedType(opcode);
    if (type === undefined) {
      memory.load(reader, at, this.#memarg, lowering);
    } else {
      memory.store(reader, at, this.#memarg, lowering, locals, type, base);
    }
  }

  vector(
    reader: ByteReader,
    form: number,
    at: number,
    locals: ScratchLocals,
    lowering: Lowering,
    base: number,
  ): void {
    const memory = this.#read(reader);
    if (form === SIMD_FORM.loadLane || form === SIMD_FORM.storeLane) {
      reader.skip(1);
    }
    switch (form) {
      case SIMD_FORM.load:
        memory.load(reader, at, this.#memarg, lowering);
        break;
      case SIMD_FORM.loadLane:
        memory.load(reader, at, this.#memarg, lowering, VALUE_TYPE.v128);
        break;
      default:
        memory.store(reader, at, this.#memarg, lowering, locals, VALUE_TYPE.v128, base);
    }
  }
}
