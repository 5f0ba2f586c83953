import { InliningBudget } from './inlining-budget.ts';
import type { HelperFunction } from './helpers.ts';
import type { HeapLayout } from './heap-layout.ts';
import type { FunctionType, Limits, ParsedModule, Range } from './module.ts';
import { SECTION, SECTION_ORDER } from './module.ts';
import { OP, VALUE_TYPE } from './opcodes.ts';
import { APPENDED_GLOBAL_EXPORTS, planHelpers } from './plan-helpers.ts';
import { ByteReader } from './reader.ts';
import type { CodeFacts, CounterWrites, UnmarkedWrites } from './rewrite-context.ts';
import { FunctionRewriter } from './rewrite-function.ts';
import type { StackHopPlan } from './stack-hops.ts';
import { writeHopSegment, writeHostTableType, writeZeroGlobal } from './stack-hops.ts';
import { GLOBAL_EXPORT_PREFIX, HOST_TABLE_EXPORT, START_EXPORT } from './validate.ts';
import { ByteWriter } from './writer.ts';

/** Import name of the memory that an instance is given. */
export const MEMORY_IMPORT = { module: 'env', name: 'memory' } as const;

/** Length, no locals, end. */
const EMPTY_SIZED_BODY = [2, 0, OP.end];
const MAX_TABLE_ELEMENTS = 0xff_ff_ff_ffn;

interface Assembly {
  readonly module: ParsedModule;
  readonly lowered: boolean;
  readonly layout: HeapLayout | null;
  readonly helpers: readonly HelperFunction[];
  readonly counterGlobal: number;
  readonly stackHops: StackHopPlan;
}

/** The entries of a section behind its count, with the count raised for what is appended. */
function extended(
  { bytes, sections }: ParsedModule,
  id: number,
  added: number,
  append: (w: ByteWriter) => void,
): Uint8Array {
  const range: Range | undefined = sections.get(id);
  const writer = new ByteWriter((range === undefined ? 0 : range.end - range.start) + 256);
  if (range === undefined) {
    writer.u32(added);
  } else {
    const reader = new ByteReader(bytes, range.start, range.end);
    writer.u32(reader.u32() + added);
    writer.copy(bytes, reader.at, range.end);
  }
  append(writer);
  return writer.toBytes();
}

function writeLimits(w: ByteWriter, limits: Limits, lowered: boolean, ceiling: bigint): void {
  const clamp = (bound: bigint): bigint => (lowered && bound > ceiling ? ceiling : bound);
  const flags = (limits.max === null ? 0 : 1) | (limits.is64 && !lowered ? 4 : 0);
  w.byte(flags);
  w.u64(clamp(limits.min));
  if (limits.max !== null) {
    w.u64(clamp(limits.max));
  }
}

function writeType(w: ByteWriter, type: FunctionType): void {
  w.byte(0x60);
  w.u32(type.params.length);
  w.raw(type.params);
  w.u32(type.results.length);
  w.raw(type.results);
}

function importSection({ module, layout }: Assembly): Uint8Array | null {
  const { memory } = module;
  if (memory === null || layout === null) {
    return module.sections.has(SECTION.import)
      ? extended(module, SECTION.import, 0, () => undefined)
      : null;
  }
  return extended(module, SECTION.import, 1, (w) => {
    w.name(MEMORY_IMPORT.module);
    w.name(MEMORY_IMPORT.name);
    w.byte(2);
    // No maximum: one pool serves every module, the appended grow function keeps the module's own.
    w.byte(layout.wide ? 4 : 0);
    w.u64(memory.min + BigInt(layout.baseWasmPages));
  });
}

function tableSection({ module, lowered, stackHops }: Assembly): Uint8Array {
  const writer = new ByteWriter();
  writer.u32(module.tables.length + 1);
  for (const table of module.tables) {
    writer.byte(table.refType);
    writeLimits(writer, table, lowered, MAX_TABLE_ELEMENTS);
  }
  writeHostTableType(writer, module, stackHops);
  return writer.toBytes();
}

function globalSection({ module, stackHops }: Assembly): Uint8Array {
  // Counter, stop reason, stack left.
  const types = [VALUE_TYPE.i64, VALUE_TYPE.i32, VALUE_TYPE.i32, ...stackHops.globalTypes];
  return extended(module, SECTION.global, types.length, (w) => {
    for (const type of types) {
      writeZeroGlobal(w, type);
    }
  });
}

function exportSection(assembly: Assembly): Uint8Array {
  const { module, helpers, counterGlobal } = assembly;
  const added: { name: string; kind: number; index: number }[] = [];
  APPENDED_GLOBAL_EXPORTS.forEach((name, offset) => {
    added.push({ name, kind: 3, index: counterGlobal + offset });
  });
  added.push({ name: HOST_TABLE_EXPORT, kind: 1, index: module.tables.length });
  module.globals.forEach(({ mutable }, index) => {
    if (mutable) {
      added.push({ name: `${GLOBAL_EXPORT_PREFIX}${index}`, kind: 3, index });
    }
  });
  if (module.start !== null) {
    added.push({ name: START_EXPORT, kind: 0, index: module.start });
  }
  helpers.forEach(({ exportName }, offset) => {
    if (exportName !== null) {
      const index = module.imports.length + module.functions.length + offset;
      added.push({ name: exportName, kind: 0, index });
    }
  });
  return extended(module, SECTION.export, added.length, (w) => {
    for (const { name, kind, index } of added) {
      w.name(name);
      w.byte(kind);
      w.u32(index);
    }
  });
}

/** An i64 offset becomes the i32 of the same value, or -1: out of bounds, as before. */
function writeLoweredOffset(w: ByteWriter, offset: bigint): void {
  w.byte(OP.i32Const);
  w.signed(Number(BigInt.asIntN(32, offset > 0xff_ff_ff_ffn ? -1n : offset)));
  w.byte(OP.end);
}

function elementSection({ module, lowered, stackHops }: Assembly): Uint8Array {
  const range = module.sections.get(SECTION.element);
  const writer = new ByteWriter(
    (range === undefined ? 0 : range.end - range.start) + 4 * module.functions.length + 256,
  );
  writer.u32(module.elements.length + 1);
  for (const { active, start, restStart, end } of module.elements) {
    if (active !== null && lowered && module.tables[active.table]?.is64 === true) {
      writer.u32(active.flags);
      if ((active.flags & 2) !== 0) {
        writer.u32(active.table);
      }
      writeLoweredOffset(writer, active.offset);
      writer.copy(module.bytes, restStart, end);
    } else {
      writer.copy(module.bytes, start, end);
    }
  }
  writeHopSegment(writer, module, stackHops);
  return writer.toBytes();
}

function dataSection({ module, layout }: Assembly): Uint8Array | null {
  const range = module.sections.get(SECTION.data);
  if (range === undefined) {
    return null;
  }
  const writer = new ByteWriter(range.end - range.start + 16);
  writer.u32(module.data.length);
  for (const { active, start, restStart, end } of module.data) {
    if (active !== null && layout !== null) {
      writer.u32(0);
      writer.byte(layout.wide ? OP.i64Const : OP.i32Const);
      // Above 2 GiB negative as an i32; beyond 4 GiB, which no canister may name, out of bounds.
      const moved = active.offset + BigInt(layout.base);
      const offset = moved > 0xff_ff_ff_ffn && !layout.wide ? 0xff_ff_ff_ffn : moved;
      writer.signed(Number(layout.wide ? offset : BigInt.asIntN(32, offset)));
      writer.byte(OP.end);
      writer.copy(module.bytes, restStart, end);
    } else {
      writer.copy(module.bytes, start, end);
    }
  }
  return writer.toBytes();
}

interface Code {
  readonly section: Uint8Array;
  /** Of type () → (), behind the helpers. */
  readonly emptyFunctions: number;
}

function codeSection({ module, helpers }: Assembly, rewriter: FunctionRewriter): Code {
  const range = module.sections.get(SECTION.code);
  const size = range === undefined ? 0 : range.end - range.start;
  const bodies = new ByteWriter(Math.ceil(size * 2) + 1024);
  const budget = new InliningBudget();
  let written = 0;
  const count = (): void => {
    budget.add(bodies.length - written);
    written = bodies.length;
  };
  module.bodies.forEach((body, index) => {
    rewriter.rewrite(body, index, bodies);
    count();
  });
  for (const helper of helpers) {
    bodies.sized(helper.body);
    count();
  }
  const { emptyFunctions } = budget;
  const writer = new ByteWriter(bodies.length + EMPTY_SIZED_BODY.length * emptyFunctions + 16);
  writer.u32(module.bodies.length + helpers.length + emptyFunctions);
  writer.raw(bodies.view());
  for (let i = 0; i < emptyFunctions; i += 1) {
    writer.raw(EMPTY_SIZED_BODY);
  }
  return { section: writer.view(), emptyFunctions };
}

function original({ module }: Assembly, id: number): Uint8Array | null {
  const range = module.sections.get(id);
  return range === undefined ? null : module.bytes.subarray(range.start, range.end);
}

/** Behind the header the sections in order; what is custom stands where engines look for it. */
function written(
  module: ParsedModule,
  sections: ReadonlyMap<number, Uint8Array | null>,
  hints: Uint8Array | null,
): Uint8Array {
  const writer = new ByteWriter(Math.ceil(module.bytes.length * 2) + 4096);
  writer.copy(module.bytes, 0, 8);
  for (const id of SECTION_ORDER) {
    const payload = sections.get(id) ?? null;
    if (id === SECTION.code && hints !== null) {
      writer.byte(SECTION.custom);
      writer.sized(hints);
    }
    if (payload !== null) {
      writer.byte(id);
      writer.sized(payload);
    }
  }
  // Function indices did not change, so the names stay true and serve backtraces.
  const names = module.customSections.find((section) => section.name === 'name');
  if (names !== undefined) {
    writer.byte(SECTION.custom);
    writer.sized(names.payload);
  }
  return writer.toBytes();
}

export interface AssembleOptions {
  readonly lowered: boolean;
  readonly layout: HeapLayout | null;
  readonly canisterRules: boolean;
  readonly unmarked?: UnmarkedWrites | undefined;
  readonly counterWrites?: CounterWrites | undefined;
}

/** Writes the rewritten module; `facts` is filled on the way. Throws `ModuleFault` on bad code. */
export function assembleModule(
  module: ParsedModule,
  options: AssembleOptions,
  facts: CodeFacts,
): Uint8Array {
  const { lowered, layout } = options;
  const { appended, functions, furtherTypes, stackHops } = planHelpers(
    module,
    lowered,
    layout,
    options.unmarked !== 'bulk',
  );
  const assembly: Assembly = {
    module,
    lowered,
    layout,
    helpers: functions,
    counterGlobal: appended.counterGlobal,
    stackHops,
  };
  const rewriter = new FunctionRewriter({ module, appended, ...options }, facts);
  const code = codeSection(assembly, rewriter);
  const hints = rewriter.hints();
  const sections = new Map<number, Uint8Array | null>([
    [
      SECTION.type,
      extended(module, SECTION.type, functions.length + furtherTypes.length, (w) => {
        for (const type of [...functions.map((helper) => helper.type), ...furtherTypes]) {
          writeType(w, type);
        }
      }),
    ],
    [SECTION.import, importSection(assembly)],
    [
      SECTION.function,
      extended(module, SECTION.function, functions.length + code.emptyFunctions, (w) => {
        functions.forEach((_, offset) => {
          w.u32(module.types.length + offset);
        });
        for (let i = 0; i < code.emptyFunctions; i += 1) {
          // The first helper's type, () → ().
          w.u32(module.types.length);
        }
      }),
    ],
    [SECTION.table, tableSection(assembly)],
    [SECTION.global, globalSection(assembly)],
    [SECTION.export, exportSection(assembly)],
    [SECTION.element, elementSection(assembly)],
    [SECTION.dataCount, original(assembly, SECTION.dataCount)],
    [SECTION.code, code.section],
    [SECTION.data, dataSection(assembly)],
  ]);
  return written(module, sections, hints);
}
