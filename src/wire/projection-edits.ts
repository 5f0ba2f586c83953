import { compareText } from '../base/bytes.ts';
import type { HashHex, Height, NodeId } from '../protocol/types/ids.ts';
import type { TopologyNode, TopologySubnet } from './network.ts';
import { KEPT_HEIGHTS } from './projection.ts';
import type { BlockView, HeightView, NetworkProjection, NodeView } from './projection.ts';

/** Small changes of a projection that leave everything else as it is. */

export function keepLast<T>(list: readonly T[], count: number): readonly T[] {
  return list.length > count ? list.slice(list.length - count) : list;
}

/** The name of a node of this subnet, or of another one; undefined for anybody else. */
export function labelOf(
  { nodes, topology }: Pick<NetworkProjection, 'nodes' | 'topology'>,
  id: NodeId | 'host' | null,
): string | undefined {
  return (
    nodes.find((node) => node.nodeId === id)?.label ??
    topology.subnets.flatMap(registeredNodes).find((node) => node.nodeId === id)?.label
  );
}

export function registeredNodes({ nodes, spareNodes }: TopologySubnet): readonly TopologyNode[] {
  return [...nodes, ...spareNodes];
}

export function withNode(
  projection: NetworkProjection,
  nodeId: NodeId | 'host',
  change: (node: NodeView) => NodeView,
): NetworkProjection {
  return {
    ...projection,
    nodes: projection.nodes.map((node) => (node.nodeId === nodeId ? change(node) : node)),
  };
}

export function withHeight(
  projection: NetworkProjection,
  height: Height,
  change: (view: HeightView) => HeightView,
): NetworkProjection {
  const newest = projection.heights.at(-1)?.height ?? 0;
  if (height < 1 || height <= newest - KEPT_HEIGHTS) {
    return projection;
  }
  const present = projection.heights.some((view) => view.height === height);
  const fresh: HeightView = {
    height,
    makers: [],
    committee: [],
    beacon: null,
    hasTape: false,
    blocks: [],
    roots: {},
    certified: false,
    hasCatchUpPackage: false,
  };
  const heights = present
    ? projection.heights.map((view) => (view.height === height ? change(view) : view))
    : [...projection.heights, change(fresh)].toSorted((a, b) => a.height - b.height);
  return { ...projection, heights: keepLast(heights, KEPT_HEIGHTS) };
}

export function withBlock(
  projection: NetworkProjection,
  height: Height,
  hash: HashHex,
  change: (block: BlockView) => BlockView,
): NetworkProjection {
  return withHeight(projection, height, (view) => ({
    ...view,
    blocks: view.blocks.map((block) => (block.facts.hash === hash ? change(block) : block)),
  }));
}

export function union(list: readonly NodeId[], added: readonly NodeId[]): readonly NodeId[] {
  const fresh = added.filter((id) => !list.includes(id));
  return fresh.length === 0 ? list : [...list, ...fresh].toSorted(compareText);
}
