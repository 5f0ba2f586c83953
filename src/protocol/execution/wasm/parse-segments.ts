import { readOffset, skipConstantExpression } from './constant-expression.ts';
import { MAX_SECTION_ENTRIES } from './limits.ts';
import type { DataSegment, ElementSegment } from './module.ts';
import type { ByteReader } from './reader.ts';
import { ModuleFault } from './reader.ts';

const PASSIVE = 0x01;
const EXPLICIT_TABLE = 0x02;
const EXPRESSIONS = 0x04;

/** One entry of the element section. */
export function parseElementSegments(reader: ByteReader): ElementSegment {
  const start = reader.at;
  const flags = reader.u32();
  if (flags > 7) {
    throw new ModuleFault('malformed element segment');
  }
  let active: ElementSegment['active'] = null;
  let restStart = reader.at;
  if ((flags & PASSIVE) === 0) {
    const table = (flags & EXPLICIT_TABLE) === 0 ? 0 : reader.u32();
    active = { table, flags, ...readOffset(reader) };
    restStart = reader.at;
  }
  if ((flags & (PASSIVE | EXPLICIT_TABLE)) !== 0) {
    reader.byte();
  }
  const count = reader.count(MAX_SECTION_ENTRIES, 'elements');
  for (let i = 0; i < count; i += 1) {
    if ((flags & EXPRESSIONS) === 0) {
      reader.u32();
    } else {
      skipConstantExpression(reader);
    }
  }
  return { active, start, restStart, end: reader.at };
}

/** One entry of the data section. */
export function parseDataSegments(reader: ByteReader): DataSegment {
  const start = reader.at;
  const flags = reader.u32();
  if (flags > 2 || (flags === 2 && reader.u32() !== 0)) {
    throw new ModuleFault('malformed data segment');
  }
  const active = flags === 1 ? null : readOffset(reader);
  const restStart = reader.at;
  const length = reader.u32();
  reader.skip(length);
  return { active, start, restStart, end: reader.at, length };
}
