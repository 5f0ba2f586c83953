import { SMALL_STACK_BYTES, STACK_BYTES } from '../protocol/execution/wasm/limits.ts';
import { VALUE_TYPE } from '../protocol/execution/wasm/opcodes.ts';
import { ByteWriter } from '../protocol/execution/wasm/writer.ts';
import type { StackSize } from './stack-segments.ts';

/** Native bytes beyond a run's stack for the node's own frames below it, host functions and leaves. */
const RESERVE_BYTES = 512 * 1024;
const PROBE_PARAMETERS = 100;
/** What no tier of no engine passes in fewer bytes: at most eight of the parameters fit into registers. */
const PROBE_FRAME_BYTES = 8 * (PROBE_PARAMETERS - 8);

function section(w: ByteWriter, id: number, write: (payload: ByteWriter) => void): void {
  const payload = new ByteWriter();
  write(payload);
  w.byte(id);
  w.sized(payload.view());
}

/** (func $f (export "f") (param i64 …) calls itself param 0 times, with one less each time and the others passed on) */
function probeModule(): Uint8Array {
  const w = new ByteWriter(1024);
  w.raw([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  section(w, 1, (p) => {
    p.raw([1, 0x60, PROBE_PARAMETERS]);
    p.raw(Array.from({ length: PROBE_PARAMETERS }, () => VALUE_TYPE.i64));
    p.byte(0);
  });
  section(w, 3, (p) => p.raw([1, 0]));
  section(w, 7, (p) => {
    p.byte(1);
    p.name('f');
    p.raw([0, 0]);
  });
  section(w, 10, (p) => {
    const body = new ByteWriter();
    // No locals; if (param 0 == 0) return; f(param 0 - 1, param 1, …); the call is not the last.
    body.raw([0, 0x20, 0, 0x50, 0x04, 0x40, 0x0f, 0x0b, 0x20, 0, 0x42, 1, 0x7d]);
    for (let i = 1; i < PROBE_PARAMETERS; i += 1) {
      body.raw([0x20, i]);
    }
    body.raw([0x10, 0, 0x0b]);
    p.byte(1);
    p.sized(body.view());
  });
  return w.toBytes();
}

/** Whether this thread has so many bytes of native stack left. */
function nativeStackHolds(bytes: number): boolean {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(probeModule() as BufferSource));
  const recurse = instance.exports['f'] as (...args: bigint[]) => void;
  const args = Array.from({ length: PROBE_PARAMETERS }, () => 0n);
  args[0] = BigInt(Math.ceil(bytes / PROBE_FRAME_BYTES));
  try {
    recurse(...args);
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
