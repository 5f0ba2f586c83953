import { present } from '../../base/assert.ts';
import type { TopologySubnet } from '../../wire/network.ts';
import type { BlockView, HeightView, NetworkProjection, NodeView } from '../../wire/projection.ts';
import { enumerate } from '../../wire/incidents.ts';
import { formatCount } from './format.ts';
import type { HashHex, NodeId } from './ids.ts';

export function subnetOf(projection: NetworkProjection): TopologySubnet {
  return present(projection.topology.subnets[0], 'a network has a subnet');
}

export function isUp(node: NodeView): boolean {
  return node.condition === 'running' || node.condition === 'catchingUp';
}

/** The nodes that hold shares of the subnet's key now: they decide. Spare nodes are no part of it. */
export function keyHolders({ nodes, interval }: NetworkProjection): readonly NodeView[] {
  return nodes.filter((node) => interval.receivers.includes(node.nodeId));
}

/** A spare node has no part in anything: it starts when it becomes a member. */
export function canRestart({ interval }: NetworkProjection, node: NodeView): boolean {
  const isDown = node.condition === 'stopped' || node.condition === 'crashed';
  return isDown && (node.isMember || interval.receivers.includes(node.nodeId));
}

export interface Quorum {
  readonly size: number;
  /** Faults tolerated: floor((n − 1) / 3). */
  readonly tolerated: number;
  /** Shares that make a notarization or a finalization. */
  readonly needed: number;
}

/** The rules of counting for the members of this key interval. */
export function quorumOf({ interval }: NetworkProjection): Quorum {
  const size = interval.receivers.length;
  const tolerated = Math.floor((size - 1) / 3);
  return { size, tolerated, needed: 2 * tolerated + 1 };
}

export function nodesUp(projection: NetworkProjection): number {
  return keyHolders(projection).filter(isUp).length;
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
  const heights = keyHolders(projection)
    .filter((node) => isUp(node) && node.behaviours.length === 0)
    .map((node) => node.heights.finalized);
  return heights.length === 0 ? projection.finalizedHeight : Math.min(...heights);
}

export interface Headline {
  readonly tone: 'good' | 'warning' | 'error' | 'info';
  readonly text: string;
}

/** The one sentence on top of the scene: what the reader is looking at, right now. */
export function headline(projection: NetworkProjection): Headline {
  const all = keyHolders(projection);
  const { needed, tolerated } = quorumOf(projection);
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
  const liars = all.filter((node) => node.behaviours.length > 0);
  if (liars.length > tolerated) {
    return {
      tone: 'error',
      text: `${liars.length} of ${all.length} nodes break the rules, ${tolerated} are tolerated: nothing is promised at block ${height}.`,
    };
  }
  const syncing = projection.nodes.find((node) => node.sync !== null);
  if (syncing !== undefined) {
    return {
      tone: 'info',
      text: `Block ${height} is finalized. ${syncing.label} fetches the state of height ${formatCount(syncing.sync?.height ?? 0)} from its peers.`,
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
  if (liars.length > 0) {
    const honest = all.length - liars.length;
    const who = enumerate(liars.map((node) => node.label));
    return {
      tone: 'warning',
      text: `${who} ${liars.length === 1 ? 'breaks' : 'break'} the rules. The other ${honest} agree on block ${agreed}.`,
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
