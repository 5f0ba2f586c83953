import { err, ok, type Result } from '../../../base/result.ts';
import type { GlobalValue } from '../../interfaces/wasm-host.ts';
import type { CanisterSnapshot } from '../../replicated-state/snapshots.ts';
import type { UserError } from '../user-error.ts';
import { fromListedGlobals } from '../wasm/exported-globals.ts';
import { MAX_HEAP32_WASM_PAGES, MAX_HEAP64_WASM_PAGES } from '../wasm/limits.ts';
import { parseModule } from '../wasm/parse.ts';
import { snapshotInconsistent } from './errors.ts';

/**
 * The mutable globals that an uploaded snapshot gives its module. Errs with 408 when the module cannot
 * run on the snapshot's memory and globals. Security: the sandbox relies on it.
 * @param module unpacked, and valid
 */
export function globalsOfUpload(
  module: Uint8Array,
  snapshot: Pick<CanisterSnapshot, 'globals' | 'heapWasmPages'>,
): Result<readonly GlobalValue[], UserError> {
  const parsed = parseModule(module);
  const globals = fromListedGlobals(parsed, snapshot.globals);
  if (globals === undefined) {
    return err(
      snapshotInconsistent(
        'Wasm exported globals of canister module and snapshot metadata do not match.',
      ),
    );
  }
  const { memory } = parsed;
  const pages = BigInt(snapshot.heapWasmPages);
  const most = memory === null ? 0 : memory.is64 ? MAX_HEAP64_WASM_PAGES : MAX_HEAP32_WASM_PAGES;
  const largest = memory?.max === null || memory === null ? BigInt(most) : memory.max;
  return pages < (memory?.min ?? 0n) || pages > largest || pages > BigInt(most)
    ? err(
        snapshotInconsistent(
          `Wasm memory of ${pages} pages in the snapshot metadata is outside of the limits of the canister module.`,
        ),
      )
    : ok(globals);
}
