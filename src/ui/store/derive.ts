import { present } from '../../base/assert.ts';
import type { TopologySubnet } from '../../wire/network.ts';
import type { BlockView, HeightView, NetworkProjection, NodeView } from '../../wire/projection.ts';
import { formatCount } from './format.ts';
import type { HashHex, NodeId } from './ids.ts';

export function subnetOf(projection: NetworkProjection): TopologySubnet {
  return present(projection.topology.subnets[0], 'a network has a subnet');
}

export function isUp(node: NodeView): boolean {
  return node.condition === 'running' || node.condition === 'catchingUp';
}

export function nodesUp(projection: NetworkProjection): number {
  return projection.nodes.filter(isUp).length;
}

export function findNode(projection: NetworkProjection, id: NodeId): NodeView | undefined {
  return projection.nodes.find((node) => node.nodeId === id);
}

export function nodeLabel(projection: NetworkProjection, id: NodeId): string {
  return findNode(projection, id)?.label ?? 'an unknown node';
}

export interface FoundBlock {
  readonly block: BlockView;
  readonly at: HeightView;
}

export function findBlock(projection: NetworkProjection, hash: HashHex): FoundBlock | undefined {
  for (const at of projection.heights) {
    const block = at.blocks.find((candidate) => candidate.facts.hash === hash);
    if (block !== undefined) {
      return { block, at };
    }
  }
  return undefined;
}

/** Heights by which a node's finalized chain trails the best one. */
export function blocksBehind(projection: NetworkProjection, node: NodeView): number {
  return Math.max(0, projection.finalizedHeight - node.heights.finalized);
}

/** Highest height for which two nodes report different state roots, if there is one. */
export function divergedHeight(projection: NetworkProjection): number | undefined {
  return projection.heights.findLast((view) => new Set(Object.values(view.roots)).size > 1)?.height;
}

/** The height that every running node has finalized; the best one may be a block ahead. */
function agreedHeight(projection: NetworkProjection): number {
  const heights = projection.nodes.filter(isUp).map((node) => node.heights.finalized);
  return heights.length === 0 ? projection.finalizedHeight : Math.min(...heights);
}

export interface Headline {
  readonly tone: 'good' | 'warning' | 'error' | 'info';
  readonly text: string;
}

/** The one sentence on top of the scene: what the reader is looking at, right now. */
export function headline(projection: NetworkProjection): Headline {
  const { notarizationThreshold: needed, nodes: all } = subnetOf(projection);
  const up = nodesUp(projection);
  const height = formatCount(projection.finalizedHeight);
  const agreed = formatCount(agreedHeight(projection));
  const [violation] = projection.violations;
  if (violation !== undefined) {
    return { tone: 'error', text: `The protocol was broken. ${violation}` };
  }
  const diverged = divergedHeight(projection);
  if (diverged !== undefined) {
    return {
      tone: 'error',
      text: `Nodes computed different states at height ${formatCount(diverged)}.`,
    };
  }
  if (up < needed) {
    return {
      tone: 'warning',
      text: `${up} of ${all.length} nodes run, ${needed} are needed: the subnet waits at block ${height} and finalizes nothing.`,
    };
  }
  if (projection.clock?.paused === true) {
    return { tone: 'info', text: `Time stands still at block ${height} (finalized).` };
  }
  if (projection.partitions.length > 0) {
    return {
      tone: 'warning',
      text: `The network is split. Only a side with ${needed} nodes can finalize; now at block ${height}.`,
    };
  }
  const late = projection.nodes.filter((node) => node.condition === 'catchingUp');
  if (late.length > 0) {
    const who = late.map((node) => node.label).join(', ');
    const verb = late.length === 1 ? 'is' : 'are';
    return {
      tone: 'warning',
      text: `Block ${height} is finalized. ${who} ${verb} catching up.`,
    };
  }
  if (up < all.length) {
    return {
      tone: 'warning',
      text: `${up} of ${all.length} nodes run: enough to finalize. They agree on block ${agreed}.`,
    };
  }
  return { tone: 'good', text: `All ${all.length} nodes agree on block ${agreed} (finalized).` };
}

/** A subnet that finalized nothing for this long stands still, whatever its mean rate was. */
const STILL_AFTER_NS = 3_000_000_000n;

/** Blocks finalized per second of network time; 0 as soon as the subnet stands still. */
export function currentRate(projection: NetworkProjection): number | null {
  const finalizedNs = projection.heights
    .flatMap((view) => view.blocks)
    .findLast((block) => block.finalizedNs !== null)?.finalizedNs;
  const still =
    finalizedNs !== undefined &&
    finalizedNs !== null &&
    projection.atNs - finalizedNs > STILL_AFTER_NS;
  return still ? 0 : projection.blocksPerSecond;
}
