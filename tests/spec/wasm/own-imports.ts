import { skipConstantExpression } from '../../../src/protocol/execution/wasm/constant-expression.ts';
import { SECTION, SECTION_ORDER } from '../../../src/protocol/execution/wasm/module.ts';
import { OP, VALUE_TYPE } from '../../../src/protocol/execution/wasm/opcodes.ts';
import { ByteReader } from '../../../src/protocol/execution/wasm/reader.ts';
import { ByteWriter } from '../../../src/protocol/execution/wasm/writer.ts';

const KIND = { function: 0, table: 1, global: 3 } as const;
const HEADER_BYTES = 8;

interface Section {
  readonly id: number;
  readonly payload: Uint8Array;
}

/** A section of `count` entries: its bytes without the count. */
interface Entries {
  count: number;
  readonly bytes: ByteWriter;
}

interface Imports {
  readonly functions: Entries;
  readonly tables: Entries;
  readonly globals: Entries;
  /** Of the imported globals. */
  readonly globalTypes: readonly number[];
}

function sectionsOf(wasm: Uint8Array): Section[] {
  const reader = new ByteReader(wasm);
  reader.skip(HEADER_BYTES);
  const sections: Section[] = [];
  while (!reader.done) {
    const id = reader.byte();
    sections.push({ id, payload: reader.take(reader.u32()) });
  }
  return sections;
}

/** The initial value that an imported global is given: zero or null. */
function initialValue(valueType: number): number[] {
  switch (valueType) {
    case VALUE_TYPE.i32:
      return [0x41, 0, 0x0b];
    case VALUE_TYPE.i64:
      return [0x42, 0, 0x0b];
    case VALUE_TYPE.f32:
      return [0x43, 0, 0, 0, 0, 0x0b];
    case VALUE_TYPE.f64:
      return [0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b];
    case VALUE_TYPE.v128:
      return [0xfd, 0x0c, ...Array.from({ length: 16 }, () => 0), 0x0b];
    default:
      return [0xd0, valueType, 0x0b];
  }
}

function skipLimits(reader: ByteReader): void {
  const flags = reader.byte();
  reader.skipLeb();
  if ((flags & 1) !== 0) {
    reader.skipLeb();
  }
}

function split(imports: Uint8Array): Imports {
  const made = (): Entries => ({ count: 0, bytes: new ByteWriter() });
  const globalTypes: number[] = [];
  const kept = { functions: made(), globals: made(), tables: made(), globalTypes };
  const reader = new ByteReader(imports);
  for (let left = reader.u32(); left > 0; left -= 1) {
    const start = reader.at;
    reader.skip(reader.u32());
    reader.skip(reader.u32());
    const kind = reader.byte();
    const bodyStart = reader.at;
    if (kind === KIND.function) {
      reader.u32();
      kept.functions.count += 1;
      kept.functions.bytes.copy(imports, start, reader.at);
    } else if (kind === KIND.global) {
      const valueType = reader.byte();
      reader.byte();
      kept.globals.count += 1;
      globalTypes.push(valueType);
      kept.globals.bytes.copy(imports, bodyStart, reader.at);
      kept.globals.bytes.raw(initialValue(valueType));
    } else if (kind === KIND.table) {
      reader.byte();
      skipLimits(reader);
      kept.tables.count += 1;
      kept.tables.bytes.copy(imports, bodyStart, reader.at);
    } else {
      throw new RangeError(`an import of kind ${kind}`);
    }
  }
  return kept;
}

/** In front of a section's own entries: imports have the first indices. */
function withFirst({ count, bytes }: Entries, old: Uint8Array | undefined): Uint8Array | null {
  if (count === 0) {
    return old ?? null;
  }
  const reader = new ByteReader(old ?? Uint8Array.of(0));
  const writer = new ByteWriter();
  writer.u32(count + reader.u32());
  writer.raw(bytes.view());
  if (old !== undefined) {
    writer.copy(old, reader.at, old.length);
  }
  return writer.toBytes();
}

/** The module's own globals; what they took over from imported ones becomes a constant, as own ones may not be read. */
function ownGlobals(section: Uint8Array, types: readonly number[]): Uint8Array {
  const reader = new ByteReader(section);
  const writer = new ByteWriter(section.length);
  const count = reader.u32();
  writer.u32(count);
  for (let i = 0; i < count; i += 1) {
    writer.copy(section, reader.at, reader.at + 2);
    reader.skip(2);
    const start = reader.at;
    const takesOver = reader.peek() === OP.globalGet;
    skipConstantExpression(reader);
    if (takesOver) {
      const index = new ByteReader(section, start + 1).u32();
      writer.raw(initialValue(types[index] ?? VALUE_TYPE.i32));
    } else {
      writer.copy(section, start, reader.at);
    }
  }
  return writer.toBytes();
}

/**
 * Makes imported globals and tables the module's own: a canister may not import them, binaryen's fuzzer
 * likes to. Imports have the lowest indices, so own ones put in front keep every index.
 */
export function ownImports(wasm: Uint8Array): Uint8Array {
  const sections = new Map(sectionsOf(wasm).map(({ id, payload }) => [id, payload]));
  const imports = sections.get(SECTION.import);
  if (imports === undefined) {
    return wasm;
  }
  const { functions, globals, tables, globalTypes } = split(imports);
  const old = sections.get(SECTION.global);
  const changed = new Map<number, Uint8Array | null>([
    [SECTION.import, withFirst(functions, undefined)],
    [SECTION.table, withFirst(tables, sections.get(SECTION.table))],
    [SECTION.global, withFirst(globals, old && ownGlobals(old, globalTypes))],
  ]);
  const writer = new ByteWriter(wasm.length + 256);
  writer.copy(wasm, 0, HEADER_BYTES);
  for (const id of SECTION_ORDER) {
    const payload = changed.has(id) ? changed.get(id) : sections.get(id);
    if (payload !== undefined && payload !== null) {
      writer.byte(id);
      writer.sized(payload);
    }
  }
  return writer.toBytes();
}
