import type { Result } from '../base/result.ts';
import { type NetworkSpec, type NetworkSpecError, parseNetworkSpec } from '../wire/network-spec.ts';

/** Slow enough to read along, and it leaves the cores of the device to the reader. */
const CALM_PACE = 'classroom';

/**
 * The network that a link asks for: `?spec=` with the whole JSON, or `?nodes=`, `?spares=`,
 * `?pace=`, `?seed=`, `?dkgInterval=`, `?limits=` (`classroom`, `mainnet`), `?sandboxes=` (1–4)
 * and `?signatures=` (`measured`, `mcl`, `noble`) one by one.
 * Without a seed each load deals new keys, so that two tabs never speak on one channel.
 */
export function specOfLocation(
  search: string,
  freshSeed: string,
): Result<NetworkSpec, NetworkSpecError> {
  const params = new URLSearchParams(search);
  const whole = params.get('spec');
  if (whole !== null) {
    return parseNetworkSpec(parseJson(whole));
  }
  const nodes = params.get('nodes');
  const spares = params.get('spares');
  const interval = params.get('dkgInterval');
  const signatures = params.get('signatures');
  const sandboxes = params.get('sandboxes');
  return parseNetworkSpec({
    seed: params.get('seed') ?? freshSeed,
    pace: params.get('pace') ?? CALM_PACE,
    subnets: [
      {
        ...(nodes === null ? {} : { nodes: Number(nodes) }),
        ...(spares === null ? {} : { spareNodes: Number(spares) }),
      },
    ],
    limits: params.get('limits') ?? 'classroom',
    dkgIntervalLength: interval === null ? null : Number(interval),
    ...(sandboxes === null ? {} : { sandboxWorkers: Number(sandboxes) }),
    ...(signatures === null ? {} : { signatureBackend: signatures }),
  });
}

/** Text that is not JSON becomes a value that no spec accepts. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
