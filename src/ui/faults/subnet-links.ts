import { ok } from '../../base/result.ts';
import type { Network, NetworkResult } from '../../wire/network.ts';
import { initialLink } from '../../wire/network-spec.ts';
import type { SubnetProjections } from '../../wire/project-subnets.ts';
import { registeredNodes } from '../../wire/projection-edits.ts';
import type { NetworkProjection } from '../../wire/projection.ts';
import type { NodeId } from '../store/ids.ts';

type World = Pick<NetworkProjection, 'topology' | 'links' | 'partitions'>;

/** Whether no node of one subnet reaches one of the other. */
export function isCutOff(subnets: SubnetProjections, a: number, b: number): boolean {
  const own = subnets[a];
  return own !== undefined && (isSplit(own, a, b) || areLinksCut(own, a, b));
}

function nodesOf({ topology }: World, subnet: number): readonly NodeId[] {
  const shape = topology.subnets[subnet];
  return shape === undefined ? [] : registeredNodes(shape).map(({ nodeId }) => nodeId);
}

function isSplit(world: World, a: number, b: number): boolean {
  const side = (id: NodeId): number => world.partitions.findIndex((group) => group.includes(id));
  const others = new Set(nodesOf(world, b).map(side));
  return world.partitions.length > 0 && nodesOf(world, a).every((id) => !others.has(side(id)));
}

/** Whether each link between the two is cut, both ways. */
export function areLinksCut(world: World, a: number, b: number): boolean {
  const cut = new Set(
    world.links.flatMap(({ from, to, conditions }) => (conditions.cut ? [`${from}/${to}`] : [])),
  );
  return cut.size > 0 && linksBetween(world, a, b).every(([from, to]) => cut.has(`${from}/${to}`));
}

/** Both directions of each pair of nodes. */
export function linksBetween(
  world: Pick<NetworkProjection, 'topology'>,
  a: number,
  b: number,
): readonly (readonly [NodeId, NodeId])[] {
  const whole = { ...world, links: [], partitions: [] };
  return nodesOf(whole, a).flatMap((one) =>
    nodesOf(whole, b).flatMap((other) => [[one, other] as const, [other, one] as const]),
  );
}

/** Cuts all links between two subnets, or makes them as they were at the start. */
export async function setSubnetLink(
  { faults, spec }: Network,
  world: World,
  [a, b]: readonly [number, number],
  cut: boolean,
): NetworkResult<void> {
  const nodes = world.topology.subnets.flatMap(registeredNodes);
  const indexOf = (id: NodeId): number => nodes.findIndex(({ nodeId }) => nodeId === id);
  const now = new Map(world.links.map((link) => [`${link.from}/${link.to}`, link.conditions]));
  const outcomes = await Promise.all(
    linksBetween(world, a, b).map(([from, to]) =>
      faults.setLink(
        from,
        to,
        cut
          ? {
              ...(now.get(`${from}/${to}`) ?? initialLink(spec, indexOf(from), indexOf(to))),
              cut: true,
            }
          : null,
      ),
    ),
  );
  return outcomes.find((outcome) => !outcome.ok) ?? ok(undefined);
}
