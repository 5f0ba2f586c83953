import { globalAccessors } from './global-accessors.ts';
import { heapHelperIndices, heapHelpers } from './heap-helpers.ts';
import type { HeapLayout } from './heap-layout.ts';
import type { Appended, HelperFunction } from './helpers.ts';
import {
  callbackBody,
  charge32Body,
  chargeBody,
  memoryFaultBody,
  HOST_FUNCTION,
  hostCallBody,
  hostChargeBody,
  tableFaultBody,
} from './helpers.ts';
import type { FunctionType, ParsedModule } from './module.ts';
import { VALUE_TYPE } from './opcodes.ts';
import type { StackHopPlan } from './stack-hops.ts';
import { planStackHops, stackHopFunctions } from './stack-hops.ts';
import {
  CALLBACK_EXPORT,
  CHARGE_EXPORT,
  COUNTER_EXPORT,
  STACK_EXPORT,
  STOP_EXPORT,
} from './validate.ts';

const { i32, i64, f64 } = VALUE_TYPE;

export interface HelperPlan {
  readonly appended: Appended;
  readonly functions: readonly HelperFunction[];
  /** Types that no helper has but a helper's code names; they follow the helpers' own. */
  readonly furtherTypes: readonly FunctionType[];
  readonly stackHops: StackHopPlan;
}

/** Lays out what is appended: indices first, as code refers to them, then the functions. */
export function planHelpers(
  module: ParsedModule,
  lowered: boolean,
  layout: HeapLayout | null,
  marksBulk: boolean,
): HelperPlan {
  const first = module.imports.length + module.functions.length;
  const heapIndices = heapHelperIndices(first + 7);
  const heapCount = layout === null ? 0 : Object.keys(heapIndices).length;
  const firstHopGlobal = module.globals.length + APPENDED_GLOBAL_EXPORTS.length;
  const stackHops = planStackHops(module, firstHopGlobal, first + 7 + heapCount);
  const appended: Appended = {
    counterGlobal: module.globals.length,
    stopGlobal: module.globals.length + 1,
    stackGlobal: module.globals.length + 2,
    hostTable: module.tables.length,
    outOfInstructions: first,
    charge64: first + 1,
    charge32: first + 2,
    memoryFault: first + 3,
    tableFault: first + 4,
    goDeeper: first + 5,
    memoryGrew: first + 6,
    ...heapIndices,
    hops: stackHops.hops,
  };
  const none: FunctionType = { params: [], results: [] };
  const helper = (type: FunctionType, body: Uint8Array): HelperFunction => ({
    type,
    exportName: null,
    body,
  });
  const functions = [
    // The helpers' types follow the module's own; the first is () → ().
    helper(none, hostCallBody(appended, HOST_FUNCTION.outOfInstructions, module.types.length)),
    helper({ params: [i64], results: [i64] }, chargeBody(appended)),
    helper({ params: [i32], results: [i32] }, charge32Body(appended)),
    helper(none, memoryFaultBody(layout)),
    helper(none, tableFaultBody(module, lowered)),
    helper(none, hostCallBody(appended, HOST_FUNCTION.goDeeper, module.types.length)),
    helper(none, hostCallBody(appended, HOST_FUNCTION.memoryGrew, module.types.length)),
    ...(layout === null ? [] : heapHelpers(layout, appended, marksBulk)),
    ...stackHopFunctions(module, stackHops, appended, module.types.length),
    ...globalAccessors(module),
    {
      type: { params: [f64], results: [i32] },
      exportName: CHARGE_EXPORT,
      body: hostChargeBody(appended),
    },
  ];
  if (module.tables[0]?.refType !== VALUE_TYPE.funcref) {
    return { appended, functions, furtherTypes: [], stackHops };
  }
  const address = module.memory?.is64 === true ? i64 : i32;
  const typeIndex = module.types.length + functions.length + 1;
  const callback: HelperFunction = {
    type: { params: [i32, address], results: [] },
    exportName: CALLBACK_EXPORT,
    body: callbackBody(module, appended, lowered, typeIndex),
  };
  return {
    appended,
    functions: [...functions, callback],
    furtherTypes: [{ params: [address], results: [] }],
    stackHops,
  };
}

/** Names under which the appended globals are exported, in the order of their indices. */
export const APPENDED_GLOBAL_EXPORTS: readonly string[] = [
  COUNTER_EXPORT,
  STOP_EXPORT,
  STACK_EXPORT,
];
