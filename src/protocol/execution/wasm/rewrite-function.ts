import { BranchHints } from './branch-hints.ts';
import { EDIT, Edits } from './edits.ts';
import type { CodeFacts, RewriteContext } from './rewrite-context.ts';
import { FunctionScan } from './function-scan.ts';
import { MAX_FUNCTION_LOCALS } from './limits.ts';
import { ScratchLocals } from './lowering.ts';
import { Metering } from './metering.ts';
import type { ParsedModule, Range } from './module.ts';
import { VALUE_TYPE } from './opcodes.ts';
import { ByteReader, ModuleFault } from './reader.ts';
import { StackLimit } from './stack-limit.ts';
import { typeOfFunction } from './validate.ts';
import { ByteWriter } from './writer.ts';

/** Parameters that every engine passes in registers, whatever their types. */
const REGISTER_PARAMS = 3;
/** The same of results. */
const REGISTER_RESULTS = 1;
const VECTOR_SLOTS = 2;

/**
 * Rewrites function bodies, each in two passes: the scan notes what to insert where and what each
 * basic block costs, then the code is copied between the edits.
 */
export class FunctionRewriter {
  readonly #module: ParsedModule;
  readonly #bytes: Uint8Array;
  readonly #edits = new Edits();
  readonly #hints = new BranchHints();
  readonly #metering: Metering;
  readonly #stackLimit: StackLimit;
  readonly #scan: FunctionScan;
  /** Functions may have vectors among their operands, whatever instructions they have. */
  readonly #vectors: boolean;
  readonly #out = new ByteWriter(16_384);

  constructor(context: RewriteContext, facts: CodeFacts) {
    this.#module = context.module;
    this.#bytes = context.module.bytes;
    this.#metering = new Metering(
      this.#edits,
      context.appended,
      this.#hints,
      context.counterWrites,
    );
    this.#stackLimit = new StackLimit(context.module, context.appended, this.#hints);
    this.#vectors = hasVectors(context.module);
    this.#scan = new FunctionScan(context, facts, this.#edits, this.#metering);
  }

  /**
   * Writes the rewritten body, with its size, to `target`. Throws `ModuleFault`.
   * @param index of the function among the module's own
   */
  rewrite(body: Range, index: number, target: ByteWriter): void {
    const reader = new ByteReader(this.#bytes, body.start, body.end);
    const groups = reader.count(MAX_FUNCTION_LOCALS, 'local groups');
    const groupsStart = reader.at;
    const type = typeOfFunction(this.#module, this.#module.imports.length + index);
    let count = type.params.length;
    let vectors = this.#vectors;
    let slots = 0;
    type.params.forEach((param, place) => {
      // What registers do not take, callers put on the stack and the callee once more.
      slots += slotsOf(param) * (place < REGISTER_PARAMS ? 1 : 2);
    });
    // The caller has room for results besides that for its operands.
    type.results.slice(REGISTER_RESULTS).forEach((result) => {
      slots += slotsOf(result);
    });
    for (let i = 0; i < groups; i += 1) {
      const size = reader.u32();
      count += size;
      const local = reader.byte();
      slots += size * slotsOf(local);
      vectors ||= local === VALUE_TYPE.v128;
      if (count > MAX_FUNCTION_LOCALS) {
        throw new ModuleFault('too many locals');
      }
    }
    const codeStart = reader.at;
    const locals = new ScratchLocals(count);
    this.#scan.scan(reader, type, locals);
    this.#metering.finish(locals);
    slots += this.#scan.maxOperands * (vectors || this.#scan.vectors ? VECTOR_SLOTS : 1);
    this.#stackLimit.finish(index, slots, this.#scan.calls, locals);

    const out = this.#out;
    out.clear();
    out.u32(groups + locals.types.length);
    out.copy(this.#bytes, groupsStart, codeStart);
    for (const added of locals.types) {
      out.byte(1);
      out.byte(added);
    }
    this.#emit(codeStart, body.end);
    this.#hints.endFunction(this.#module.imports.length + index);
    target.sized(out.view());
  }

  /** The custom section with the hints of all functions written; null without any. */
  hints(): Uint8Array | null {
    return this.#hints.section();
  }

  #emit(start: number, end: number): void {
    const { at, resume, kind, first, second, count, bytes } = this.#edits;
    const out = this.#out;
    const inserted = bytes.view();
    let copied = start;
    for (let i = 0; i < count; i += 1) {
      if (kind[i] === EDIT.none) {
        continue;
      }
      out.copy(this.#bytes, copied, at[i] as number);
      copied = resume[i] as number;
      switch (kind[i]) {
        case EDIT.meter:
        case EDIT.checkedMeter:
        case EDIT.leavingMeter:
          this.#metering.emitMeter(out, i);
          break;
        case EDIT.askOutside:
          this.#metering.emitAskOutside(out, i);
          break;
        case EDIT.reload:
          this.#metering.emitReload(out, i);
          break;
        case EDIT.enter:
          this.#stackLimit.emitEnter(out);
          break;
        case EDIT.beforeCall:
          this.#stackLimit.emitBeforeCall(out);
          break;
        default:
          out.copy(inserted, first[i] as number, second[i] as number);
      }
    }
    out.copy(this.#bytes, copied, end);
  }
}

function slotsOf(valueType: number): number {
  return valueType === VALUE_TYPE.v128 ? VECTOR_SLOTS : 1;
}

function hasVectors({ types, globals }: ParsedModule): boolean {
  const { v128 } = VALUE_TYPE;
  return (
    globals.some(({ valueType }) => valueType === v128) ||
    types.some(({ params, results }) => params.includes(v128) || results.includes(v128))
  );
}
