import type { CanisterTrap } from '../protocol/execution/system-api/canister-trap.ts';
import { trapped } from '../protocol/execution/system-api/canister-trap.ts';
import { HostFault } from './host-fault.ts';

/** An engine's words for a trap → the IC's. Firefox and Safari word theirs differently from V8. */
const CAUSES: readonly (readonly [RegExp, string])[] = [
  [/divide result unrepresentable|integer overflow|division overflow/i, 'unknown'],
  [/unrepresentable|invalid conversion|out of range|truncat/i, 'unknown'],
  [/divi|remainder/i, 'integer division by 0'],
  [/unreachable/i, 'unreachable'],
  [/table|element|call_indirect/i, 'table out of bounds'],
  [/signature|indirect call to null|null function|uninitialized/i, 'unknown'],
  [/out of bounds/i, 'heap out of bounds'],
];

const STACK_OVERFLOW = /call stack|too much recursion/i;

/**
 * The IC's error for what an engine threw out of a canister; undefined when it is not the
 * canister's doing. Throws `HostFault` when the native stack ended, which must not happen: where it
 * does differs between engines and tiers.
 */
export function trapOfEngineError(thrown: unknown): CanisterTrap | undefined {
  if (!(thrown instanceof Error)) {
    return undefined;
  }
  if (STACK_OVERFLOW.test(thrown.message)) {
    throw new HostFault('the native stack ended before the one that canisters are given');
  }
  if (!(thrown instanceof WebAssembly.RuntimeError)) {
    return undefined;
  }
  const cause = CAUSES.find(([pattern]) => pattern.test(thrown.message));
  return trapped(cause?.[1] ?? 'unknown');
}
