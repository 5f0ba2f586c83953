import { present } from '../../base/assert.ts';
import { err, ok } from '../../base/result.ts';
import type { NetworkTopology } from '../../protocol/types/network-topology.ts';
import type { NetworkRegistry, NetworkResult, Topology } from '../../wire/network.ts';
import { noRegistry } from '../../wire/registry-fact.ts';
import type { HostEvent } from '../../wire/telemetry.ts';
import type { Dealt } from '../inspector/registry-office.ts';
import type { Opening } from '../saved/network-opening.ts';
import { nodesOf, type RootRegistry } from './root-registry.ts';
import { CONTROL_DEADLINE_MS, networkError, type Roster } from './roster.ts';

export interface SubnetAdderDeps {
  /** Grows by what is added. */
  readonly deal: { readonly subnets: Dealt[] };
  /** Null where there is no registry. */
  readonly root: RootRegistry | null;
  readonly opening: Pick<Opening, 'saveSubnets'>;
  /** All nodes of the network. */
  readonly roster: Roster;
  report(event: HostEvent): void;
  /** Makes the processes of a subnet, the last of the list. */
  include(one: Dealt): void;
  tellGateway(topology: NetworkTopology): void;
  refreshLinks(): NetworkResult<void>;
  topology(): Topology;
  /** Starts the nodes of the subnet that was included last. */
  startMembers(): NetworkResult<void>;
}

export interface SubnetAdder {
  readonly addSubnet: NetworkRegistry['addSubnet'];
  /** Takes up a subnet that the registry has: the others learn where it is, and its nodes start. */
  settle(one: Dealt): NetworkResult<void>;
}

const OPTIONS = { deadlineMs: CONTROL_DEADLINE_MS };

export function createSubnetAdder(deps: SubnetAdderDeps): SubnetAdder {
  const { deal, root, opening, roster } = deps;
  const settle = async (one: Dealt): NetworkResult<void> => {
    const { topology } = present(root, 'subnets come from the registry').view();
    deal.subnets.push(one);
    deps.include(one);
    const saved = await opening.saveSubnets(
      deal.subnets.map((each) => ({ subnetId: each.genesis.subnetId, nodeIds: nodesOf(each) })),
    );
    if (!saved.ok) {
      return err(networkError('STORAGE_FAILED', saved.error.message));
    }
    deps.tellGateway(topology);
    deps.report({ kind: 'subnetAdded', topology: deps.topology() });
    await roster.tellAll(({ control }) => control.call(OPTIONS, 'addNeighbours', nodesOf(one)));
    await deps.refreshLinks();
    return deps.startMembers();
  };
  return {
    settle,
    addSubnet: async (spec) => {
      if (root === null) {
        return err(noRegistry());
      }
      const made = await root.addSubnet(spec);
      if (!made.ok) {
        return made;
      }
      const settled = await settle(made.value);
      return settled.ok ? ok(made.value.genesis.subnetId) : settled;
    },
  };
}
