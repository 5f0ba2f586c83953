import { codedError, err, type Result } from '../base/result.ts';
import { type NetworkSpec, type NetworkSpecError, parseNetworkSpec } from '../wire/network-spec.ts';

/** Slow enough to read along, and it leaves the cores of the device to the reader. */
const CALM_PACE = 'classroom';

/**
 * The network that a link asks for: `?spec=` with the whole JSON, or `?nodes=` and `?spares=`, or
 * `?subnets=` (`system:4,application:4+1`: type, nodes and spare nodes of each, the root first),
 * `?pace=`, `?notaryDelay=` (least milliseconds of a block), `?seed=`, `?dkgInterval=`, `?limits=`
 * (`classroom`, `mainnet`), `?sandboxes=` (1–4) and `?signatures=` (`measured`, `mcl`, `noble`) one by one.
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
  const subnets = params.get('subnets');
  if (subnets !== null && (nodes !== null || spares !== null)) {
    const message = 'A link has either subnets, or nodes and spares of one.';
    return err(codedError('input', 'SPEC_FIELD_INVALID', message));
  }
  const interval = params.get('dkgInterval');
  const notaryDelay = params.get('notaryDelay');
  const signatures = params.get('signatures');
  const sandboxes = params.get('sandboxes');
  return parseNetworkSpec({
    seed: params.get('seed') ?? freshSeed,
    pace: params.get('pace') ?? CALM_PACE,
    subnets: subnets === null ? [subnetOf(nodes, spares)] : subnets.split(',').map(parseSubnet),
    limits: params.get('limits') ?? 'classroom',
    dkgIntervalLength: interval === null ? null : Number(interval),
    initialNotaryDelayMs: notaryDelay === null ? null : Number(notaryDelay),
    ...(sandboxes === null ? {} : { sandboxWorkers: Number(sandboxes) }),
    ...(signatures === null ? {} : { signatureBackend: signatures }),
  });
}

function subnetOf(nodes: string | null, spares: string | null): object {
  return {
    ...(nodes === null ? {} : { nodes: Number(nodes) }),
    ...(spares === null ? {} : { spareNodes: Number(spares) }),
  };
}

/** `application:4+1`, `system:4` or `application`; what is none of these no spec accepts. */
function parseSubnet(text: string): object {
  const [type, sizes, ...rest] = text.trim().split(':');
  // A plus sign of an address stands for a space.
  const [nodes = null, spares = null, ...more] = sizes?.split(/[+ ]/u) ?? [];
  return rest.length + more.length === 0 ? { type, ...subnetOf(nodes, spares) } : { type: text };
}

/** Text that is not JSON becomes a value that no spec accepts. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
