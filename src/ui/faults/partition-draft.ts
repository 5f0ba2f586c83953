import type { NetworkProjection } from '../../wire/projection.ts';
import { allNodes } from '../store/derive.ts';
import type { NodeId } from '../store/ids.ts';

/** The side of each node in a partition that is being chosen. */
export type PartitionDraft = Readonly<Record<NodeId, number>>;

export const SIDES = ['A', 'B', 'C'] as const;

/** Half of the members on each side: no side has a quorum. Spare nodes stand on the second one. */
export function evenSplit({ nodes }: Pick<NetworkProjection, 'nodes'>): PartitionDraft {
  const members = nodes.filter((node) => node.isMember);
  const first = members.slice(0, Math.ceil(members.length / 2));
  return Object.fromEntries(nodes.map((node) => [node.nodeId, first.includes(node) ? 0 : 1]));
}

export function withNextSide(draft: PartitionDraft, nodeId: NodeId): PartitionDraft {
  return { ...draft, [nodeId]: ((draft[nodeId] ?? 0) + 1) % SIDES.length };
}

export function sideOf(draft: PartitionDraft, nodeId: NodeId): string {
  return SIDES[draft[nodeId] ?? 0] ?? SIDES[0];
}

/** What `faults.partition` takes; sides with no node are none. */
export function groupsOf(
  draft: PartitionDraft,
  projection: Pick<NetworkProjection, 'nodes' | 'topology'>,
): readonly (readonly NodeId[])[] {
  const own = projection.nodes.map(({ nodeId }) => nodeId);
  return SIDES.map((_, side) => [
    ...own.filter((nodeId) => (draft[nodeId] ?? 0) === side),
    ...(side === 0 ? strangersOf(projection) : []),
  ]).filter((group) => group.length > 0);
}

/** Nodes of the other subnets: they stand on the first side. */
export function strangersOf({
  nodes,
  topology,
}: Pick<NetworkProjection, 'nodes' | 'topology'>): readonly NodeId[] {
  const own = new Set(nodes.map(({ nodeId }) => nodeId));
  return allNodes({ topology })
    .map(({ nodeId }) => nodeId)
    .filter((nodeId) => !own.has(nodeId));
}

/** The letter of the group a node is in; undefined = the network is whole or names it nowhere. */
export function groupLetter(
  partitions: NetworkProjection['partitions'],
  nodeId: NodeId,
): string | undefined {
  const index = partitions.findIndex((group) => group.includes(nodeId));
  return index < 0 ? undefined : String.fromCodePoint(65 + (index % 26));
}
