import type { FunctionType, ParsedModule } from '../../../src/protocol/execution/wasm/module.ts';
import { typeOfFunction } from '../../../src/protocol/execution/wasm/validate.ts';
import type { Action } from './commands.ts';
import type { Subject } from './subjects.ts';
import type { RewrittenModule } from '../../../src/protocol/execution/wasm/instrument.ts';
import { instantiateOriginal, instantiateRewritten, isWide, parse, rewrite } from './subjects.ts';
import { attempt, nothingReached, reach, testImports } from './test-imports.ts';
import { hostReferences, invocation, reading, RESULT_BYTES, WRAPPER } from './wrapper.ts';

/** One module of a test file, as it came and as rewritten; the two never meet. */
export interface Pair {
  readonly module: ParsedModule;
  /** Null where only the rewriter's lowering of a 64-bit module runs. */
  readonly original: Subject | null;
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

interface Prepared {
  readonly module: ParsedModule;
  /** Whether the engine can run it as it is. */
  readonly native: boolean;
  readonly rewriting: RewrittenModule;
}

/** Both forms of a module, or why there are none. */
function prepare(wasm: Uint8Array): Prepared | string {
  const native = WebAssembly.validate(wasm as BufferSource);
  const parsed = parse(wasm);
  if (!native && (!parsed.ok || !isWide(parsed.module))) {
    return 'the engine lacks a feature of the module';
  }
  if (!parsed.ok) {
    return `refused: ${parsed.reason}`;
  }
  const { module } = parsed;
  const rewriting = rewrite(module, !native);
  if (!rewriting.ok) {
    return `refused: ${rewriting.reason}`;
  }
  if (!native && !WebAssembly.validate(rewriting.rewritten.wasm as BufferSource)) {
    return 'the engine lacks a feature of the module';
  }
  return {
    module,
    native,
    rewriting: rewriting.rewritten,
  };
}

/** The modules of a test file, both kinds, and what they registered for each other. */
export class World {
  readonly #logs = { original: [] as string[], rewritten: [] as string[] };
  /** What imported functions reach, of the latest module. */
  readonly #reached = { original: nothingReached(), rewritten: nothingReached() };
  readonly #registered = {
    original: testImports(this.#logs.original, this.#reached.original),
    rewritten: testImports(this.#logs.rewritten, this.#reached.rewritten),
  };
  readonly #named = new Map<string, Pair>();
  readonly #prepared = new Map<Uint8Array, Prepared | string>();
  readonly #scratch = new WebAssembly.Memory({ initial: 1 });
  readonly #references = new Map<string, object>();
  readonly #segmentBytes: number | undefined;

  constructor(segmentBytes?: number) {
    this.#segmentBytes = segmentBytes;
  }

  /** Instantiates both, and runs their start functions. */
  load(wasm: Uint8Array): Loading {
    const prepared = this.#prepared.get(wasm) ?? prepare(wasm);
    this.#prepared.set(wasm, prepared);
    if (typeof prepared === 'string') {
      return { ok: false, kind: 'not applicable', reason: prepared };
    }
    const { module, native, rewriting } = prepared;
    const original = native
      ? attempt(() => instantiateOriginal(module, this.#registered.original))
      : null;
    const rewritten = attempt(() => {
      const made = instantiateRewritten(
        module,
        rewriting,
        this.#registered.rewritten,
        this.#segmentBytes,
      );
      made.start();
      return made;
    });
    if ((original !== null && original.value === undefined) || rewritten.value === undefined) {
      return {
        ok: false,
        kind: 'thrown',
        original: original === null ? rewritten.error : original.error,
        rewritten: rewritten.error,
      };
    }
    const pair: Pair = {
      module,
      original: original?.value?.subject ?? null,
      rewritten: rewritten.value.subject,
    };
    for (const kind of ['original', 'rewritten'] as const) {
      reach(this.#reached[kind], module, pair[kind]?.exports ?? {});
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
    this.#registered.original[as] = (pair.original?.exports ?? {}) as WebAssembly.ModuleImports;
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
  perform(
    pair: Pair,
    action: Action,
  ): { original: Outcome | null; rewritten: Outcome } | undefined {
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
    return {
      original: pair.original === null ? null : run(pair.original),
      rewritten: run(pair.rewritten),
    };
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
