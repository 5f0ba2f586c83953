import type { Edits } from './edits.ts';
import { MARKED_PAGE_SHIFT } from './heap-layout.ts';
import type { HeapLayout } from './heap-layout.ts';
import type { Appended } from './helpers.ts';
import type { KnownAccesses } from './known-accesses.ts';
import { MARKED_BYTES } from './known-accesses.ts';
import { CONSTANT_TERM, indexOfVariable, isGlobal, UNKNOWN_TERM } from './known-values.ts';
import type { KnownValues } from './known-values.ts';
import type { Lowering, ScratchLocals } from './lowering.ts';
import { FC, OP, VALUE_TYPE } from './opcodes.ts';
import type { KnownOperand } from './operand-stack.ts';
import type { ByteReader } from './reader.ts';
import type { UnmarkedWrites } from './rewrite-context.ts';

const { i32, i64, f32, f64 } = VALUE_TYPE;
/** Types of the values that the stores 0x36 … 0x3e take. */
const STORED_TYPES: readonly number[] = [i32, i64, f32, f64, i32, i32, i64, i64, i64];

/**
 * Offsets are rounded down to a multiple of this when the written page is found, so that stores at
 * one address share a mark: the host then looks at so many bytes more behind each marked page (see
 * `STRADDLE_BYTES`).
 */
const IGNORED_OFFSET = MARKED_BYTES;

function roundedDown(offset: number): number {
  return offset - (offset % IGNORED_OFFSET);
}

/**
 * A marked page stands for itself and the first so many bytes of the next one: a store of 16 bytes
 * at an ignored offset from the last byte of the page reaches no farther.
 */
export const STRADDLE_BYTES = 144;

const MARKED_PAGE_BYTES = 2 ** MARKED_PAGE_SHIFT;
const VALUE_ORDINAL = 1;
const ADDRESS_ORDINAL = 2;
const MAX_OFFSET32 = 0xff_ff_ff_ff;
/** More than any heap; such an access traps whatever its address is. */
const MAX_OFFSET64 = 2 ** 40;

/** Moves accesses to where the heap begins, and marks the pages that are written to. */
export class MemoryAccess {
  readonly #edits: Edits;
  readonly #appended: Appended;
  readonly #layout: HeapLayout;
  readonly #unmarked: UnmarkedWrites | undefined;
  readonly #known: KnownAccesses;
  readonly #values: KnownValues;

  constructor(
    edits: Edits,
    appended: Appended,
    layout: HeapLayout,
    known: KnownAccesses,
    values: KnownValues,
    unmarked: UnmarkedWrites | undefined,
  ) {
    this.#edits = edits;
    this.#known = known;
    this.#values = values;
    this.#appended = appended;
    this.#layout = layout;
    this.#unmarked = unmarked;
  }

  /** An offset that would leave the encoding means that any address is out of bounds. */
  #movedOffset(offset: number): number | null {
    const { base, wide } = this.#layout;
    return offset + base > (wide ? MAX_OFFSET64 : MAX_OFFSET32) ? null : offset + base;
  }

  #instruction(reader: ByteReader, at: number, memarg: Memarg): void {
    const { bytes } = this.#edits;
    const moved = this.#movedOffset(memarg.offset);
    if (moved === null) {
      bytes.indexed(OP.call, this.#appended.memoryFault);
    }
    bytes.copy(reader.bytes, at, memarg.offsetStart);
    bytes.u32(moved ?? 0);
    bytes.copy(reader.bytes, memarg.offsetEnd, reader.at);
  }

  /** A load, which began at `at` and ends at the reader; `kept` lies above the address. */
  load(reader: ByteReader, at: number, memarg: Memarg, lowering: Lowering, kept?: number): void {
    const { is64, wide } = this.#layout;
    const moved = this.#movedOffset(memarg.offset);
    if (is64 === wide && moved !== null) {
      this.#edits.replaceIndex(memarg.offsetStart, memarg.offsetEnd, moved);
      return;
    }
    this.#edits.insert(at, reader.at, () => {
      if (is64 && !wide) {
        lowering.operands('memory', ...(kept === undefined ? [] : [kept]));
      }
      this.#instruction(reader, at, memarg);
    });
  }

  /** A store. @param address that it is given, as far as it is known */
  store(
    reader: ByteReader,
    at: number,
    memarg: Memarg,
    lowering: Lowering,
    locals: ScratchLocals,
    type: number,
    address: KnownOperand,
  ): void {
    if (this.#isUnmarked(type) || this.#known.isMarked(address, memarg.offset)) {
      this.load(reader, at, memarg, lowering, type);
      return;
    }
    const offset = roundedDown(memarg.offset);
    this.#known.mark(address, offset);
    const { is64, wide } = this.#layout;
    const { bytes } = this.#edits;
    if (this.#isAtHand(address)) {
      this.#edits.insert(at, reader.at, () => {
        if (is64 && !wide) {
          lowering.operands('memory', type);
        }
        this.#instruction(reader, at, memarg);
        this.#markKnown(address, offset);
      });
      return;
    }
    const value = locals.index(type, VALUE_ORDINAL);
    const kept = locals.index(wide ? i64 : i32, ADDRESS_ORDINAL);
    this.#edits.insert(at, reader.at, () => {
      bytes.indexed(OP.localSet, value);
      if (is64 && !wide) {
        lowering.operands('memory');
      }
      bytes.indexed(OP.localTee, kept);
      bytes.indexed(OP.localGet, value);
      this.#instruction(reader, at, memarg);
      bytes.indexed(OP.localGet, kept);
      this.#markAbove(offset);
    });
  }

  /** Whether the address can be had again without keeping it. */
  #isAtHand({ term, variable }: KnownOperand): boolean {
    return term === CONSTANT_TERM || (term !== UNKNOWN_TERM && this.#values.holds(variable, term));
  }

  /** Marks the page of an address that is at hand, plus `offset`. */
  #markKnown({ term, distance, variable }: KnownOperand, offset: number): void {
    const { bytes } = this.#edits;
    const { is64, wide } = this.#layout;
    if (term === CONSTANT_TERM) {
      // Beyond what such a memory can have, the store has trapped.
      const last = (wide ? MAX_OFFSET64 : MAX_OFFSET32) / MARKED_PAGE_BYTES;
      bytes.byte(wide ? OP.i64Const : OP.i32Const);
      bytes.signed(Math.floor(Math.min((distance + offset) / MARKED_PAGE_BYTES, last)));
      bytes.raw([OP.i32Const, 1, OP.i32Store8, 0, 0]);
      return;
    }
    bytes.indexed(isGlobal(variable) ? OP.globalGet : OP.localGet, indexOfVariable(variable));
    if (is64 && !wide) {
      bytes.byte(OP.i32WrapI64);
    }
    this.#markAbove(distance - this.#values.found.distance + offset);
  }

  #isUnmarked(type: number): boolean {
    return (
      (this.#unmarked === 'f64.store' && type === f64) ||
      (this.#unmarked === 'v128.store' && type === VALUE_TYPE.v128)
    );
  }

  /**
   * Marks the page of the address on the stack plus `offset`. Behind the store: had it trapped, an address beyond
   * the heap could have marked anything.
   */
  #markAbove(offset: number): void {
    const { bytes } = this.#edits;
    const { wide } = this.#layout;
    if (offset !== 0) {
      bytes.byte(wide ? OP.i64Const : OP.i32Const);
      bytes.signed(wide ? Math.min(offset, MAX_OFFSET64) : offset | 0);
      bytes.byte(wide ? OP.i64Add : OP.i32Add);
    }
    bytes.raw([wide ? OP.i64Const : OP.i32Const, MARKED_PAGE_SHIFT]);
    bytes.raw([wide ? OP.i64ShrU : OP.i32ShrU, OP.i32Const, 1, OP.i32Store8, 0, 0]);
  }

  /** memory.size in pages of the heap. */
  size(at: number, end: number): void {
    const { is64, wide, baseWasmPages } = this.#layout;
    const { bytes } = this.#edits;
    this.#edits.insert(at, end, () => {
      bytes.raw([OP.memorySize, 0]);
      if (is64 && !wide) {
        bytes.byte(OP.i64ExtendI32U);
      }
      bytes.byte(is64 ? OP.i64Const : OP.i32Const);
      bytes.signed(baseWasmPages);
      bytes.byte(is64 ? OP.i64Sub : OP.i32Sub);
    });
  }

  grow(at: number, end: number): void {
    this.#edits.insert(at, end, () => {
      this.#edits.bytes.indexed(OP.call, this.#appended.grow);
    });
  }

  /** In front of memory.fill, copy or init, whose operands are narrow by now. */
  bulk(at: number, second: number): void {
    const { bulkFill, bulkCopy, bulkInit } = this.#appended;
    const { bytes } = this.#edits;
    const helper =
      second === FC.memoryFill ? bulkFill : second === FC.memoryCopy ? bulkCopy : bulkInit;
    this.#edits.insert(at, at, () => {
      bytes.indexed(OP.call, helper);
    });
  }
}

/** Where a memory instruction's offset stands. */
export interface Memarg {
  /** Rounded above 2^53. */
  offset: number;
  offsetStart: number;
  offsetEnd: number;
}

/** The type of the value that a store takes; undefined for a load. */
export function storedType(opcode: number): number | undefined {
  return opcode < OP.firstStore ? undefined : STORED_TYPES[opcode - OP.firstStore];
}
