import { present } from '../../../base/assert.ts';
import type { GlobalValue } from '../../interfaces/wasm-host.ts';
import { SECTION, type ParsedModule } from './module.ts';
import { OP, VALUE_TYPE } from './opcodes.ts';
import { ByteReader } from './reader.ts';

/**
 * The globals of a module as snapshots list them: first those that the module exports, in the order
 * of its exports and whether they can change or not, then all other mutable ones by index.
 * @upstream rs/embedders/src/wasm_utils/instrumentation.rs#export_mutable_globals
 */

interface ListedGlobal {
  readonly type: GlobalValue['type'];
  /** Place among the mutable globals; null for a constant. */
  readonly mutablePlace: number | null;
  /** Bits that the module gives it. */
  readonly initial: bigint;
}

const TYPES: Readonly<Record<number, GlobalValue['type']>> = {
  [VALUE_TYPE.i32]: 'i32',
  [VALUE_TYPE.i64]: 'i64',
  [VALUE_TYPE.f32]: 'f32',
  [VALUE_TYPE.f64]: 'f64',
  [VALUE_TYPE.v128]: 'v128',
};

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** Bits of a constant expression that `parseModule` accepted. */
function initialBits(reader: ByteReader, before: readonly { readonly initial: bigint }[]): bigint {
  const opcode = reader.byte();
  switch (opcode) {
    case OP.i32Const:
      return BigInt.asUintN(32, reader.s64());
    case OP.i64Const:
      return BigInt.asUintN(64, reader.s64());
    case OP.f32Const:
      return littleEndian(reader.take(4));
    case OP.f64Const:
      return littleEndian(reader.take(8));
    case OP.prefixFd:
      // The only vector instruction of a constant: v128.const.
      reader.u32();
      return littleEndian(reader.take(16));
    case OP.globalGet:
      return before[reader.u32()]?.initial ?? 0n;
    default:
      // A reference; canisters have no globals of such types.
      reader.skipLeb();
      return 0n;
  }
}

function allGlobals(module: ParsedModule): readonly ListedGlobal[] {
  const range = module.sections.get(SECTION.global);
  if (range === undefined) {
    return [];
  }
  const reader = new ByteReader(module.bytes, range.start, range.end);
  reader.u32();
  const globals: ListedGlobal[] = [];
  let mutables = 0;
  for (const { valueType, mutable } of module.globals) {
    reader.skip(2);
    const initial = initialBits(reader, globals);
    reader.skip(1);
    globals.push({
      type: present(TYPES[valueType], 'globals of canisters are numbers and vectors'),
      mutablePlace: mutable ? mutables : null,
      initial,
    });
    mutables += mutable ? 1 : 0;
  }
  return globals;
}

/** @param module one that passed the rules for canisters */
function listedGlobals(module: ParsedModule): readonly ListedGlobal[] {
  const globals = allGlobals(module);
  const exported = module.exports.filter(({ kind }) => kind === 3).map(({ index }) => index);
  const known = new Set(exported);
  const others = [...globals.keys()].filter(
    (index) => globals[index]?.mutablePlace !== null && !known.has(index),
  );
  return [...exported, ...others].map((index) =>
    present(globals[index], 'a valid module exports globals that it has'),
  );
}

/** What snapshots list for a module whose mutable globals have these values. */
export function toListedGlobals(
  module: ParsedModule,
  mutables: readonly GlobalValue[],
): readonly GlobalValue[] {
  return listedGlobals(module).map(({ type, mutablePlace, initial }) =>
    mutablePlace === null
      ? { type, bits: initial }
      : present(mutables[mutablePlace], 'a canister has the globals of its module'),
  );
}

/**
 * The mutable globals in a snapshot's list; undefined when the list is not one of this module. What
 * it says of constants counts as little as on the IC.
 */
export function fromListedGlobals(
  module: ParsedModule,
  listed: readonly GlobalValue[],
): readonly GlobalValue[] | undefined {
  const expected = listedGlobals(module);
  if (
    expected.length !== listed.length ||
    expected.some(({ type }, place) => type !== listed[place]?.type)
  ) {
    return undefined;
  }
  const mutables: GlobalValue[] = [];
  expected.forEach(({ mutablePlace }, place) => {
    const value = listed[place];
    if (mutablePlace !== null && value !== undefined) {
      mutables[mutablePlace] = value;
    }
  });
  return mutables;
}
