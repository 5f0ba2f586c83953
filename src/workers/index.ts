import { codedError } from '../base/result.ts';
import type { Network, NetworkError } from '../wire/network.ts';
import { type NetworkSpec, parseNetworkSpec } from '../wire/network-spec.ts';
import { startNetwork } from './supervisor/worker-network.ts';

/** Why there is no network: the spec was refused, or its workers could not be started. */
export class NetworkStartError extends Error {
  override readonly name = 'NetworkStartError';
  readonly error: NetworkError;

  constructor(error: NetworkError) {
    super(error.message);
    this.error = error;
  }
}

/**
 * Starts a network in this tab: one worker per node, real time. Resolves once all nodes run; the
 * first block follows, as `events` tell. Rejects with `NetworkStartError` only.
 */
export async function createWorkerNetwork(spec: NetworkSpec): Promise<Network> {
  const parsed = parseNetworkSpec(spec);
  if (!parsed.ok) {
    const { message } = parsed.error;
    throw new NetworkStartError(codedError('input', 'INVALID_ARGUMENT', message));
  }
  const started = await startNetwork(parsed.value);
  if (!started.ok) {
    throw new NetworkStartError(started.error);
  }
  return started.value;
}
