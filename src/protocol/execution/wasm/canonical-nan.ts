import { EDIT } from './edits.ts';
import type { EditKind, Edits } from './edits.ts';
import type { ScratchLocals } from './lowering.ts';
import { OP, SIMD, VALUE_TYPE } from './opcodes.ts';
import { NO_PRODUCER } from './operand-stack.ts';

interface Shape {
  readonly valueType: number;
  /** Pushes the canonical NaN, or a vector of them. */
  readonly constant: readonly number[];
  readonly equal: readonly number[];
  /** (value, NaN, equal) → value where equal. */
  readonly choose: readonly number[];
}

const NAN32 = [0, 0, 0xc0, 0x7f] as const;
const NAN64 = [0, 0, 0, 0, 0, 0, 0xf8, 0x7f] as const;
const V128_CONST = [OP.prefixFd, SIMD.v128Const] as const;
const BITSELECT = [OP.prefixFd, SIMD.bitselect] as const;

const SHAPES: ReadonlyMap<EditKind, Shape> = new Map<EditKind, Shape>([
  [
    EDIT.nanF32,
    {
      valueType: VALUE_TYPE.f32,
      constant: [OP.f32Const, ...NAN32],
      equal: [OP.f32Eq],
      choose: [OP.select],
    },
  ],
  [
    EDIT.nanF64,
    {
      valueType: VALUE_TYPE.f64,
      constant: [OP.f64Const, ...NAN64],
      equal: [OP.f64Eq],
      choose: [OP.select],
    },
  ],
  [
    EDIT.nanF32x4,
    {
      valueType: VALUE_TYPE.v128,
      constant: [...V128_CONST, ...NAN32, ...NAN32, ...NAN32, ...NAN32],
      equal: [OP.prefixFd, SIMD.f32x4Eq],
      choose: BITSELECT,
    },
  ],
  [
    EDIT.nanF64x2,
    {
      valueType: VALUE_TYPE.v128,
      constant: [...V128_CONST, ...NAN64, ...NAN64],
      equal: [OP.prefixFd, SIMD.f64x2Eq],
      choose: BITSELECT,
    },
  ],
]);

/**
 * Makes every NaN that arithmetic can produce the canonical one: which NaN comes out differs between
 * processors and tiers of an engine. Loads, constants, sign and selection keep bits, as on the IC.
 */
export class CanonicalNan {
  readonly #edits: Edits;

  constructor(edits: Edits) {
    this.#edits = edits;
  }

  /** Behind an instruction whose result has this shape; returns the edit. */
  produce(kind: EditKind, at: number, locals: ScratchLocals): number {
    const shape = SHAPES.get(kind);
    if (shape === undefined) {
      return NO_PRODUCER;
    }
    const { bytes } = this.#edits;
    const local = locals.index(shape.valueType, 0);
    return this.#edits.insert(
      at,
      at,
      () => {
        bytes.indexed(OP.localTee, local);
        bytes.raw(shape.constant);
        bytes.indexed(OP.localGet, local);
        bytes.indexed(OP.localGet, local);
        bytes.raw(shape.equal);
        bytes.raw(shape.choose);
      },
      kind,
    );
  }

  /**
   * An operand goes straight into an instruction that cannot tell one NaN of this shape from another
   * (arithmetic makes its own result canonical, comparisons and truncations see "some NaN").
   */
  consume(producer: number, kind: EditKind): void {
    if (producer !== NO_PRODUCER && this.#edits.kind[producer] === kind) {
      this.#edits.kind[producer] = EDIT.none;
    }
  }
}
