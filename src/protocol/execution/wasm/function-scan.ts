import { AccessScan } from './access-scan.ts';
import { readBlockArity } from './block-type.ts';
import { BulkOperations } from './bulk-operations.ts';
import { CanonicalNan } from './canonical-nan.ts';
import { EDIT } from './edits.ts';
import type { EditKind, Edits } from './edits.ts';
import { FunctionRules } from './function-rules.ts';
import { MAX_FUNCTION_INSTRUCTIONS } from './limits.ts';
import { InnermostLoops } from './innermost-loops.ts';
import { KnownAccesses } from './known-accesses.ts';
import { KnownOperands } from './known-operands.ts';
import { KnownValues } from './known-values.ts';
import { Lowering, ScratchLocals } from './lowering.ts';
import { MemoryAccess } from './memory-access.ts';
import type { Metering } from './metering.ts';
import type { FunctionType } from './module.ts';
import {
  costs,
  FC,
  fcCosts,
  fcIndexCounts,
  fcNanSink,
  fcPops,
  fcPushes,
  IMMEDIATE,
  immediates,
  nanSink,
  nanSource,
  OP,
  pops,
  pushes,
} from './opcodes.ts';
import { NO_PRODUCER, OperandStack } from './operand-stack.ts';
import { ByteReader, ModuleFault } from './reader.ts';
import type { CodeFacts, RewriteContext } from './rewrite-context.ts';
import { refusal } from './refusal.ts';
import {
  SIMD_FORM,
  simdCosts,
  simdForms,
  simdNanSink,
  simdNanSource,
  simdPops,
  simdPushes,
} from './simd-opcodes.ts';
import { typeAt, typeOfFunction } from './validate.ts';

/** Walks over one function and notes every edit: who charges, marks, calls, makes NaNs. */
export class FunctionScan {
  readonly #context: RewriteContext;
  readonly #facts: CodeFacts;
  readonly #edits: Edits;
  readonly #metering: Metering;
  readonly #stack = new OperandStack();
  readonly #values: KnownValues;
  readonly #operandValues: KnownOperands;
  readonly #known: KnownAccesses;
  readonly #nan: CanonicalNan;
  readonly #memory: MemoryAccess | null;
  readonly #bulk: BulkOperations;
  readonly #accesses: AccessScan;
  #locals = new ScratchLocals(0);
  #lowering: Lowering;
  readonly #rules = new FunctionRules();
  readonly #loops: InnermostLoops;
  /** Of the function scanned now, among the module's own. */
  #index = 0;
  #calls = false;
  #vectors = false;

  constructor(context: RewriteContext, facts: CodeFacts, edits: Edits, metering: Metering) {
    const { module, appended, layout, lowered } = context;
    this.#context = context;
    this.#facts = facts;
    this.#edits = edits;
    this.#metering = metering;
    const memory64 = module.memory?.is64 === true;
    this.#nan = new CanonicalNan(edits);
    this.#values = new KnownValues(context.unmarked);
    this.#operandValues = new KnownOperands(this.#stack, this.#values, memory64);
    this.#known = new KnownAccesses(module.memory, context.unmarked);
    this.#loops = new InnermostLoops(edits);
    this.#memory =
      layout === null
        ? null
        : new MemoryAccess(edits, appended, layout, this.#known, this.#values, context.unmarked);
    this.#accesses = new AccessScan(this.#memory, metering, this.#stack, this.#known, memory64);
    this.#bulk = new BulkOperations(module, edits, appended, this.#memory, lowered);
    this.#lowering = new Lowering(edits.bytes, this.#locals, appended);
  }

  /** Whether the function just scanned calls functions of the canister. */
  get calls(): boolean {
    return this.#calls;
  }

  /** The most operands that are on the stack at once. */
  get maxOperands(): number {
    return this.#stack.maxHeight;
  }

  /** Whether it has vector instructions. */
  get vectors(): boolean {
    return this.#vectors;
  }

  /** Scans the code at the reader, up to its end. */
  scan(reader: ByteReader, type: FunctionType, locals: ScratchLocals): void {
    this.#locals = locals;
    this.#lowering = new Lowering(this.#edits.bytes, locals, this.#context.appended);
    this.#calls = false;
    this.#vectors = false;
    if (this.#context.canisterRules) {
      const { memory } = this.#context.module;
      const ahead = new ByteReader(reader.bytes, reader.at, reader.end);
      this.#rules.checkBeforeScan(this.#index, ahead, memory?.is64 === true);
    }
    this.#rules.begin();
    this.#values.begin();
    this.#known.begin();
    this.#loops.begin();
    this.#edits.clear();
    this.#edits.add(EDIT.enter, reader.at);
    this.#metering.begin(reader.at);
    this.#stack.begin(type.results.length);
    let count = 0;
    while (!reader.done) {
      count += 1;
      this.#instruction(reader, reader.byte());
    }
    if (this.#stack.depth !== 0) {
      throw new ModuleFault('function body must end with end opcode');
    }
    if (this.#context.canisterRules) {
      this.#rules.check(this.#index, count);
    }
    this.#index += 1;
    this.#facts.instructionCount += count;
  }

  #instruction(reader: ByteReader, opcode: number): void {
    const at = reader.at - 1;
    this.#metering.instruction(opcode, costs[opcode] as number);
    this.#rules.see(opcode);
    switch (immediates[opcode]) {
      case IMMEDIATE.none:
        this.#plain(opcode, reader.at);
        break;
      case IMMEDIATE.index:
        this.#indexInstruction(reader, opcode, at);
        break;
      case IMMEDIATE.memarg:
        this.#access(reader, opcode, at);
        break;
      case IMMEDIATE.leb:
        this.#operandValues.constant(opcode, reader.roundedS64());
        break;
      case IMMEDIATE.blockType:
        this.#block(reader, opcode, at);
        break;
      case IMMEDIATE.brTable:
        this.#branchTable(reader);
        break;
      case IMMEDIATE.callIndirect:
        this.#callIndirect(reader, at);
        break;
      case IMMEDIATE.byte:
        this.#byteInstruction(reader, opcode, at);
        break;
      case IMMEDIATE.bytes4:
        reader.skip(4);
        this.#stack.push(NO_PRODUCER);
        break;
      case IMMEDIATE.bytes8:
        reader.skip(8);
        this.#stack.push(NO_PRODUCER);
        break;
      case IMMEDIATE.selectTypes:
        reader.skip(reader.u32());
        this.#operands(pops[opcode] as number, pushes[opcode] as number);
        break;
      default:
        this.#prefixed(reader, opcode, at);
    }
    this.#metering.closeBlock(reader.at, opcode);
  }

  #operands(taken: number, given: number): void {
    this.#stack.drop(taken);
    this.#stack.pushMany(given);
  }

  #plain(opcode: number, end: number): void {
    const stack = this.#stack;
    switch (opcode) {
      case OP.else:
        this.#values.else();
        this.#known.else();
        stack.else();
        return;
      case OP.end:
        this.#values.end();
        this.#known.end();
        this.#loops.end(stack.depth, end);
        stack.end();
        return;
      case OP.unreachable:
      case OP.return:
        stack.leave();
        return;
      default:
    }
    if (this.#operandValues.sum(opcode)) {
      return;
    }
    this.#arithmetic(
      pops[opcode] as number,
      pushes[opcode] as number,
      nanSink[opcode] as EditKind,
      nanSource[opcode] as EditKind,
      end,
    );
  }

  /** An instruction whose float operands, if any, have the shape `sink` and its result `source`. */
  #arithmetic(taken: number, given: number, sink: EditKind, source: EditKind, end: number): void {
    const stack = this.#stack;
    if (sink === EDIT.none && source === EDIT.none) {
      this.#operands(taken, given);
      return;
    }
    for (let i = 0; i < taken; i += 1) {
      const producer = stack.pop();
      if (sink !== EDIT.none) {
        this.#nan.consume(producer, sink);
      }
    }
    stack.push(source === EDIT.none ? NO_PRODUCER : this.#nan.produce(source, end, this.#locals));
  }

  #block(reader: ByteReader, opcode: number, at: number): void {
    const { params, results } = readBlockArity(reader, this.#context.module);
    if (opcode === OP.if) {
      this.#stack.drop(1);
    }
    this.#stack.enter(params, results, opcode === OP.loop);
    this.#values.enter(opcode === OP.loop);
    this.#known.enter();
    if (opcode === OP.loop) {
      this.#loops.enter(reader, at, params, this.#stack.depth);
    }
  }

  #branchTable(reader: ByteReader): void {
    const targets = reader.count(MAX_FUNCTION_INSTRUCTIONS, 'branch targets');
    const start = reader.at;
    const labels: number[] = [];
    for (let i = 0; i <= targets; i += 1) {
      labels.push(reader.u32());
    }
    this.#branch(labels, start, reader.at);
    this.#stack.drop(1);
    this.#stack.leave();
  }

  /** A branch to these labels, which stand at `[start, end)`. */
  #branch(labels: readonly number[], start: number, end: number): void {
    this.#loops.branch(labels, start, end, this.#stack.depth);
    for (const label of labels) {
      this.#metering.branch(label);
    }
  }

  #beforeCall(at: number): void {
    this.#calls = true;
    this.#values.forgetGlobals();
    this.#edits.add(EDIT.beforeCall, at);
  }

  #called(type: FunctionType, end: number): void {
    this.#loops.abandon();
    this.#operands(type.params.length, type.results.length);
    this.#metering.counterChanged(end, this.#stack.insideLoop);
  }

  #callIndirect(reader: ByteReader, at: number): void {
    const type = typeAt(this.#context.module, reader.u32());
    if (this.#bulk.lowersTable(reader.u32())) {
      this.#edits.insert(at, at, () => this.#lowering.operands('table'));
    }
    this.#beforeCall(at);
    this.#stack.drop(1);
    this.#called(type, reader.at);
  }

  #indexInstruction(reader: ByteReader, opcode: number, at: number): void {
    const index = reader.u32();
    const stack = this.#stack;
    switch (opcode) {
      case OP.call:
        // Host functions never call back: what is left need not be told to them.
        if (index >= this.#context.module.imports.length) {
          this.#beforeCall(at);
        }
        this.#called(typeOfFunction(this.#context.module, index), reader.at);
        return;
      case OP.br:
        this.#branch([index], at + 1, reader.at);
        stack.leave();
        return;
      case OP.brIf:
        this.#branch([index], at + 1, reader.at);
        stack.drop(1);
        stack.branchIf(index);
        return;
      case OP.tableGet:
      case OP.tableSet:
        this.#tableAccess(opcode, index, at);
        break;
      default:
        if (this.#operandValues.variable(opcode, index)) {
          return;
        }
    }
    this.#operands(pops[opcode] as number, pushes[opcode] as number);
  }

  #tableAccess(opcode: number, index: number, at: number): void {
    this.#facts.changesTablesOrSegments ||= opcode === OP.tableSet;
    if (this.#bulk.lowersTable(index)) {
      const kept = opcode === OP.tableSet ? [this.#bulk.elementType(index)] : [];
      this.#edits.insert(at, at, () => this.#lowering.operands('table', ...kept));
    }
  }

  #access(reader: ByteReader, opcode: number, at: number): void {
    this.#accesses.scalar(reader, opcode, at, this.#locals, this.#lowering);
    this.#operands(pops[opcode] as number, pushes[opcode] as number);
  }

  #byteInstruction(reader: ByteReader, opcode: number, at: number): void {
    const immediate = reader.byte();
    this.#operands(pops[opcode] as number, pushes[opcode] as number);
    if (opcode === OP.refNull) {
      return;
    }
    if (immediate !== 0 || this.#memory === null) {
      throw new ModuleFault('unknown memory');
    }
    if (opcode === OP.memoryGrow) {
      this.#loops.abandon();
      this.#memory.grow(at, reader.at);
    } else {
      this.#memory.size(at, reader.at);
    }
  }

  #prefixed(reader: ByteReader, opcode: number, at: number): void {
    if (opcode === OP.prefixFd) {
      this.#vector(reader, at);
      return;
    }
    if (opcode !== OP.prefixFc) {
      throw new ModuleFault(refusal(opcode));
    }
    const second = reader.u32();
    const cost = fcCosts[second];
    if (cost === undefined) {
      throw new ModuleFault(`unsupported instruction 0xfc ${second}`);
    }
    this.#metering.charge(cost);
    this.#rules.seePrefixed(second);
    const first = (fcIndexCounts[second] as number) > 0 ? reader.u32() : 0;
    const other = (fcIndexCounts[second] as number) > 1 ? reader.u32() : 0;
    const sink = (fcNanSink[second] ?? EDIT.none) as EditKind;
    const taken = fcPops[second] as number;
    const given = fcPushes[second] as number;
    this.#arithmetic(taken, given, sink, EDIT.none, reader.at);
    if (second <= FC.lastTruncSat) {
      return;
    }
    this.#facts.changesTablesOrSegments ||=
      second !== FC.memoryInit &&
      second !== FC.memoryCopy &&
      second !== FC.memoryFill &&
      second !== FC.tableSize;
    const operation = { at, end: reader.at, second, first, other };
    this.#loops.abandon();
    if (this.#bulk.rewrite(operation, this.#lowering)) {
      this.#metering.counterChanged(reader.at, this.#stack.insideLoop);
    }
  }

  #vector(reader: ByteReader, at: number): void {
    const second = reader.u32();
    const form = simdForms[second] ?? SIMD_FORM.refused;
    if (form === SIMD_FORM.refused) {
      throw new ModuleFault(
        second > 0xff
          ? 'relaxed SIMD support is not enabled'
          : `illegal opcode: 0xfd 0x${second.toString(16)}`,
      );
    }
    this.#vectors = true;
    this.#metering.charge(simdCosts[second] as number);
    switch (form) {
      case SIMD_FORM.lane:
        reader.skip(1);
        break;
      case SIMD_FORM.bytes16:
        reader.skip(16);
        break;
      case SIMD_FORM.none:
        break;
      default:
        this.#accesses.vector(reader, form, at, this.#locals, this.#lowering);
    }
    this.#arithmetic(
      simdPops[second] as number,
      simdPushes[second] as number,
      simdNanSink[second] as EditKind,
      simdNanSource[second] as EditKind,
      reader.at,
    );
  }
}
