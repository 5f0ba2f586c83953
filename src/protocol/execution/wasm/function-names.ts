import { decodeUtf8 } from '../../../base/utf8.ts';
import { MAX_FUNCTIONS } from './limits.ts';
import { ByteReader, ModuleFault } from './reader.ts';

/** The subsection of functions' names. */
const FUNCTIONS = 1;
/** Of names in a module. @upstream wasmparser#MAX_WASM_STRING_SIZE */
const MAX_NAME_BYTES = 100_000;
/** Imported functions have names, too. */
const MAX_NAMES = 2 * MAX_FUNCTIONS;

function readNames(
  reader: ByteReader,
  wanted: ReadonlySet<number>,
  found: Map<number, string>,
): void {
  const count = Math.min(reader.u32(), MAX_NAMES);
  for (let i = 0; i < count; i += 1) {
    const index = reader.u32();
    const bytes = reader.sub(reader.u32());
    const length = bytes.end - bytes.at;
    if (length > MAX_NAME_BYTES) {
      return;
    }
    if (wanted.has(index)) {
      const name = decodeUtf8(bytes.bytes, bytes.at, bytes.end);
      if (name === undefined) {
        return;
      }
      found.set(index, name);
    }
  }
}

/**
 * Names of functions in a module's `name` section (its content without the section's own name). What
 * follows a malformed part is ignored; the most work is one pass over as many names as a module may
 * have functions. Never throws on any bytes.
 */
export function functionNames(
  section: Uint8Array,
  wanted: ReadonlySet<number>,
): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  const reader = new ByteReader(section);
  try {
    while (!reader.done) {
      const id = reader.byte();
      const content = reader.sub(reader.u32());
      if (id === FUNCTIONS) {
        readNames(content, wanted, found);
        break;
      }
    }
  } catch (fault) {
    if (!(fault instanceof ModuleFault)) {
      throw fault;
    }
  }
  return found;
}
