import { err, ok, type Result } from '../../base/result.ts';
import { awakensRoot } from '../../protocol/registry/registry-change.ts';
import type { HttpReply } from '../../protocol/node/node-io.ts';
import type { NodeId, SubnetId, TimeNs } from '../../protocol/types/ids.ts';
import type { RegistryChange, SubnetRecord } from '../../protocol/types/registry.ts';
import type { FetchFunction, NetworkResult } from '../../wire/network.ts';
import type { SubnetSpec } from '../../wire/network-spec.ts';
import type { RemoteControl } from '../control/remote.ts';
import type { InspectorControl } from '../inspector/inspector.worker.ts';
import type { Dealt, RegistryView } from '../inspector/registry-office.ts';
import { CONTROL_DEADLINE_MS, networkError, type Roster } from './roster.ts';
import { DEAL_DEADLINE_MS } from './scaffold.ts';

/** The registry that the root subnet keeps, as the page changes it: by calls of its operator. */
export interface RootRegistry {
  view(): RegistryView;
  recordsOf(subnetId: SubnetId): readonly SubnetRecord[];
  /** Makes the next version. */
  change(subnetId: SubnetId, change: RegistryChange): NetworkResult<void>;
  /** Makes the next version with one more subnet; its nodes are to be made and started. */
  addSubnet(spec: SubnetSpec): NetworkResult<Dealt>;
  /** Learns of versions that were made while the page did not look, from nodes that run. Answers the subnets that came with them. */
  catchUp(): NetworkResult<readonly Dealt[]>;
}

export interface RootRegistryDeps {
  readonly initial: RegistryView;
  readonly inspector: RemoteControl<InspectorControl>;
  readonly fetch: FetchFunction;
  nowNs(): TimeNs;
  /** Nodes of the root subnet. */
  rootNodes(): Roster;
  /** Writes the versions after the genesis down. */
  save(view: RegistryView): Promise<Result<void, { readonly message: string }>>;
  pause(ms: number): Promise<void>;
}

/** A call that has no answer yet is sent again so often; a node holds one for ten seconds. */
const MAX_SENDS = 12;
const BETWEEN_SENDS_MS = 500;
const OPTIONS = { deadlineMs: CONTROL_DEADLINE_MS };

export function createRootRegistry(deps: RootRegistryDeps): RootRegistry {
  const { inspector } = deps;
  let current = deps.initial;
  const known = new Set(deps.initial.topology.subnets.map(({ subnetId }) => subnetId));

  let last: Promise<unknown> = Promise.resolve();
  /** Each version follows the one before. */
  const inTurn = <T>(task: () => NetworkResult<T>): NetworkResult<T> => {
    const done = last.then(task);
    last = done.catch(() => undefined);
    return done;
  };
  const take = async (view: RegistryView): NetworkResult<void> => {
    current = view;
    const saved = await deps.save(view);
    return saved.ok ? saved : err(networkError('STORAGE_FAILED', saved.error.message));
  };
  const submit = async (delta: Uint8Array): NetworkResult<void> => {
    const call = await inspector.call(OPTIONS, 'registryCall', delta, deps.nowNs());
    if (!call.ok) {
      return err(networkError('CONTROL_TIMEOUT', call.error.message));
    }
    for (let sends = 0; sends < MAX_SENDS; sends += 1) {
      const reply = await post(deps.fetch, call.value.request);
      const asked = await inspector.call(OPTIONS, 'registryOutcome', call.value, reply, delta);
      const outcome = asked.ok ? asked.value : asked;
      if (outcome.ok) {
        return take(outcome.value);
      }
      if (outcome.error.code !== 'REGISTRY_CALL_OPEN') {
        return err(networkError('INVALID_ARGUMENT', outcome.error.message));
      }
      await deps.pause(BETWEEN_SENDS_MS);
    }
    const message = 'The root subnet did not answer: it may be halted or paused.';
    return err(networkError('CONTROL_TIMEOUT', message));
  };
  /** A version that nodes have from their operator, and that the root had not certified when the page went away. */
  const submitAfterLast = async (delta: Uint8Array): NetworkResult<void> => {
    const made = await submit(delta);
    const last = current.deltas.at(-1);
    if (made.ok || last === undefined || !made.error.message.includes('REGISTRY_VERSION_GAP')) {
      return made;
    }
    const repeated = await submit(last);
    return repeated.ok || repeated.error.message.includes('REGISTRY_VERSION_GAP')
      ? submit(delta)
      : repeated;
  };
  const catchUp: RootRegistry['catchUp'] = async () => {
    for (const { control } of deps.rootNodes().running()) {
      const newer = await control.call(OPTIONS, 'registrySince', current.deltas.length);
      if (!newer.ok || newer.value.length === 0) {
        continue;
      }
      const learnt = await inspector.call({ deadlineMs: DEAL_DEADLINE_MS }, 'registryLearn', [
        ...newer.value,
      ]);
      const taken = learnt.ok
        ? await take(learnt.value.view)
        : err(networkError('CONTROL_TIMEOUT', learnt.error.message));
      if (!taken.ok || !learnt.ok) {
        return taken.ok ? ok([]) : taken;
      }
      const fresh = learnt.value.late.filter(({ genesis }) => !known.has(genesis.subnetId));
      fresh.forEach(({ genesis }) => known.add(genesis.subnetId));
      return ok(fresh);
    }
    return ok([]);
  };
  return {
    view: () => current,
    recordsOf: (subnetId) => current.records.find(([id]) => id === subnetId)?.[1] ?? [],
    change: (subnetId, change) =>
      inTurn(async () => {
        const asked = await inspector.call(OPTIONS, 'registryChange', subnetId, change);
        const prepared = asked.ok ? asked.value : asked;
        if (!prepared.ok) {
          return err(networkError('INVALID_ARGUMENT', prepared.error.message));
        }
        const delta = prepared.value;
        if (subnetId === current.topology.rootSubnetId && awakensRoot(change)) {
          // A halted root certifies nothing: its nodes get the version into their stores.
          const told = await deps
            .rootNodes()
            .tellAll(({ control }) => control.call(OPTIONS, 'recoverRegistry', [delta]));
          if (!told.ok) {
            return told;
          }
        }
        return submitAfterLast(delta);
      }),
    addSubnet: (spec) =>
      inTurn(async () => {
        const asked = await inspector.call(
          { deadlineMs: DEAL_DEADLINE_MS },
          'registrySubnet',
          spec,
          deps.nowNs(),
        );
        const prepared = asked.ok ? asked.value : asked;
        if (!prepared.ok) {
          return err(networkError('INVALID_ARGUMENT', prepared.error.message));
        }
        const { delta, dealt } = prepared.value;
        const made = await submitAfterLast(delta);
        if (!made.ok) {
          return made;
        }
        known.add(dealt.genesis.subnetId);
        return ok(dealt);
      }),
    catchUp,
  };
}

async function post(
  fetch: FetchFunction,
  { path, body }: { readonly path: string; readonly body: Uint8Array },
): Promise<Pick<HttpReply, 'status' | 'body'> | null> {
  try {
    const answer = await fetch(`https://registry.invalid${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/cbor' },
      body: Uint8Array.from(body),
    });
    return { status: answer.status, body: new Uint8Array(await answer.arrayBuffer()) };
  } catch {
    return null;
  }
}

/** The nodes of a subnet, members and others. */
export function nodesOf({ genesis }: Pick<Dealt, 'genesis'>): readonly NodeId[] {
  return [...genesis.nodes, ...genesis.spareNodes].map(({ nodeId }) => nodeId);
}
