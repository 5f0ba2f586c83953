import type { KnownAccesses } from './known-accesses.ts';
import { NO_VARIABLE, UNKNOWN_TERM } from './known-values.ts';
import type { Lowering, ScratchLocals } from './lowering.ts';
import type { Memarg, MemoryAccess } from './memory-access.ts';
import { storedType } from './memory-access.ts';
import type { Metering } from './metering.ts';
import { OP, VALUE_TYPE } from './opcodes.ts';
import type { KnownOperand, OperandStack } from './operand-stack.ts';
import type { ByteReader } from './reader.ts';
import { ModuleFault } from './reader.ts';
import { SIMD_FORM } from './simd-opcodes.ts';

const MAX_ALIGNMENT = 4;
/** Bytes that the loads 0x28 … 0x35 and the stores 0x36 … 0x3e access. */
const ACCESSED_BYTES: readonly number[] = [
  ...[4, 8, 4, 8, 1, 1, 2, 2, 1, 1, 2, 2, 4, 4],
  ...[4, 8, 4, 8, 1, 2, 1, 2, 4],
];

/** Reads the immediates of loads and stores and hands them to `MemoryAccess`. */
export class AccessScan {
  readonly #memory: MemoryAccess | null;
  readonly #metering: Metering;
  readonly #stack: OperandStack;
  readonly #known: KnownAccesses;
  readonly #memory64: boolean;
  /** Reused: there are many accesses. */
  readonly #memarg: Memarg = { offset: 0, offsetStart: 0, offsetEnd: 0 };
  readonly #address: KnownOperand = { term: UNKNOWN_TERM, distance: 0, variable: NO_VARIABLE };

  constructor(
    memory: MemoryAccess | null,
    metering: Metering,
    stack: OperandStack,
    known: KnownAccesses,
    memory64: boolean,
  ) {
    this.#stack = stack;
    this.#known = known;
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

  scalar(
    reader: ByteReader,
    opcode: number,
    at: number,
    locals: ScratchLocals,
    lowering: Lowering,
  ): void {
    const memory = this.#read(reader);
    const type = storedType(opcode);
    const address = this.#address;
    const { offset } = this.#memarg;
    const size = ACCESSED_BYTES[opcode - OP.firstLoad] as number;
    this.#stack.look(type === undefined ? 0 : 1, address);
    if (!this.#known.isInside(address, offset, size)) {
      this.#metering.mayTrap();
      this.#known.access(address, offset, size);
    }
    if (type === undefined) {
      memory.load(reader, at, this.#memarg, lowering);
    } else {
      memory.store(reader, at, this.#memarg, lowering, locals, type, address);
    }
  }

  vector(
    reader: ByteReader,
    form: number,
    at: number,
    locals: ScratchLocals,
    lowering: Lowering,
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
        this.#stack.look(1, this.#address);
        memory.store(reader, at, this.#memarg, lowering, locals, VALUE_TYPE.v128, this.#address);
    }
  }
}
