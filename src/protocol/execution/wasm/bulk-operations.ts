import type { Edits } from './edits.ts';
import type { Appended } from './helpers.ts';
import type { Lowering } from './lowering.ts';
import type { MemoryAccess } from './memory-access.ts';
import type { ParsedModule } from './module.ts';
import { FC, OP, VALUE_TYPE } from './opcodes.ts';
import { ModuleFault } from './reader.ts';

const { i32 } = VALUE_TYPE;

/** One instruction behind 0xfc that works on a range of memory or of a table. */
interface BulkOperation {
  readonly at: number;
  readonly end: number;
  readonly second: number;
  /** Index immediates in the order of the encoding. */
  readonly first: number;
  readonly other: number;
}

/** What bulk operations pay for each byte or element, and their operands. */
export class BulkOperations {
  readonly #module: ParsedModule;
  readonly #edits: Edits;
  readonly #appended: Appended;
  readonly #memory: MemoryAccess | null;
  readonly #lowered: boolean;

  constructor(
    module: ParsedModule,
    edits: Edits,
    appended: Appended,
    memory: MemoryAccess | null,
    lowered: boolean,
  ) {
    this.#module = module;
    this.#edits = edits;
    this.#appended = appended;
    this.#memory = memory;
    this.#lowered = lowered;
  }

  isTable64(index: number): boolean {
    return this.#module.tables[index]?.is64 === true;
  }

  lowersTable(index: number): boolean {
    return this.#lowered && this.isTable64(index);
  }

  elementType(table: number): number {
    return this.#module.tables[table]?.refType ?? VALUE_TYPE.funcref;
  }

  get #memory64(): boolean {
    return this.#module.memory?.is64 === true;
  }

  /** Whether the length on top of the operands is an i64. */
  #hasWideLength({ second, first, other }: BulkOperation): boolean {
    switch (second) {
      case FC.memoryCopy:
      case FC.memoryFill:
        return this.#memory64;
      case FC.tableCopy:
        return this.isTable64(first) && this.isTable64(other);
      case FC.tableFill:
      case FC.tableGrow:
        return this.isTable64(first);
      default:
        return false;
    }
  }

  /** Edits in front of the operation; true when it charges for its length. */
  rewrite(operation: BulkOperation, lowering: Lowering): boolean {
    const { at, second } = operation;
    const charges = second !== FC.dataDrop && second !== FC.elemDrop && second !== FC.tableSize;
    if (charges) {
      const { charge32, charge64 } = this.#appended;
      this.#edits.insert(at, at, () => {
        this.#edits.bytes.indexed(OP.call, this.#hasWideLength(operation) ? charge64 : charge32);
      });
    }
    if (this.#lowered) {
      this.#lower(operation, lowering);
    }
    if (second === FC.memoryInit || second === FC.memoryCopy || second === FC.memoryFill) {
      if (
        this.#memory === null ||
        (second !== FC.memoryInit && operation.first !== 0) ||
        operation.other !== 0
      ) {
        throw new ModuleFault('unknown memory');
      }
      this.#memory.bulk(at, second);
    }
    return charges;
  }

  #lower({ at, end, second, first, other }: BulkOperation, lowering: Lowering): void {
    const memory = this.#memory64 ? 'memory' : i32;
    const table = (index: number): 'table' | number => (this.lowersTable(index) ? 'table' : i32);
    switch (second) {
      case FC.memoryInit:
        this.#edits.insert(at, at, () => lowering.operands(memory, i32, i32));
        break;
      case FC.memoryCopy:
        this.#edits.insert(at, at, () => lowering.operands(memory, memory, memory));
        break;
      case FC.memoryFill:
        this.#edits.insert(at, at, () => lowering.operands(memory, i32, memory));
        break;
      case FC.tableInit:
        this.#edits.insert(at, at, () => lowering.operands(table(other), i32, i32));
        break;
      case FC.tableCopy: {
        const length = this.lowersTable(first) ? table(other) : i32;
        this.#edits.insert(at, at, () => lowering.operands(table(first), table(other), length));
        break;
      }
      case FC.tableFill: {
        const type = this.elementType(first);
        this.#edits.insert(at, at, () => lowering.operands(table(first), type, table(first)));
        break;
      }
      case FC.tableGrow:
        if (this.lowersTable(first)) {
          this.#edits.insert(at, end, () => lowering.tableGrow(first));
        }
        break;
      case FC.tableSize:
        if (this.lowersTable(first)) {
          this.#edits.insert(at, end, () => lowering.tableSize(first));
        }
        break;
      default:
    }
  }
}
