import { codedError, err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import type { NodeId } from '../protocol/types/ids.ts';
import type {
  ArtifactReference,
  FetchFunction,
  InspectableKind,
  Network,
  NetworkClock,
  NetworkError,
  NetworkErrorCode,
  NetworkFaults,
  NetworkInspector,
  NetworkRegistry,
} from './network.ts';
import { PACES, parseSubnetSpec, type SubnetSpec } from './network-spec.ts';

/**
 * What both hosts refuse before they do anything, so that a script gets the same code from either:
 * a closed network, nodes that don't exist, values that no host takes.
 */
export interface NetworkGuard {
  isClosed(): boolean;
  nodeIds(): readonly NodeId[];
}

type Refusal = Result<never, NetworkError> | null;

function refusal(code: NetworkErrorCode, message: string): Result<never, NetworkError> {
  return err(codedError('input', code, message));
}

/** Every method answers NETWORK_CLOSED once the network is closed. */
function refuseWhenClosed<T extends object>(guard: NetworkGuard, port: T): T {
  const guarded = Object.entries(port).map(([name, method]) => [
    name,
    (...args: readonly unknown[]): unknown =>
      guard.isClosed()
        ? Promise.resolve(refusal('NETWORK_CLOSED', 'The network was closed.'))
        : (method as (...all: readonly unknown[]) => unknown)(...args),
  ]);
  return Object.fromEntries(guarded) as T;
}

function unknownNode(guard: NetworkGuard, ids: readonly unknown[]): Refusal {
  const known: readonly unknown[] = guard.nodeIds();
  const at = ids.findIndex((id) => !known.includes(id));
  return at < 0 ? null : refusal('NODE_UNKNOWN', `There is no node ${nameOf(ids[at])}.`);
}

/** Ids come from scripts: anything may stand where one is expected. */
function nameOf(id: unknown): string {
  return typeof id === 'string' ? id.slice(0, 64) : `of type ${typeof id}`;
}

function badGroups(guard: NetworkGuard, groups: readonly (readonly NodeId[])[]): Refusal {
  if (!Array.isArray(groups) || !groups.every((group) => Array.isArray(group))) {
    return refusal('INVALID_ARGUMENT', 'A partition is a list of lists of node ids.');
  }
  const named = groups.flat();
  const twice = new Set(named).size !== named.length;
  return (
    unknownNode(guard, named) ??
    (twice ? refusal('INVALID_ARGUMENT', 'A node can be in one group only.') : null)
  );
}

function badLink(guard: NetworkGuard, from: NodeId, to: NodeId): Refusal {
  return (
    unknownNode(guard, [from, to]) ??
    (from === to ? refusal('INVALID_ARGUMENT', 'A node has no link to itself.') : null)
  );
}

/** What a change means is checked by the registry itself. */
export function guardRegistry(guard: NetworkGuard, port: NetworkRegistry): NetworkRegistry {
  const { update, addSubnet } = refuseWhenClosed(guard, {
    update: port.update,
    addSubnet: async (spec: SubnetSpec) => {
      const parsed = parseSubnetSpec(spec);
      return parsed.ok
        ? port.addSubnet(parsed.value)
        : refusal('INVALID_ARGUMENT', parsed.error.message);
    },
  });
  return { version: port.version, record: port.record, update, addSubnet };
}

export function guardFork(
  guard: NetworkGuard,
  fork: Network['forkCanister'],
): Network['forkCanister'] {
  return refuseWhenClosed(guard, { fork }).fork;
}

/** Checks who and which groups; what a fault means is the host's. */
export function guardFaults(guard: NetworkGuard, port: NetworkFaults): NetworkFaults {
  return refuseWhenClosed(guard, {
    ...port,
    kill: async (nodeId) => unknownNode(guard, [nodeId]) ?? port.kill(nodeId),
    restart: async (nodeId) => unknownNode(guard, [nodeId]) ?? port.restart(nodeId),
    setLink: async (from, to, conditions) =>
      badLink(guard, from, to) ?? port.setLink(from, to, conditions),
    setNode: async (nodeId, conditions) =>
      unknownNode(guard, [nodeId]) ?? port.setNode(nodeId, conditions),
    setMalicious: async (nodeId, behaviours) =>
      unknownNode(guard, [nodeId]) ?? port.setMalicious(nodeId, behaviours),
    wipe: async (nodeId) => unknownNode(guard, [nodeId]) ?? port.wipe(nodeId),
    partition: async (groups) => badGroups(guard, groups) ?? port.partition(groups),
  });
}

/** Checks rates and paces; the time can be read after the close. */
export function guardClock(guard: NetworkGuard, port: NetworkClock): NetworkClock {
  const changes: Omit<NetworkClock, 'now'> = {
    pause: port.pause,
    resume: port.resume,
    step: port.step,
    setRate: async (rate) =>
      Number.isFinite(rate) && rate > 0
        ? port.setRate(rate)
        : refusal('INVALID_ARGUMENT', 'A rate is a number above 0.'),
    setPace: async (pace) =>
      PACES.includes(pace)
        ? port.setPace(pace)
        : refusal('INVALID_ARGUMENT', `A pace is one of ${PACES.join(', ')}.`),
  };
  return { ...refuseWhenClosed(guard, changes), now: port.now };
}

const INSPECTABLE: Readonly<Record<InspectableKind, true>> = {
  block: true,
  notarization: true,
  finalization: true,
  randomBeacon: true,
  randomTape: true,
  catchUpPackage: true,
  certification: true,
};

function checkReference({ kind, height }: ArtifactReference): Result<void, NetworkError> {
  return Object.hasOwn(INSPECTABLE, kind) && Number.isSafeInteger(height) && height >= 0
    ? ok(undefined)
    : refusal('INVALID_ARGUMENT', 'An artifact has a known kind and a height.');
}

export function guardInspector(guard: NetworkGuard, port: NetworkInspector): NetworkInspector {
  return refuseWhenClosed(guard, {
    block: port.block,
    artifact: async (reference) => {
      const checked = checkReference(reference);
      return checked.ok ? port.artifact(reference) : checked;
    },
    verify: async (reference) => {
      const checked = checkReference(reference);
      return checked.ok ? port.verify(reference) : checked;
    },
  });
}

/** Rejects as `fetch` does when there is no network. */
export function guardFetch(guard: NetworkGuard, fetch: FetchFunction): FetchFunction {
  return async (input, init) => {
    if (guard.isClosed()) {
      throw new TypeError('Failed to fetch: the network was closed');
    }
    return fetch(input, init);
  };
}
