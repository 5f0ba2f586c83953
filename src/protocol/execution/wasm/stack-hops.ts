import type { Appended, HelperFunction } from './helpers.ts';
import { functionBody, HOST_FUNCTION_COUNT, STOP_REASON, stopCode } from './helpers.ts';
import type { FunctionType, ParsedModule } from './module.ts';
import { EMPTY_BLOCK, FC, OP, SIMD, VALUE_TYPE } from './opcodes.ts';
import { DEEPER_EXPORT } from './validate.ts';
import type { ByteWriter } from './writer.ts';

/**
 * How calls go on when the stack that they run on is used up. A function that has no room for its
 * frame names itself in a global and calls the *hop* of its type with its own arguments. The hop
 * puts them into globals, names the *landing* of the type, and calls the host, which calls the
 * export `DEEPER_EXPORT` on another stack (or not, or throws). The landing takes the arguments from
 * the globals, calls the function anew and leaves its results there, for the hop to return them.
 *
 *     f ── no room ──▶ hop of f's type ──▶ host ──▶ ‖ new stack ‖ ──▶ landing of the type ──▶ f
 *
 * Between writing and reading these globals no other code of the instance runs. Values of every
 * type travel so, references too.
 */
export interface StackHops {
  /** i32: the function that goes on, by its index in the host table. */
  readonly targetGlobal: number;
  /** i32: the landing of its type, by its index in the host table. */
  readonly landingGlobal: number;
  /** By type index of the module: the function to call in place of one of that type. */
  readonly hopOfType: ReadonlyMap<number, number>;
  /** Index in the host table of the module's own first function; the others follow. */
  readonly firstTarget: number;
}

export interface StackHopPlan {
  readonly hops: StackHops;
  /** Types of the globals that are appended, the first being `targetGlobal`. */
  readonly globalTypes: readonly number[];
  /** Of the module's own functions that a hop can be for: one a type. */
  readonly types: readonly HopType[];
  /** Index of the first landing; they are in the order of `types`. */
  readonly firstLanding: number;
}

interface HopType {
  readonly typeIndex: number;
  readonly type: FunctionType;
}

/** Room for the values of one type after the other: of each type as many as one call needs. */
class ValueSlots {
  readonly #first: number;
  readonly #slots = new Map<number, number[]>();
  readonly types: number[] = [];

  constructor(firstGlobal: number) {
    this.#first = firstGlobal;
  }

  /** The globals for a list of values; the same for every list. */
  of(values: readonly number[]): readonly number[] {
    const used = new Map<number, number>();
    return values.map((type) => {
      const ordinal = used.get(type) ?? 0;
      used.set(type, ordinal + 1);
      const slots = this.#slots.get(type) ?? [];
      this.#slots.set(type, slots);
      let slot = slots[ordinal];
      if (slot === undefined) {
        slot = this.#first + this.types.length;
        slots.push(slot);
        this.types.push(type);
      }
      return slot;
    });
  }
}

function sameType(type: FunctionType): string {
  return `${type.params.join()}>${type.results.join()}`;
}

/** One function type for every shape that the module's own functions have, in order of appearance. */
function hopTypesOf({ functions, types }: ParsedModule): {
  readonly types: readonly HopType[];
  readonly ordinalOf: ReadonlyMap<number, number>;
} {
  const found: HopType[] = [];
  const ordinals = new Map<string, number>();
  const ordinalOf = new Map<number, number>();
  for (const typeIndex of functions) {
    const type = types[typeIndex];
    if (type === undefined || ordinalOf.has(typeIndex)) {
      continue;
    }
    const key = sameType(type);
    let ordinal = ordinals.get(key);
    if (ordinal === undefined) {
      ordinal = found.length;
      ordinals.set(key, ordinal);
      found.push({ typeIndex, type });
    }
    ordinalOf.set(typeIndex, ordinal);
  }
  return { types: found, ordinalOf };
}

/**
 * @param firstGlobal index of the first global that is appended for hops
 * @param firstHop index of the first function that is appended for them
 */
export function planStackHops(
  module: ParsedModule,
  firstGlobal: number,
  firstHop: number,
): StackHopPlan {
  const { types, ordinalOf } = hopTypesOf(module);
  const slots = new ValueSlots(firstGlobal + 2);
  for (const { type } of types) {
    slots.of(type.params);
    slots.of(type.results);
  }
  return {
    hops: {
      targetGlobal: firstGlobal,
      landingGlobal: firstGlobal + 1,
      hopOfType: new Map([...ordinalOf].map(([index, ordinal]) => [index, firstHop + ordinal])),
      firstTarget: HOST_FUNCTION_COUNT + types.length,
    },
    globalTypes: [VALUE_TYPE.i32, VALUE_TYPE.i32, ...slots.types],
    types,
    firstLanding: firstHop + types.length,
  };
}

/** Functions that a plan appends, hops first; they stand where `planStackHops` was told. */
export function stackHopFunctions(
  module: ParsedModule,
  plan: StackHopPlan,
  appended: Appended,
  noneType: number,
): HelperFunction[] {
  const { hops, types } = plan;
  const slots = new ValueSlots(hops.landingGlobal + 1);
  const shapes = types.map(({ typeIndex, type }) => ({
    typeIndex,
    type,
    params: slots.of(type.params),
    results: slots.of(type.results),
  }));
  const hopFunctions = shapes.map(({ type, params, results }, ordinal) => ({
    type,
    exportName: null,
    body: functionBody((w) => {
      params.forEach((slot, param) => {
        w.indexed(OP.localGet, param);
        w.indexed(OP.globalSet, slot);
      });
      w.byte(OP.i32Const);
      w.signed(HOST_FUNCTION_COUNT + ordinal);
      w.indexed(OP.globalSet, hops.landingGlobal);
      w.indexed(OP.call, appended.goDeeper);
      for (const slot of results) {
        w.indexed(OP.globalGet, slot);
      }
    }),
  }));
  const none: FunctionType = { params: [], results: [] };
  const landings = shapes.map(({ typeIndex, params, results }) => ({
    type: none,
    exportName: null,
    body: functionBody((w) => {
      for (const slot of params) {
        w.indexed(OP.globalGet, slot);
      }
      w.indexed(OP.globalGet, hops.targetGlobal);
      w.byte(OP.callIndirect);
      w.u32(typeIndex);
      w.u32(appended.hostTable);
      for (const slot of results.toReversed()) {
        w.indexed(OP.globalSet, slot);
      }
    }),
  }));
  const deeper = {
    type: none,
    exportName: DEEPER_EXPORT,
    body: functionBody((w) => deeperCode(w, module, plan, appended, noneType)),
  };
  return [...hopFunctions, ...landings, deeper];
}

/** Functions that hops need in the host table, behind the host's own. */
function tableEntries(module: ParsedModule, { types }: StackHopPlan): number {
  return types.length + module.functions.length;
}

/** The table is filled with the first hop of an instance: few instances ever hop. */
function deeperCode(
  w: ByteWriter,
  module: ParsedModule,
  plan: StackHopPlan,
  appended: Appended,
  noneType: number,
): void {
  const { hostTable } = appended;
  const entries = tableEntries(module, plan);
  w.raw([OP.prefixFc, FC.tableSize]);
  w.u32(hostTable);
  w.raw([OP.i32Const, HOST_FUNCTION_COUNT, OP.i32Eq, OP.if, EMPTY_BLOCK]);
  w.raw([OP.refNull, VALUE_TYPE.funcref, OP.i32Const]);
  w.signed(entries);
  w.raw([OP.prefixFc, FC.tableGrow]);
  w.u32(hostTable);
  w.raw([OP.i32Const, 0, OP.i32LtS, OP.if, EMPTY_BLOCK]);
  stopCode(w, appended, STOP_REASON.hostMemoryExhausted);
  w.raw([OP.end, OP.i32Const, HOST_FUNCTION_COUNT, OP.i32Const, 0, OP.i32Const]);
  w.signed(entries);
  w.raw([OP.prefixFc, FC.tableInit]);
  w.u32(module.elements.length);
  w.u32(hostTable);
  w.byte(OP.end);
  w.indexed(OP.globalGet, plan.hops.landingGlobal);
  w.byte(OP.callIndirect);
  w.u32(noneType);
  w.u32(hostTable);
}

/** The passive element segment with what the host table is filled with: landings, then own functions. */
export function writeHopSegment(w: ByteWriter, module: ParsedModule, plan: StackHopPlan): void {
  const firstOwn = module.imports.length;
  w.raw([1, 0]);
  w.u32(tableEntries(module, plan));
  for (let i = 0; i < plan.types.length; i += 1) {
    w.u32(plan.firstLanding + i);
  }
  for (let i = 0; i < module.functions.length; i += 1) {
    w.u32(firstOwn + i);
  }
}

/** Type of the host table: it holds the host's functions, and grows with the first hop. */
export function writeHostTableType(w: ByteWriter, module: ParsedModule, plan: StackHopPlan): void {
  w.raw([VALUE_TYPE.funcref, 1]);
  w.u32(HOST_FUNCTION_COUNT);
  w.u32(HOST_FUNCTION_COUNT + tableEntries(module, plan));
}

/** An appended mutable global that begins as zero or null. */
export function writeZeroGlobal(w: ByteWriter, type: number): void {
  w.raw([type, 1]);
  switch (type) {
    case VALUE_TYPE.i32:
      w.raw([OP.i32Const, 0]);
      break;
    case VALUE_TYPE.i64:
      w.raw([OP.i64Const, 0]);
      break;
    case VALUE_TYPE.f32:
      w.raw([OP.f32Const, 0, 0, 0, 0]);
      break;
    case VALUE_TYPE.f64:
      w.raw([OP.f64Const, 0, 0, 0, 0, 0, 0, 0, 0]);
      break;
    case VALUE_TYPE.v128:
      w.raw([OP.prefixFd, SIMD.v128Const, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
      break;
    default:
      w.raw([OP.refNull, type]);
  }
  w.byte(OP.end);
}
