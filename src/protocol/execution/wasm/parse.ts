import { parseDataSegments, parseElementSegments } from './parse-segments.ts';
import { MAX_SECTION_ENTRIES, MAX_TABLE_ELEMENTS, MAX_TABLES, MAX_TYPE_ARITY } from './limits.ts';
import type {
  CustomSection,
  ExportEntry,
  FunctionType,
  GlobalDefinition,
  ImportedFunction,
  Limits,
  ParsedModule,
  Range,
} from './module.ts';
import { SECTION, SECTION_ORDER } from './module.ts';
import { skipConstantExpression } from './constant-expression.ts';
import { ByteReader, ModuleFault } from './reader.ts';

const MAGIC: readonly number[] = [0x00, 0x61, 0x73, 0x6d];
const VERSION: readonly number[] = [0x01, 0x00, 0x00, 0x00];

interface Sections {
  readonly ranges: ReadonlyMap<number, Range>;
  readonly custom: readonly CustomSection[];
}

function splitSections(bytes: Uint8Array): Sections {
  const reader = new ByteReader(bytes);
  if (MAGIC.some((byte, index) => bytes[index] !== byte)) {
    throw new ModuleFault(
      'Failed to decode wasm module: unsupported canister module format',
      'rule',
    );
  }
  if (VERSION.some((byte, index) => bytes[MAGIC.length + index] !== byte)) {
    throw new ModuleFault('unknown binary version');
  }
  reader.skip(MAGIC.length + VERSION.length);
  const ranges = new Map<number, Range>();
  const custom: CustomSection[] = [];
  let position = -1;
  while (!reader.done) {
    const id = reader.byte();
    const payload = reader.sub(reader.u32());
    if (id === SECTION.custom) {
      const whole = bytes.subarray(payload.at, payload.end);
      const name = payload.name();
      custom.push({ name, content: bytes.subarray(payload.at, payload.end), payload: whole });
      continue;
    }
    const rank = SECTION_ORDER.indexOf(id);
    if (rank < 0) {
      throw new ModuleFault(`unsupported section ${id}`);
    }
    if (rank <= position) {
      throw new ModuleFault(`section ${id} out of order`);
    }
    position = rank;
    ranges.set(id, { start: payload.at, end: payload.end });
  }
  return { ranges, custom };
}

function readList<T>(
  bytes: Uint8Array,
  range: Range | undefined,
  what: string,
  read: (reader: ByteReader) => T,
): T[] {
  if (range === undefined) {
    return [];
  }
  const reader = new ByteReader(bytes, range.start, range.end);
  const count = reader.count(MAX_SECTION_ENTRIES, what);
  const entries: T[] = [];
  for (let i = 0; i < count; i += 1) {
    entries.push(read(reader));
  }
  if (!reader.done) {
    throw new ModuleFault(`section of ${what} has trailing bytes`);
  }
  return entries;
}

function readFunctionType(reader: ByteReader): FunctionType {
  if (reader.byte() !== 0x60) {
    throw new ModuleFault('only function types are supported');
  }
  const params = readValueTypes(reader, reader.count(MAX_TYPE_ARITY, 'parameters'));
  const results = readValueTypes(reader, reader.count(MAX_TYPE_ARITY, 'results'));
  return { params, results };
}

function readValueTypes(reader: ByteReader, count: number): readonly number[] {
  const types: number[] = [];
  for (let i = 0; i < count; i += 1) {
    types.push(reader.byte());
  }
  return types;
}

function readLimits(reader: ByteReader, what: string): Limits {
  const flags = reader.byte();
  if ((flags & ~0x05) !== 0) {
    throw new ModuleFault(
      (flags & 0x02) === 0
        ? `unsupported ${what} type`
        : `shared ${what} types need the threads feature, which is disabled`,
    );
  }
  const is64 = (flags & 0x04) !== 0;
  const bound = (): bigint => (is64 ? reader.u64() : BigInt(reader.u32()));
  const min = bound();
  return { min, max: (flags & 0x01) === 0 ? null : bound(), is64 };
}

function refusedImport(reason: string): ModuleFault {
  return new ModuleFault(`Wasm module has an invalid import section. ${reason}`, 'rule');
}

function readImport(reader: ByteReader): ImportedFunction {
  const module = reader.name();
  const name = reader.name();
  const kind = reader.byte();
  switch (kind) {
    case 0:
      return { module, name, typeIndex: reader.u32() };
    case 1:
      throw refusedImport(
        name === 'table' && module !== 'env'
          ? 'Only tables imported from env.table are allowed.'
          : 'Importing tables is not allowed.',
      );
    case 2:
      throw refusedImport(
        name === 'memory' && module !== 'env'
          ? 'Only memory imported from env.memory is allowed.'
          : 'Importing memories is not allowed.',
      );
    case 3:
      throw refusedImport('Importing globals is not allowed.');
    default:
      throw refusedImport('Importing tags is not allowed.');
  }
}

function readTable(reader: ByteReader): Limits & { readonly refType: number } {
  const refType = reader.byte();
  if (refType !== 0x70 && refType !== 0x6f) {
    throw new ModuleFault('unsupported table element type');
  }
  return { refType, ...readLimits(reader, 'table') };
}

/** What engines take together at instantiation; more would fail there, after the checks. */
function checkTables<T extends Limits>(tables: T[]): T[] {
  if (tables.length > MAX_TABLES) {
    throw new ModuleFault(`tables count exceeds limit of ${MAX_TABLES}`);
  }
  if (tables.reduce((total, { min }) => total + min, 0n) > MAX_TABLE_ELEMENTS) {
    throw new ModuleFault('minimum table size is out of bounds');
  }
  return tables;
}

function readGlobal(reader: ByteReader): GlobalDefinition {
  const valueType = reader.byte();
  const mutability = reader.byte();
  if (mutability > 1) {
    throw new ModuleFault('malformed mutability');
  }
  skipConstantExpression(reader);
  return { valueType, mutable: mutability === 1 };
}

function readExport(reader: ByteReader): ExportEntry {
  const name = reader.name();
  const kind = reader.byte();
  if (kind > 3) {
    throw new ModuleFault('unsupported export kind');
  }
  return { name, kind, index: reader.u32() };
}

function readBody(reader: ByteReader): Range {
  const body = reader.sub(reader.u32());
  return { start: body.at, end: body.end };
}

/**
 * Splits a module into its sections. Checks the structure that the rewriter relies on, not the
 * typing of code: the engine does that. Throws `ModuleFault` on anything malformed.
 */
export function parseModule(bytes: Uint8Array): ParsedModule {
  const { ranges, custom } = splitSections(bytes);
  const list = <T>(id: number, what: string, read: (reader: ByteReader) => T): T[] =>
    readList(bytes, ranges.get(id), what, read);
  const memories = list(SECTION.memory, 'memories', (reader) => readLimits(reader, 'memory'));
  if (memories.length > 1) {
    throw new ModuleFault('multiple memories');
  }
  const functions = list(SECTION.function, 'functions', (reader) => reader.u32());
  const bodies = list(SECTION.code, 'function bodies', readBody);
  if (functions.length !== bodies.length) {
    throw new ModuleFault('function and code section have inconsistent lengths');
  }
  const startRange = ranges.get(SECTION.start);
  return {
    bytes,
    sections: ranges,
    customSections: custom,
    types: list(SECTION.type, 'types', readFunctionType),
    imports: list(SECTION.import, 'imports', readImport),
    functions,
    tables: checkTables(list(SECTION.table, 'tables', readTable)),
    memory: memories[0] ?? null,
    globals: list(SECTION.global, 'globals', readGlobal),
    exports: list(SECTION.export, 'exports', readExport),
    start:
      startRange === undefined
        ? null
        : new ByteReader(bytes, startRange.start, startRange.end).u32(),
    elements: list(SECTION.element, 'element segments', parseElementSegments),
    data: list(SECTION.data, 'data segments', parseDataSegments),
    bodies,
  };
}
