import { present } from '../../../src/base/assert.ts';
import { hexToBytes } from '../../../src/base/hex.ts';
import type { FunctionType, ParsedModule } from '../../../src/protocol/execution/wasm/module.ts';
import { VALUE_TYPE } from '../../../src/protocol/execution/wasm/opcodes.ts';
import { typeOfFunction } from '../../../src/protocol/execution/wasm/validate.ts';
import type { Action } from './commands.ts';
import type { Parsed, Subject } from './subjects.ts';
import { instantiateOriginal, instantiateRewritten, parse, rewrite } from './subjects.ts';
import { hostReferences, invocation, reading, RESULT_BYTES, WRAPPER } from './wrapper.ts';

/** One module of a test file, as it came and as rewritten; the two never meet. */
export interface Pair {
  readonly module: ParsedModule;
  readonly original: Subject;
  readonly rewritten: Subject;
}

export type Outcome =
  | { readonly kind: 'returned'; readonly values: readonly (Uint8Array | string)[] }
  | { readonly kind: 'trapped'; readonly cause: TrapCause; readonly message: string };

/** What engines tell apart, in words that do not depend on the engine. */
export type TrapCause =
  | 'unreachable'
  | 'memory'
  | 'table'
  | 'signature'
  | 'divide by zero'
  | 'overflow'
  | 'conversion'
  | 'stack'
  | 'other';

const CAUSES: readonly (readonly [RegExp, TrapCause])[] = [
  [/call stack|stack overflow|recursion/i, 'stack'],
  [/unreachable/i, 'unreachable'],
  [/divide result unrepresentable|integer overflow/i, 'overflow'],
  [/unrepresentable|invalid conversion/i, 'conversion'],
  [/divi|remainder/i, 'divide by zero'],
  [/signature|null function/i, 'signature'],
  [/table|element|call_indirect/i, 'table'],
  [/out of bounds/i, 'memory'],
];

export function causeOf(error: unknown): TrapCause {
  const message = error instanceof Error ? error.message : String(error);
  return CAUSES.find(([pattern]) => pattern.test(message))?.[1] ?? 'other';
}

export type Loading =
  | { readonly ok: true; readonly pair: Pair }
  /** The rewriter refuses what the IC refuses too, or the engine lacks a feature. */
  | { readonly ok: false; readonly kind: 'not applicable'; readonly reason: string }
  /** Both fail to link or to start; or only one does, which is a finding. */
  | {
      readonly ok: false;
      readonly kind: 'thrown';
      readonly original: unknown;
      readonly rewritten: unknown;
    };

/** (module (import "e" "l" (func (param i64 i64))) (func (export "f") (param v128) … the lanes to l)) */
const VECTOR_LOGGER =
  '0061736d01000000010a0260027e7e0060017b000207010165016c000003020101070501016600010a10010e002000fd1d00' +
  '2000fd1d0110000b';

/** JavaScript cannot take a vector: a module in between hands over its lanes. */
function vectorLogger(print: (low: bigint, high: bigint) => void): WebAssembly.ImportValue {
  const wasm = present(hexToBytes(VECTOR_LOGGER), 'the logger is hex');
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource), {
    e: { l: print },
  });
  return exports['f'] as WebAssembly.ExportValue;
}

/** Frames of JavaScript in between would make the native stack's end a matter of the engine. */
const MAX_REENTRY_DEPTH = 3;
/** Of a whole test file: calls that call multiply. */
const MAX_REENTRIES = 200;
const MAX_LOG_ENTRIES = 10_000;

/** What the specification's tests and the fuzzer's modules (wasm-opt -ttf) call; all of it goes to the log. */
function testImports(log: string[], callable: readonly (() => unknown)[]): WebAssembly.Imports {
  let depth = 0;
  let calls = 0;
  const callExport = (index: number): void => {
    if (depth < MAX_REENTRY_DEPTH && calls < MAX_REENTRIES) {
      depth += 1;
      calls += 1;
      try {
        callable[(index >>> 0) % Math.max(1, callable.length)]?.();
      } finally {
        depth -= 1;
      }
    }
  };
  const print = (...values: readonly unknown[]): void => {
    if (log.length < MAX_LOG_ENTRIES) {
      log.push(values.map((value) => (Object.is(value, -0) ? '-0' : String(value))).join());
    }
  };
  return {
    'fuzzing-support': {
      'log-i32': print,
      'log-i64': print,
      'log-f32': print,
      'log-f64': print,
      'log-v128': vectorLogger(print),
      sleep: (_milliseconds: number, id: number) => id,
      'call-export': callExport,
      'call-export-catch': (index: number) => ('error' in attempt(() => callExport(index)) ? 1 : 0),
    },
    env: { setTempRet0: print },
    spectest: {
      print,
      print_i32: print,
      print_i64: print,
      print_f32: print,
      print_f64: print,
      print_i32_f32: print,
      print_f64_f64: print,
    },
  };
}

function attempt<T>(work: () => T): { readonly value?: T; readonly error?: unknown } {
  try {
    return { value: work() };
  } catch (error) {
    return { error };
  }
}

/** Every exported function, called with zeros. */
function callbacks(module: ParsedModule, { exports }: Subject): (() => unknown)[] {
  return module.exports
    .filter(({ kind }) => kind === 0)
    .map(({ name, index }) => {
      const { params } = typeOfFunction(module, index);
      const zeros = params.map((type) => (type === VALUE_TYPE.i64 ? 0n : 0));
      return () => (exports[name] as (...args: unknown[]) => unknown)(...zeros);
    });
}

/** The modules of a test file, both kinds, and what they registered for each other. */
export class World {
  readonly #logs = { original: [] as string[], rewritten: [] as string[] };
  /** What imported functions may call back, of the latest module. */
  readonly #callable = { original: [] as (() => unknown)[], rewritten: [] as (() => unknown)[] };
  readonly #registered = {
    original: testImports(this.#logs.original, this.#callable.original),
    rewritten: testImports(this.#logs.rewritten, this.#callable.rewritten),
  };
  readonly #named = new Map<string, Pair>();
  readonly #scratch = new WebAssembly.Memory({ initial: 1 });
  readonly #references = new Map<string, object>();

  /** Instantiates both, and runs their start functions. */
  load(wasm: Uint8Array): Loading {
    if (!WebAssembly.validate(wasm as BufferSource)) {
      return {
        ok: false,
        kind: 'not applicable',
        reason: 'the engine lacks a feature of the module',
      };
    }
    const parsed: Parsed = parse(wasm);
    if (!parsed.ok) {
      return { ok: false, kind: 'not applicable', reason: `refused: ${parsed.reason}` };
    }
    const { module } = parsed;
    const rewriting = rewrite(module);
    if (!rewriting.ok) {
      return { ok: false, kind: 'not applicable', reason: `refused: ${rewriting.reason}` };
    }
    const original = attempt(() => instantiateOriginal(module, this.#registered.original));
    const rewritten = attempt(() => {
      const made = instantiateRewritten(module, rewriting.rewritten, this.#registered.rewritten);
      made.start();
      return made;
    });
    if (original.value === undefined || rewritten.value === undefined) {
      return {
        ok: false,
        kind: 'thrown',
        original: original.error,
        rewritten: rewritten.error,
      };
    }
    const pair = { module, original: original.value.subject, rewritten: rewritten.value.subject };
    for (const kind of ['original', 'rewritten'] as const) {
      this.#callable[kind].splice(0, Infinity, ...callbacks(module, pair[kind]));
    }
    return { ok: true, pair };
  }

  name(name: string, pair: Pair): void {
    this.#named.set(name, pair);
  }

  named(name: string): Pair | undefined {
    return this.#named.get(name);
  }

  register(as: string, pair: Pair): void {
    this.#registered.original[as] = pair.original.exports as WebAssembly.ModuleImports;
    this.#registered.rewritten[as] = pair.rewritten.exports as WebAssembly.ModuleImports;
  }

  /** Forgets a name, as a module that could not be loaded must not be mistaken for its predecessor. */
  forget(name: string): void {
    this.#named.delete(name);
  }

  /** What was logged since the last call. */
  takeLogs(): { readonly original: string; readonly rewritten: string } {
    const { original, rewritten } = this.#logs;
    return {
      original: original.splice(0).join(';'),
      rewritten: rewritten.splice(0).join(';'),
    };
  }

  #reference(text: string): object {
    const known = this.#references.get(text) ?? { reference: text };
    this.#references.set(text, known);
    return known;
  }

  /** Performs an action on both; undefined when the module exports nothing of that name and kind. */
  perform(pair: Pair, action: Action): { original: Outcome; rewritten: Outcome } | undefined {
    const wanted = action.type === 'invoke' ? 0 : 3;
    const entry = pair.module.exports.find(
      ({ name, kind }) => name === action.field && kind === wanted,
    );
    if (entry === undefined) {
      return undefined;
    }
    const args = action.args ?? [];
    const global = pair.module.globals[entry.index];
    const type: FunctionType =
      action.type === 'invoke'
        ? typeOfFunction(pair.module, entry.index)
        : { params: [], results: [global?.valueType ?? 0] };
    const wrapper = new WebAssembly.Module(
      (action.type === 'invoke'
        ? invocation(type, args)
        : reading(global?.valueType ?? 0, global?.mutable ?? false)) as BufferSource,
    );
    const references = hostReferences(args).map((text) => this.#reference(text));
    const run = (subject: Subject): Outcome => {
      subject.prepare();
      const target = subject.exports[action.field] as WebAssembly.ExportValue;
      return this.#run(wrapper, target, type, references);
    };
    return { original: run(pair.original), rewritten: run(pair.rewritten) };
  }

  #run(
    wrapper: WebAssembly.Module,
    target: WebAssembly.ExportValue,
    type: FunctionType,
    references: readonly object[],
  ): Outcome {
    const imports: WebAssembly.ModuleImports = {
      [WRAPPER.target]: target,
      [WRAPPER.memory]: this.#scratch,
    };
    references.forEach((reference, i) => {
      imports[`${WRAPPER.reference}${i}`] = new WebAssembly.Global(
        { value: 'externref', mutable: false },
        reference,
      );
    });
    const { exports } = new WebAssembly.Instance(wrapper, { [WRAPPER.module]: imports });
    const call = attempt(exports[WRAPPER.run] as () => void);
    if ('error' in call) {
      const message = call.error instanceof Error ? call.error.message : String(call.error);
      return { kind: 'trapped', cause: causeOf(call.error), message };
    }
    let kept = 0;
    const values = type.results.map((valueType, i) => {
      if (valueType === 0x70 || valueType === 0x6f) {
        const { value } = exports[`${WRAPPER.result}${kept++}`] as WebAssembly.Global;
        return this.#describe(value);
      }
      return new Uint8Array(this.#scratch.buffer).slice(i * RESULT_BYTES, (i + 1) * RESULT_BYTES);
    });
    return { kind: 'returned', values };
  }

  /** `null`, the number of a host reference, or `function`. */
  #describe(value: unknown): string {
    if (value === null) {
      return 'null';
    }
    for (const [text, reference] of this.#references) {
      if (reference === value) {
        return text;
      }
    }
    return typeof value;
  }
}
