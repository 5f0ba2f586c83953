import { present } from '../../base/assert.ts';
import type { TopologySubnet } from '../../wire/network.ts';
import { labelOf, registeredNodes } from '../../wire/projection-edits.ts';
import type { BlockView, HeightView, NetworkProjection, NodeView } from '../../wire/projection.ts';
import type { HashHex, NodeId } from './ids.ts';

/** The subnet that the projection is of. */
export function subnetOf({ topology, subnetIndex }: NetworkProjection): TopologySubnet {
  return present(topology.subnets[subnetIndex], 'a projection is of a subnet of its topology');
}

/** All registered nodes of the network. */
export function allNodes({ topology }: Pick<NetworkProjection, 'topology'>) {
  return topology.subnets.flatMap(registeredNodes);
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

/** Runs and does not hang. */
export function isWorking(node: NodeView): boolean {
  return isUp(node) && !node.world.paused;
}

export function nodesUp(projection: NetworkProjection): number {
  return keyHolders(projection).filter(isWorking).length;
}

export function findNode(projection: NetworkProjection, id: NodeId): NodeView | undefined {
  return projection.nodes.find((node) => node.nodeId === id);
}

export function nodeLabel(projection: NetworkProjection, id: NodeId): string {
  return labelOf(projection, id) ?? 'an unknown node';
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

/** Several parts of the page ask the same at each picture. */
const diverged = new WeakMap<NetworkProjection['heights'], number | undefined>();

/** Highest height for which two nodes report different state roots, if there is one. */
export function divergedHeight({ heights }: NetworkProjection): number | undefined {
  if (!diverged.has(heights)) {
    diverged.set(heights, heights.findLast(hasSeveralRoots)?.height);
  }
  return diverged.get(heights);
}

function hasSeveralRoots({ roots }: HeightView): boolean {
  const [first, ...others] = Object.values(roots);
  return others.some((root) => root !== first);
}

/** A subnet that finalized nothing for this long stands still, whatever its mean rate was. */
const STILL_AFTER_NS = 3_000_000_000n;

/** Blocks finalized per second of network time; 0 as soon as the subnet stands still. */
export function currentRate(projection: NetworkProjection): number | null {
  const isFinal = ({ finalizedNs }: BlockView): boolean => finalizedNs !== null;
  const newest = projection.heights.findLast(({ blocks }) => blocks.some(isFinal));
  const finalizedNs = newest?.blocks.find(isFinal)?.finalizedNs ?? null;
  const still = finalizedNs !== null && projection.atNs - finalizedNs > STILL_AFTER_NS;
  return still ? 0 : projection.blocksPerSecond;
}
