import { COUNTER_EXPORT, HOST_TABLE_EXPORT } from '../src/protocol/execution/wasm/validate.ts';
import { HOST_FUNCTION } from '../src/protocol/execution/wasm/helpers.ts';
import { STACK_BYTES } from '../src/protocol/execution/wasm/limits.ts';
import { hostFunctionForTable } from '../src/sandbox/host-hook.ts';
import {
  SEGMENT_BYTES,
  SMALL_SEGMENT_BYTES,
  StackSegments,
} from '../src/sandbox/stack-segments.ts';
import { engineSuspends, suspendingEngine } from '../src/sandbox/suspending-engine.ts';
import { parse, rewrite } from '../tests/spec/wasm/subjects.ts';

/** Small frames, as many as are asked for. */
export const DEEP_WAT = `(module
  (func $deep (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 0))))
  (func (export "run") (param i32) (result i32) (call $deep (local.get 0))))`;

const DEPTH = 40_000;
const RUNS = 40;

interface Descent {
  readonly fastestMs: number;
  readonly hops: number;
}

/** Descends in stack segments of this size, as a sandbox does. */
async function descend(wasm: Uint8Array, segmentBytes: number): Promise<Descent> {
  const { Suspending, promising } = suspendingEngine;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource));
  if (Suspending === undefined || promising === undefined) {
    throw new TypeError('no JSPI');
  }
  const stack = new StackSegments(exports);
  let hops = 0;
  let onOtherStack: (() => Promise<void>) | undefined;
  const goDeeper = (): void | Promise<void> => {
    hops += 1;
    return stack.goDeeper((deeper) => Promise.resolve().then((onOtherStack ??= promising(deeper))));
  };
  const table = exports[HOST_TABLE_EXPORT] as WebAssembly.Table;
  table.set(HOST_FUNCTION.goDeeper, hostFunctionForTable(new Suspending(goDeeper)));
  const run = promising(exports['run']) as (depth: number) => Promise<unknown>;
  let fastestMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < RUNS; i += 1) {
    (exports[COUNTER_EXPORT] as WebAssembly.Global).value = 1n << 60n;
    stack.begin({ bytes: STACK_BYTES, segmentBytes });
    hops = 0;
    const startedMs = performance.now();
    if ((await run(DEPTH)) !== DEPTH) {
      throw new TypeError('a wrong answer came back over the stacks');
    }
    fastestMs = Math.min(fastestMs, performance.now() - startedMs);
  }
  return { fastestMs, hops };
}

/** Microseconds of one hop to another stack and back; null where the engine has no JSPI. */
export async function measureHops(original: Uint8Array): Promise<number | null> {
  const parsed = parse(original);
  const rewriting = parsed.ok ? rewrite(parsed.module) : parsed;
  if (!engineSuspends() || !rewriting.ok) {
    return null;
  }
  const { wasm } = rewriting.rewritten;
  const few = await descend(wasm, SEGMENT_BYTES);
  const many = await descend(wasm, SMALL_SEGMENT_BYTES);
  return ((many.fastestMs - few.fastestMs) * 1000) / (many.hops - few.hops);
}
