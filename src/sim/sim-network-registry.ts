import { present } from '../base/assert.ts';
import { codedError, err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import type { HttpReply, HttpRequest } from '../protocol/node/node-io.ts';
import { awakensRoot } from '../protocol/registry/registry-change.ts';
import type { RegistryDesk } from '../protocol/registry/registry-desk.ts';
import type { DealtSubnet } from '../protocol/types/genesis.ts';
import type { NodeId, SubnetId } from '../protocol/types/ids.ts';
import type { RegistryChange, SubnetRecord } from '../protocol/types/registry.ts';
import type { NetworkError, NetworkErrorCode, NetworkResult } from '../wire/network.ts';
import type { SubnetSpec } from '../wire/network-spec.ts';
import { registryFact } from '../wire/registry-fact.ts';
import type { SimRegistries } from './sim-registries.ts';
import type { SimRegistryDeps } from './sim-registry.ts';
import type { Simulation } from './simulation.ts';

export interface SimNetworkRegistryDeps
  extends Pick<SimRegistryDeps, 'checkers' | 'control' | 'report' | 'simulation'> {
  readonly desk: RegistryDesk;
  readonly clock: Pick<Simulation, 'nowNs'>;
  /** Brings a call to the root subnet; null = no node answered. */
  send(request: HttpRequest): Promise<HttpReply | null>;
  /** Makes the nodes of a subnet that was written into the registry, and starts them. */
  add(dealt: DealtSubnet, spec: SubnetSpec): void;
}

/** A call that the root subnet does not answer is sent again so often: ten seconds each. */
const MAX_SENDS = 12;

function fail(code: NetworkErrorCode, message: string): Result<never, NetworkError> {
  return err(codedError('input', code, message));
}

/**
 * The registry of a network whose root subnet keeps it. Every version goes through the root's
 * consensus; nodes learn of it by themselves.
 */
export function createSimNetworkRegistry(deps: SimNetworkRegistryDeps): SimRegistries {
  const { desk, simulation, checkers, control, report, clock } = deps;
  const { rootSubnetId } = desk.local.newestTopology();
  const leavers = new Set<NodeId>();
  let working: Promise<unknown> = Promise.resolve();

  /** One after the other: each version follows the one before. */
  const inTurn = <T>(task: () => NetworkResult<T>): NetworkResult<T> => {
    const done = working.then(task);
    working = done.catch(() => undefined);
    return done;
  };
  const newest = (subnetId: SubnetId = rootSubnetId): SubnetRecord | undefined =>
    desk.local.recordAt(subnetId, desk.local.version());
  const known = (subnetId: SubnetId | undefined): SubnetRecord => {
    const record = newest(subnetId);
    if (record === undefined) {
      throw new RangeError(`There is no subnet ${String(subnetId).slice(0, 64)}.`);
    }
    return record;
  };
  const submit = async (delta: Uint8Array): NetworkResult<void> => {
    const call = desk.call(delta, clock.nowNs());
    for (let sends = 0; sends < MAX_SENDS; sends += 1) {
      const outcome = desk.outcome(call, await deps.send(call.request));
      if (outcome.ok) {
        const applied = desk.apply(delta);
        return applied.ok ? ok(undefined) : fail('INVALID_ARGUMENT', applied.error.message);
      }
      if (outcome.error.code !== 'REGISTRY_CALL_OPEN') {
        return fail('INVALID_ARGUMENT', outcome.error.message);
      }
    }
    return fail('CONTROL_TIMEOUT', 'The root subnet did not answer: it may be halted.');
  };
  const update = async (change: RegistryChange, subnetId: SubnetId): NetworkResult<number> => {
    const before = newest(subnetId)?.members ?? [];
    const prepared = desk.prepareChange(subnetId, change);
    if (!prepared.ok) {
      const { code, message } = prepared.error;
      return fail(code === 'SUBNET_UNKNOWN' ? code : 'INVALID_ARGUMENT', message);
    }
    const delta = prepared.value;
    const begun = await control(null, () => {
      if (subnetId === rootSubnetId && awakensRoot(change)) {
        simulation.broadcast({ kind: 'registryRecovery', deltas: [delta] }, 0);
      }
      return ok(undefined);
    });
    const made = begun.ok ? await submit(delta) : begun;
    if (!made.ok) {
      return made;
    }
    const record = present(newest(subnetId), 'the changed record is there');
    report(registryFact(record, subnetId));
    for (const member of record.members.filter((id) => !before.includes(id))) {
      leavers.delete(member);
      if (!simulation.isRunning(member)) {
        checkers.restarted(member);
        simulation.start(member);
      }
    }
    return ok(record.version);
  };
  const addSubnet = async (spec: SubnetSpec): NetworkResult<SubnetId> => {
    const prepared = desk.prepareSubnet(spec, clock.nowNs());
    if (!prepared.ok) {
      return fail('INVALID_ARGUMENT', prepared.error.message);
    }
    const { delta, dealt } = prepared.value;
    const begun = await control(null, () => ok(undefined));
    const made = begun.ok ? await submit(delta) : begun;
    if (!made.ok) {
      return made;
    }
    deps.add(dealt, spec);
    return ok(dealt.genesis.subnetId);
  };

  return {
    port: {
      version: (subnetId) => known(subnetId).version,
      record: (subnetId) => known(subnetId),
      update: (change, subnetId) => inTurn(() => update(change, subnetId ?? rootSubnetId)),
      addSubnet: (spec) => inTurn(() => addSubnet(spec)),
    },
    records: (subnetId = rootSubnetId) => desk.recordsOf(subnetId),
    facts: () =>
      desk.local.subnets().flatMap((subnetId) =>
        desk
          .recordsOf(subnetId)
          .slice(-1)
          .map((record) => registryFact(record, subnetId)),
      ),
    observe: (nodeId, event) => {
      const home = desk.local.newestTopology().subnets.some(({ nodes }) => nodes.includes(nodeId));
      if (event.kind === 'leftSubnet' && !home) {
        leavers.add(nodeId);
      }
    },
    stopLeavers: () => {
      for (const nodeId of leavers) {
        simulation.kill(nodeId);
      }
      leavers.clear();
    },
  };
}
