import { functionBody, type HelperFunction } from './helpers.ts';
import type { ParsedModule } from './module.ts';
import { OP, SIMD, VALUE_TYPE } from './opcodes.ts';
import { GLOBAL_EXPORT_PREFIX } from './validate.ts';

const { i32, i64, f32, f64, v128 } = VALUE_TYPE;

/** Parts of the bits of a global, and how they become its value again. */
interface Accessors {
  readonly parts: readonly {
    readonly name: string;
    readonly type: number;
    /** Instructions from the value of the global to this part. */
    readonly read: readonly number[];
  }[];
  /** Instructions from the parts, in parameters, to the value. */
  readonly join: readonly number[];
}

const ACCESSORS: Readonly<Record<number, Accessors>> = {
  [f32]: {
    parts: [{ name: 'bits', type: i32, read: [OP.i32ReinterpretF32] }],
    join: [OP.localGet, 0, OP.f32ReinterpretI32],
  },
  [f64]: {
    parts: [{ name: 'bits', type: i64, read: [OP.i64ReinterpretF64] }],
    join: [OP.localGet, 0, OP.f64ReinterpretI64],
  },
  [v128]: {
    parts: [
      { name: 'bits', type: i64, read: [OP.prefixFd, SIMD.i64x2ExtractLane, 0] },
      { name: 'high bits', type: i64, read: [OP.prefixFd, SIMD.i64x2ExtractLane, 1] },
    ],
    join: [
      ...[OP.localGet, 0, OP.prefixFd, SIMD.i64x2Splat],
      ...[OP.localGet, 1, OP.prefixFd, SIMD.i64x2ReplaceLane, 1],
    ],
  },
};

/**
 * Exported functions that read and write the bits of mutable globals that JavaScript cannot: a NaN
 * would lose bits on the way, and a vector has no value there at all. Of global n they are named
 * `n bits`, for vectors also `n high bits`, and `n set`, after `GLOBAL_EXPORT_PREFIX`.
 */
export function globalAccessors(module: ParsedModule): HelperFunction[] {
  return module.globals.flatMap(({ valueType, mutable }, index) => {
    const accessors = mutable ? ACCESSORS[valueType] : undefined;
    if (accessors === undefined) {
      return [];
    }
    const { parts, join } = accessors;
    const readers = parts.map(({ name, type, read }) => ({
      type: { params: [], results: [type] },
      exportName: `${GLOBAL_EXPORT_PREFIX}${index} ${name}`,
      body: functionBody((w) => {
        w.indexed(OP.globalGet, index);
        w.raw(read);
      }),
    }));
    const writer = {
      type: { params: parts.map(({ type }) => type), results: [] },
      exportName: `${GLOBAL_EXPORT_PREFIX}${index} set`,
      body: functionBody((w) => {
        w.raw(join);
        w.indexed(OP.globalSet, index);
      }),
    };
    return [...readers, writer];
  });
}
