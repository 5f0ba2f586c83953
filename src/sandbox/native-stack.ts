import { SMALL_STACK_BYTES, STACK_BYTES } from '../protocol/execution/wasm/limits.ts';
import { SECTION } from '../protocol/execution/wasm/module.ts';
import { EMPTY_BLOCK, OP, VALUE_TYPE } from '../protocol/execution/wasm/opcodes.ts';
import { ByteWriter } from '../protocol/execution/wasm/writer.ts';
import type { StackSize } from './stack-segments.ts';

/** Native bytes beyond a run's stack for the node's own frames below it, host functions and leaves. */
const RESERVE_BYTES = 512 * 1024;
const PROBE_VALUES = 100;
/** What no tier of no engine keeps in fewer bytes over a call, and none in many more. */
const PROBE_FRAME_BYTES = 8 * PROBE_VALUES;

function section(w: ByteWriter, id: number, write: (payload: ByteWriter) => void): void {
  const payload = new ByteWriter();
  write(payload);
  w.byte(id);
  w.sized(payload.view());
}

/** $f calls itself so often as its parameter says, and meanwhile holds 100 globals that the callee may change. */
function probeModule(): Uint8Array {
  const w = new ByteWriter(1024);
  w.raw([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  section(w, SECTION.type, (p) => p.raw([1, 0x60, 1, VALUE_TYPE.i32, 0]));
  section(w, SECTION.function, (p) => p.raw([1, 0]));
  section(w, SECTION.global, (p) => {
    p.byte(PROBE_VALUES);
    for (let i = 0; i < PROBE_VALUES; i += 1) {
      p.raw([VALUE_TYPE.i64, 1, OP.i64Const, 0, OP.end]);
    }
  });
  section(w, SECTION.export, (p) => {
    p.byte(1);
    p.name('f');
    p.raw([0, 0]);
  });
  section(w, SECTION.code, (p) => {
    const body = new ByteWriter();
    body.raw([1, PROBE_VALUES, VALUE_TYPE.i64]);
    body.raw([OP.localGet, 0, OP.i32Eqz, OP.if, EMPTY_BLOCK, OP.return, OP.end]);
    for (let i = 0; i < PROBE_VALUES; i += 1) {
      body.raw([OP.globalGet, i, OP.localSet, 1 + i]);
    }
    body.raw([OP.localGet, 0, OP.i32Const, 1, OP.i32Sub, OP.call, 0]);
    for (let i = 0; i < PROBE_VALUES; i += 1) {
      body.raw([OP.localGet, 1 + i, OP.globalSet, i]);
    }
    body.byte(OP.end);
    p.byte(1);
    p.sized(body.view());
  });
  return w.toBytes();
}

/** Whether this thread has so many bytes of native stack left. */
function nativeStackHolds(bytes: number): boolean {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(probeModule() as BufferSource));
  const recurse = instance.exports['f'] as (times: number) => void;
  try {
    recurse(Math.ceil(bytes / PROBE_FRAME_BYTES));
    return true;
  } catch (fault) {
    if (fault instanceof RangeError) {
      return false;
    }
    throw fault;
  }
}

let found: StackSize | undefined;

/** What a run may use of the native stack of a thread like this one: all that the IC gives, or little. */
export function nativeStackSize(): StackSize {
  if (found === undefined) {
    const bytes = nativeStackHolds(STACK_BYTES + RESERVE_BYTES) ? STACK_BYTES : SMALL_STACK_BYTES;
    found = { bytes, segmentBytes: bytes };
  }
  return found;
}
