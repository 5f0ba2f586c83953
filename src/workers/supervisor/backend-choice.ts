import { ok, type Result } from '../../base/result.ts';
import type { BackendTimes, SignatureBackendChoice } from '../../wire/network.ts';
import type { SignatureBackend } from '../../wire/network-spec.ts';
import type { ControlError } from '../control/remote.ts';
import { fasterBackend } from '../crypto/backend-times.ts';
import type { BackendMemory } from './backend-memory.ts';

export interface BackendChoiceDeps {
  readonly memory: BackendMemory;
  /** Lets the worker that deals keys load the library, measuring first if it is to. */
  ask(wanted: SignatureBackend): Promise<Result<SignatureBackendChoice, ControlError>>;
  /** Lets the nodes load it meanwhile; called again when it becomes another one. */
  prepare(library: SignatureBackendChoice['library']): void;
}

/** Chooses one library for all nodes of a network; measures once per browser. */
export async function chooseSignatureBackend(
  wanted: SignatureBackend,
  { memory, ask, prepare }: BackendChoiceDeps,
): Promise<Result<SignatureBackendChoice, ControlError>> {
  const recalled = wanted === 'measured' ? memory.recall() : undefined;
  const expected = recalled === undefined ? namedLibrary(wanted) : fasterBackend(recalled);
  if (expected !== undefined) {
    prepare(expected);
  }
  const asked = await ask(expected ?? 'measured');
  if (!asked.ok) {
    return asked;
  }
  const choice = recalled === undefined ? asked.value : fromMemory(asked.value, recalled);
  if (choice.library !== expected) {
    prepare(choice.library);
  }
  // Where mcl does not run today it may tomorrow: that is not remembered.
  if (recalled === undefined && choice.times !== null && choice.times.mclMs !== null) {
    memory.keep(choice.times);
  }
  return ok(choice);
}

function namedLibrary(wanted: SignatureBackend): SignatureBackendChoice['library'] | undefined {
  return wanted === 'measured' ? undefined : wanted;
}

function fromMemory(asked: SignatureBackendChoice, times: BackendTimes): SignatureBackendChoice {
  const chosenBy = asked.chosenBy === 'fallback' ? 'fallback' : 'measurement';
  return { library: asked.library, chosenBy, times };
}
