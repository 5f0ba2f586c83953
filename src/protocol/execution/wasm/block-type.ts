import type { ParsedModule } from './module.ts';
import { EMPTY_BLOCK } from './opcodes.ts';
import type { ByteReader } from './reader.ts';
import { typeAt } from './validate.ts';

/** Operands that a block takes and gives. */
interface BlockArity {
  readonly params: number;
  readonly results: number;
}

const NOTHING: BlockArity = { params: 0, results: 0 };
const ONE_VALUE: BlockArity = { params: 0, results: 1 };

/** Reads a block type: nothing, a value type (one byte, negative as a signed LEB128) or a type's index. */
export function readBlockArity(reader: ByteReader, module: ParsedModule): BlockArity {
  const first = reader.peek();
  if (first === EMPTY_BLOCK) {
    reader.byte();
    return NOTHING;
  }
  if (first > EMPTY_BLOCK && first < 0x80) {
    reader.byte();
    return ONE_VALUE;
  }
  const { params, results } = typeAt(module, reader.u32());
  return { params: params.length, results: results.length };
}
