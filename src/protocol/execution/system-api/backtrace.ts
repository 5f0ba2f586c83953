import { demangle } from '../wasm/demangle.ts';
import { functionNames } from '../wasm/function-names.ts';

/** Innermost calls that a backtrace shows. @upstream rs/embedders#wasm_backtrace_max_frames */
export const MAX_BACKTRACE_FRAMES = 20;

/**
 * The functions that were running when a canister trapped, as users and logs see them: a heading and a
 * line each, the innermost first. Null when none has a name, which most modules without names mean.
 * @param frames indices of functions, innermost first
 * @param names content of the module's `name` section
 * @upstream rs/interfaces/src/execution_environment/errors.rs#CanisterBacktrace
 */
export function backtraceText(frames: readonly number[], names: Uint8Array): string | null {
  const shown = frames.slice(0, MAX_BACKTRACE_FRAMES);
  const found = functionNames(names, new Set(shown));
  if (found.size === 0) {
    return null;
  }
  const lines = shown.map((index) => {
    const name = found.get(index);
    return name === undefined ? `unknown function at index ${index}` : demangle(name);
  });
  return `Canister Backtrace:\n${lines.map((line) => `${line}\n`).join('')}`;
}
