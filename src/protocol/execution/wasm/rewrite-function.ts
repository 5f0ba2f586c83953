import type { Appended } from './helpers.ts';
import { MAX_FUNCTION_INSTRUCTIONS, MAX_FUNCTION_LOCALS } from './limits.ts';
import { Lowering, ScratchLocals } from './lowering.ts';
import type { ParsedModule, Range } from './module.ts';
import {
  costs,
  FC,
  fcCosts,
  fcIndexCounts,
  IMMEDIATE,
  immediates,
  OP,
  VALUE_TYPE,
} from './opcodes.ts';
import { ByteReader, ModuleFault } from './reader.ts';
import { ByteWriter } from './writer.ts';

/**
 * Rewrites one function body in two passes: the first finds what to insert and what each basic
 * block costs, the second copies the code between the edits.
 *
 * Metering points as on the IC: function start, behind `loop` and `if`, behind every `else`, `end`,
 * `br`, `br_if`, `br_table`, `return` and `unreachable`; the counter is compared with zero only at
 * function start and loop heads. @upstream rs/embedders/src/wasm_utils/instrumentation.rs#injections
 */

export interface RewriteContext {
  readonly module: ParsedModule;
  readonly appended: Appended;
  /** Memory, and tables, were 64-bit and are lowered to 32 bits. */
  readonly lowered: boolean;
}

/** What the code of a module can do that outlives a message unless the instance is rebuilt. */
export interface CodeFacts {
  instructionCount: number;
  changesTablesOrSegments: boolean;
}

const EMPTY_BLOCK = 0x40;
const NO_METER = -1;

/** Edits in order of position; parallel arrays, reused for every function. */
interface Edits {
  /** Where the edit goes, and where copying of the original resumes. */
  readonly at: number[];
  readonly resume: number[];
  /** Static cost to charge, or `NO_METER`. */
  readonly cost: number[];
  readonly check: boolean[];
  /** Range of the inserted bytes in `inserted`. */
  readonly from: number[];
  readonly to: number[];
}

export class FunctionRewriter {
  readonly #context: RewriteContext;
  readonly #facts: CodeFacts;
  readonly #memory64: boolean;
  readonly #lowersMemory: boolean;
  readonly #inserted = new ByteWriter(4096);
  readonly #out = new ByteWriter(16_384);
  readonly #edits: Edits = { at: [], resume: [], cost: [], check: [], from: [], to: [] };
  #open = 0;
  #locals = new ScratchLocals(0);
  #lowering: Lowering;

  constructor(context: RewriteContext, facts: CodeFacts) {
    this.#context = context;
    this.#facts = facts;
    this.#memory64 = context.module.memory?.is64 === true;
    this.#lowersMemory = this.#memory64 && context.lowered;
    this.#lowering = new Lowering(this.#inserted, this.#locals, context.appended);
  }

  /** Writes the rewritten body, with its size, to `target`. */
  rewrite(body: Range, paramCount: number, target: ByteWriter): void {
    const { bytes } = this.#context.module;
    const reader = new ByteReader(bytes, body.start, body.end);
    const groups = reader.count(MAX_FUNCTION_LOCALS, 'local groups');
    const groupsStart = reader.at;
    let localCount = paramCount;
    for (let i = 0; i < groups; i += 1) {
      localCount += reader.u32();
      reader.byte();
      if (localCount > MAX_FUNCTION_LOCALS) {
        throw new ModuleFault('too many locals');
      }
    }
    const codeStart = reader.at;
    this.#locals = new ScratchLocals(localCount);
    this.#lowering = new Lowering(this.#inserted, this.#locals, this.#context.appended);
    this.#scan(reader);

    const out = this.#out;
    out.clear();
    out.u32(groups + this.#locals.types.length);
    out.copy(bytes, groupsStart, codeStart);
    for (const type of this.#locals.types) {
      out.raw([1, type]);
    }
    this.#emit(codeStart, body.end);
    target.sized(out.view());
  }

  #scan(reader: ByteReader): void {
    const edits = this.#edits;
    for (const column of Object.values(edits) as unknown[][]) {
      column.length = 0;
    }
    this.#inserted.clear();
    this.#openBlock(reader.at, true);
    // Even an empty function costs something.
    edits.cost[this.#open] = 1;
    let count = 0;
    let opcode: number = OP.unreachable;
    while (!reader.done) {
      opcode = reader.byte();
      count += 1;
      this.#instruction(reader, opcode);
    }
    if (opcode !== OP.end) {
      throw new ModuleFault('function body must end with end opcode');
    }
    if (count > MAX_FUNCTION_INSTRUCTIONS) {
      throw new ModuleFault(
        `Wasm module contains a function of ${count} instructions, which exceeds the maximum allowed size of ${MAX_FUNCTION_INSTRUCTIONS}.`,
      );
    }
    this.#facts.instructionCount += count;
  }

  #openBlock(at: number, check: boolean): void {
    this.#open = this.#edits.at.length;
    this.#push(at, at, 0, check, 0, 0);
  }

  #push(at: number, resume: number, cost: number, check: boolean, from: number, to: number): void {
    const edits = this.#edits;
    edits.at.push(at);
    edits.resume.push(resume);
    edits.cost.push(cost);
    edits.check.push(check);
    edits.from.push(from);
    edits.to.push(to);
  }

  #charge(cost: number): void {
    const costsOfBlocks = this.#edits.cost;
    costsOfBlocks[this.#open] = (costsOfBlocks[this.#open] as number) + cost;
  }

  /** Inserts what `write` appends at `at`, in place of the original up to `resume`. */
  #insert(at: number, resume: number, write: () => void): void {
    const from = this.#inserted.length;
    write();
    this.#push(at, resume, NO_METER, false, from, this.#inserted.length);
  }

  #instruction(reader: ByteReader, opcode: number): void {
    const at = reader.at - 1;
    this.#charge(costs[opcode] as number);
    switch (immediates[opcode]) {
      case IMMEDIATE.none:
        break;
      case IMMEDIATE.index:
        this.#indexInstruction(reader, opcode, at);
        break;
      case IMMEDIATE.memarg:
        this.#access(reader, opcode, at);
        break;
      case IMMEDIATE.leb:
      case IMMEDIATE.blockType:
        reader.skipLeb();
        break;
      case IMMEDIATE.brTable: {
        const targets = reader.count(MAX_FUNCTION_INSTRUCTIONS, 'branch targets');
        for (let i = 0; i <= targets; i += 1) {
          reader.u32();
        }
        break;
      }
      case IMMEDIATE.callIndirect: {
        reader.u32();
        if (this.#lowersTable(reader.u32())) {
          this.#insert(at, at, () => this.#lowering.operands('table'));
        }
        break;
      }
      case IMMEDIATE.byte:
        this.#byteInstruction(reader, opcode, at);
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
        this.#prefixed(reader, opcode, at);
    }
    this.#closeBlock(reader.at, opcode);
  }

  #closeBlock(at: number, opcode: number): void {
    switch (opcode) {
      case OP.loop:
        this.#openBlock(at, true);
        break;
      case OP.if:
      case OP.else:
      case OP.end:
      case OP.br:
      case OP.brIf:
      case OP.brTable:
      case OP.return:
      case OP.unreachable:
        this.#openBlock(at, false);
        break;
      default:
    }
  }

  #lowersTable(index: number): boolean {
    return this.#context.lowered && this.#context.module.tables[index]?.is64 === true;
  }

  #indexInstruction(reader: ByteReader, opcode: number, at: number): void {
    const index = reader.u32();
    if (opcode !== OP.tableGet && opcode !== OP.tableSet) {
      return;
    }
    this.#facts.changesTablesOrSegments ||= opcode === OP.tableSet;
    if (this.#lowersTable(index)) {
      const kept = opcode === OP.tableSet ? [this.#elementType(index)] : [];
      this.#insert(at, at, () => this.#lowering.operands('table', ...kept));
    }
  }

  #elementType(table: number): number {
    return this.#context.module.tables[table]?.refType ?? VALUE_TYPE.funcref;
  }

  #access(reader: ByteReader, opcode: number, at: number): void {
    const align = reader.u32();
    if (align > 4) {
      throw new ModuleFault('malformed alignment, or multiple memories, which are not enabled');
    }
    if (!this.#memory64) {
      reader.skipLeb();
      return;
    }
    this.#charge(1);
    const offset = reader.u64();
    if (this.#lowersMemory) {
      this.#insert(at, reader.at, () => this.#lowering.access(opcode, align, offset));
    }
  }

  #byteInstruction(reader: ByteReader, opcode: number, at: number): void {
    const immediate = reader.byte();
    if (opcode === OP.refNull) {
      return;
    }
    if (immediate !== 0 || this.#context.module.memory === null) {
      throw new ModuleFault('unknown memory');
    }
    if (opcode === OP.memoryGrow) {
      this.#insert(at, reader.at, () => this.#call(this.#context.appended.grow));
    } else if (this.#lowersMemory) {
      this.#insert(at, reader.at, () => this.#lowering.memorySize());
    }
  }

  #call(index: number): void {
    this.#inserted.byte(OP.call);
    this.#inserted.u32(index);
  }

  #prefixed(reader: ByteReader, opcode: number, at: number): void {
    if (opcode !== OP.prefixFc) {
      throw new ModuleFault(refusal(opcode));
    }
    const second = reader.u32();
    const cost = fcCosts[second];
    if (cost === undefined) {
      throw new ModuleFault(`unsupported instruction 0xfc ${second}`);
    }
    this.#charge(cost);
    const first = (fcIndexCounts[second] as number) > 0 ? reader.u32() : 0;
    const other = (fcIndexCounts[second] as number) > 1 ? reader.u32() : 0;
    if (second > FC.lastTruncSat) {
      this.#bulk(at, reader.at, second, first, other);
    }
  }

  /** Bulk operations pay for every byte or element before they run. */
  #bulk(at: number, end: number, second: number, first: number, other: number): void {
    const { module } = this.#context;
    const table64 = (index: number): boolean => module.tables[index]?.is64 === true;
    const wideLength =
      second === FC.memoryCopy || second === FC.memoryFill
        ? this.#memory64
        : second === FC.tableCopy
          ? table64(first) && table64(other)
          : (second === FC.tableFill || second === FC.tableGrow) && table64(first);
    if (second !== FC.dataDrop && second !== FC.elemDrop && second !== FC.tableSize) {
      const { charge32, charge64 } = this.#context.appended;
      this.#insert(at, at, () => this.#call(wideLength ? charge64 : charge32));
    }
    this.#facts.changesTablesOrSegments ||=
      second !== FC.memoryInit &&
      second !== FC.memoryCopy &&
      second !== FC.memoryFill &&
      second !== FC.tableSize;
    if (this.#context.lowered) {
      this.#lowerBulk(at, end, second, first, other);
    }
  }

  #lowerBulk(at: number, end: number, second: number, first: number, other: number): void {
    const { i32 } = VALUE_TYPE;
    const memory = this.#lowersMemory ? 'memory' : i32;
    const table = (index: number): 'table' | number => (this.#lowersTable(index) ? 'table' : i32);
    const lowering = this.#lowering;
    switch (second) {
      case FC.memoryInit:
        this.#insert(at, at, () => lowering.operands(memory, i32, i32));
        break;
      case FC.memoryCopy:
        this.#insert(at, at, () => lowering.operands(memory, memory, memory));
        break;
      case FC.memoryFill:
        this.#insert(at, at, () => lowering.operands(memory, i32, memory));
        break;
      case FC.tableInit:
        this.#insert(at, at, () => lowering.operands(table(other), i32, i32));
        break;
      case FC.tableCopy: {
        const length = this.#lowersTable(first) ? table(other) : i32;
        this.#insert(at, at, () => lowering.operands(table(first), table(other), length));
        break;
      }
      case FC.tableFill: {
        const type = this.#elementType(first);
        this.#insert(at, at, () => lowering.operands(table(first), type, table(first)));
        break;
      }
      case FC.tableGrow:
        if (this.#lowersTable(first)) {
          this.#insert(at, end, () => lowering.tableGrow(first));
        }
        break;
      case FC.tableSize:
        if (this.#lowersTable(first)) {
          this.#insert(at, end, () => lowering.tableSize(first));
        }
        break;
      default:
    }
  }

  #emit(start: number, end: number): void {
    const { bytes } = this.#context.module;
    const edits = this.#edits;
    const out = this.#out;
    const inserted = this.#inserted.view();
    let copied = start;
    for (let i = 0; i < edits.at.length; i += 1) {
      const cost = edits.cost[i] as number;
      if (cost === 0) {
        continue;
      }
      out.copy(bytes, copied, edits.at[i] as number);
      copied = edits.resume[i] as number;
      if (cost === NO_METER) {
        out.copy(inserted, edits.from[i] as number, edits.to[i] as number);
      } else {
        this.#emitMeter(cost, edits.check[i] as boolean);
      }
    }
    out.copy(bytes, copied, end);
  }

  #emitMeter(cost: number, check: boolean): void {
    const { counterGlobal, outOfInstructions } = this.#context.appended;
    const out = this.#out;
    out.byte(OP.globalGet);
    out.u32(counterGlobal);
    out.byte(OP.i64Const);
    out.signed(cost);
    out.raw([OP.i64Sub, OP.globalSet]);
    out.u32(counterGlobal);
    if (check) {
      out.byte(OP.globalGet);
      out.u32(counterGlobal);
      out.raw([OP.i64Const, 0, OP.i64LtS, OP.if, EMPTY_BLOCK, OP.call]);
      out.u32(outOfInstructions);
      out.byte(OP.end);
    }
  }
}

function refusal(opcode: number): string {
  const features: Readonly<Record<number, string>> = {
    0x12: 'tail calls support is not enabled',
    0x13: 'tail calls support is not enabled',
    0xfb: 'gc support is not enabled',
    0xfd: 'SIMD support is not enabled',
    0xfe: 'threads support is not enabled',
  };
  const feature = features[opcode];
  if (feature !== undefined) {
    return feature;
  }
  const exceptions = (opcode >= 0x06 && opcode <= 0x0a) || [0x18, 0x19, 0x1f].includes(opcode);
  return exceptions
    ? 'exceptions support is not enabled'
    : `illegal opcode: 0x${opcode.toString(16)}`;
}
