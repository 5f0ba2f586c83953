import type { GlobalValue } from '../../interfaces/wasm-host.ts';
import type { CanisterSnapshot } from '../../replicated-state/snapshots.ts';
import type { UserError } from '../user-error.ts';
import { MAX_HEAP32_WASM_PAGES, MAX_HEAP64_WASM_PAGES } from '../wasm/limits.ts';
import { VALUE_TYPE } from '../wasm/opcodes.ts';
import { parseModule } from '../wasm/parse.ts';
import { snapshotInconsistent } from './errors.ts';

const GLOBAL_TYPES: Readonly<Record<number, GlobalValue['type']>> = {
  [VALUE_TYPE.i32]: 'i32',
  [VALUE_TYPE.i64]: 'i64',
  [VALUE_TYPE.f32]: 'f32',
  [VALUE_TYPE.f64]: 'f64',
};

/**
 * What keeps the module of an uploaded snapshot from running on its memory and globals; undefined
 * when they fit. Security: the sandbox relies on it.
 * @param module unpacked, and valid
 */
export function snapshotMismatch(
  module: Uint8Array,
  snapshot: Pick<CanisterSnapshot, 'globals' | 'heapWasmPages'>,
): UserError | undefined {
  const parsed = parseModule(module);
  const types = parsed.globals
    .filter(({ mutable }) => mutable)
    .map(({ valueType }) => GLOBAL_TYPES[valueType]);
  const { globals } = snapshot;
  if (types.length !== globals.length || types.some((type, i) => type !== globals[i]?.type)) {
    return snapshotInconsistent(
      'Wasm exported globals of canister module and snapshot metadata do not match.',
    );
  }
  const { memory } = parsed;
  const pages = BigInt(snapshot.heapWasmPages);
  const most = memory === null ? 0 : memory.is64 ? MAX_HEAP64_WASM_PAGES : MAX_HEAP32_WASM_PAGES;
  const largest = memory?.max === null || memory === null ? BigInt(most) : memory.max;
  if (pages < (memory?.min ?? 0n) || pages > largest || pages > BigInt(most)) {
    return snapshotInconsistent(
      `Wasm memory of ${pages} pages in the snapshot metadata is outside of the limits of the canister module.`,
    );
  }
  return undefined;
}
