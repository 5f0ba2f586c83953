import { execFileSync } from 'node:child_process';

/** What canisters may use of the stack (5 MiB), the frames of the node below and around it, and some to spare. */
const WANTED_KIB = 7000;
/** Below the thread's own stack by what the system puts on it first. */
const NEEDED_KIB = WANTED_KIB + 500;

/**
 * Flags that give Node's main thread as much of the system's stack as canisters may use; none where the
 * system gives less: a larger limit than the stack itself would end the process instead of the call.
 */
export function stackFlags() {
  try {
    const limit = execFileSync('sh', ['-c', 'ulimit -s'], { encoding: 'utf8' }).trim();
    const suffices = limit === 'unlimited' || Number(limit) >= NEEDED_KIB;
    return suffices ? [`--stack-size=${WANTED_KIB}`] : [];
  } catch {
    return [];
  }
}
